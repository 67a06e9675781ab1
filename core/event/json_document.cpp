#include "core/event/json_document.hpp"

#include <double-conversion/string-to-double.h>
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace tidemark::event {

namespace json_detail {

// Only simdjson's first stage is used: it checks UTF-8 and strings and finds where every token starts, which is the part
// that needs SIMD. The second stage is ours because the codec wants what neither of simdjson's own offers together:
// the source bytes of any value, numbers as written (1e20 is written as 21 digits, which the DOM refuses), an error's
// byte offset, and no reading past the end of the text, so that nothing is copied.
struct Parser {
  Tape tape;
  simdjson::dom::parser stage1;
  std::vector<std::uint32_t> open;
};

namespace {

constexpr std::size_t kPooledBytesMax = 256u << 10;  // a parser that has grown above this is not kept
constexpr std::size_t kPooledParsers = 8;

struct Pool {
  std::vector<Parser*> free;
  ~Pool();
};

// Trivially destructible, so that a document destroyed after its thread's pool still sees it.
thread_local bool pool_is_gone = false;
thread_local Pool pool;

Pool::~Pool() {
  pool_is_gone = true;
  for (Parser* parser : free) delete parser;
}

Parser* take_parser() {
  if (!pool_is_gone && !pool.free.empty()) {
    Parser* parser = pool.free.back();
    pool.free.pop_back();
    return parser;
  }
  return new Parser;
}

bool ends_scalar(char c) {
  switch (c) {
    case ' ': case '\t': case '\n': case '\r': case ',': case ']': case '}': case ':': return true;
    default: return false;
  }
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string at_byte(std::size_t offset, std::string_view what) {
  return fmt::format("malformed JSON at byte {}: {}", offset, what);
}

// The offset of what the first stage refused; it only says that something is wrong.
std::size_t first_bad_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    const std::size_t have = std::min(length, text.size() - at);
    if (!simdjson::validate_utf8(text.data() + at, have)) return at;
    at += have;
  }
  return at;
}

std::size_t first_raw_control(std::string_view text) {
  bool quoted = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (quoted && text[at] == '\\') ++at;
    else if (text[at] == '"') quoted = !quoted;
    else if (quoted && static_cast<unsigned char>(text[at]) < 0x20) return at;
  }
  return text.size();
}

class Builder {
 public:
  Builder(Parser& parser, std::string_view text, const JsonLimits& limits)
      : p_(parser), text_(text), depth_(limits.depth), replace_lone_surrogates_(limits.replace_lone_surrogates) {}

  // "" when the whole text is one value.
  std::string run();

 private:
  enum class Expect { value, value_or_close, name, name_or_close, colon, comma_or_close, nothing };

  std::uint32_t add(JsonKind kind, std::size_t begin, std::size_t end) {
    tokens_[count_] = Token{static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), 0, kind, false};
    return count_++;
  }
  Expect after_value() const { return p_.open.empty() ? Expect::nothing : Expect::comma_or_close; }
  bool value(std::size_t at, Expect& expect);
  bool close(std::size_t at, Expect& expect);
  bool string(std::size_t at);
  bool unescape(std::size_t at, std::size_t end, Token& token);
  bool number(std::size_t at);
  bool literal(std::size_t at, std::string_view word, JsonKind kind);
  bool fail(std::size_t at, std::string_view what) {
    error_ = at_byte(at, what);
    return false;
  }

  Parser& p_;
  std::string_view text_;
  std::size_t depth_;
  bool replace_lone_surrogates_;
  bool escapes_ = false;      // a backslash is somewhere in the text
  std::size_t next_ = 0;      // where the token behind the present one begins
  Token* tokens_ = nullptr;
  std::uint32_t count_ = 0;
  std::string error_;
};

