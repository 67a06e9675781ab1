#include "core/store/layout.hpp"

#include "core/base/row_codec.hpp"

namespace tidemark::store::layout {

std::string checkpoint_key(const CheckpointKey& key) {
  std::string out(kCheckpointsFrom);
  append_key_part(out, key.topic);
  append_key_part(out, key.lane);
  return out;
}

std::string checkpoint_value(const Checkpoint& checkpoint) {
  std::string out(checkpoint.log_epoch.view());
  put_varint(out, checkpoint.next.value);
  out.append(checkpoint.last_id);
  return out;
}

Result<void> read_checkpoint(std::string_view key, std::string_view value, std::map<CheckpointKey, Checkpoint>& into) {
  CheckpointKey name;
  try {
    key.remove_prefix(kCheckpointsFrom.size());
    take_key_part(key, name.topic);
    take_key_part(key, name.lane);
  } catch (const RowsUnavailable&) {
    return make_error(Code::corrupt, "a checkpoint of a store has an unreadable name");
  }
  ByteReader in(value);
  const std::string_view epoch = in.take(16);
  const std::uint64_t next = in.varint();
  if (!in.ok() || !key.empty()) return make_error(Code::corrupt, "the checkpoint of " + name.topic + " is unreadable");
  into[std::move(name)] = Checkpoint{uuid_from_bytes(epoch), Tmseq{next}, std::string(in.take(in.left()))};
  return {};
}

void check_row_key(std::string_view key) {
  TM_ASSERT(!key.empty(), "a row key is not empty");
  TM_ASSERT(key.front() != '\0', "keys that begin with byte 0 belong to the store");
}

}  // namespace tidemark::store::layout
