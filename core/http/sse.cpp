// The bytes of Server-Sent Events (WHATWG HTML, section 9.2.5).

#include "core/http/live.hpp"

namespace tidemark::http {
namespace {

/// A field of one line. What would end the line, or make a client ignore an id, becomes a space.
void put_field(std::string_view name, std::string_view value, std::string& out) {
  out += name;
  out += ": ";
  for (const char c : value) out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
  out += '\n';
}

/// One field per line; CR, LF and CR LF each end one.
void put_lines(std::string_view name, std::string_view text, std::string& out) {
  while (true) {
    const auto end = text.find_first_of("\r\n");
    out += name;
    out += text.substr(0, end);
    out += '\n';
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + (text.substr(end).starts_with("\r\n") ? 2 : 1));
  }
}

}  // namespace

void append_sse(const ServerSentEvent& event, std::string& out) {
  if (event.retry) put_field("retry", std::to_string(event.retry->count()), out);
  if (!event.id.empty()) put_field("id", event.id, out);
  if (event.has_data) {
    if (!event.event.empty()) put_field("event", event.event, out);
    put_lines("data: ", event.data, out);
  }
  out += '\n';
}

void append_sse_comment(std::string_view text, std::string& out) {
  put_lines(text.empty() ? ":" : ": ", text, out);
  out += '\n';
}

}  // namespace tidemark::http
