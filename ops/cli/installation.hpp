#pragma once
// What a node needs on disk before its log is opened: the lock on the data, the key ring that belongs to it, the key files.

#include <memory>
#include <optional>
#include <string>

#include "core/base/disk.hpp"
#include "core/base/error.hpp"
#include "core/keys/key_ring.hpp"

namespace tidemark::cli {

struct Installation {
  std::unique_ptr<File> lock;              ///< held while this lives
  std::unique_ptr<keys::KeyRing> ring;
  std::string operator_key;
  std::string operator_key_path;
  bool first_start = false;
};

enum class LogPlace { data, elsewhere };

/// Takes `data` for this process and opens or, on a first start, makes the ring and the operator key in `keys`. Both absolute.
///   errors  unavailable: another process (its pid is named) has the data; the ring is missing though the log exists.
///           invalid_argument: the ring is not the one this log was made with
Result<Installation> open_installation(Disk& disk, const std::string& data, const std::string& keys, LogPlace place = LogPlace::data);

/// Takes a data directory, made when missing, for as long as the file lives.
///   errors  unavailable: another process (its pid is named) has it
Result<std::unique_ptr<File>> lock_data(Disk& disk, const std::string& data);
/// Id of the ring that `data` belongs to; nullopt when nothing was ever kept there.
Result<std::optional<std::string>> ring_of_data(Disk& disk, const std::string& data);
Result<void> record_ring(Disk& disk, const std::string& data, const std::string& ring);

/// "./data" gives "./data.keys".
std::string default_keys_directory(std::string data);

/// `path` made absolute, without "." and "..".
std::string absolute_path(const std::string& path);

}  // namespace tidemark::cli
