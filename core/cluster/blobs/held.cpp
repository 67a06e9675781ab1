#include "core/cluster/blobs/held.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/blob/blob_store.hpp"

namespace tidemark::cluster {
namespace {

constexpr std::string_view kPrivate = "private ";

std::optional<blob::StoredFile> parse_line(std::string_view line) {
  if (line.starts_with(kPrivate)) {
    line.remove_prefix(kPrivate.size());
    if (!blob::is_private_name(line)) return std::nullopt;
    return blob::StoredFile{true, std::string(line), 0};
  }
  const auto space = line.find(' ');
  if (space == line.npos || !blob::is_sha256(line.substr(0, space))) return std::nullopt;
  blob::StoredFile file{false, std::string(line.substr(0, space)), 0};
  line.remove_prefix(space + 1);
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), file.size);
  if (line.empty() || error != std::errc() || end != line.data() + line.size()) return std::nullopt;
  return file;
}

Error malformed() {
  return make_error(Code::invalid_argument, "1 to " + std::to_string(kHeldFilesMax) + " lines, each \"<sha256> <size>\" or \"private <name>\"");
}

}  // namespace

std::string held_question(const std::vector<blob::StoredFile>& files) {
  std::string text;
  for (const blob::StoredFile& file : files) {
    text += file.is_private ? std::string(kPrivate) + file.name : file.name + " " + std::to_string(file.size);
    text += '\n';
  }
  return text;
}

Result<std::vector<blob::StoredFile>> parse_held_question(std::string_view text) {
  std::vector<blob::StoredFile> files;
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (end == text.npos || files.size() == kHeldFilesMax) return malformed();
    auto file = parse_line(text.substr(0, end));
    if (!file) return malformed();
    files.push_back(std::move(*file));
    text.remove_prefix(end + 1);
  }
  if (files.empty()) return malformed();
  return files;
}

std::string held_answer(const std::vector<bool>& held) {
  std::string text;
  for (const bool here : held) text += here ? '1' : '0';
  return text + '\n';
}

Result<std::vector<bool>> parse_held_answer(std::string_view text, std::size_t files) {
  std::vector<bool> held;
  if (text.size() == files + 1 && text.back() == '\n') {
    text.remove_suffix(1);
    if (std::all_of(text.begin(), text.end(), [](char c) { return c == '0' || c == '1'; })) {
      for (const char c : text) held.push_back(c == '1');
      return held;
    }
  }
  return make_error(Code::corrupt, "not an answer about " + std::to_string(files) + " files");
}

std::string held_statement(std::string_view answer) { return std::string(kHeldTarget) + " " + std::string(answer); }

}  // namespace tidemark::cluster
