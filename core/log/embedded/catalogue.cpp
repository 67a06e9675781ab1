#include "core/log/embedded/catalogue.hpp"

#include <algorithm>

#include "core/base/bytes.hpp"
#include "core/log/embedded/checked_text.hpp"

namespace tidemark::log {
namespace {

constexpr std::string_view kForm = "tidemark-catalogue";

std::string padded(std::uint64_t number) {
  std::string digits = std::to_string(number);
  return std::string(digits.size() < 10 ? 10 - digits.size() : 0, '0') + digits;
}

std::string crc_text(std::uint32_t crc) {
  std::string bytes;
  put_u32_be(bytes, crc);
  return to_hex(bytes);
}

/// Takes words off a line; after a bad one ok() is false and numbers are 0.
class Words {
 public:
  explicit Words(std::string_view line) : line_(line) {}
  bool ok() const { return ok_; }
  std::string_view text() { return take_word(line_); }
  std::uint64_t number() {
    const auto value = parse_number(text());
    ok_ = ok_ && value;
    return value.value_or(0);
  }
  std::uint16_t small() {
    const auto value = number();
    ok_ = ok_ && value <= 0xffff;
    return static_cast<std::uint16_t>(value);
  }
  std::int64_t time() {
    const auto ms = number();
    ok_ = ok_ && ms <= INT64_MAX;
    return static_cast<std::int64_t>(ms);
  }
  std::uint32_t crc() {
    const auto bytes = from_hex(text());
    ok_ = ok_ && bytes && bytes->size() == 4;
    return ok_ ? get_u32_be(bytes->data()) : 0;
  }

 private:
  std::string_view line_;
  bool ok_ = true;
};

bool parse_topics(std::string_view text, CataloguedFile& file) {
  while (!text.empty()) {
    const auto item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(item.size() + 1, text.size()));
    const auto colon = item.find(':');
    if (colon == item.npos) return false;
    const auto topic = parse_number(item.substr(0, colon)), bytes = parse_number(item.substr(colon + 1));
    if (!topic || *topic > 0xffff || !bytes) return false;
    file.topic_bytes[static_cast<std::uint16_t>(*topic)] = *bytes;
  }
  return !file.topic_bytes.empty();
}

bool parse_line(std::string_view line, Catalogue& out) {
  Words in(line);
  const auto kind = in.text();
  if (kind == "epoch") {
    const auto epoch = parse_uuid(in.text());
    if (epoch) out.epoch = *epoch;
    return epoch.has_value();
  }
  if (kind == "file") {
    CataloguedFile file;
    file.first_segment = in.number();
    file.last_segment = in.number();
    file.retention_class = in.text();
    file.first_commit = in.number();
    file.last_commit = in.number();
    file.size = in.number();
    file.footer_crc = in.crc();
    file.from_ms = in.time();
    file.to_ms = in.time();
    const bool topics = parse_topics(in.text(), file);
    const bool name = !file.retention_class.empty() && file.retention_class.find('/') == std::string::npos;
    out.files.push_back(std::move(file));
    return in.ok() && topics && name;
  }
  if (kind == "range") {
    const std::uint16_t topic = in.small(), lane = in.small();
    const std::uint64_t begin = in.number(), end = in.number();
    out.ranges[{topic, lane}] = SealedRange{begin, end};
    return in.ok() && begin <= end;
  }
  if (kind == "journal") {
    out.segment = in.number();
    out.commit = in.number();
    out.crc = in.crc();
    return in.ok() && out.segment > 0;
  }
  return false;
}

}  // namespace

std::string CataloguedFile::name() const {
  return padded(first_segment) + "-" + padded(last_segment) + "." + retention_class + std::string(kSealedSuffix);
}

std::string render_catalogue(const Catalogue& catalogue) {
  std::string out = "epoch " + to_string(catalogue.epoch) + "\n";
  for (const CataloguedFile& file : catalogue.files) {
    out += "file";
    for (const auto number : {file.first_segment, file.last_segment}) out += " " + std::to_string(number);
    out += " " + file.retention_class;
    for (const auto number : {file.first_commit, file.last_commit, file.size}) out += " " + std::to_string(number);
    out += " " + crc_text(file.footer_crc) + " " + std::to_string(file.from_ms) + " " + std::to_string(file.to_ms);
    char before = ' ';
    for (const auto& [topic, bytes] : file.topic_bytes) {
      out += before + std::to_string(topic) + ":" + std::to_string(bytes);
      before = ',';
    }
    out += "\n";
  }
  for (const auto& [key, range] : catalogue.ranges) {
    out += "range " + std::to_string(key.first) + " " + std::to_string(key.second) + " " + std::to_string(range.begin) + " " +
           std::to_string(range.end) + "\n";
  }
  out += "journal " + std::to_string(catalogue.segment) + " " + std::to_string(catalogue.commit) + " " + crc_text(catalogue.crc) + "\n";
  return render_checked(kForm, out);
}

Result<Catalogue> parse_catalogue(std::string_view bytes) {
  auto lines = parse_checked(kForm, kCatalogueName, bytes);
  if (!lines) return lines.take_error();
  Catalogue out;
  bool good = true;
  for (const auto line : *lines) good = good && parse_line(line, out);
  if (!good || render_catalogue(out) != bytes) return bad_text(kCatalogueName);
  return out;
}

}  // namespace tidemark::log
