#include "core/http/multipart.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/http/head.hpp"
#include "core/http/uri.hpp"

namespace tidemark::http {
namespace {

constexpr std::size_t kPaddingBytesMax = 256;
constexpr const char* kAfterBoundary = "a boundary is followed by neither CR LF nor --";

/// Takes the next `; name=value` of a parameter list. Values may be tokens or quoted. In a quoted value a backslash
/// escapes only '"' and itself: some browsers send whole Windows paths unescaped.
/// 1: taken, 0: end, -1: malformed.
int next_parameter(std::string_view& rest, std::string& name, std::string& value) {
  rest = trimmed(rest);
  if (rest.empty()) return 0;
  if (rest.front() != ';') return -1;
  rest = trimmed(rest.substr(1));
  if (rest.empty()) return 0;
  std::size_t i = 0;
  while (i < rest.size() && is_token_char(rest[i])) ++i;
  if (i == 0 || i == rest.size() || rest[i] != '=') return -1;
  name.assign(rest.substr(0, i));
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  rest.remove_prefix(i + 1);
  value.clear();
  if (!rest.starts_with('"')) {
    i = std::min(rest.find(';'), rest.size());
    value.assign(trimmed(rest.substr(0, i)));
    rest.remove_prefix(i);
    return 1;
  }
  for (i = 1; i < rest.size() && rest[i] != '"'; ++i) {
    if (rest[i] == '\\' && i + 1 < rest.size() && (rest[i + 1] == '"' || rest[i + 1] == '\\')) ++i;
    value += rest[i];
  }
  if (i >= rest.size()) return -1;
  rest.remove_prefix(i + 1);
  return 1;
}

/// RFC 8187 ext-value: UTF-8'language'percent-encoded.
std::optional<std::string> decode_extended(std::string_view text) {
  const auto first = text.find('\'');
  if (first == std::string_view::npos || !same_token(text.substr(0, first), "UTF-8")) return std::nullopt;
  const auto second = text.find('\'', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  text.remove_prefix(second + 1);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size() || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0) return std::nullopt;
    out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
    i += 2;
  }
  return out;
}

bool boundary_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c != '\0' && std::strchr("'()+_,-./:=? ", c) != nullptr);
}

}  // namespace

std::optional<std::string> multipart_boundary(std::string_view content_type) {
  const auto semicolon = std::min(content_type.find(';'), content_type.size());
  if (!same_token(trimmed(content_type.substr(0, semicolon)), "multipart/form-data")) return std::nullopt;
  std::string_view rest = content_type.substr(semicolon);
  std::optional<std::string> boundary;
  std::string name, value;
  int taken = 0;
  while ((taken = next_parameter(rest, name, value)) > 0) {
    if (name == "boundary") {
      if (boundary) return std::nullopt;
      boundary = value;
    }
  }
  if (taken < 0 || !boundary || boundary->empty() || boundary->size() > 70) return std::nullopt;
  if (boundary->back() == ' ') return std::nullopt;
  if (!std::all_of(boundary->begin(), boundary->end(), boundary_char)) return std::nullopt;
  return boundary;
}

MultipartParser::MultipartParser(std::string boundary, std::size_t parts_max, std::size_t part_head_bytes_max)
    : delimiter_("\r\n--" + std::move(boundary)), parts_max_(parts_max), part_head_bytes_max_(part_head_bytes_max) {}

void MultipartParser::feed(std::string_view bytes) {
  TM_ASSERT(input_.empty(), "feed() before the last piece was used up");
  input_ = bytes;
}

MultipartParser::Event MultipartParser::fail(Code code, const char* message) {
  state_ = State::failed;
  error_ = make_error(code, message);
  input_ = {};
  return Event::failed;
}

MultipartParser::Event MultipartParser::delimiter_found() {
  state_ = State::after_delimiter;
  matched_ = 0;
  virtual_line_ = false;
  return std::exchange(in_part_, false) ? Event::part_end : Event::need_more;
}

// The only CR of the delimiter is its first byte, so a failed partial match can be given out as content whole: no match
// can begin inside it.
MultipartParser::Event MultipartParser::scan_content() {
  if (matched_ != 0) {
    const auto compare = std::min(delimiter_.size() - matched_, input_.size());
    std::size_t same = 0;
    while (same < compare && input_[same] == delimiter_[matched_ + same]) ++same;
    if (same == compare) {
      matched_ += same;
      input_.remove_prefix(same);
      return matched_ == delimiter_.size() ? delimiter_found() : Event::need_more;
    }
    // What matched in this piece is compared again below as ordinary content; only earlier pieces' bytes are owed.
    data_ = std::string_view(delimiter_).substr(virtual_line_ ? 2 : 0, matched_ - (virtual_line_ ? 2 : 0));
    matched_ = 0;
    virtual_line_ = false;
    if (in_part_ && !data_.empty()) return Event::data;
  }
  std::size_t at = 0;
  while (true) {
    const void* found = at < input_.size() ? std::memchr(input_.data() + at, '\r', input_.size() - at) : nullptr;
    at = found == nullptr ? input_.size() : static_cast<std::size_t>(static_cast<const char*>(found) - input_.data());
    if (found == nullptr) break;
    const auto compare = std::min(delimiter_.size(), input_.size() - at);
    if (std::memcmp(input_.data() + at, delimiter_.data(), compare) == 0) break;
    ++at;
  }
  data_ = input_.substr(0, at);
  input_.remove_prefix(at);
  if (in_part_ && !data_.empty()) return Event::data;
  matched_ = std::min(delimiter_.size(), input_.size());
  input_.remove_prefix(matched_);
  return matched_ == delimiter_.size() ? delimiter_found() : Event::need_more;
}

