#include "core/runtime/forwarded_command.hpp"

#include "core/event/json.hpp"
#include "core/event/record.hpp"

namespace tidemark::runtime {
namespace {

struct Expected {
  std::string subject;
  bool exists = true;
  std::optional<std::uint64_t> version;
};
BOOST_DESCRIBE_STRUCT(Expected, (), (subject, exists, version))

void add_part(std::string& out, const std::optional<std::string>& part) {
  if (!part) {
    out += '-';
    return;
  }
  out += std::to_string(part->size());
  out += ':';
  out += *part;
}

/// What the proof is about: where the record lies, and all of it but the proof.
std::string proved(const ForwardPlace& place, const log::OwnedRecord& record) {
  std::string all;
  all.reserve(record.size_bytes() + 256);
  add_part(all, to_string(place.log_epoch));
  add_part(all, place.domain.domain->name);
  add_part(all, record.key);
  add_part(all, record.value);
  for (const auto& [name, value] : record.headers) {
    if (name == kProofHeader) continue;
    add_part(all, name);
    add_part(all, value);
  }
  return sha256(all);
}

const std::optional<std::string>* header_of(const log::OwnedRecord& record, std::string_view name) {
  for (const auto& [header, value] : record.headers) {
    if (header == name) return &value;
  }
  return nullptr;
}

Rejection rejected(std::string_view code, std::string reason) { return Rejection{code, std::move(reason)}; }

}  // namespace

Result<log::OwnedRecord> make_forwarded(const ForwardPlace& place, const CommandRequest& request, const DecodedCommand& command,
                                        const std::string& record_id, const std::string& node_id, Time now, Time not_after) {
  event::Envelope envelope;
  envelope.id = record_id;
  envelope.source = "/tidemark/nodes/" + node_id;
  envelope.type = command.type();
  envelope.time = now;
  envelope.partitionkey = command.boundary();
  envelope.commandid = request.command_id;
  envelope.correlationid = request.correlation_id;
  envelope.causationid = request.causation_id;
  envelope.traceparent = request.traceparent;
  envelope.tenant = request.tenant;
  envelope.actor = request.actor;
  const std::string data = place.domain.personal->seal(envelope.type, command.canonical_data(), command.personal_subject(), record_id, envelope.tmkey);
  event::RecordEncoder encoder;
  const event::RecordView& view = encoder.encode(envelope, data);
  log::OwnedRecord record;
  record.key = std::string(*view.key);
  record.value = data;
  record.timestamp_ms = view.timestamp_ms;
  for (const auto& header : view.headers) record.headers.emplace_back(header.name, std::string(*header.value));
  record.headers.emplace_back(kNotAfterHeader, std::to_string(to_ms(not_after)));
  if (request.expected) {
    const Expected expected{request.expected->subject, request.expected->exists, request.expected->version};
    record.headers.emplace_back(kExpectedHeader, event::to_json(expected));
  }
  auto proof = place.proof.prove(proved(place, record));
  if (!proof) return proof.take_error();
  record.headers.emplace_back(kProofHeader, std::move(*proof));
  return record;
}

std::variant<ForwardedCommand, Rejection> read_forwarded(const ForwardPlace& place, const log::OwnedRecord& record) {
  const auto* const proof = header_of(record, kProofHeader);
  if (proof == nullptr || !*proof || !place.proof.holds(proved(place, record), **proof)) {
    return rejected(dead::kBadProof, "header " + std::string(kProofHeader) + " is not the proof of a node of this installation for this record");
  }
  std::vector<event::HeaderView> headers;
  auto event = event::decode_record(log::view_of(record, headers));
  if (!event) return rejected(dead::kBadCloudEvent, event.error().message);
  const event::Envelope& envelope = event->envelope;
  const auto type = event::parse_type(envelope.type);
  if (!type || !parse_uuid(envelope.commandid)) return rejected(dead::kBadCloudEvent, "a forwarded command names no command or no command id");
  Rejection wrong;
  wrong.command_id = envelope.commandid;
  wrong.forwarded = envelope.id;
  if (auto opened = place.domain.personal->open(*event); !opened) {
    wrong.code = dead::kUnreadable;
    wrong.reason = "its personal fields cannot be opened: " + opened.error().message;
    return wrong;
  }
  ForwardedCommand out;
  out.record_id = envelope.id;
  CommandRequest& request = out.request;
  request.domain = type->domain;
  request.name = std::string(type->name) + ".v" + std::to_string(type->version);
  request.data = std::move(event->data);
  request.actor = envelope.actor;
  request.tenant = envelope.tenant;
  request.command_id = envelope.commandid;
  request.keyed = true;
  request.correlation_id = envelope.correlationid;
  request.causation_id = envelope.causationid;
  request.traceparent = envelope.traceparent;
  if (const auto* const said = header_of(record, kExpectedHeader)) {
    std::vector<event::FieldError> errors;
    auto expected = event::from_json<Expected>(said->value_or(""), event::Decoding::tolerant, errors);
    if (!expected) {
      wrong.code = dead::kBadCloudEvent;
      wrong.reason = "header " + std::string(kExpectedHeader) + " cannot be read";
      return wrong;
    }
    request.expected = ExpectedVersion{std::move(expected->subject), expected->exists, expected->version};
  }
  return out;
}

}  // namespace tidemark::runtime
