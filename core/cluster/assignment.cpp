#include "core/cluster/assignment.hpp"

#include <algorithm>

namespace tidemark::cluster {
namespace {

/// Big-endian numbers, one after the other; once they do not fit, none does.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool ok() const { return ok_; }
  std::int32_t number(std::size_t size) {
    std::uint32_t value = 0;
    for (const char byte : take(size)) value = value << 8 | static_cast<unsigned char>(byte);
    return size == 2 ? static_cast<std::int16_t>(value) : static_cast<std::int32_t>(value);
  }
  std::string_view take(std::size_t size) {
    ok_ = ok_ && size <= bytes_.size();
    const auto taken = ok_ ? bytes_.substr(0, size) : std::string_view();
    bytes_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace

std::optional<std::vector<LaneId>> parse_assignment(std::string_view bytes, std::string_view topic) {
  std::vector<LaneId> lanes;
  if (bytes.empty()) return lanes;
  Reader reader(bytes);
  if (reader.number(2) < 0) return std::nullopt;
  for (std::int32_t topics = reader.number(4); reader.ok() && topics > 0; --topics) {
    const std::int32_t length = reader.number(2);
    if (length < 0) return std::nullopt;
    const bool ours = reader.take(static_cast<std::size_t>(length)) == topic;
    for (std::int32_t partitions = reader.number(4); reader.ok() && partitions > 0; --partitions) {
      const std::int32_t partition = reader.number(4);
      if (reader.ok() && partition < 0) return std::nullopt;
      if (reader.ok() && ours) lanes.push_back(LaneId{static_cast<std::uint32_t>(partition)});
    }
  }
  if (!reader.ok()) return std::nullopt;  // what follows is the assignor's own
  std::sort(lanes.begin(), lanes.end());
  return lanes;
}

}  // namespace tidemark::cluster
