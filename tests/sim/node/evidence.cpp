#include "tests/sim/node/evidence.hpp"

#include <charconv>

namespace tidemark::sim {
namespace {

const std::string kNothing;

class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}
  bool read(JsonValue& into) {
    if (!value(into)) return false;
    skip();
    return at_ == text_.size();
  }

 private:
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  bool value(JsonValue& into) {
    skip();
    if (at_ >= text_.size()) return false;
    const std::size_t from = at_;
    const bool ok = any(into);
    if (ok && into.kind != JsonValue::Kind::text) into.text = std::string(text_.substr(from, at_ - from));
    return ok;
  }
  bool any(JsonValue& into) {
    switch (text_[at_]) {
      case '{': return object(into);
      case '[': return list(into);
      case '"': into.kind = JsonValue::Kind::text; return string(into.text);
      case 't': into.kind = JsonValue::Kind::boolean; into.boolean = true; return word("true");
      case 'f': into.kind = JsonValue::Kind::boolean; return word("false");
      case 'n': return word("null");
      default: break;
    }
    into.kind = JsonValue::Kind::number;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), into.number);
    if (error != std::errc()) return false;
    at_ = static_cast<std::size_t>(end - text_.data());
    while (at_ < text_.size() && (text_[at_] == '.' || text_[at_] == 'e' || text_[at_] == 'E' || text_[at_] == '+' || text_[at_] == '-' ||
                                  (text_[at_] >= '0' && text_[at_] <= '9'))) {
      ++at_;
    }
    return true;
  }
  bool object(JsonValue& into) {
    into.kind = JsonValue::Kind::object;
    ++at_;
    if (take('}')) return true;
    do {
      skip();
      std::pair<std::string, JsonValue> member;
      if (at_ >= text_.size() || text_[at_] != '"' || !string(member.first) || !take(':') || !value(member.second)) return false;
      into.members.push_back(std::move(member));
    } while (take(','));
    return take('}');
  }
  bool list(JsonValue& into) {
    into.kind = JsonValue::Kind::list;
    ++at_;
    if (take(']')) return true;
    do {
      if (!value(into.list.emplace_back())) return false;
    } while (take(','));
    return take(']');
  }
  bool string(std::string& into) {
    ++at_;
    for (;;) {
      const std::size_t plain = text_.find_first_of("\"\\", at_);
      if (plain == std::string_view::npos) return false;
      into.append(text_.substr(at_, plain - at_));
      at_ = plain + 1;
      if (text_[plain] == '"') return true;
      if (at_ >= text_.size()) return false;
      const char escaped = text_[at_++];
      if (escaped == 'u') {
        unsigned code = 0;
        if (at_ + 4 > text_.size() || std::from_chars(text_.data() + at_, text_.data() + at_ + 4, code, 16).ec != std::errc()) return false;
        at_ += 4;
        into += static_cast<char>(code & 0x7f);  // the workloads are ASCII
      } else {
        into += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped == 'r' ? '\r' : escaped == 'b' ? '\b' : escaped == 'f' ? '\f' : escaped;
      }
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

/// Big-endian numbers and zigzag varints, as Kafka writes them.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}
  bool ok() const { return ok_; }
  std::size_t left() const { return bytes_.size(); }
  std::int64_t fixed(std::size_t size) {
    std::uint64_t value = 0;
    for (const char c : take(size)) value = value << 8 | static_cast<unsigned char>(c);
    return static_cast<std::int64_t>(value);
  }
  std::int64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1).empty() ? 0 : last_);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) break;
    }
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
  }
  std::string_view take(std::size_t size) {
    if (size > bytes_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view out = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    if (!out.empty()) last_ = static_cast<unsigned char>(out.back());
    return out;
  }
  std::optional<std::string_view> blob() {
    const std::int64_t size = varint();
    if (size < 0) return std::nullopt;
    return take(static_cast<std::size_t>(size));
  }

 private:
  std::string_view bytes_;
  unsigned char last_ = 0;
  bool ok_ = true;
};

std::uint64_t decimal(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void keep(Evidence& into, std::string_view name, std::string_view value) {
  if (name == "ce_id") into.id = value;
  else if (name == "ce_type") into.type = value;
  else if (name == "ce_subject") into.subject = value;
  else if (name == "ce_tmboundary") into.boundary = value;
  else if (name == "ce_commandid") into.command_id = value;
  else if (name == "ce_actor") into.actor = value;
  else if (name == "ce_tmseq") into.tmseq = decimal(value);
  else if (name == "ce_sequence") into.sequence = decimal(value);
  else if (name == "ce_tmdecision") {
    const std::size_t dot = value.find('.');
    into.decision = {decimal(value.substr(0, dot)), static_cast<std::uint32_t>(decimal(value.substr(dot + 1)))};
  }
}

}  // namespace

std::optional<JsonValue> JsonValue::parse(std::string_view text) {
  JsonValue value;
  if (!JsonReader(text).read(value)) return std::nullopt;
  return value;
}

const JsonValue* JsonValue::find(std::string_view name) const {
  for (const auto& [member, value] : members) {
    if (member == name) return value.kind == Kind::null ? nullptr : &value;
  }
  return nullptr;
}

const std::string& JsonValue::text_of(std::string_view name) const {
  const JsonValue* value = find(name);
  return value == nullptr ? kNothing : value->text;
}

std::int64_t JsonValue::number_of(std::string_view name) const {
  const JsonValue* value = find(name);
  return value == nullptr ? 0 : value->number;
}

BatchEvidence read_batch(std::string_view bytes) {
  BatchEvidence out;
  Bytes in(bytes);
  const std::int64_t base = in.fixed(8);
  const std::int64_t length = in.fixed(4);
  in.take(4);
  const std::int64_t magic = in.fixed(1);
  in.take(4 + 2 + 4);  // checksum, attributes, last delta
  const std::int64_t first_ms = in.fixed(8);
  in.take(8 + 8 + 2 + 4);  // greatest time, producer
  const std::int64_t count = in.fixed(4);
  if (!in.ok() || magic != 2 || static_cast<std::size_t>(length) + 12 != bytes.size()) {
    out.wrong = "not one whole record batch";
    return out;
  }
  for (std::int64_t i = 0; i < count; ++i) {
    Evidence record;
    in.varint();
    in.take(1);
    record.time_ms = first_ms + in.varint();
    const std::int64_t delta = in.varint();
    if (const auto key = in.blob()) record.key = *key;
    if (const auto value = in.blob()) record.data = *value;
    const std::int64_t headers = in.varint();
    for (std::int64_t h = 0; h < headers && in.ok(); ++h) {
      const auto name = in.blob();
      const auto value = in.blob();
      if (name && value) keep(record, *name, *value);
    }
    if (record.boundary.empty()) record.boundary = record.key;
    if (!in.ok() || delta != i || record.tmseq != static_cast<std::uint64_t>(base + i)) {
      out.wrong = "record " + std::to_string(i) + " of the batch at " + std::to_string(base) + " is not what its place says";
      return out;
    }
    out.records.push_back(std::move(record));
  }
  if (in.left() != 0) out.wrong = "bytes behind the last record";
  return out;
}

}  // namespace tidemark::sim
