#include "core/http/head.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <cstring>

namespace tidemark::http {
namespace {

namespace beast = boost::beast;

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (const char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'}) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}
constexpr auto kToken = make_token_table();

bool is_digit(char c) { return c >= '0' && c <= '9'; }

Method method_of(std::string_view name) {
  switch (name.size()) {
    case 3:
      if (name == "GET") return Method::get;
      if (name == "PUT") return Method::put;
      break;
    case 4:
      if (name == "POST") return Method::post;
      if (name == "HEAD") return Method::head;
      break;
    case 5:
      if (name == "PATCH") return Method::patch;
      break;
    case 6:
      if (name == "DELETE") return Method::delete_;
      break;
    case 7:
      if (name == "OPTIONS") return Method::options;
      break;
    default: break;
  }
  return Method::other;
}

/// Beast's parser, used for heads only. Views it hands out are into the input, because a head is given in one piece and
/// without obs-fold.
class HeadParser final : public beast::http::basic_parser<true> {
 public:
  explicit HeadParser(Head& head) : head_(head) {
    header_limit(~std::uint32_t{0});
    body_limit(boost::none);
  }

 private:
  using error_code = beast::error_code;
  using view = beast::string_view;
  void on_request_impl(beast::http::verb, view, view, int, error_code&) override {}
  void on_response_impl(int, view, int, error_code&) override {}
  void on_field_impl(beast::http::field, view name, view value, error_code&) override {
    head_.fields.emplace_back(std::string_view(name.data(), name.size()), std::string_view(value.data(), value.size()));
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(view body, error_code&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, view body, error_code&) override { return body.size(); }
  void on_finish_impl(error_code&) override {}

  Head& head_;
};

Refusal bad(std::string_view detail) { return {Fault::bad_request, detail}; }

std::optional<Refusal> check_request_line(std::string_view line, const HeadLimits& limits, Head& head) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return bad("the request line is not method, target and version");
  head.method_name = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  for (const char c : head.method_name) {
    if (!is_token_char(c)) return bad("the method is not a token");
  }
  if (head.method_name.empty()) return bad("the method is missing");
  for (const char c : target) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f || c == '#') return bad("the request target has a character that must be escaped");
  }
  head.target = target;
  head.method = method_of(head.method_name);
  if (target.size() > limits.target_bytes_max) return Refusal{Fault::uri_too_long, "the request target is too long"};
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) || version[6] != '.' ||
      !is_digit(version[7])) {
    return bad("the version is not HTTP/1.1");
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return Refusal{Fault::unsupported_version, "only HTTP/1.1 and HTTP/1.0 are spoken here"};
  }
  head.minor_version = version[7] - '0';
  const bool asterisk = target == "*" && head.method == Method::options;
  if (!target.starts_with('/') && !asterisk) return bad("the request target must begin with '/'");
  return std::nullopt;
}

/// One field line without its CRLF.
std::optional<Refusal> check_field_line(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') return bad("a header field is folded over two lines");
  std::size_t colon = 0;
  while (colon < line.size() && is_token_char(line[colon])) ++colon;
  if (colon == 0 || colon == line.size() || line[colon] != ':') {
    return bad("a header field's name is not a token followed by ':'");
  }
  for (std::size_t i = colon + 1; i < line.size(); ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return bad("a header field has a control character");
  }
  return std::nullopt;
}

bool host_allowed(std::string_view host) {
  for (const char c : host) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f || std::strchr("/\\?#@,\"<>{}|^`", c) != nullptr) return false;
  }
  return true;
}

