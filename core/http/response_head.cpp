#include "core/http/response_head.hpp"

#include <charconv>
#include <cstdio>
#include <ctime>

#include "core/http/head.hpp"
#include "core/http/status.hpp"

namespace tidemark::http {
namespace {

void put_number(std::string& out, std::uint64_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  out.append(digits, end);
}

void put_clean(std::string& out, std::string_view text) {
  if (text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos) {
    out += text;
    return;
  }
  for (const char c : text) out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
}

bool server_writes(std::string_view name) {
  return same_token(name, "content-length") || same_token(name, "connection") || same_token(name, "date") ||
         same_token(name, "transfer-encoding");
}

}  // namespace

std::string clean_field(std::string_view text) {
  std::string out;
  put_clean(out, text);
  return out;
}

std::string_view date_line() {
  thread_local std::time_t second = 0;
  thread_local char line[64];
  thread_local std::size_t size = 0;
  const std::time_t now = std::time(nullptr);
  if (now != second || size == 0) {
    static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    const int written = std::snprintf(line, sizeof(line), "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n",
                                      kDays[utc.tm_wday], utc.tm_mday, kMonths[utc.tm_mon], utc.tm_year + 1900,
                                      utc.tm_hour, utc.tm_min, utc.tm_sec);
    size = static_cast<std::size_t>(written);
    second = now;
  }
  return {line, size};
}

void put_response_head(std::string& out, const ResponseHead& head) {
  const Response& response = *head.response;
  if (response.status == 200) {
    out += "HTTP/1.1 200 OK\r\n";
  } else {
    out += "HTTP/1.1 ";
    put_number(out, static_cast<std::uint64_t>(response.status));
    out += ' ';
    out += reason_phrase(response.status);
    out += "\r\n";
  }
  out += "Server: tidemark\r\n";
  out += date_line();
  const bool no_content = (!head.content_length && !head.streamed) || response.status == 416;
  for (const auto& [name, value] : response.headers) {
    if (server_writes(name) || (no_content && same_token(name, "content-type"))) continue;
    put_clean(out, name);
    out += ": ";
    put_clean(out, value);
    out += "\r\n";
  }
  out += head.extra;
  if (!head.etag.empty()) {
    out += "ETag: ";
    put_clean(out, head.etag);
    out += "\r\n";
  }
  if (head.accept_ranges) out += "Accept-Ranges: bytes\r\n";
  if (head.content_length) {
    out += "Content-Length: ";
    put_number(out, *head.content_length);
    out += "\r\n";
  }
  if (head.streamed && !head.http_1_0 && !head.content_length) out += "Transfer-Encoding: chunked\r\n";
  if (!head.keep_alive) {
    out += "Connection: close\r\n";
  } else if (head.http_1_0) {
    out += "Connection: keep-alive\r\n";
  }
  if (response.status == 426) out += "Connection: upgrade\r\n";  // RFC 9110 section 7.8: whoever sends Upgrade
  out += "\r\n";
}

}  // namespace tidemark::http
