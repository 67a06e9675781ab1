#pragma once
// Committed records of any partition from any offset: for whoever reads what is no longer in memory. A few clients, each with
// a reader per partition that goes on where it stopped, so that reading on costs no new request. Any thread; blocks.

#include <condition_variable>
#include <limits>
#include <map>
#include <mutex>
#include <set>

#include "core/base/rows.hpp"
#include "core/log/kafka/handles.hpp"

namespace tidemark::log::kafka {

inline constexpr std::int64_t kNoOffset = std::numeric_limits<std::int64_t>::max();
inline constexpr std::uint64_t kNowhere = UINT64_MAX;  ///< no reader goes on from here

class History {
 public:
  static Result<std::unique_ptr<History>> open(const ClientOptions& options, std::size_t clients);
  ~History();

  struct Request {
    PartitionName partition;
    std::int64_t offset = 0;           ///< from here, unless `resume` says that a reader is there already
    std::int64_t until = kNoOffset;    ///< the end has been reached when nothing committed is left before this offset
    Duration patience{};               ///< since the last record
  };
  /// Calls `take` with every committed record in order, until it returns false or the end is reached.
  ///   resume   in: the tmseq wanted; out: as `take` left it, the tmseq that a reader which goes on will find. kNowhere: the read
  ///            begins at the offset and its reader ends with it
  ///   errors   not_found (the broker no longer has the offset), unavailable (no answer within the patience)
  Result<void> read(const Request& request, std::uint64_t& resume, FnRef<bool(const rd_kafka_message_s&)> take);
  /// Ends readers that nobody has used for a while.
  void tend();
  /// For ask_offsets() by a committed reader.
  rd_kafka_s* client() { return clients_.front().handle.get(); }

 private:
  struct Reader {
    TopicHandle topic;
    bool started = false, busy = false;
    std::uint64_t resume = 0;
    std::chrono::steady_clock::time_point used{};
  };
  struct Client {
    Handle handle;
    std::map<PartitionName, Reader> readers;
    std::set<std::string> topics;  ///< whose leaders it has asked for
  };
  History() = default;
  std::pair<Client*, Reader*> borrow(const PartitionName& partition, std::uint64_t resume, bool& goes_on);
  void give_back(Reader& reader);
  void meet_topic(Client& client, Reader& reader, const Request& request);
  Result<bool> pull(const Request& request, Reader& reader, FnRef<bool(const rd_kafka_message_s&)> take);

  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<Client> clients_;
};

}  // namespace tidemark::log::kafka
