#include "core/event/json_document.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "tests/unit/event/sample_types.hpp"

namespace tidemark::event {
namespace {

std::string error_of(std::string_view text, JsonLimits limits = {}) {
  const auto document = JsonDocument::parse(text, limits);
  return document.ok() ? "" : document.error().message;
}

// A plain recogniser of RFC 8259, to compare with. UTF-8 is left to the caller: the texts are ASCII.
class Reference {
 public:
  explicit Reference(std::string_view text) : text_(text) {}
  bool accepts() { space(); return value(0) && (space(), at_ == text_.size()); }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool eat(char c) { if (at_ < text_.size() && text_[at_] == c) { ++at_; return true; } return false; }
  void space() { while (at_ < text_.size() && std::strchr(" \t\r\n", text_[at_]) && text_[at_]) ++at_; }
  bool word(std::string_view w) { if (text_.substr(at_, w.size()) != w) return false; at_ += w.size(); return true; }
  bool digits() { const auto from = at_; while (peek() >= '0' && peek() <= '9') ++at_; return at_ > from; }
  bool number() {
    eat('-');
    if (eat('0')) {} else if (!digits()) return false;
    if (eat('.') && !digits()) return false;
    if (eat('e') || eat('E')) { if (!eat('+')) eat('-'); if (!digits()) return false; }
    return true;
  }
  int hex4() {
    int v = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      if (!std::isxdigit(static_cast<unsigned char>(peek()))) return -1;
      v = v * 16 + (std::isdigit(peek()) ? peek() - '0' : (peek() | 32) - 'a' + 10);
    }
    return v;
  }
  bool string() {
    if (!eat('"')) return false;
    while (at_ < text_.size()) {
      const unsigned char c = static_cast<unsigned char>(text_[at_++]);
      if (c == '"') return true;
      if (c < 0x20) return false;
      if (c != '\\') continue;
      const char e = peek();
      ++at_;
      if (e == 'u') {
        const int a = hex4();
        if (a < 0 || (a >= 0xDC00 && a < 0xE000)) return false;
        if (a >= 0xD800 && a < 0xDC00) {
          if (!eat('\\') || !eat('u')) return false;
          const int b = hex4();
          if (b < 0xDC00 || b >= 0xE000) return false;
        }
      } else if (e == '\0' || !std::strchr("\"\\/bfnrt", e)) {
        return false;
      }
    }
    return false;
  }
  bool value(int depth) {
    if (depth > 60) return false;
    switch (peek()) {
      case '{':
        ++at_;
        space();
        if (eat('}')) return true;
        while (true) {
          space();
          if (!string()) return false;
          space();
          if (!eat(':')) return false;
          space();
          if (!value(depth + 1)) return false;
          space();
          if (eat('}')) return true;
          if (!eat(',')) return false;
        }
      case '[':
        ++at_;
        space();
        if (eat(']')) return true;
        while (true) {
          space();
          if (!value(depth + 1)) return false;
          space();
          if (eat(']')) return true;
          if (!eat(',')) return false;
        }
      case '"': return string();
      case 't': return word("true");
      case 'f': return word("false");
      case 'n': return word("null");
      default: return number();
    }
  }
  std::string_view text_;
  std::size_t at_ = 0;
};

TEST(JsonDocument, SaysWhatIsWrongAndWhere) {
  struct Case { std::string_view text, error; };
  using namespace std::string_view_literals;
  const std::vector<Case> cases = {
      {"", "malformed JSON at byte 0: it is empty"},
      {"  ", "malformed JSON at byte 2: it is empty"},
      {"{", "malformed JSON at byte 1: it ends too early"},
      {"{\"a\"", "malformed JSON at byte 4: it ends too early"},
      {"[1,]", "malformed JSON at byte 3: expected a value"},
      {"[1 2]", "malformed JSON at byte 3: expected ',' or ']'"},
      {"[1}", "malformed JSON at byte 2: expected ',' or ']'"},
      {"{\"a\":1]", "malformed JSON at byte 6: expected ',' or '}'"},
      {"{\"a\":1,}", "malformed JSON at byte 7: expected the name of a member, in double quotes"},
      {"{a:1}", "malformed JSON at byte 1: expected the name of a member, in double quotes"},
      {"{\"a\" 1}", "malformed JSON at byte 5: expected ':' after the name of a member"},
      {"{} x", "malformed JSON at byte 3: expected nothing after the value"},
      {"1 1", "malformed JSON at byte 2: expected nothing after the value"},
      {"01", "malformed JSON at byte 0: not a number as JSON writes it"},
      {"-", "malformed JSON at byte 0: not a number as JSON writes it"},
      {"1.", "malformed JSON at byte 0: not a number as JSON writes it"},
      {".5", "malformed JSON at byte 0: expected a value"},
      {"1e+", "malformed JSON at byte 0: not a number as JSON writes it"},
      {"+1", "malformed JSON at byte 0: expected a value"},
      {"NaN", "malformed JSON at byte 0: expected a value"},
      {"nul", "malformed JSON at byte 0: expected a value"},
      {"truex", "malformed JSON at byte 0: expected a value"},
      {"\"a", "malformed JSON at byte 2: a string does not end"},
      {"[\"a\tb\"]", "malformed JSON at byte 3: a control character in a string is not escaped"},
      {"[\"\\x\"]", "malformed JSON at byte 2: not an escape that JSON has"},
      {"[\"\\u12g4\"]", "malformed JSON at byte 2: expected four hexadecimal digits after \\u"},
      {"[\"\\ud800\"]", "malformed JSON at byte 2: half of a surrogate pair"},
      {"[\"\\udc00\"]", "malformed JSON at byte 2: half of a surrogate pair"},
      {"[\"\\ud800\\u0041\"]", "malformed JSON at byte 2: half of a surrogate pair"},
      {"[\"ab\xFF\"]", "malformed JSON at byte 4: not valid UTF-8"},
      {"[\"\xED\xA0\x80\"]", "malformed JSON at byte 2: not valid UTF-8"},
      {"\xEF\xBB\xBF{}", "malformed JSON at byte 0: it begins with a byte order mark"},
      {"[\0]"sv, "malformed JSON at byte 1: expected a value"},
      {"[]\0"sv, "malformed JSON at byte 2: expected nothing after the value"},
      {"[1\f]", "malformed JSON at byte 1: not a number as JSON writes it"},
  };
  for (const auto& [text, error] : cases) EXPECT_EQ(error_of(text), error) << text;
  for (const std::string_view good : {"0", "-0", "1e5", "\"\"", "null", " [ ] ", "{\"\":{}}", "[\"\\ud83d\\ude00\"]", "1E-2\n"}) {
    EXPECT_EQ(error_of(good), "") << good;
  }
}

TEST(JsonDocument, KeepsItsLimits) {
  const std::string deep = std::string(64, '[') + std::string(64, ']');
  EXPECT_EQ(error_of(deep), "");
  EXPECT_EQ(error_of("[" + deep + "]"), "malformed JSON at byte 64: nested more than 64 deep");
  EXPECT_EQ(error_of(std::string(1000000, '[')), "malformed JSON at byte 64: nested more than 64 deep");
  EXPECT_EQ(error_of("[1,2]", {.bytes = 4}), "a JSON document must be at most 4 bytes");
}

TEST(JsonDocument, ReadsLooseDocuments) {
  const std::string text = R"( {"a":{"b":[1, -2.5, "x\n😀", null, true]}, "n": 1, "n": 2, "big": 1e2, "sp\u0061ce": {} } )";
  const auto document = JsonDocument::parse(text);
  ASSERT_TRUE(document.ok());
  const JsonNode root = document->root();
  EXPECT_EQ(root.size(), 5u);
  EXPECT_EQ(root["n"].as_int64(), 2);
  EXPECT_EQ(root["big"].as_int64(), std::nullopt);
  EXPECT_EQ(root["big"].as_double(), 100.0);
  EXPECT_EQ(root["space"].kind(), JsonKind::object);
  EXPECT_FALSE(root["none"]["at"]["all"]);
  EXPECT_EQ(root["none"].raw(), "");
  const JsonNode list = root["a"]["b"];
  EXPECT_EQ(list.raw(), R"([1, -2.5, "x\n😀", null, true])");
  EXPECT_EQ(text.substr(list.offset(), 2), "[1");
  std::vector<std::string> raw;
  for (const JsonNode item : list.items()) raw.emplace_back(item.raw());
  EXPECT_EQ(raw, (std::vector<std::string>{"1", "-2.5", R"("x\n😀")", "null", "true"}));
  std::vector<std::string> names;
  for (const auto& [name, value] : root.members()) names.emplace_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"a", "n", "n", "big", "space"}));
}