MultipartParser::Event MultipartParser::scan_head() {
  while (!input_.empty()) {
    const auto newline = input_.find('\n');
    const auto take = newline == std::string_view::npos ? input_.size() : newline + 1;
    if (head_.size() + take > part_head_bytes_max_) return fail(Code::invalid_argument, "the head of a part is too large");
    head_.append(input_.substr(0, take));
    input_.remove_prefix(take);
    if (head_ != "\r\n" && !head_.ends_with("\r\n\r\n")) continue;
    if (!parse_part_head()) return Event::failed;
    head_.clear();
    head_.shrink_to_fit();
    state_ = State::content;
    in_part_ = true;
    matched_ = 2;  // the empty line's CR LF may be that of the delimiter: a part without content
    virtual_line_ = true;
    return Event::part_begin;
  }
  return Event::need_more;
}

bool MultipartParser::parse_disposition(std::string_view value) {
  const auto semicolon = std::min(value.find(';'), value.size());
  if (!same_token(trimmed(value.substr(0, semicolon)), "form-data")) return false;
  std::string_view rest = value.substr(semicolon);
  std::string name, parameter;
  bool named = false, plain_file = false, extended_file = false;
  int taken = 0;
  while ((taken = next_parameter(rest, name, parameter)) > 0) {
    if (name == "name") {
      if (std::exchange(named, true)) return false;
      part_.name = parameter;
    } else if (name == "filename") {
      if (std::exchange(plain_file, true)) return false;
      part_.is_file = true;
      if (!extended_file) part_.filename = parameter;
    } else if (name == "filename*") {
      auto decoded = decode_extended(parameter);
      if (!decoded || std::exchange(extended_file, true)) return false;
      part_.is_file = true;
      part_.filename = std::move(*decoded);
    }
  }
  return taken == 0 && named;
}

bool MultipartParser::parse_part_head() {
  part_ = PartHead();
  bool disposed = false;
  std::string_view rest = head_;
  while (!rest.starts_with("\r\n")) {
    const auto end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    const auto colon = line.find(':');
    const bool clean = std::none_of(line.begin(), line.end(), [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return (byte < 0x20 && byte != '\t') || byte == 0x7f;
    });
    if (!clean || colon == std::string_view::npos || colon == 0 ||
        !std::all_of(line.begin(), line.begin() + colon, is_token_char)) {
      fail(Code::invalid_argument, "the head of a part is malformed");
      return false;
    }
    const std::string_view name = line.substr(0, colon), value = trimmed(line.substr(colon + 1));
    if (same_token(name, "content-disposition")) {
      if (std::exchange(disposed, true) || !parse_disposition(value)) {
        fail(Code::invalid_argument, "the Content-Disposition of a part is malformed");
        return false;
      }
    } else if (same_token(name, "content-type")) {
      part_.content_type = value;
    }
  }
  if (!disposed) fail(Code::invalid_argument, "a part has no Content-Disposition");
  return disposed;
}

MultipartParser::Event MultipartParser::next() {
  while (true) {
    if (state_ == State::failed) return Event::failed;
    if (state_ == State::epilogue) input_ = {};
    if (input_.empty()) return Event::need_more;
    switch (state_) {
      case State::content: {
        const Event event = scan_content();
        if (event != Event::need_more) return event;
        break;
      }
      case State::after_delimiter:
        padding_ = 0;
        if (input_.front() == '-') {
          input_.remove_prefix(1);
          state_ = State::first_dash;
        } else {
          state_ = State::padding;
        }
        break;
      case State::first_dash:
        if (input_.front() != '-') return fail(Code::invalid_argument, kAfterBoundary);
        state_ = State::epilogue;
        break;
      case State::padding: {
        const char c = input_.front();
        input_.remove_prefix(1);
        if (c == '\r') {
          state_ = State::line_feed;
        } else if ((c != ' ' && c != '\t') || ++padding_ > kPaddingBytesMax) {
          return fail(Code::invalid_argument, kAfterBoundary);
        }
        break;
      }
      case State::line_feed:
        if (input_.front() != '\n') return fail(Code::invalid_argument, kAfterBoundary);
        input_.remove_prefix(1);
        if (++parts_ > parts_max_) return fail(Code::invalid_argument, "too many parts");
        state_ = State::part_head;
        break;
      case State::part_head: {
        const Event event = scan_head();
        if (event != Event::need_more) return event;
        break;
      }
      case State::epilogue:
      case State::failed: break;
    }
  }
}

Result<void> MultipartParser::end() const {
  if (state_ == State::failed) return error_;
  if (state_ != State::epilogue) {
    return make_error(Code::invalid_argument, "the multipart body ends without its closing boundary");
  }
  return {};
}

}  // namespace tidemark::http