std::string Builder::run() {
  const auto& stage1 = *p_.stage1.implementation;
  // No more tokens than the first stage found. The vector only grows: clearing it would mean writing every token twice.
  if (p_.tape.tokens.size() < stage1.n_structural_indexes) p_.tape.tokens.resize(stage1.n_structural_indexes);
  tokens_ = p_.tape.tokens.data();
  escapes_ = std::memchr(text_.data(), '\\', text_.size()) != nullptr;
  Expect expect = Expect::value;
  for (std::uint32_t i = 0; i < stage1.n_structural_indexes; ++i) {
    const std::size_t at = stage1.structural_indexes[i];
    next_ = i + 1 < stage1.n_structural_indexes ? stage1.structural_indexes[i + 1] : text_.size();
    const char c = text_[at];
    bool good = true;
    switch (expect) {
      case Expect::value_or_close:
        good = c == ']' ? close(at, expect) : value(at, expect);
        break;
      case Expect::value:
        good = value(at, expect);
        break;
      case Expect::name_or_close:
      case Expect::name:
        if (c == '}' && expect == Expect::name_or_close) {
          good = close(at, expect);
        } else if (c == '"') {
          good = string(at);
          expect = Expect::colon;
        } else {
          good = fail(at, "expected the name of a member, in double quotes");
        }
        break;
      case Expect::colon:
        good = c == ':' || fail(at, "expected ':' after the name of a member");
        expect = Expect::value;
        break;
      case Expect::comma_or_close: {
        const bool object = tokens_[p_.open.back()].kind == JsonKind::object;
        if (c == ',') expect = object ? Expect::name : Expect::value;
        else if (c == (object ? '}' : ']')) good = close(at, expect);
        else good = fail(at, object ? "expected ',' or '}'" : "expected ',' or ']'");
        break;
      }
      case Expect::nothing:
        good = fail(at, "expected nothing after the value");
        break;
    }
    if (!good) return std::move(error_);
  }
  if (expect != Expect::nothing) return at_byte(text_.size(), "it ends too early");
  return {};
}

bool Builder::value(std::size_t at, Expect& expect) {
  const char c = text_[at];
  switch (c) {
    case '{':
    case '[':
      if (p_.open.size() >= depth_) return fail(at, fmt::format("nested more than {} deep", depth_));
      p_.open.push_back(add(c == '{' ? JsonKind::object : JsonKind::array, at, at));
      expect = c == '{' ? Expect::name_or_close : Expect::value_or_close;
      return true;
    case '"':
      if (!string(at)) return false;
      break;
    case 't':
      if (!literal(at, "true", JsonKind::boolean)) return false;
      break;
    case 'f':
      if (!literal(at, "false", JsonKind::boolean)) return false;
      break;
    case 'n':
      if (!literal(at, "null", JsonKind::null)) return false;
      break;
    default:
      if (c != '-' && !is_digit(c)) return fail(at, "expected a value");
      if (!number(at)) return false;
  }
  expect = after_value();
  return true;
}

bool Builder::close(std::size_t at, Expect& expect) {
  Token& token = tokens_[p_.open.back()];
  token.end = static_cast<std::uint32_t>(at + 1);
  token.next = count_;
  p_.open.pop_back();
  expect = after_value();
  return true;
}

bool Builder::literal(std::size_t at, std::string_view word, JsonKind kind) {
  const std::size_t end = at + word.size();
  if (text_.compare(at, word.size(), word) != 0 || (end < text_.size() && !ends_scalar(text_[end]))) {
    return fail(at, "expected a value");
  }
  add(kind, at, end);
  return true;
}

bool Builder::number(std::size_t begin) {
  std::size_t at = begin;
  const auto digits = [&] {
    const std::size_t from = at;
    while (at < text_.size() && is_digit(text_[at])) ++at;
    return at - from;
  };
  JsonKind kind = JsonKind::integer;
  if (text_[at] == '-') ++at;
  const std::size_t whole = at;
  const std::size_t count = digits();
  bool good = count == 1 || (count > 1 && text_[whole] != '0');
  if (good && at < text_.size() && text_[at] == '.') {
    kind = JsonKind::number;
    ++at;
    good = digits() > 0;
  }
  if (good && at < text_.size() && (text_[at] == 'e' || text_[at] == 'E')) {
    kind = JsonKind::number;
    ++at;
    if (at < text_.size() && (text_[at] == '+' || text_[at] == '-')) ++at;
    good = digits() > 0;
  }
  if (!good || (at < text_.size() && !ends_scalar(text_[at]))) return fail(begin, "not a number as JSON writes it");
  add(kind, begin, at);
  return true;
}

