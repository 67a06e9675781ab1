#include "core/keys/ring_file.hpp"

#include <algorithm>
#include <map>

#include "core/base/bytes.hpp"
#include "core/keys/crypto.hpp"

namespace tidemark::keys {
namespace {

constexpr std::string_view kFormat = "1";

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

// The part of JSON that a ring uses: objects and arrays, and strings without escapes. A number is taken as its digits.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}
  bool ok() const { return ok_; }
  bool done() {
    space();
    return ok_ && at_ == text_.size();
  }
  bool accept(char c) {
    space();
    if (!ok_ || at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) ok_ = false;
  }
  std::string scalar() {
    if (!accept('"')) {
      const std::size_t start = at_;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
      if (at_ == start) ok_ = false;
      return std::string(text_.substr(start, at_ - start));
    }
    const std::size_t end = text_.find('"', at_);
    if (end == std::string_view::npos) {
      ok_ = false;
      return {};
    }
    std::string value(text_.substr(at_, end - at_));
    const bool plain = std::none_of(value.begin(), value.end(), [](char c) { return c == '\\' || static_cast<unsigned char>(c) < 0x20; });
    if (!plain) ok_ = false;
    at_ = end + 1;
    return value;
  }
  /// Calls member(name) at each value of an object; it must take the value.
  template <class Member>
  void object(Member member) {
    expect('{');
    if (accept('}')) return;
    do {
      const std::string name = scalar();
      expect(':');
      if (ok_) member(name);
    } while (ok_ && accept(','));
    expect('}');
  }
  template <class Element>
  void array(Element element) {
    expect('[');
    if (accept(']')) return;
    do {
      element();
    } while (ok_ && accept(','));
    expect(']');
  }

 private:
  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) ++at_;
  }
  std::string_view text_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

Error corrupt(const std::string& why) { return make_error(Code::corrupt, "the key ring is damaged: " + why); }

Result<RingKey> to_key(std::map<std::string, std::string>& members) {
  RingKey key;
  key.id = members["id"];
  key.purpose = members["purpose"];
  const auto created = parse_rfc3339(members["created"]);
  auto bytes = from_base64url(members["bytes"]);
  if (!is_name(key.id) || !is_name(key.purpose) || !created) return corrupt("a key has no id, purpose or time of creation");
  if (!bytes || (!bytes->empty() && bytes->size() != kKeyBytes)) return corrupt("the key " + key.id + " does not have 32 bytes");
  key.created = *created;
  key.bytes = std::move(*bytes);
  wipe(members["bytes"]);
  return key;
}

}  // namespace

std::string write_ring(const RingFile& ring) {
  std::string text = "{\n  \"format\": " + std::string(kFormat) + ",\n  \"id\": \"" + ring.id + "\",\n  \"keys\": [";
  for (std::size_t i = 0; i < ring.keys.size(); ++i) {
    const RingKey& key = ring.keys[i];
    text += i == 0 ? "\n" : ",\n";
    text += "    {\"id\": \"" + key.id + "\", \"purpose\": \"" + key.purpose + "\", \"created\": \"" + to_rfc3339(key.created) +
            "\", \"bytes\": \"" + to_base64url(key.bytes) + "\"}";
  }
  text += "\n  ]\n}\n";
  return text;
}

Result<RingFile> read_ring(std::string_view text) {
  RingFile ring;
  std::string format;
  Error wrong;
  Parser parser(text);
  parser.object([&](const std::string& name) {
    if (name != "keys") {
      const std::string value = parser.scalar();
      if (name == "format") format = value;
      if (name == "id") ring.id = value;
      return;
    }
    parser.array([&] {
      std::map<std::string, std::string> members;
      parser.object([&](const std::string& member) { members[member] = parser.scalar(); });
      if (!parser.ok()) return;
      auto key = to_key(members);
      if (key) ring.keys.push_back(std::move(*key));
      else if (wrong.code == Code::uninitialised) wrong = key.take_error();
    });
  });
  if (!format.empty() && format != kFormat) {
    return make_error(Code::unsupported_version, "the key ring has format " + format + ", this build knows " + std::string(kFormat));
  }
  if (!parser.done() || format.empty()) return corrupt("it is not the JSON of a ring");
  if (wrong.code != Code::uninitialised) return wrong;
  if (!is_name(ring.id)) return corrupt("it has no id");
  for (std::size_t i = 0; i < ring.keys.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (ring.keys[i].id == ring.keys[k].id) return corrupt("the key id " + ring.keys[i].id + " is there twice");
    }
  }
  return ring;
}

}  // namespace tidemark::keys
