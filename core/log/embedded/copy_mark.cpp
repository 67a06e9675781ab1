#include "core/log/embedded/copy_mark.hpp"

#include "core/log/embedded/checked_text.hpp"

namespace tidemark::log {
namespace {

constexpr std::string_view kForm = "tidemark-copy";
constexpr std::string_view kName = "copy";

std::string path_of(const std::string& directory) { return directory + "/" + std::string(kName); }

}  // namespace

std::string render_copy_mark(const CopyMark& mark) {
  return render_checked(kForm, "source " + to_string(mark.source) + "\ncomplete " + (mark.complete ? "yes" : "no") + "\n");
}

Result<CopyMark> parse_copy_mark(std::string_view bytes) {
  auto lines = parse_checked(kForm, kName, bytes);
  if (!lines) return lines.take_error();
  CopyMark mark;
  for (auto line : *lines) {
    const auto word = take_word(line);
    if (word == "complete") mark.complete = line == "yes";
    if (word == "source") mark.source = parse_uuid(line).value_or(Uuid{});
  }
  if (render_copy_mark(mark) != bytes) return bad_text(kName);
  return mark;
}

Result<void> write_copy_mark(Disk& disk, const std::string& directory, const CopyMark& mark) {
  return replace_file(disk, path_of(directory), render_copy_mark(mark));
}

Result<void> remove_copy_mark(Disk& disk, const std::string& directory) {
  auto there = disk.exists(path_of(directory));
  if (!there) return there.take_error();
  return *there ? disk.remove(path_of(directory)) : Result<void>();
}

Result<std::optional<CopyMark>> check_copy_mark(Disk& disk, const std::string& directory, const std::optional<Uuid>& copy_of) {
  std::optional<CopyMark> mark;
  if (auto bytes = read_file(disk, path_of(directory))) {
    auto parsed = parse_copy_mark(*bytes);
    if (!parsed) return parsed.take_error();
    mark = *parsed;
  } else if (bytes.error().code != Code::not_found) {
    return bytes.take_error();
  }
  const std::string name = "the journal in " + directory;
  if (!copy_of && mark && !mark->complete) {
    return make_error(Code::unavailable, name + " is an unfinished copy of log " + to_string(mark->source) + ": let the copy be finished first");
  }
  if (copy_of && !mark) return make_error(Code::invalid_argument, name + " is no copy");
  if (copy_of && mark->source != *copy_of) {
    return make_error(Code::invalid_argument, name + " is a copy of log " + to_string(mark->source) + ", not of " + to_string(*copy_of));
  }
  return mark;
}

}  // namespace tidemark::log
