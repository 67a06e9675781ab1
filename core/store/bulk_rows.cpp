#include "core/store/bulk_rows.hpp"

#include <algorithm>
#include <bit>
#include <new>

#include "core/store/merged_scan.hpp"

namespace tidemark::store {
namespace {

constexpr std::size_t kBlockBytes = 1u << 20;
// Beside key and value: a slot of the table at the load it has after growing, and what a spill takes for a row.
constexpr std::size_t kRowBytes = 2 * (sizeof(std::string_view) + sizeof(void*)) + sizeof(SortedRow) + 2 * sizeof(void*);

template <class Rows>
std::size_t common_prefix(const Rows& rows) {
  if (rows.empty()) return 0;
  const std::string_view first = rows.begin()->first;
  std::size_t size = first.size();
  for (const auto& row : rows) {
    const std::string_view other = row.first.substr(0, size);
    size = static_cast<std::size_t>(std::mismatch(other.begin(), other.end(), first.begin()).first - other.begin());
  }
  return size;
}

/// The first 8 bytes as a number that compares as they do.
std::uint64_t leading(std::string_view bytes) {
  char first[8] = {};
  bytes.copy(first, sizeof first);
  return __builtin_bswap64(std::bit_cast<std::uint64_t>(first));
}

/// The rows by key. Most comparisons are settled by 8 bytes that lie beside each other, without a look at the key.
template <class Rows>
auto in_order(const Rows& rows) {
  struct Place {
    std::uint64_t leading;
    const typename Rows::value_type* row;
  };
  const std::size_t skip = common_prefix(rows);
  std::vector<Place> places;
  places.reserve(rows.size());
  for (const auto& row : rows) places.push_back({leading(row.first.substr(skip)), &row});
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return a.leading != b.leading ? a.leading < b.leading : a.row->first < b.row->first;
  });
  return places;
}

}  // namespace

char* BulkRows::Arena::take(std::size_t size) {
  size = (size + alignof(std::max_align_t) - 1) & ~(alignof(std::max_align_t) - 1);
  if (size > left_) {
    const std::size_t block = std::max(size, kBlockBytes);
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(block));
    at_ = blocks_.back().get();
    left_ = block;
  }
  char* taken = at_;
  at_ += size;
  left_ -= size;
  return taken;
}

void BulkRows::Arena::clear() {
  blocks_.clear();
  at_ = nullptr;
  left_ = 0;
}

bool BulkRows::get(std::string_view key, std::string& value) const {
  const auto found = rows_.find(key);
  if (found == rows_.end()) return spilled_ && store_.get(key, value);
  const auto held = change_value(found->second);
  if (held) value.assign(*held);
  return held.has_value();
}

const std::map<std::string_view, BulkRows::Value*>& BulkRows::ordered() const {
  if (!ordered_) ordered_.emplace(rows_.begin(), rows_.end());
  return *ordered_;
}

void BulkRows::scan(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const {
  merged_scan(store_, ordered(), from, to, visit);
}

void BulkRows::scan_back(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const {
  merged_scan_back(store_, ordered(), from, to, visit);
}

BulkRows::Value& BulkRows::entry(std::string_view key) {
  if (const auto found = rows_.find(key); found != rows_.end()) return *found->second;
  char* const memory = arena_.take(sizeof(Value) + key.size());
  auto* const value = new (memory) Value;
  char* const kept = memory + sizeof(Value);
  std::copy(key.begin(), key.end(), kept);
  const std::string_view own_key(kept, key.size());
  rows_.emplace(own_key, value);
  if (ordered_) ordered_->emplace(own_key, value);
  bytes_ += sizeof(Value) + key.size() + kRowBytes;
  return *value;
}

void BulkRows::put(std::string_view key, std::string_view value) {
  Value& row = entry(key);
  if (row.room < value.size()) {
    // Some more than wanted: rows tend to grow.
    row.room = static_cast<std::uint32_t>(value.size() + value.size() / 4);
    row.at = arena_.take(row.room);
    bytes_ += row.room;
  }
  std::copy(value.begin(), value.end(), row.at);
  row.size = static_cast<std::uint32_t>(value.size());
  row.erased = false;
}

void BulkRows::erase(std::string_view key) { entry(key).erased = true; }

Result<void> BulkRows::spill(const Checkpoints& checkpoints) {
  std::vector<SortedRow> rows;
  rows.reserve(rows_.size());
  for (const auto& place : in_order(rows_)) {
    const auto held = change_value(place.row->second);
    if (held || spilled_) rows.push_back({place.row->first, held});  // nothing to erase in an empty store
  }
  if (auto ingested = store_.ingest(rows, checkpoints); !ingested) return ingested;
  spilled_ = spilled_ || !rows.empty();
  rows_ = {};
  ordered_.reset();
  arena_.clear();
  bytes_ = 0;
  return {};
}

}  // namespace tidemark::store