TEST(JsonDocument, SeveralLiveAtOnceAndSurviveAMove) {
  const std::string a = R"({"k":"\u0061"})", b = R"(["\u0062"])";
  auto first = JsonDocument::parse(a);
  auto second = JsonDocument::parse(b);
  ASSERT_TRUE(first.ok() && second.ok());
  JsonDocument moved = std::move(*first);
  EXPECT_EQ(moved.root()["k"].as_string(), "a");
  EXPECT_EQ((*second->root().items().begin()).as_string(), "b");
}

// Places text so that the byte behind it cannot be read.
class AtPageEnd {
 public:
  explicit AtPageEnd(std::string_view text) {
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    size_ = (text.size() / page + 2) * page;
    base_ = static_cast<char*>(mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base_ + size_ - page, page, PROT_NONE);
    view_ = {base_ + size_ - page - text.size(), text.size()};
    std::memcpy(base_ + size_ - page - text.size(), text.data(), text.size());
  }
  ~AtPageEnd() { munmap(base_, size_); }
  std::string_view view() const { return view_; }

 private:
  char* base_;
  std::size_t size_;
  std::string_view view_;
};

constexpr std::string_view kDocument =
    R"({"a":[1,-2.5e+3,0.1],"b\n":"x\u0041\ud83d\ude00y","c":{"d":true,"e":false,"f":null},"g":[[],{},""], "h" : "\\\"\/" })";

