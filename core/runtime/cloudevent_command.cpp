#include "core/runtime/cloudevent_command.hpp"

namespace tidemark::runtime {
namespace {

constexpr std::size_t kAttributeBytesMax = 256;

}  // namespace

std::optional<CommandRequest> command_of(event::Event event, std::vector<event::FieldError>& errors) {
  const event::Envelope& envelope = event.envelope;
  const auto type = event::parse_type(envelope.type);
  if (!type) errors.push_back({"/type", "must be tidemark.<domain>.<Command>.v<version>"});
  const std::pair<std::string_view, const std::string&> carried[] = {{"/correlationid", envelope.correlationid},
                                                                     {"/causationid", envelope.causationid},
                                                                     {"/traceparent", envelope.traceparent},
                                                                     {"/tenant", envelope.tenant}};
  for (const auto& [pointer, value] : carried) {
    if (value.size() > kAttributeBytesMax) errors.push_back({std::string(pointer), "must be at most 256 bytes"});
  }
  if (!errors.empty()) return std::nullopt;
  CommandRequest command;
  command.domain = type->domain;
  command.name = std::string(type->name) + ".v" + std::to_string(type->version);
  command.data = event.data.empty() ? "{}" : std::move(event.data);
  command.actor = kOperator;
  command.command_id = command_id_of_cloudevent(envelope.source, envelope.id);
  command.keyed = true;
  command.tenant = std::move(event.envelope.tenant);
  command.correlation_id = std::move(event.envelope.correlationid);
  command.causation_id = std::move(event.envelope.causationid);
  command.traceparent = std::move(event.envelope.traceparent);
  return command;
}

}  // namespace tidemark::runtime