bool Builder::string(std::size_t at) {
  // Nothing but white space lies between a string and the next token, so its end is found from there.
  std::size_t stop = next_ - 1;
  while (stop > at && text_[stop] != '"') --stop;
  if (stop == at) return fail(at, "a string that does not end");
  const std::uint32_t index = add(JsonKind::string, at, stop + 1);
  if (!escapes_ || std::memchr(text_.data() + at, '\\', stop - at) == nullptr) return true;
  return unescape(at + 1, stop, tokens_[index]);
}

// The four hex digits at `at`, or nullopt.
std::optional<std::uint32_t> hex4(std::string_view text, std::size_t at, std::size_t end) {
  if (end - at < 4) return std::nullopt;
  std::uint32_t value = 0;
  const char* first = text.data() + at;
  const auto [stop, code] = std::from_chars(first, first + 4, value, 16);
  if (code != std::errc{} || stop != first + 4) return std::nullopt;
  return value;
}

void put_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

bool Builder::unescape(std::size_t at, std::size_t end, Token& token) {
  std::string& out = p_.tape.unescaped;
  const std::size_t header = out.size();
  out.append(4, '\0');
  while (at < end) {
    const void* slash = std::memchr(text_.data() + at, '\\', end - at);
    const std::size_t run_end = slash ? static_cast<std::size_t>(static_cast<const char*>(slash) - text_.data()) : end;
    out.append(text_, at, run_end - at);
    at = run_end;
    if (at == end) break;
    const std::size_t escape = at;
    const char c = text_[at + 1];  // a string never ends within an escape: `end` is its unescaped quote
    at += 2;
    switch (c) {
      case '"': case '\\': case '/': out.push_back(c); break;
      case 'b': out.push_back('\b'); break;
      case 'f': out.push_back('\f'); break;
      case 'n': out.push_back('\n'); break;
      case 'r': out.push_back('\r'); break;
      case 't': out.push_back('\t'); break;
      case 'u': {
        const auto first = hex4(text_, at, end);
        if (!first) return fail(escape, "expected four hexadecimal digits after \\u");
        at += 4;
        std::uint32_t code = *first;
        if (code >= 0xD800 && code < 0xE000) {
          const bool pair = code < 0xDC00 && end - at >= 6 && text_[at] == '\\' && text_[at + 1] == 'u';
          const auto second = pair ? hex4(text_, at + 2, end) : std::nullopt;
          if (second && *second >= 0xDC00 && *second < 0xE000) {
            at += 6;
            code = 0x10000 + ((code - 0xD800) << 10) + (*second - 0xDC00);
          } else if (replace_lone_surrogates_) {
            code = 0xFFFD;
          } else {
            return fail(escape, "half of a surrogate pair");
          }
        }
        put_utf8(out, code);
        break;
      }
      default: return fail(escape, "not an escape that JSON has");
    }
  }
  const auto length = static_cast<std::uint32_t>(out.size() - header - 4);
  std::memcpy(out.data() + header, &length, 4);
  token.next = static_cast<std::uint32_t>(header);
  token.escaped = true;
  return true;
}

std::string parse_into(Parser& parser, std::string_view text, const JsonLimits& limits) {
  parser.tape.source = text.data();
  parser.tape.unescaped.clear();
  parser.open.clear();
  const std::size_t bytes_max = std::min<std::size_t>(limits.bytes, 1u << 30);
  if (text.size() > bytes_max) return fmt::format("a JSON document must be at most {} bytes", bytes_max);
  if (text.starts_with("\xEF\xBB\xBF")) return at_byte(0, "it begins with a byte order mark");
  if (parser.stage1.capacity() < text.size() || !parser.stage1.implementation) {
    const std::size_t capacity = std::max<std::size_t>(4096, text.size() + text.size() / 2);
    if (parser.stage1.allocate(capacity) != simdjson::SUCCESS) return "not enough memory to parse a JSON document";
  }
  const auto code = parser.stage1.implementation->stage1(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                                                         simdjson::stage1_mode::regular);
  switch (code) {
    case simdjson::SUCCESS: break;
    case simdjson::EMPTY: return at_byte(text.size(), "it is empty");
    case simdjson::UTF8_ERROR: return at_byte(first_bad_utf8(text), "not valid UTF-8");
    case simdjson::UNESCAPED_CHARS: return at_byte(first_raw_control(text), "a control character in a string is not escaped");
    case simdjson::UNCLOSED_STRING: return at_byte(text.size(), "a string does not end");
    default: return at_byte(0, "it cannot be read");
  }
  return Builder(parser, text, limits).run();
}

}  // namespace

