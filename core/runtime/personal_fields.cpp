#include "core/runtime/personal_fields.hpp"

#include "core/event/personal.hpp"
#include "core/runtime/dead_command.hpp"
#include "core/runtime/reaction_records.hpp"

namespace tidemark::runtime {
namespace {

constexpr std::string_view kReplyType = "reply";  // in place of a type, which replies do not name

/// Records that hold what others wrote: nothing says where personal data are in them.
bool is_sealed_whole(std::string_view type) { return is_reaction_record(type) || type == kDeadCommandType; }

}  // namespace

std::unique_ptr<event::SubjectSealer> PersonalFields::sealer(std::string_view subject) const {
  TM_ASSERT(cipher_ != nullptr, "a node without keys does not start with personal fields");
  auto made = cipher_->sealer_of(subject);
  if (!made) throw KeysUnavailable("the key of a subject cannot be used: " + describe(made.error()));
  return std::move(*made);
}

std::string PersonalFields::seal(std::string_view type, std::string json, const std::optional<std::string>& subject, std::string_view record,
                                 std::string& key_id) const {
  if (is_sealed_whole(type)) return seal_whole(type, std::move(json), subject, record, key_id);
  if (!subject) return json;
  const auto document = event::JsonDocument::parse(json);
  TM_ASSERT(document.ok(), "the codec writes JSON");
  std::vector<event::PersonalNode> found;
  decider_->find_personal(type, document->root(), found);
  if (found.empty()) return json;  // optional ones that are absent
  const auto of_subject = sealer(*subject);
  key_id = of_subject->key_id();
  return event::seal_fields(json, found, *of_subject, record, type);
}

std::string PersonalFields::seal_whole(std::string_view type, std::string json, const std::optional<std::string>& subject, std::string_view record,
                                       std::string& key_id) const {
  if (!subject) return json;
  const auto of_subject = sealer(*subject);
  key_id = of_subject->key_id();
  return event::sealed_wrapper(*of_subject, {record, type, {}}, json);
}

std::string PersonalFields::seal_reply(std::string json, const std::optional<std::string>& subject, std::string_view record,
                                       std::string& key_id) const {
  return seal_whole(kReplyType, std::move(json), subject, record, key_id);
}

std::string PersonalFields::fingerprint(const DecodedCommand& command) const {
  const std::string text = command.type() + '\n' + command.canonical_data();
  const auto subject = command.personal_subject();
  return subject ? sealer(*subject)->mac(text) : sha256(text);
}

Result<std::string> PersonalFields::opened(std::string_view type, std::string_view record, std::string_view json) const {
  const auto document = event::JsonDocument::parse(json);
  if (!document) return make_error(Code::corrupt, "record " + std::string(record) + " is not JSON: " + document.error().message);
  std::vector<event::PersonalNode> found;
  decider_->find_personal(type, document->root(), found);
  return event::open_fields(json, found, *cipher_, record, type);
}

Result<std::string> PersonalFields::opened_whole(std::string_view type, std::string_view record, std::string_view json) const {
  const auto document = event::JsonDocument::parse(json);
  if (!document || !event::is_sealed_wrapper(document->root())) return std::string(json);
  auto plain = event::open_wrapper(document->root(), *cipher_, {record, type, {}});
  if (!plain) return plain.take_error();
  return *plain ? std::move(**plain) : std::string(event::kErased);
}

Result<void> PersonalFields::open(event::Event& event) const {
  const auto& envelope = event.envelope;
  if (envelope.tmkey.empty() || cipher_ == nullptr) return {};
  auto plain = is_sealed_whole(envelope.type) ? opened_whole(envelope.type, envelope.id, event.data) : opened(envelope.type, envelope.id, event.data);
  if (!plain) return plain.take_error();
  event.data = std::move(*plain);
  return {};
}

Result<void> PersonalFields::open_decision(const event::Envelope& envelope, DecisionRecord& decision) const {
  if (envelope.tmkey.empty() || cipher_ == nullptr) return {};
  auto command = opened(decision.command.type, envelope.id, decision.command.data.raw);
  if (!command) return command.take_error();
  decision.command.data.raw = std::move(*command);
  if (!decision.reply) return {};
  auto reply = opened_whole(kReplyType, envelope.id, decision.reply->raw);
  if (!reply) return reply.take_error();
  decision.reply->raw = std::move(*reply);
  return {};
}

}  // namespace tidemark::runtime
