#pragma once
// Kafka's Fetch request in version 11 (https://kafka.apache.org/protocol#The_Messages_Fetch), which brokers from 2.3 on answer:
// committed records of one partition, in no session.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/log/kafka/handles.hpp"

namespace tidemark::log::kafka {

struct FetchRequest {
  std::string_view client_id;
  std::int32_t number = 0;     ///< comes back with the answer
  const PartitionName& partition;
  std::int64_t offset = 0;
  std::int32_t bytes_max = 0;  ///< the first batch comes whole, however large
  std::int32_t wait_ms = 0;    ///< how long a broker that has nothing may take
};

/// As it is sent, its length in front.
std::string encode_fetch(const FetchRequest& request);

/// What a broker has answered, bytes borrowed.
struct Fetched {
  std::int16_t error = 0;          ///< 0: none
  bool has_aborted = false;        ///< transactions that were given up lie among the records
  std::string_view records;        ///< record batches; the last one may be cut off
};
/// Of an answer without its length. nullopt when it is none to that request.
std::optional<Fetched> decode_fetched(std::string_view answer, const FetchRequest& request);

}  // namespace tidemark::log::kafka