void ReturnParser::operator()(Parser* parser) const {
  const std::size_t held = parser->tape.tokens.capacity() * sizeof(Token) + parser->tape.unescaped.capacity() +
                           parser->stage1.capacity() * sizeof(std::uint32_t);
  if (pool_is_gone || held > kPooledBytesMax || pool.free.size() >= kPooledParsers) delete parser;
  else pool.free.push_back(parser);
}

}  // namespace json_detail

std::string_view name_of(JsonKind kind) {
  switch (kind) {
    case JsonKind::missing: return "nothing";
    case JsonKind::null: return "null";
    case JsonKind::boolean: return "a boolean";
    case JsonKind::integer: return "an integer";
    case JsonKind::number: return "a number";
    case JsonKind::string: return "a string";
    case JsonKind::array: return "an array";
    case JsonKind::object: return "an object";
  }
  return "nothing";
}

JsonDocument::JsonDocument(std::unique_ptr<json_detail::Parser, json_detail::ReturnParser> parser) : parser_(std::move(parser)) {}

Result<JsonDocument> JsonDocument::parse(std::string_view text, JsonLimits limits) {
  JsonDocument document{std::unique_ptr<json_detail::Parser, json_detail::ReturnParser>(json_detail::take_parser())};
  std::string error = json_detail::parse_into(*document.parser_, text, limits);
  if (!error.empty()) return make_error(Code::invalid_argument, std::move(error));
  return document;
}

JsonNode JsonDocument::root() const { return JsonNode(&parser_->tape, 0); }

std::string_view JsonNode::escaped_text() const {
  const char* at = tape_->unescaped.data() + token().next;
  std::uint32_t length = 0;
  std::memcpy(&length, at, 4);
  return {at + 4, length};
}

std::string_view JsonNode::raw() const {
  if (!tape_) return {};
  return {tape_->source + token().begin, token().end - token().begin};
}

std::optional<std::string_view> JsonNode::as_string() const {
  if (kind() != JsonKind::string) return std::nullopt;
  return text();
}

std::optional<bool> JsonNode::as_bool() const {
  if (kind() != JsonKind::boolean) return std::nullopt;
  return tape_->source[token().begin] == 't';
}

std::optional<std::int64_t> JsonNode::as_int64() const {
  if (kind() != JsonKind::integer) return std::nullopt;
  const std::string_view digits = raw();
  std::int64_t value = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc{}) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> JsonNode::as_uint64() const {
  if (kind() != JsonKind::integer) return std::nullopt;
  const std::string_view digits = raw();
  if (digits == "-0") return 0;
  std::uint64_t value = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc{}) return std::nullopt;
  return value;
}

std::optional<double> JsonNode::as_double() const {
  if (kind() != JsonKind::integer && kind() != JsonKind::number) return std::nullopt;
  static const double_conversion::StringToDoubleConverter converter(0, 0.0, 0.0, nullptr, nullptr);
  const std::string_view digits = raw();
  int used = 0;
  const double value = converter.StringToDouble(digits.data(), static_cast<int>(digits.size()), &used);
  if (!std::isfinite(value)) return std::nullopt;
  return value;
}

JsonNode JsonNode::operator[](std::string_view name) const {
  JsonNode found;
  for (const auto& [key, value] : members()) {
    if (key == name) found = value;
  }
  return found;
}

std::size_t JsonNode::size() const {
  std::size_t count = 0;
  for (auto it = items().begin(), end = items().end(); it != end; ++it) ++count;
  for (auto it = members().begin(), end = members().end(); it != end; ++it) ++count;
  return count;
}

}  // namespace tidemark::event
