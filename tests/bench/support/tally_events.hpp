#pragma once
// Events of the tally as a lane writes them, for benchmarks that fold them: as many as wanted, over as many accounts as wanted.

#include <cstdint>
#include <string>

#include "core/event/envelope.hpp"
#include "tests/support/tally/tally.hpp"

namespace tidemark::bench {

/// The event of that number: the accounts take turns, far from the order of their names.
inline testing::tally::Added added_at(std::uint64_t at, std::uint64_t keys) {
  const std::uint64_t key = at * 7919 % keys;
  return {"group-" + std::to_string(key % 1000), "account-" + std::to_string(key), static_cast<std::int64_t>(at % 100)};
}

/// With all that a lane writes around an event.
inline event::Envelope envelope_of(const testing::tally::Added& added, std::uint64_t at, Tmseq tmseq) {
  const std::string command = to_string(derive_uuid("rebuild", "command", at));
  event::Envelope envelope;
  envelope.id = to_string(derive_uuid("rebuild", "event", at));
  envelope.source = "/tidemark/tally";
  envelope.type = "tidemark.tally.Added.v1";
  envelope.subject = added.account;
  envelope.time = from_ms(1'780'000'000'000 + static_cast<std::int64_t>(at));
  envelope.dataschema = "/schemas/tally/Added.v1.json";
  envelope.partitionkey = added.group;
  envelope.sequence = at;
  envelope.correlationid = envelope.causationid = envelope.commandid = command;
  envelope.actor = "client";
  envelope.tmseq = tmseq;
  envelope.tmdecision = event::DecisionRef{tmseq, 0};
  return envelope;
}

}  // namespace tidemark::bench
