#include "core/event/record.hpp"

#include <fmt/format.h>

#include "core/event/attributes.hpp"
#include "core/event/cloudevents.hpp"

namespace tidemark::event {

using namespace detail;

namespace {

constexpr std::string_view kContentType = "content-type";
constexpr std::string_view kPrefix = "ce_";
constexpr std::size_t kExtensionsMax = 100;  // looking for repeated ones is quadratic

Error corrupt(std::string_view header, std::string_view what) {
  return make_error(Code::corrupt, fmt::format("record header {} {}", header, what));
}

// What readers of one record remember between its headers.
struct Seen {
  std::uint32_t attributes = 0;  // a bit each
  bool version = false;
  std::size_t hint = 0;          // writers keep one order, so the attribute behind the last one is tried first
};

// What is wrong with the header, or "".
std::string_view read_header(const HeaderView& header, Envelope& envelope, Seen& seen) {
  if (!header.name.starts_with(kPrefix)) return {};
  if (!header.value) return "has no value";
  const std::string_view name = header.name.substr(kPrefix.size());
  if (const std::size_t index = find_attribute(name, seen.hint); index < kAttributes.size()) {
    seen.hint = index + 1;
    const std::uint32_t bit = std::uint32_t{1} << index;
    if (seen.attributes & bit) return "is repeated";
    seen.attributes |= bit;
    return set_attribute(envelope, kAttributes[index], *header.value);
  }
  if (name == "specversion") {
    if (seen.version) return "is repeated";
    if (*header.value != kSpecVersion) return "must be 1.0";
    seen.version = true;
    return {};
  }
  if (name == "datacontenttype") return {};  // content-type says it
  if (name.empty() || is_reserved(name)) return "is not an attribute";
  for (const auto& extension : envelope.extensions) {
    if (extension.first == name) return "is repeated";
  }
  if (envelope.extensions.size() >= kExtensionsMax) return "is one extension too many";
  envelope.extensions.emplace_back(name, *header.value);
  return {};
}

Result<Event> decode_structured(const RecordView& record) {
  std::vector<FieldError> errors;
  auto event = from_cloudevent(record.value.value_or(""), errors, from_ms(record.timestamp_ms));
  if (!event) {
    return make_error(Code::corrupt, fmt::format("structured CloudEvent: {}{}{}", errors.front().pointer,
                                                 errors.front().pointer.empty() ? "" : " ", errors.front().message));
  }
  if (event->envelope.partitionkey.empty() && record.key) event->envelope.partitionkey.assign(*record.key);
  return std::move(*event);
}

void clear(Envelope& envelope) {
  for (const Attribute& attribute : kAttributes) {
    if (attribute.kind == AttributeKind::text) (envelope.*attribute.text).clear();
  }
  envelope.sequence.reset();
  envelope.recordedtime.reset();
  envelope.tmseq.reset();
  envelope.tmdecision.reset();
  envelope.extensions.clear();
}

bool is_structured(const RecordView& record) {
  const auto type = record.header(kContentType);
  return type && is_cloudevents_content_type(*type);
}

Result<void> decode_binary(const RecordView& record, Envelope& envelope) {
  envelope.time = from_ms(record.timestamp_ms);
  Seen seen;
  for (const HeaderView& header : record.headers) {
    const std::string_view wrong = read_header(header, envelope, seen);
    if (!wrong.empty()) return corrupt(header.name, wrong);
  }
  if (!seen.version) return corrupt("ce_specversion", "is missing");
  if (envelope.id.empty()) return corrupt("ce_id", "is missing");
  if (envelope.source.empty()) return corrupt("ce_source", "is missing");
  if (envelope.type.empty()) return corrupt("ce_type", "is missing");
  if (const auto type = record.header(kContentType); type && !is_json_content_type(*type)) {
    return corrupt(kContentType, "must be application/json");
  }
  if (envelope.partitionkey.empty() && record.key) envelope.partitionkey.assign(*record.key);
  return {};
}

}  // namespace

std::optional<std::string_view> RecordView::header(std::string_view name) const {
  for (const HeaderView& header : headers) {
    if (header.name == name) return header.value;
  }
  return std::nullopt;
}

std::string_view RecordEncoder::keep(std::string_view text) {
  const std::size_t at = scratch_.size();
  TM_ASSERT(scratch_.capacity() - at >= text.size(), "the scratch space of a record is too small");
  scratch_.append(text);
  return std::string_view(scratch_).substr(at);
}

std::string_view RecordEncoder::keep_time(Time time) {
  if (time_text_.empty() || formatted_ != time) {
    time_text_ = to_rfc3339(time);
    formatted_ = time;
  }
  return keep(time_text_);
}

const RecordView& RecordEncoder::encode(const Envelope& envelope, std::string_view data) {
  constexpr std::size_t kNumbersBytesMax = 2 * 24 + 3 * 20 + 1 + 10;
  std::size_t scratch_bytes = kNumbersBytesMax;
  for (const auto& extension : envelope.extensions) scratch_bytes += kPrefix.size() + extension.first.size();
  scratch_.clear();
  scratch_.reserve(scratch_bytes);
  headers_.clear();
  headers_.reserve(2 + kAttributes.size() + envelope.extensions.size());

  headers_.push_back({kContentType, kJsonContentType});
  headers_.push_back({"ce_specversion", kSpecVersion});
  for (const Attribute& attribute : kAttributes) {
    if (!has_attribute(envelope, attribute)) continue;
    std::string_view value;
    switch (attribute.kind) {
      case AttributeKind::text: value = envelope.*attribute.text; break;
      case AttributeKind::time: value = keep_time(envelope.time); break;
      case AttributeKind::recordedtime: value = keep_time(*envelope.recordedtime); break;
      default: {
        const std::size_t at = scratch_.size();
        append_number(envelope, attribute, scratch_);
        value = std::string_view(scratch_).substr(at);
      }
    }
    headers_.push_back({attribute.header, value});
  }
  for (const auto& [name, value] : envelope.extensions) {
    const std::size_t at = scratch_.size();
    keep(kPrefix);
    keep(name);
    headers_.push_back({std::string_view(scratch_).substr(at), std::string_view(value)});
  }
  TM_ASSERT(scratch_.size() <= scratch_bytes, "the views into the scratch space moved");

  record_.offset = 0;
  record_.timestamp_ms = to_ms(envelope.time);
  record_.key = envelope.partitionkey.empty() ? std::nullopt : std::optional<std::string_view>(envelope.partitionkey);
  record_.value = data;
  record_.headers = headers_;
  return record_;
}

Result<void> decode_record(const RecordView& record, Event& into) {
  if (is_structured(record)) {
    auto event = decode_structured(record);
    if (!event.ok()) return event.take_error();
    into = std::move(*event);
    return {};
  }
  clear(into.envelope);
  if (auto read = decode_binary(record, into.envelope); !read.ok()) return read.take_error();
  into.data.assign(record.value.value_or(""));
  return {};
}

Result<Event> decode_record(const RecordView& record) {
  Event event;
  if (auto read = decode_record(record, event); !read.ok()) return read.take_error();
  return Result<Event>(std::move(event));
}

Result<Envelope> decode_envelope(const RecordView& record) {
  if (is_structured(record)) {
    auto event = decode_structured(record);
    if (!event.ok()) return event.take_error();
    return Result<Envelope>(std::move(event->envelope));
  }
  Envelope envelope;
  if (auto read = decode_binary(record, envelope); !read.ok()) return read.take_error();
  return Result<Envelope>(std::move(envelope));
}

}  // namespace tidemark::event
