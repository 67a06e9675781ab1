#pragma once
// Reading JSON (RFC 8259): a parsed document and light handles to its values. The codec of contract types (json.hpp)
// stands on it; code that must look at loose JSON, such as the endpoints of old clients, uses it directly:
//
//   auto document = JsonDocument::parse(body);
//   if (!document.ok()) return bad_request(document.error().message);
//   if (auto name = document->root()["build"]["name"].as_string()) ...

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"

namespace tidemark::event {

enum class JsonKind : std::uint8_t { missing, null, boolean, integer, number, string, array, object };

/// "an object", "a string", ...; for messages.
std::string_view name_of(JsonKind kind);

namespace json_detail {

// One value or member name. Scalars have size one; an object is followed by name, value, name, value, ...
struct Token {
  std::uint32_t begin = 0;  // in the source, the quote or bracket included
  std::uint32_t end = 0;
  std::uint32_t next = 0;   // token behind this value; for a string with escapes: where its text is in `unescaped`
  JsonKind kind = JsonKind::missing;
  bool escaped = false;     // string with escapes
};

struct Tape {
  const char* source = nullptr;
  std::vector<Token> tokens;  // those behind the document's last are left over from another
  std::string unescaped;  // length (4 bytes, native order) and text, for each string with escapes
};

struct Parser;
struct ReturnParser {
  void operator()(Parser* parser) const;
};

}  // namespace json_detail

/// Handle to one value; 16 bytes, copied freely. It and every view from it live as long as the document and the parsed
/// text. Reading a missing value gives missing values and nullopt, so look-ups can be chained.
class JsonNode {
 public:
  JsonNode() = default;

  JsonKind kind() const { return tape_ ? token().kind : JsonKind::missing; }
  explicit operator bool() const { return tape_ != nullptr; }
  bool is_null() const { return kind() == JsonKind::null; }
  bool is_object() const { return kind() == JsonKind::object; }
  bool is_array() const { return kind() == JsonKind::array; }
  bool is_string() const { return kind() == JsonKind::string; }

  /// The value when it has that kind; nullopt otherwise. An integer is written without fraction or exponent: 1.0 is none.
  std::optional<std::string_view> as_string() const;
  std::optional<bool> as_bool() const;
  std::optional<std::int64_t> as_int64() const;    ///< nullopt too when out of range
  std::optional<std::uint64_t> as_uint64() const;  ///< nullopt too when out of range
  std::optional<double> as_double() const;         ///< any number that is finite as a double

  /// The value's bytes in the text, without white space around it. Empty when missing.
  std::string_view raw() const;
  /// Where raw() begins in the text, in bytes.
  std::size_t offset() const { return tape_ ? token().begin : 0; }

  /// Member of an object; of equal names the last, as JSON.parse has it. Missing when there is none or this is no object.
  JsonNode operator[](std::string_view name) const;

  class Items;
  class Members;
  Items items() const;      ///< values of an array, in order; nothing for other kinds
  Members members() const;  ///< names and values of an object, in order, repeated names included; nothing for other kinds
  std::size_t size() const; ///< items or members; counts them

 private:
  friend class JsonDocument;
  JsonNode(const json_detail::Tape* tape, std::uint32_t index) : tape_(tape), index_(index) {}
  const json_detail::Token& token() const { return tape_->tokens[index_]; }
  std::uint32_t after() const {
    return kind() == JsonKind::array || kind() == JsonKind::object ? token().next : index_ + 1;
  }
  std::string_view text() const {
    const json_detail::Token& t = token();
    return t.escaped ? escaped_text() : std::string_view(tape_->source + t.begin + 1, t.end - t.begin - 2);
  }
  std::string_view escaped_text() const;

  const json_detail::Tape* tape_ = nullptr;
  std::uint32_t index_ = 0;
};

class JsonNode::Items {
 public:
  class Iterator {
   public:
    Iterator(const json_detail::Tape* tape, std::uint32_t at) : at_(tape, at) {}
    JsonNode operator*() const { return at_; }
    Iterator& operator++() { at_.index_ = at_.after(); return *this; }
    bool operator!=(const Iterator& other) const { return at_.index_ != other.at_.index_; }

   private:
    JsonNode at_;
  };
  Iterator begin() const { return begin_; }
  Iterator end() const { return end_; }

 private:
  friend class JsonNode;
  Items(Iterator begin, Iterator end) : begin_(begin), end_(end) {}
  Iterator begin_, end_;
};

class JsonNode::Members {
 public:
  struct Member {
    std::string_view name;
    JsonNode value;
  };
  class Iterator {
   public:
    Iterator(const json_detail::Tape* tape, std::uint32_t at) : at_(tape, at) {}
    Member operator*() const { return Member{at_.text(), JsonNode(at_.tape_, at_.index_ + 1)}; }
    Iterator& operator++() { at_.index_ = JsonNode(at_.tape_, at_.index_ + 1).after(); return *this; }
    bool operator!=(const Iterator& other) const { return at_.index_ != other.at_.index_; }

   private:
    JsonNode at_;
  };
  Iterator begin() const { return begin_; }
  Iterator end() const { return end_; }

 private:
  friend class JsonNode;
  Members(Iterator begin, Iterator end) : begin_(begin), end_(end) {}
  Iterator begin_, end_;
};

inline JsonNode::Items JsonNode::items() const {
  if (kind() != JsonKind::array) return {{nullptr, 0}, {nullptr, 0}};
  return {{tape_, index_ + 1}, {tape_, token().next}};
}
inline JsonNode::Members JsonNode::members() const {
  if (kind() != JsonKind::object) return {{nullptr, 0}, {nullptr, 0}};
  return {{tape_, index_ + 1}, {tape_, token().next}};
}

struct JsonLimits {
  std::size_t bytes = 16u << 20;  ///< of the document; at most 1 GiB
  std::size_t depth = 64;         ///< nested arrays and objects
  /// A lone surrogate escape becomes U+FFFD instead of an error: for clients that cut text inside a pair, as JSON.stringify
  /// writes it. raw() still has it as written.
  bool replace_lone_surrogates = false;
};

/// A parsed document. Owns what parsing made; the text stays the caller's and must outlive it.
///   threads   any one at a time; memory is pooled per thread, so parsing in a loop does not allocate
class JsonDocument {
 public:
  /// invalid_argument with what is wrong and the byte offset: malformed JSON, invalid UTF-8, lone surrogates (unless
  /// replaced), a byte order mark, anything behind the value, nesting or size above the limits.
  static Result<JsonDocument> parse(std::string_view text, JsonLimits limits = {});

  JsonNode root() const;

 private:
  explicit JsonDocument(std::unique_ptr<json_detail::Parser, json_detail::ReturnParser> parser);
  std::unique_ptr<json_detail::Parser, json_detail::ReturnParser> parser_;
};

}  // namespace tidemark::event
