#pragma once
// A file of the staging directory on its way to its address. Used on one pool thread at a time.

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "core/blob/area_lock.hpp"
#include "core/blob/blob_store.hpp"
#include "core/blob/files.hpp"
#include "core/blob/piece_sums.hpp"
#include "core/blob/private_frames.hpp"

namespace tidemark::blob {

/// The directories of one blob store. Any thread. Whoever wants both locks takes `addresses` first.
struct Area {
  explicit Area(std::string directory, std::string node = {}) : root(std::move(directory)), shared_by(std::move(node)) {}
  const std::string root;
  const std::string shared_by;  ///< this node's name; "": no other process uses the directory
  AreaLocks locks;              ///< of the directory, against other processes
  std::mutex addresses;  ///< for lock_addresses()
  /// Taken by the home scheduler: never held over a disk flush. A file is taken from its address, by one rename, under it.
  std::mutex names;
  std::set<std::string> durable_directories;  ///< of objects/, made or synced by this process; under `addresses`
  std::multiset<std::string> held;            ///< hashes and private names that are not collected; under `names`
  bool collecting = false;                    ///< under `names`
  std::set<std::string> released;             ///< held no more since the present collection began; under `names`

  bool is_held(const std::string& name) const { return held.contains(name) || released.contains(name); }  ///< under `names`

  /// Of this process alone.
  std::string staging() const { return shared_by.empty() ? root + "/staging" : root + "/staging-" + shared_by; }
  std::string objects() const { return root + "/objects"; }
  std::string object_directory(std::string_view sha256) const { return objects() + "/" + std::string(sha256.substr(0, 2)); }
  std::string object(std::string_view sha256) const { return object_directory(sha256) + "/" + std::string(sha256); }
  std::string privates() const { return root + "/private"; }
  std::string private_file(std::string_view name) const { return privates() + "/" + std::string(name); }
  /// Where a file is while it is removed. A private one stays in its directory, until the key in it is overwritten.
  std::string removed_object(std::string_view sha256) const { return staging() + "/removed-" + std::string(sha256); }
  std::string removed_private(std::string_view name) const { return private_file(name) + std::string(kRemoved); }
  static constexpr std::string_view kRemoved = ".removed";  ///< no private name ends so
};

/// Held while a file is given its address, or one is looked at and taken from it; over disk flushes. Against the threads of this
/// process, and against the other nodes of a shared directory. Fails when the file system takes no locks any more.
Result<AddressLock> lock_addresses(Area& area);

/// Holds a hash or private name (BlobStore::hold) while the pointer lives.
std::shared_ptr<void> hold(std::shared_ptr<Area> area, std::string name);

/// Removes its file unless it was published.
class Staging {
 public:
  Staging(std::shared_ptr<Area> area, std::string name, bool encrypted);
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  ~Staging();
  /// Removes the file unless it was published; nothing is written afterwards.
  Result<void> discard();
  bool encrypted() const { return frames_ != nullptr; }
  /// What is written is a private file of another node, with the key in its header: that is overwritten before the file goes.
  void takes_frames() { wiped_ = true; }
  bool has_frames() const { return wiped_; }
  /// Hashes and writes; makes the file when it is the first.
  Result<void> append(std::string_view bytes);
  /// Gives it the address of its content, durably, and holds that until it is destroyed. `now` becomes its time.
  Result<BlobRef> publish(Time now);
  /// The same of what was asked for only: corrupt when the bytes are others.
  Result<BlobRef> publish_copy(const BlobRef& expected, Time now);
  /// Gives what takes_frames() that name, durably, when every frame holds under it: else corrupt.
  Result<void> publish_frames(const std::string& name, const keys::KeyRing& ring, Time now);
  /// Gives it that name, durably. What was staged plain is encrypted into a new file first, and removed.
  Result<BlobRef> publish_private(const std::string& name, const keys::KeyRing& ring, Time now);
  /// Of what was published.
  std::shared_ptr<const PieceSums> sums() const { return sums_; }

 private:
  Result<void> create();
  Result<void> write(std::string_view bytes);
  Result<void> encrypt_into(Staging& other);
  Result<BlobRef> publish_as(std::string sha256, Time now);
  Result<void> rename_private(const std::string& name, Time now);
  const std::shared_ptr<Area> area_;
  const std::string path_;
  Descriptor file_;
  Sha256 hash_;
  std::shared_ptr<PieceSums> sums_ = std::make_shared<PieceSums>();
  std::shared_ptr<void> held_;
  std::unique_ptr<FrameWriter> frames_;
  bool wiped_ = false;
  std::uint64_t size_ = 0;
  std::uint64_t offset_ = 0;  // of the file, which has a header when encrypted
};

}  // namespace tidemark::blob
