#pragma once
// Long reads without librdkafka, which makes an object of every record and of every header: whole batches are fetched over
// connections of our own and handed on as they are. It only ever helps: whatever it does not understand (another security
// protocol than plaintext, compressed batches, transactions that were given up, a leader that moves) it leaves to History.
// Any thread; blocks.

#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "core/base/rows.hpp"
#include "core/log/kafka/connection.hpp"
#include "core/log/kafka/handles.hpp"
#include "core/log/kafka/raw_batches.hpp"
#include "core/log/kafka/view.hpp"

namespace tidemark::log::kafka {

class BulkReader {
 public:
  explicit BulkReader(const ClientOptions& options);

  struct Request {
    PartitionName partition;
    std::uint64_t from = 0, end = 0;  ///< tmseqs: the first wanted, and where readers may not see further
    std::size_t bytes_max = 0;        ///< about
  };
  struct Answer {
    std::vector<StoredBatch> batches;  ///< empty: read it through History
    std::optional<Mark> mark;          ///< where one of them lies
  };
  /// Batches from the one that holds `from`.
  ///   client  asked for the partition's leader
  ///   offset  asked where `from` lies at the earliest, unless the last read ended there
  Answer read(const Request& request, rd_kafka_s* client, FnRef<std::optional<std::int64_t>()> offset);
  /// Ends what nobody has used for a while.
  void tend();

 private:
  using Clock = std::chrono::steady_clock;
  /// A partition that is being read, one connection each: the answer behind the present one is on its way.
  struct Stream {
    bool busy = false;
    Connection connection;
    std::int32_t number = 0;          ///< of the last request
    std::int64_t offset = 0;          ///< that it asked for, or that the next one will
    bool asked = false;
    std::uint64_t due = 0;            ///< tmseq behind `ready`
    std::deque<StoredBatch> ready;    ///< fetched and not handed on
    std::uint64_t next = 0;           ///< tmseq behind what was handed on
    Clock::time_point used{}, not_before{};
  };
  Stream* borrow(const Request& request);
  bool fill(const Request& request, Stream& stream, rd_kafka_s* client, std::optional<Mark>& mark);
  bool ask(const Request& request, Stream& stream);

  const bool able_;
  const std::string client_id_;
  std::mutex mutex_;
  std::map<PartitionName, Stream> streams_;  ///< guarded; a busy one is its borrower's
};

}  // namespace tidemark::log::kafka
