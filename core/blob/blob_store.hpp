#pragma once
// Content-addressed files, streamed in and out (contract of the builds domain, section 10, is its first user).

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/base/metrics.hpp"
#include "core/base/scheduler.hpp"
#include "core/base/task.hpp"

namespace tidemark::keys {
class KeyRing;
}

namespace tidemark::blob {

struct BlobRef {
  std::string sha256;      ///< lower-case hex of the content (of the plain bytes when encrypted)
  std::uint64_t size = 0;  ///< bytes of content
};

/// An upload: bytes go to a staging file while they are hashed. Destroying it without commit removes the file. Holds at most
/// about 256 KiB of memory. Not destroyed while one of its tasks is under way; after an error every further call gives it again.
/// What it has committed is held (see hold()) until it is destroyed: destroy it when the reference is recorded.
class Upload {
 public:
  virtual ~Upload() = default;
  /// exhausted: over the limit given to stage(), or disk full (see disk_full()).
  virtual Task<Result<void>> write(std::string_view bytes) = 0;  ///< view valid until the task ends
  virtual std::uint64_t size() const = 0;
  virtual bool disk_full() const = 0;
  /// fsync, rename to the content address, fsync of the directory. Idempotent on equal content.
  virtual Task<Result<BlobRef>> commit() = 0;
  /// Removes the staging file; when the task ends it is gone (destroying the upload does the same, some time later). What was
  /// committed stays.
  virtual Task<void> discard() = 0;
};

struct Opened {
  std::shared_ptr<int> fd;
  std::uint64_t size = 0;
  /// Of open_verified(): whether the piece of that number (kPieceBytes of piece_sums.hpp each, the last shorter), as it was just
  /// read, still is what was verified. False: damaged since, and counted; the bytes must not be served. May outlive the store.
  std::function<bool(std::uint64_t index, std::string_view piece)> holds;
};

/// What the owner of the references says about a file that was found.
enum class Use {
  needed,   ///< referred to
  gone,     ///< was referred to, and is no longer
  unknown,  ///< never heard of: may be on its way
};

/// Public content goes in by stage(), write(), commit() and comes out by open_verified(). Private content (a certificate bundle,
/// under the id of its build) goes in by stage_private(), write() and commit_private(upload, name), which gives hash and size of
/// the plain bytes for the reference to be recorded, and comes out in the clear by read_private(name, bytes_max).
///
/// Storage paths derive from a validated hash (or private name) only: another is invalid_argument.
///   threads   everything on the home scheduler; file work happens on the pool
///   errors    exhausted (disk full), internal (other failures of the disk), with path and errno text
class BlobStore {
 public:
  virtual ~BlobStore() = default;
  virtual Result<std::unique_ptr<Upload>> stage(std::uint64_t bytes_max) = 0;
  /// The same for commit_private(): encrypted while it is staged, so that no plain byte reaches the disk. commit() of it is
  /// invalid_argument. unavailable without a key ring.
  virtual Result<std::unique_ptr<Upload>> stage_private(std::uint64_t bytes_max) = 0;
  /// not_found when missing; corrupt when the size differs from `ref.size`.
  virtual Task<Result<Opened>> open(BlobRef ref) = 0;
  /// The same, and the content has the hash: corrupt when it has not. A file is read once for it, and again when it has
  /// changed since (by inode, size or change time); what this process committed itself was hashed on the way in. So that bytes
  /// that rot under an unchanged inode, or while they are sent, are not served either, checksums of pieces of 64 KiB are kept
  /// from that reading (16 MB at most, of 256 GB of files), and Opened::holds compares each piece that was read to be sent.
  virtual Task<Result<Opened>> open_verified(BlobRef ref) = 0;
  /// Whether a file of that size is there.
  virtual Task<Result<bool>> exists(BlobRef ref) = 0;
  /// Reads the whole blob and says whether its content has the hash. Errors as open().
  virtual Task<Result<bool>> matches(BlobRef ref) = 0;
  /// Removing what is missing is no error.
  virtual Task<Result<void>> remove(std::string sha256) = 0;
  /// Keeps a blob or private blob, there or to come, from being collected as long as the returned pointer lives. Waits for no
  /// flush of the disk.
  virtual std::shared_ptr<void> hold(std::string sha256_or_name) = 0;
  /// Removes blobs committed more than `age` ago for which `is_referenced` (called on the home scheduler) says no, and says
  /// how many. A blob committed meanwhile, again or for the first time, stays; so does one that is held,
  /// or was since the collection began. One collection at a time, of whichever kind. Others get their turn on the home scheduler
  /// at least every 256 names.
  virtual Task<Result<std::uint64_t>> collect(Duration age, std::function<bool(std::string_view sha256)> is_referenced) = 0;
  /// The same of private blobs: those that are gone at once, those unknown when committed more than `age` ago.
  virtual Task<Result<std::uint64_t>> collect_private(Duration age, std::function<Use(std::string_view name)> use_of) = 0;
  /// Private blobs (certificates): each encrypted under its own key, never shared, addressed by `name` ([A-Za-z0-9_-]{1,64}).
  /// A blob of that name is replaced. unavailable without a key ring; read and copy: not_found, corrupt (any changed byte),
  /// exhausted (over bytes_max).
  virtual Task<Result<BlobRef>> commit_private(std::unique_ptr<Upload> upload, std::string name) = 0;
  virtual Task<Result<std::string>> read_private(std::string name, std::size_t bytes_max) = 0;
  virtual Task<Result<void>> copy_private(std::string from, std::string to) = 0;
  /// The key in the file is overwritten before the file goes.
  virtual Task<Result<void>> remove_private(std::string name) = 0;
};

bool is_sha256(std::string_view text);        ///< 64 lower-case hex digits
bool is_private_name(std::string_view name);  ///< [A-Za-z0-9_-]{1,64}

/// Who else may use the directory of a store.
struct Sharing {
  enum class Kind {
    guarded,  ///< nobody: its caller holds a lock on what it lies in, such as the data directory
    alone,    ///< nobody: locked here
    shared,   ///< nodes of other names, which all say so: locked here; needs a file system with flock(2), as NFS 4 is
  } kind = Kind::guarded;
  std::string node = {};  ///< name of this node, when shared: [A-Za-z0-9._-]{1,64}
};

/// Opens the store in `directory` (layout: docs/formats/blob.md), makes what is missing and removes what uploads of this node
/// before a crash left in staging. Everything is borrowed;
/// `pool` must run what was posted before it goes; `ring` may be null, then there are no private blobs; so may `registry`, then nothing
/// is counted.
///   errors   unavailable: the directory is in use in a way that does not fit, as the message says; internal, exhausted
Result<std::unique_ptr<BlobStore>> make_blob_store(std::string directory, Scheduler& home, Executor& pool, const keys::KeyRing* ring,
                                                   metrics::Registry* registry = nullptr, Sharing sharing = {});

}  // namespace tidemark::blob
