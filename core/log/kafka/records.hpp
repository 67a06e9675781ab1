#pragma once
// A record as Kafka carries it: as it was appended (key, value, headers, time), and with up to two headers of the log's own.
//   tmseq      the record's position, when it has no ce_tmseq that says it
//   tmcommit   on the last record of every topic of an append: everything that the append wrote, "topic:first+count,...", so that
//              half of one is seen even when nothing follows; and where the others end that may be cut, "topic:end+0@offset"
// Reading takes them off again. docs/formats/kafka.md describes both.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/ids.hpp"
#include "core/event/record.hpp"
#include "core/log/command_inbox.hpp"
#include "core/log/kafka/handles.hpp"

namespace tidemark::log::kafka {

/// One topic's share of an append. With count 0: where a topic that may be cut ended, which the append left alone.
struct CommitPart {
  std::string topic;  ///< full name, without the installation's prefix
  std::uint64_t first = 0, count = 0;
  std::int64_t after = 0;  ///< of count 0: no record from `first` on lies before this offset
};
std::string encode_commit(const std::vector<CommitPart>& parts);
std::optional<std::vector<CommitPart>> decode_commit(std::string_view text);

/// Hands one record to a producer. `offset`, kNotDelivered before, gets its offset or kDeliveredSomewhere when it is delivered;
/// it must stay where it is until then.
///   position   checked against a ce_tmseq that the record carries
///   commit     empty: no tmcommit header
///   errors     invalid_argument (the record says another position), unavailable (the client takes no more)
Result<void> produce(rd_kafka_s* producer, const std::string& topic, std::int32_t partition, const event::RecordView& record, Tmseq position,
                     const std::string& commit, std::int64_t& offset);

/// Hands over a record that is nobody's append, as it is; a time that no producer can mean becomes the present one. `opaque` as the
/// producer's delivery reports want it.
///   errors   fenced, unavailable (the client takes no more), exhausted (larger than a record may be)
Result<void> produce_as_is(rd_kafka_s* producer, const std::string& topic, std::int32_t partition, const OwnedRecord& record, void* opaque);

/// A record that somebody else wrote.
OwnedRecord owned_record(const rd_kafka_message_s& message);

/// A record as it came.
struct ReadRecord {
  event::RecordView view;     ///< as it was appended; offset is Kafka's
  std::uint64_t tmseq = 0;
  std::string_view commit;    ///< "" unless it is the last of its topic in its append
};

/// Reads messages; what it gives lives until the next, and as long as the message.
class MessageReader {
 public:
  /// corrupt, naming topic, partition and offset, when it was not written by an owner.
  Result<ReadRecord> read(const rd_kafka_message_s& message);

 private:
  std::vector<event::HeaderView> headers_;
};

/// "topic partition p offset o", for messages.
std::string place_of(const rd_kafka_message_s& message);

}  // namespace tidemark::log::kafka
