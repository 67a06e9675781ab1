#pragma once
// A domain on a node: its topics opened in the log, its state store.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "core/log/event_log.hpp"
#include "core/runtime/domain.hpp"
#include "core/runtime/personal_fields.hpp"
#include "core/store/store.hpp"

namespace tidemark::runtime {

struct OpenTopic {
  log::TopicSpec spec;
  log::TopicId id;
  std::shared_ptr<const PersonalFields> personal;  ///< opens what was sealed in its records
};

struct DomainRuntime {
  const Domain* domain = nullptr;
  std::vector<OpenTopic> topics;  ///< event topics as the domain lists them, .dead-letters, those of its reactions, .decisions (always last)
  std::optional<log::TopicId> commands{};  ///< where the log has an inbox
  std::unique_ptr<store::Store> state;
  std::shared_ptr<const PersonalFields> personal;

  const OpenTopic& decisions() const { return topics.back(); }
  std::size_t decisions_index() const { return topics.size() - 1; }
  /// Index of an event topic by full name; topics.size() when there is none.
  std::size_t topic_index(std::string_view name) const {
    const auto at = std::find_if(topics.begin(), topics.end(), [&](const OpenTopic& t) { return t.spec.name == name; });
    return static_cast<std::size_t>(at - topics.begin());
  }
  /// Where LaneTaken goes: the first topic kept for ever.
  std::size_t home_topic() const {
    const auto at = std::find_if(topics.begin(), topics.end(), [](const OpenTopic& t) { return t.spec.topic_class == log::TopicClass::fact; });
    return static_cast<std::size_t>(at - topics.begin());
  }
};

/// All topics of a domain, in the order in which they are opened.
std::vector<log::TopicSpec> topic_specs(const Domain& domain);

/// Opens the domain's topics (creating what is missing) and its state store. `cipher` may be null when nothing in the domain
/// is personal; else invalid_argument.
Result<DomainRuntime> open_domain(const Domain& domain, log::EventLog& log, store::StoreFactory& stores, event::FieldCipher* cipher = nullptr);

/// True when every checkpoint of the store names this log's epoch and a record that is still there and the same. False: the
/// store is of another log (another epoch, other topics or lanes), and must be cleared and rebuilt.
///   errors   corrupt: the log is of the same epoch and lacks, or has exchanged, a record that the store has applied. The store
///            witnesses that it had been durable: the log was damaged, or restored from a backup (ADR 0009)
Result<bool> store_matches_log(const store::Store& store, const std::vector<OpenTopic>& topics, const log::EventLog& log);

}  // namespace tidemark::runtime
