#include "core/http/uri.hpp"

#include <algorithm>

#include "core/base/bytes.hpp"

namespace tidemark::http {
namespace {

std::string form_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool segment_allowed(std::string_view segment) {
  if (segment == "." || segment == "..") return false;
  bool ascii = true;
  for (const char c : segment) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '/' || c == '\\') return false;
    ascii = ascii && byte < 0x80;
  }
  return ascii || is_utf8(segment);
}

}  // namespace

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

TargetParts split_target(std::string_view target) {
  const auto mark = target.find('?');
  if (mark == std::string_view::npos) return {target, {}};
  return {target.substr(0, mark), target.substr(mark + 1)};
}

PathDecoding decode_path(std::string_view path, std::string& decoded, DecodedPath& out) {
  out.segments.clear();
  out.trailing_slash = false;
  decoded.clear();
  const bool escaped = path.find('%') != std::string_view::npos;
  if (escaped) decoded.reserve(path.size());  // views into it must not move
  if (path.empty()) path = "/";
  std::size_t at = 1;
  while (at <= path.size()) {
    const auto slash = std::min(path.find('/', at), path.size());
    std::string_view segment = path.substr(at, slash - at);
    if (escaped) {
      decoded += '/';
      const auto begin = decoded.size();
      for (std::size_t i = 0; i < segment.size(); ++i) {
        if (segment[i] != '%') {
          decoded += segment[i];
          continue;
        }
        if (i + 2 >= segment.size() || hex_digit(segment[i + 1]) < 0 || hex_digit(segment[i + 2]) < 0) {
          return PathDecoding::bad_escape;
        }
        decoded += static_cast<char>(hex_digit(segment[i + 1]) * 16 + hex_digit(segment[i + 2]));
        i += 2;
      }
      segment = std::string_view(decoded).substr(begin);
    }
    if (!segment_allowed(segment)) return PathDecoding::forbidden;
    out.segments.push_back(segment);
    at = slash + 1;
  }
  if (!out.segments.empty() && out.segments.back().empty()) {
    out.segments.pop_back();
    out.trailing_slash = !out.segments.empty();
  }
  out.path = escaped ? std::string_view(decoded) : path;
  return PathDecoding::ok;
}

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    const std::string_view key = pair.substr(0, equals);
    const bool plain = key.find_first_of("%+") == std::string_view::npos;
    if (plain ? key == name : form_decode(key) == name) return form_decode(pair.substr(std::min(equals + 1, pair.size())));
  }
  return std::nullopt;
}

}  // namespace tidemark::http