std::optional<std::uint64_t> parse_length(std::string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;  // 18 digits are below 2^63
  std::uint64_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

/// What decides where the body ends, whom the request is for, and whether the connection goes on.
std::optional<Refusal> check_fields(Head& head) {
  std::size_t hosts = 0, lengths = 0, codings = 0;
  bool close = false, keep = false;
  for (const auto& [name, value] : head.fields) {
    switch (name.size()) {
      case 4:
        if (same_token(name, "host")) {
          ++hosts;
          if (!host_allowed(value)) return bad("the Host field is not a host");
        }
        break;
      case 6:
        if (same_token(name, "expect") && same_token(value, "100-continue")) {
          head.expects_continue = head.minor_version >= 1;
        }
        break;
      case 10:
        if (same_token(name, "connection")) {
          close = close || list_has(value, "close");
          keep = keep || list_has(value, "keep-alive");
        }
        break;
      case 14:
        if (same_token(name, "content-length")) {
          ++lengths;
          head.content_length = parse_length(value);
          if (!head.content_length) return bad("Content-Length is not one decimal number");
        }
        break;
      case 17:
        if (same_token(name, "transfer-encoding")) {
          ++codings;
          if (!same_token(value, "chunked")) return bad("the only transfer coding understood is chunked");
          head.chunked = true;
        }
        break;
      default: break;
    }
  }
  if (lengths > 1) return bad("more than one Content-Length");
  if (codings > 1) return bad("more than one Transfer-Encoding");
  if (lengths != 0 && codings != 0) return bad("both Content-Length and Transfer-Encoding");
  if (codings != 0 && head.minor_version == 0) return bad("Transfer-Encoding in HTTP/1.0");
  if (hosts > 1) return bad("more than one Host");
  if (hosts == 0 && head.minor_version >= 1) return bad("the Host field is missing");
  head.keep_alive = !close && (head.minor_version >= 1 || keep);
  return std::nullopt;
}

}  // namespace

bool is_token_char(char c) { return kToken[static_cast<unsigned char>(c)]; }

bool same_token(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool list_has(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    if (same_token(trimmed(list.substr(0, comma)), token)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

std::optional<std::string_view> Head::field(std::string_view name) const {
  for (const auto& [field_name, value] : fields) {
    if (same_token(field_name, name)) return value;
  }
  return std::nullopt;
}

void Head::clear() {
  fields.clear();
  method = Method::other;
  method_name = target = {};
  minor_version = 1;
  content_length.reset();
  chunked = false;
  keep_alive = true;
  expects_continue = false;
}

HeadScanner::State HeadScanner::refuse(Fault fault, std::string_view detail) {
  refusal_ = {fault, detail};
  return State::refused;
}

HeadScanner::State HeadScanner::scan(std::string_view bytes, const HeadLimits& limits) {
  if (scanned_ == 0 && !bytes.empty() && !is_token_char(bytes[0])) {
    return refuse(Fault::bad_request, "this is not HTTP");
  }
  while (scanned_ < bytes.size()) {
    const auto newline = bytes.find('\n', scanned_);
    if (newline == std::string_view::npos) {
      scanned_ = bytes.size();
      break;
    }
    scanned_ = newline + 1;
    if (scanned_ > limits.header_bytes_max) break;
    if (newline == line_begin_ || bytes[newline - 1] != '\r') {
      return refuse(Fault::bad_request, "a line ends without CR LF");
    }
    if (newline == line_begin_ + 1) {
      end_ = scanned_;
      return State::complete;
    }
    first_line_ = false;
    line_begin_ = scanned_;
  }
  constexpr std::size_t kLineExtra = 64;  // method, spaces, version
  if (first_line_ && bytes.size() > limits.target_bytes_max + kLineExtra) {
    return refuse(Fault::uri_too_long, "the request target is too long");
  }
  if (bytes.size() > limits.header_bytes_max) return refuse(Fault::head_too_large, "the request head is too large");
  return State::need_more;
}

std::optional<Refusal> parse_head(std::string_view bytes, const HeadLimits& limits, Head& head) {
  head.clear();
  const auto line_end = bytes.find("\r\n");
  if (line_end == std::string_view::npos) return bad("the request line does not end");
  if (auto refused = check_request_line(bytes.substr(0, line_end), limits, head)) return refused;
  std::size_t fields = 0;
  std::size_t at = line_end + 2;
  while (true) {
    const auto end = bytes.find("\r\n", at);
    if (end == std::string_view::npos) return bad("the request head does not end");
    if (end == at) break;
    if (++fields > limits.fields_max) return Refusal{Fault::head_too_large, "too many header fields"};
    if (auto refused = check_field_line(bytes.substr(at, end - at))) return refused;
    at = end + 2;
  }
  HeadParser parser(head);
  beast::error_code failed;
  parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), failed);
  // The parser has its own view of lengths and codings; check_fields() has a stricter one and a better text.
  if (auto refused = check_fields(head)) return refused;
  if (failed || !parser.is_header_done()) return bad("the request head is malformed");
  if (head.fields.size() != fields) return bad("the request head is malformed");
  return std::nullopt;
}

}  // namespace tidemark::http
