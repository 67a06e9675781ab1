#pragma once
// The one envelope: CloudEvents 1.0 attributes and Tidemark's extensions, in memory. record.hpp maps it to a log record
// (Kafka binary mode: ce_* headers); cloudevents.hpp maps it to the structured JSON mode.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.hpp"
#include "core/base/time.hpp"

namespace tidemark::event {

/// Position of an event in the total order of its domain and lane: the decision that made it, and its index there.
/// Written as "<tmseq of the decision>.<index>".
struct DecisionRef {
  Tmseq decision;
  std::uint32_t index = 0;
  auto operator<=>(const DecisionRef&) const = default;
};

/// Attributes and extensions. Empty strings and nullopt are attributes that are absent.
struct Envelope {
  std::string id;            ///< UUID text
  std::string source;        ///< URI reference, e.g. "/tidemark/builds"
  std::string type;          ///< "tidemark.builds.BuildSubmitted.v1"
  std::string subject;       ///< entity id
  Time time{};               ///< occurred; equal to recordedtime unless imported
  std::string dataschema;    ///< "/schemas/builds/BuildSubmitted.v1.json"
  std::string partitionkey;  ///< record key
  std::string boundary;      ///< ce_tmboundary: the boundary key, when it differs from partitionkey
  std::optional<std::uint64_t> sequence;  ///< stream version of `subject`, from 0; 20 digits on the wire. Absent on ephemeral topics and decisions
  std::string correlationid;
  std::string causationid;
  std::string commandid;
  std::optional<Time> recordedtime;
  std::string traceparent;
  std::string tenant;
  std::string actor;
  std::optional<Tmseq> tmseq;
  std::optional<DecisionRef> tmdecision;
  std::string tmkey;         ///< id of the data key, when fields are encrypted
  std::vector<std::pair<std::string, std::string>> extensions;  ///< unknown ce_* attributes, kept

  /// The boundary key: `boundary`, or `partitionkey` when that is absent.
  std::string_view boundary_key() const { return boundary.empty() ? std::string_view(partitionkey) : std::string_view(boundary); }
};

/// An envelope and its JSON data, byte for byte as recorded.
struct Event {
  Envelope envelope;
  std::string data;
};

/// "tidemark.<domain>.<Name>.v<version>", split. Views into the argument.
struct TypeName {
  std::string_view domain;
  std::string_view name;
  int version = 0;
};
std::optional<TypeName> parse_type(std::string_view type);
std::string make_type(std::string_view domain, std::string_view name, int version);

}  // namespace tidemark::event
