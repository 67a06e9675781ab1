#include "core/runtime/domain_runtime.hpp"

#include "core/runtime/log_cursor.hpp"
#include "core/runtime/reaction_records.hpp"
#include "core/store/cached_store.hpp"

namespace tidemark::runtime {

namespace {
constexpr std::size_t kStateCacheBytes = 8u << 20;  // per domain; the node idles within 64 MB with five
}

std::vector<log::TopicSpec> topic_specs(const Domain& domain) {
  std::vector<log::TopicSpec> specs = domain.topics;
  specs.push_back({domain.name + ".commands", log::TopicClass::commands, domain.decisions_retention});
  specs.push_back({domain.name + ".dead-letters", log::TopicClass::dead_letters, std::nullopt});
  if (!domain.reactors.empty()) specs.push_back({reactions_topic(domain.name), log::TopicClass::ephemeral, domain.reactions_retention});
  specs.push_back({domain.name + ".decisions", log::TopicClass::decisions, domain.decisions_retention});
  return specs;
}

Result<DomainRuntime> open_domain(const Domain& domain, log::EventLog& log, store::StoreFactory& stores, event::FieldCipher* cipher) {
  if (cipher == nullptr && domain.decider->has_personal()) {
    return make_error(Code::invalid_argument, "domain " + domain.name + " holds personal data and this node has no keys to encrypt them");
  }
  DomainRuntime runtime;
  runtime.domain = &domain;
  runtime.personal = std::make_shared<PersonalFields>(domain.decider, domain.decider->has_personal() ? cipher : nullptr);
  const bool has_inbox = log.inbox() != nullptr;
  const bool puts_aside = has_inbox || !domain.reactors.empty();
  for (const auto& spec : topic_specs(domain)) {
    auto id = log.open_topic(spec);
    if (!id) return id.take_error();
    if (spec.topic_class == log::TopicClass::commands) {
      if (has_inbox) runtime.commands = *id;
      continue;
    }
    if (puts_aside || spec.topic_class != log::TopicClass::dead_letters) runtime.topics.push_back({spec, *id, runtime.personal});
  }
  if (runtime.home_topic() == runtime.topics.size()) {
    return make_error(Code::invalid_argument, "domain " + domain.name + " has no topic of class fact");
  }
  auto state = stores.open("state/" + domain.name + "-v" + std::to_string(domain.state_version));
  if (!state) return state.take_error();
  runtime.state = store::cache_rows(std::move(*state), kStateCacheBytes);
  return runtime;
}

Result<bool> store_matches_log(const store::Store& store, const std::vector<OpenTopic>& topics, const log::EventLog& log) {
  auto checkpoints = store.checkpoints();
  if (!checkpoints) return checkpoints.take_error();
  for (const auto& [key, checkpoint] : *checkpoints) {
    const auto topic = std::find_if(topics.begin(), topics.end(), [&](const OpenTopic& t) { return t.spec.name == key.topic; });
    if (checkpoint.log_epoch != log.epoch() || topic == topics.end() || key.lane.value >= log.lanes()) return false;
    if (checkpoint.next == Tmseq{0}) continue;
    const Tmseq last{checkpoint.next.value - 1};
    const auto witness = [&, &key = key](const std::string& what) {
      return make_error(Code::corrupt, key.topic + " lane " + std::to_string(key.lane.value) + " tmseq " + std::to_string(last.value) + " " + what +
                                           ", though a store has applied it: the log is damaged or was restored. To go on with this log, remove the stores");
    };
    if (log.end(topic->id, key.lane) < checkpoint.next) return witness("is missing");
    const bool is_fact = topic->spec.topic_class == log::TopicClass::fact;
    if (!is_fact && last < log.begin(topic->id, key.lane)) continue;  // cut by retention: nothing left to compare with
    auto event = read_event(log, topic->id, key.topic, key.lane, last);
    if (!event && event.error().code == Code::not_found) {
      if (is_fact) return witness("is missing");
      continue;  // cut since
    }
    if (!event) return event.take_error();
    if (event->envelope.id != checkpoint.last_id) return witness("is another record");
  }
  return true;
}

}  // namespace tidemark::runtime
