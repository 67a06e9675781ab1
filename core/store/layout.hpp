#pragma once
// How a store lays out its keys (docs/formats/rows.md): rows as they are, the store's own entries under byte 0x00.
// Shared by the adapters; not for anyone else.

#include <map>
#include <string>
#include <string_view>

#include "core/store/store.hpp"

namespace tidemark::store::layout {

inline constexpr std::string_view kFirstRowKey{"\x01", 1};  ///< no row key is less

/// 00 'c', topic, lane
std::string checkpoint_key(const CheckpointKey& key);
std::string checkpoint_value(const Checkpoint& checkpoint);
/// Both bounds of all checkpoint keys.
inline constexpr std::string_view kCheckpointsFrom{"\0c", 2};
inline constexpr std::string_view kCheckpointsTo{"\0d", 2};
/// Reads one entry into `into`; corrupt when it is not a checkpoint.
Result<void> read_checkpoint(std::string_view key, std::string_view value, std::map<CheckpointKey, Checkpoint>& into);

/// Asserts that a key may be a row's.
void check_row_key(std::string_view key);
/// The start of a scan, past the store's own entries.
inline std::string_view scan_start(std::string_view from) { return from < kFirstRowKey ? kFirstRowKey : from; }

}  // namespace tidemark::store::layout
