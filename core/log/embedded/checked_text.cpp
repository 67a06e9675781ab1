#include "core/log/embedded/checked_text.hpp"

#include <charconv>

#include "core/base/bytes.hpp"
#include "core/base/ids.hpp"

namespace tidemark::log {
namespace {

std::string crc_line(std::string_view before) {
  std::string crc;
  put_u32_be(crc, crc32c(before));
  return "crc32c " + to_hex(crc) + "\n";
}

}  // namespace

std::string render_checked(std::string_view form, std::string_view lines) {
  std::string out(form);
  out.append(" 1\n").append(lines);
  return out + crc_line(out);
}

Error bad_text(std::string_view file) {
  return make_error(Code::corrupt, std::string(file) + ": its content does not fit its checksum or form");
}

Result<std::vector<std::string_view>> parse_checked(std::string_view form, std::string_view file, std::string_view bytes) {
  const auto last = bytes.rfind("crc32c ");
  if (last == bytes.npos || bytes.substr(last) != crc_line(bytes.substr(0, last))) return bad_text(file);
  std::vector<std::string_view> lines;
  for (auto rest = bytes.substr(0, last); !rest.empty();) {
    const auto end = rest.find('\n');
    if (end == rest.npos) return bad_text(file);
    lines.push_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  if (lines.empty()) return bad_text(file);
  auto first = lines.front();
  if (take_word(first) != form) return bad_text(file);
  // Only a file whose checksum holds may claim to be newer; anything else is damage.
  if (first != "1") return make_error(Code::unsupported_version, std::string(file) + ": written by a newer build (" + std::string(lines.front()) + ")");
  lines.erase(lines.begin());
  return lines;
}

std::string_view take_word(std::string_view& line) {
  const auto space = line.find(' ');
  const auto word = line.substr(0, space);
  line = space == line.npos ? std::string_view() : line.substr(space + 1);
  return word;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto done = std::from_chars(text.data(), text.data() + text.size(), value);
  if (done.ec != std::errc() || done.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace tidemark::log
