#pragma once
// The index of a domain: where the decision on a command lies, and the events of a subject. A projection that the runtime
// registers for every domain under "<domain>.index"; it keeps places, not copies.
//
//   0x10 | day of recording (4) | command id (16)          -> lane, tmseq in <domain>.decisions
//   0x20 | subject | lane (4) | decision (8) | index (4)   -> topic, tmseq, sequence     events of the subject's own stream
//   0x21 | subject | lane (4) | decision (8) | index (4)   -> topic, tmseq               events that name it second
//
// Numbers in keys are big-endian, the subject is a key part (docs/formats/rows.md), values are varints and the topic without
// its domain. Only numbered events are listed: what an ephemeral topic holds is no part of a stream. Days keep decision
// rows of one age together; whole days are dropped once they are twice as old as <domain>.decisions is kept.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.hpp"
#include "core/base/rows.hpp"
#include "core/event/envelope.hpp"
#include "core/runtime/domain.hpp"
#include "core/runtime/node.hpp"

namespace tidemark::runtime {

std::string index_name(std::string_view domain);
/// Reads every fact topic of the domain and its decisions; mergeable. `domain` is copied from, not kept.
std::shared_ptr<const Projection> make_domain_index(const Domain& domain);

/// Everything durable that the index of the domain reads: a query that waits for this sees every decision answered before.
Position index_end(Node& node, std::string_view domain);

struct RecordPlace {
  std::string topic;  ///< full name
  LaneId lane;
  Tmseq at;
};

std::optional<RecordPlace> find_decision(const RowReader& index, std::string_view domain, const Uuid& command_id);

/// Place in the list of a subject's events: by lane, and in a lane in the order of its decisions.
struct StreamOrder {
  LaneId lane;
  event::DecisionRef decision;
  auto operator<=>(const StreamOrder&) const = default;
};

struct StreamEntry {
  StreamOrder order;
  RecordPlace place;
  std::optional<std::uint64_t> sequence;  ///< nullopt: the event is of another stream and names this subject second
};

/// Up to `most` entries behind `after` (nullopt: from the first).
std::vector<StreamEntry> list_stream(const RowReader& index, std::string_view domain, std::string_view subject,
                                     const std::optional<StreamOrder>& after, std::size_t most);
/// Sequence of the last event of the subject's own stream; nullopt when it has none.
std::optional<std::uint64_t> stream_version(const RowReader& index, std::string_view subject);

}  // namespace tidemark::runtime