TEST(JsonDocument, AgreesWithAPlainRecogniserOnEveryDamagedDocument) {
  std::size_t good = 0, bad = 0;
  const auto check = [&](std::string_view text) {
    const bool expected = Reference(text).accepts();
    const AtPageEnd placed(text);
    const auto document = JsonDocument::parse(placed.view());
    EXPECT_EQ(document.ok(), expected) << text << "\n" << (document.ok() ? "" : document.error().message);
    ++(expected ? good : bad);
  };
  for (std::size_t cut = 0; cut <= kDocument.size(); ++cut) check(kDocument.substr(0, cut));
  for (std::size_t cut = 0; cut <= kDocument.size(); ++cut) check(kDocument.substr(cut));
  for (std::size_t at = 0; at < kDocument.size(); ++at) {
    for (int byte = 0; byte < 128; ++byte) {
      std::string text(kDocument);
      text[at] = static_cast<char>(byte);
      check(text);
    }
    std::string without(kDocument), twice(kDocument);
    without.erase(at, 1);
    twice.insert(at, 1, kDocument[at]);
    check(without);
    check(twice);
  }
  EXPECT_GT(good, 1000u);
  EXPECT_GT(bad, 1000u);
}

TEST(JsonDocument, NoFlippedBitMakesTheCodecMisbehave) {
  sample::Everything sound;
  sound.text = "é\n😀";
  sound.points = {{1, 2}};
  sound.code = "c";
  const std::string document = to_json(sound);
  for (std::size_t at = 0; at < document.size(); ++at) {
    for (int flip = 1; flip < 256; ++flip) {
      std::string text = document;
      text[at] = static_cast<char>(text[at] ^ flip);
      std::vector<FieldError> errors;
      const auto value = from_json<sample::Everything>(text, Decoding::tolerant, errors);
      EXPECT_EQ(value.has_value(), errors.empty());
    }
  }
}

TEST(JsonDocument, ReplacesLoneSurrogatesWhenAsked) {
  JsonLimits limits;
  limits.replace_lone_surrogates = true;
  const std::string text = R"(["cut \ud83d","\udc00","\ud800\u0041","\ud83d\ude00"])";
  auto document = JsonDocument::parse(text, limits);
  ASSERT_TRUE(document.ok());
  std::vector<std::string> seen;
  for (const auto node : document->root().items()) seen.emplace_back(*node.as_string());
  EXPECT_EQ(seen, (std::vector<std::string>{"cut \xEF\xBF\xBD", "\xEF\xBF\xBD", "\xEF\xBF\xBD" "A", "\xF0\x9F\x98\x80"}));
  EXPECT_FALSE(JsonDocument::parse(text).ok());
}

}  // namespace
}  // namespace tidemark::event
