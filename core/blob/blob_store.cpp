#include "core/blob/blob_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/base/disk.hpp"
#include "core/blob/blob_metrics.hpp"
#include "core/blob/collect.hpp"
#include "core/blob/copies.hpp"
#include "core/blob/listing.hpp"
#include "core/blob/piece_sums.hpp"
#include "core/blob/private_reader.hpp"
#include "core/blob/staging.hpp"
#include "core/keys/key_ring.hpp"

namespace tidemark::blob {
namespace {

constexpr std::size_t kWriteBytes = 128u << 10;  // what an upload collects before it goes to the pool
constexpr std::size_t kReadBytes = 256u << 10;
constexpr std::size_t kNamesPerTurn = 256;  // of files in use that a collection asks about before others get their turn
constexpr std::string_view kFramesSuffix = "-frames";  // of staging files that hold a key
constexpr std::size_t kVerifyStepBytes = 8u << 20;  // how long a verification keeps a pool thread at a time

/// Which file was found to hold what its address says.
struct Verified {
  std::uint64_t inode = 0, size = 0;
  std::int64_t changed_ns = 0;
  bool operator==(const Verified&) const = default;
};
using Sums = std::shared_ptr<const PieceSums>;

/// Goes on after what is ready on `home`.
Callback<bool> next_turn(Executor& home) {
  auto start = [&home](Fn<void(bool)> done) {
    home.post([done = std::move(done)]() mutable { done(true); });
  };
  return Callback<bool>(std::move(start));
}

std::optional<Verified> identity_of(int fd) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return std::nullopt;
  return Verified{info.st_ino, static_cast<std::uint64_t>(info.st_size), info.st_ctim.tv_sec * 1'000'000'000 + info.st_ctim.tv_nsec};
}

/// By hash. Home scheduler only; forgotten when it grows, which costs a reading.
class VerifiedFiles {
 public:
  /// Null when it is not known to hold what its address says.
  Sums find(const std::string& sha256, const Verified& file) const {
    const auto found = files_.find(sha256);
    if (found == files_.end() || found->second.file != file) return nullptr;
    return found->second.sums;
  }
  void add(const std::string& sha256, const Verified& file, Sums sums) {
    if (files_.size() >= kFilesMax || sums_ + sums->size() > kSumsMax) {
      files_.clear();
      sums_ = 0;
    }
    Entry& entry = files_[sha256];
    if (entry.sums) sums_ -= entry.sums->size();
    sums_ += sums->size();
    entry = Entry{file, std::move(sums)};
  }

 private:
  struct Entry {
    Verified file;
    Sums sums;
  };
  static constexpr std::size_t kFilesMax = 50'000;
  static constexpr std::size_t kSumsMax = 4u << 20;  // of 4 bytes each
  std::unordered_map<std::string, Entry> files_;
  std::size_t sums_ = 0;
};

/// What uploads and the store share. Borrowed parts outlive the store.
struct Parts {
  std::shared_ptr<Area> area;
  std::shared_ptr<VerifiedFiles> verified;
  Scheduler* home;
  Executor* pool;
  const keys::KeyRing* ring;
  BlobMetrics metrics;
};

class FileUpload final : public Upload {
 public:
  FileUpload(Parts parts, std::shared_ptr<Staging> staging, std::uint64_t bytes_max)
      : parts_(std::move(parts)), staging_(std::move(staging)), bytes_max_(bytes_max) {}
  FileUpload(const FileUpload&) = delete;
  FileUpload& operator=(const FileUpload&) = delete;
  // Removing a large file takes a while: not on this thread.
  ~FileUpload() override {
    parts_.pool->post([staging = std::move(staging_)]() mutable { staging.reset(); });
  }

  Task<Result<void>> write(std::string_view bytes) override {
    if (failed_) co_return *failed_;
    TM_ASSERT(!committed_, "nothing is written after commit");
    if (bytes.size() > bytes_max_ - size_) {
      failed_ = make_error(Code::exhausted, "the upload is longer than " + std::to_string(bytes_max_) + " bytes");
      co_return *failed_;
    }
    size_ += bytes.size();
    while (!bytes.empty()) {
      const std::size_t taken = std::min(bytes.size(), kWriteBytes - buffer_.size());
      buffer_.append(bytes.substr(0, taken));
      bytes.remove_prefix(taken);
      if (buffer_.size() < kWriteBytes) break;
      auto work = [staging = staging_, chunk = std::exchange(buffer_, {})]() -> Result<void> { return staging->append(chunk); };
      auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
      Result<void> written = co_await running;
      if (!written) co_return fail(written.take_error());
    }
    co_return Result<void>();
  }

  Task<void> discard() override {
    if (!failed_ && !committed_) failed_ = make_error(Code::cancelled, "the upload was discarded");
    auto work = [staging = staging_]() -> Result<void> { return staging->discard(); };
    auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
    (void)co_await running;
  }

  std::uint64_t size() const override { return size_; }
  bool disk_full() const override { return disk_full_; }

  Task<Result<BlobRef>> commit() override {
    if (staging_->encrypted() || staging_->has_frames()) co_return no_address();
    auto publish = [staging = staging_, now = parts_.home->wall()] { return staging->publish(now); };
    auto task = finish(std::move(publish));
    Result<BlobRef> published = co_await std::move(task);
    if (published) remember(*published);
    co_return published;
  }

  Task<Result<void>> commit_copy(BlobRef expected) {
    if (staging_->encrypted() || staging_->has_frames()) co_return no_address();
    auto publish = [staging = staging_, expected, now = parts_.home->wall()] { return staging->publish_copy(expected, now); };
    auto task = finish(std::move(publish), Origin::node);
    Result<BlobRef> published = co_await std::move(task);
    if (!published) co_return published.take_error();
    remember(*published);
    co_return Result<void>();
  }

  Task<Result<void>> commit_private_copy(std::string name) {
    if (!staging_->has_frames()) co_return make_error(Code::invalid_argument, "the upload was not staged as the copy of a private file");
    auto publish = [staging = staging_, now = parts_.home->wall(), ring = parts_.ring, name = std::move(name)]() -> Result<BlobRef> {
      auto published = staging->publish_frames(name, *ring, now);
      if (!published) return published.take_error();
      return BlobRef{};
    };
    auto task = finish(std::move(publish), Origin::node);
    Result<BlobRef> published = co_await std::move(task);
    if (!published) co_return published.take_error();
    co_return Result<void>();
  }

  Task<Result<BlobRef>> commit_private(std::string name) {
    if (staging_->has_frames()) co_return make_error(Code::invalid_argument, "the upload was staged as the copy of a private file");
    auto publish = [staging = staging_, now = parts_.home->wall(), ring = parts_.ring, name = std::move(name)] {
      return staging->publish_private(name, *ring, now);
    };
    auto task = finish(std::move(publish));
    co_return co_await std::move(task);
  }

 private:
  static Error no_address() { return make_error(Code::invalid_argument, "an upload staged as private has no public address"); }
  /// What has just been hashed on its way in.
  void remember(const BlobRef& published) {
    if (auto file = open_file(parts_.area->object(published.sha256))) {
      if (const auto identity = identity_of(file->get())) parts_.verified->add(published.sha256, *identity, staging_->sums());
    }
  }
  enum class Origin { client, node };
  Task<Result<BlobRef>> finish(Fn<Result<BlobRef>()> publish, Origin origin = Origin::client) {
    if (failed_) co_return *failed_;
    if (committed_) co_return *committed_;
    auto work = [staging = staging_, rest = std::exchange(buffer_, {}), publish = std::move(publish)]() mutable -> Result<BlobRef> {
      if (auto appended = staging->append(rest); !appended) return appended.take_error();
      return publish();
    };
    auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
    Result<BlobRef> published = co_await running;
    if (!published) co_return fail(published.take_error());
    committed_ = *published;
    if (origin == Origin::client) parts_.metrics.stored(published->size);
    co_return published;
  }

  Error fail(Error error) {
    if (error.code == Code::exhausted) {
      disk_full_ = true;
      parts_.metrics.disk_full();
    }
    failed_ = error;
    return error;
  }

  const Parts parts_;
  std::shared_ptr<Staging> staging_;
  const std::uint64_t bytes_max_;
  std::string buffer_;
  std::uint64_t size_ = 0;
  bool disk_full_ = false;
  std::optional<Error> failed_;
  std::optional<BlobRef> committed_;
};

Result<Descriptor> open_object(const Area& area, const BlobRef& ref) {
  const std::string path = area.object(ref.sha256);
  auto file = open_file(path);
  if (!file) return file;
  auto size = size_of(file->get(), path);
  if (!size) return size.take_error();
  if (*size != ref.size) {
    return make_error(Code::corrupt, "the blob " + path + " has " + std::to_string(*size) + " bytes, not " + std::to_string(ref.size));
  }
  return file;
}

class FileBlobStore final : public BlobStore, public PrivateSource, public CopySource {
 public:
  explicit FileBlobStore(Parts parts) : parts_(std::move(parts)) {}

  Result<std::unique_ptr<Upload>> stage(std::uint64_t bytes_max) override { return make_upload(bytes_max, false); }
  Result<std::unique_ptr<Upload>> stage_private(std::uint64_t bytes_max) override {
    if (parts_.ring == nullptr) return no_ring();
    return make_upload(bytes_max, true);
  }

  Task<Result<Opened>> open(BlobRef ref) override {
    if (!is_sha256(ref.sha256)) co_return bad_hash();
    auto work = [area = parts_.area, ref]() -> Result<Opened> {
      auto file = open_object(*area, ref);
      if (!file) return file.take_error();
      return Opened{std::shared_ptr<int>(new int(file->release()), close_and_delete), ref.size, nullptr};
    };
    auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
    Result<Opened> opened = co_await running;
    if (!opened) parts_.metrics.read_failed(opened.error());
    co_return opened;
  }

  Task<Result<Opened>> open_verified(BlobRef ref) override {
    auto opening = open(ref);
    Result<Opened> opened = co_await std::move(opening);
    if (!opened) co_return opened;
    const auto identity = identity_of(*opened->fd);
    if (identity) {
      if (Sums sums = parts_.verified->find(ref.sha256, *identity)) {
        opened->holds = check_of(std::move(sums));
        co_return opened;
      }
    }
    auto sums = std::make_shared<PieceSums>();
    auto hashing = content_matches(ref, opened->fd, sums);
    Result<bool> matched = co_await std::move(hashing);
    if (!matched) co_return matched.take_error();
    if (!*matched) {
      auto damaged = make_error(Code::corrupt, "the blob " + parts_.area->object(ref.sha256) + " does not have the content of its address");
      parts_.metrics.read_failed(damaged);
      co_return damaged;
    }
    if (identity) parts_.verified->add(ref.sha256, *identity, sums);
    opened->holds = check_of(sums);
    co_return opened;
  }

  Task<Result<bool>> exists(BlobRef ref) override {
    if (!is_sha256(ref.sha256)) co_return bad_hash();
    auto work = [area = parts_.area, ref]() -> Result<bool> {
      auto file = open_object(*area, ref);
      if (file) return true;
      if (file.error().code == Code::not_found || file.error().code == Code::corrupt) return false;
      return file.take_error();
    };
    auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
    co_return co_await running;
  }

  Task<Result<bool>> matches(BlobRef ref) override {
    auto opening = open(ref);
    Result<Opened> opened = co_await std::move(opening);
    if (!opened) co_return opened.take_error();
    auto hashing = content_matches(ref, opened->fd, std::make_shared<PieceSums>());
    co_return co_await std::move(hashing);
  }

  Task<Result<bool>> content_matches(BlobRef ref, std::shared_ptr<int> file, std::shared_ptr<PieceSums> sums) {
    auto hash = std::make_shared<Sha256>();
    for (std::uint64_t at = 0; at < ref.size; at += kVerifyStepBytes) {
      auto work = [hash, sums, fd = file, at, end = std::min(ref.size, at + kVerifyStepBytes), path = parts_.area->object(ref.sha256)] {
        return hash_range(*hash, *sums, *fd, at, end, path);
      };
      auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
      Result<void> hashed = co_await running;
      if (!hashed) co_return hashed.take_error();
    }
    sums->finish();
    co_return hash->finish_hex() == ref.sha256;
  }

  Task<Result<void>> remove(std::string sha256) override {
    if (!is_sha256(sha256)) co_return bad_hash();
    auto work = [area = parts_.area, sha256]() -> Result<void> {
      const auto lock = lock_addresses(*area);
      if (!lock) return lock.error();
      return remove_file(area->object(sha256));
    };
    auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
    co_return co_await running;
  }

  Task<Result<std::uint64_t>> collect(Duration age, std::function<bool(std::string_view sha256)> is_referenced) override {
    const Collection collection(parts_.area);
    const Time limit = parts_.home->wall() - age;
    auto list = [area = parts_.area, limit] { return older_objects(*area, limit); };
    auto listing = run_on(*parts_.pool, *parts_.home, std::move(list));
    Result<std::vector<std::string>> older = co_await listing;
    if (!older) co_return older.take_error();
    std::uint64_t removed = 0;
    std::size_t asked = 0;
    for (const std::string& sha256 : *older) {
      if (++asked % kNamesPerTurn == 0) {
        auto turn = next_turn(*parts_.home);
        (void)co_await turn;
      }
      if (is_referenced(sha256)) continue;  // asked as late as possible: a reference may have come meanwhile
      auto remove = [area = parts_.area, sha256, limit]() -> bool { return remove_older_object(*area, sha256, limit); };
      auto removing = run_on(*parts_.pool, *parts_.home, std::move(remove));
      const bool gone = co_await removing;
      if (gone) ++removed;
    }
    parts_.metrics.collected(removed);
    parts_.metrics.passed_public();
    co_return removed;
  }

  Task<Result<BlobRef>> commit_private(std::unique_ptr<Upload> upload, std::string name) override {
    if (parts_.ring == nullptr) co_return no_ring();
    if (!is_private_name(name)) co_return bad_name();
    auto task = own(*upload).commit_private(std::move(name));
    co_return co_await std::move(task);
  }

  Task<Result<void>> commit_copy(std::unique_ptr<Upload> upload, BlobRef expected) override {
    if (!is_sha256(expected.sha256)) co_return bad_hash();
    auto task = own(*upload).commit_copy(std::move(expected));
    co_return co_await std::move(task);
  }

  Task<Result<Opened>> open_private_copy(std::string name) override {
    if (!is_private_name(name)) co_return bad_name();
    auto work = [path = parts_.area->private_file(name)]() -> Result<Opened> {
      auto file = open_file(path);
      if (!file) return file.take_error();
      auto size = size_of(file->get(), path);
      if (!size) return size.take_error();
      return Opened{std::shared_ptr<int>(new int(file->release()), close_and_delete), *size, nullptr};
    };
    auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
    co_return co_await running;
  }

  Result<std::unique_ptr<Upload>> stage_private_copy(std::uint64_t bytes_max) override {
    if (parts_.ring == nullptr) return no_ring();
    auto staging = std::make_shared<Staging>(parts_.area, std::to_string(++last_upload_) + std::string(kFramesSuffix), false);
    staging->takes_frames();
    return std::unique_ptr<Upload>(std::make_unique<FileUpload>(parts_, std::move(staging), bytes_max));
  }

  Task<Result<void>> commit_private_copy(std::unique_ptr<Upload> upload, std::string name) override {
    if (parts_.ring == nullptr) co_return no_ring();
    if (!is_private_name(name)) co_return bad_name();
    auto task = own(*upload).commit_private_copy(std::move(name));
    co_return co_await std::move(task);
  }

  Task<Result<std::vector<StoredFile>>> list_files(std::optional<StoredFile> after, std::size_t files_max) override {
    auto work = [area = parts_.area, after = std::move(after), files_max] { return blob::list_files(*area, after, files_max); };
    auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
    co_return co_await running;
  }

  Task<Result<std::vector<bool>>> are_here(std::vector<StoredFile> files) override {
    auto work = [area = parts_.area, files = std::move(files)] { return blob::are_here(*area, files); };
    auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
    co_return co_await running;
  }

  Task<Result<std::string>> read_private(std::string name, std::size_t bytes_max) override {
    if (parts_.ring == nullptr) co_return no_ring();
    if (!is_private_name(name)) co_return bad_name();
    auto work = [area = parts_.area, ring = parts_.ring, name = std::move(name), bytes_max]() -> Result<std::string> {
      std::string content;
      auto read = each_frame(*area, *ring, name, bytes_max, [&](std::string_view plain) -> Result<void> {
        content.append(plain);
        return {};
      });
      if (!read) return read.take_error();
      return content;
    };
    auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
    Result<std::string> content = co_await running;
    if (!content) parts_.metrics.read_failed(content.error());
    co_return content;
  }

  Task<Result<OpenedPrivate>> open_private(std::string name, std::uint64_t bytes_max) override {
    if (parts_.ring == nullptr) co_return no_ring();
    if (!is_private_name(name)) co_return bad_name();
    auto work = [area = parts_.area, ring = parts_.ring, name = std::move(name), bytes_max] {
      return PrivateReader::open(area->private_file(name), *ring, name, bytes_max);
    };
    auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
    auto opened = co_await running;
    if (!opened) {
      parts_.metrics.read_failed(opened.error());
      co_return opened.take_error();
    }
    std::shared_ptr<PrivateReader> reader = std::move(*opened);
    OpenedPrivate out;
    out.size = reader->size();
    out.sha256 = reader->sha256();
    out.piece = [this, reader = std::move(reader)](std::uint64_t index) { return read_frame(reader, index); };
    co_return out;
  }

  // Under a key of its own again: so each copy can be destroyed for itself.
  Task<Result<void>> copy_private(std::string from, std::string to) override {
    if (parts_.ring == nullptr) co_return no_ring();
    if (!is_private_name(from) || !is_private_name(to)) co_return bad_name();
    auto staging = std::make_shared<Staging>(parts_.area, std::to_string(++last_upload_), true);
    auto work = [area = parts_.area, ring = parts_.ring, now = parts_.home->wall(), staging, from = std::move(from),
                 to = std::move(to)]() -> Result<void> {
      auto copied = each_frame(*area, *ring, from, UINT64_MAX, [&](std::string_view plain) { return staging->append(plain); });
      if (!copied) return copied;
      auto published = staging->publish_private(to, *ring, now);
      if (!published) return published.take_error();
      return {};
    };
    auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
    Result<void> copied = co_await running;
    if (!copied) parts_.metrics.read_failed(copied.error());
    co_return copied;
  }

  std::shared_ptr<void> hold(std::string name) override { return blob::hold(parts_.area, std::move(name)); }

  Task<Result<std::uint64_t>> collect_private(Duration age, std::function<Use(std::string_view name)> use_of) override {
    const Collection collection(parts_.area);
    const Time limit = parts_.home->wall() - age;
    auto erase = [area = parts_.area] { return erase_removed(*area); };
    auto erasing = run_on(*parts_.pool, *parts_.home, std::move(erase));
    Result<void> erased = co_await erasing;
    auto list = [area = parts_.area, limit] { return private_files(*area, limit); };
    auto listing = run_on(*parts_.pool, *parts_.home, std::move(list));
    Result<std::vector<Found>> found = co_await listing;
    if (!found) co_return found.take_error();
    std::uint64_t removed = 0;
    std::size_t asked = 0;
    for (const Found& file : *found) {
      if (++asked % kNamesPerTurn == 0) {
        auto turn = next_turn(*parts_.home);
        (void)co_await turn;
      }
      const Use use = use_of(file.name);
      if (use == Use::needed || (use == Use::unknown && !file.is_older)) continue;
      std::optional<Time> older;
      if (use == Use::unknown) older = limit;
      auto remove = [area = parts_.area, name = file.name, older]() -> bool { return remove_unused_private(*area, name, older); };
      auto removing = run_on(*parts_.pool, *parts_.home, std::move(remove));
      const bool gone = co_await removing;
      if (gone) ++removed;
    }
    parts_.metrics.collected(removed);
    parts_.metrics.passed_private();
    if (!erased) co_return erased.take_error();  // last: one bad file keeps no other
    co_return removed;
  }

  Task<Result<void>> remove_private(std::string name) override {
    if (!is_private_name(name)) co_return bad_name();
    auto work = [area = parts_.area, name = std::move(name)]() -> Result<void> { return erase_private(*area, name); };
    auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
    co_return co_await running;
  }

 private:
  Result<std::unique_ptr<Upload>> make_upload(std::uint64_t bytes_max, bool encrypted) {
    auto staging = std::make_shared<Staging>(parts_.area, std::to_string(++last_upload_), encrypted);
    return std::unique_ptr<Upload>(std::make_unique<FileUpload>(parts_, std::move(staging), bytes_max));
  }
  std::function<bool(std::uint64_t, std::string_view)> check_of(Sums sums) const {
    return [sums = std::move(sums), metrics = parts_.metrics](std::uint64_t index, std::string_view piece) {
      if (sums->holds(index, piece)) return true;
      metrics.damaged();
      return false;
    };
  }
  Task<Result<std::string>> read_frame(std::shared_ptr<PrivateReader> reader, std::uint64_t index) {
    auto work = [reader = std::move(reader), index] { return reader->frame(index); };
    auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
    auto plain = co_await running;
    if (!plain) parts_.metrics.read_failed(plain.error());
    co_return plain;
  }
  static FileUpload& own(Upload& upload) {
    auto* of_this = dynamic_cast<FileUpload*>(&upload);
    TM_ASSERT(of_this != nullptr, "the upload is of this store");
    return *of_this;
  }
  static void close_and_delete(int* fd) {
    ::close(*fd);
    delete fd;
  }
  static Result<void> hash_range(Sha256& hash, PieceSums& sums, int fd, std::uint64_t at, std::uint64_t end, const std::string& path) {
    std::string buffer(kReadBytes, '\0');
    while (at < end) {
      const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), end - at));
      auto read = read_some(fd, at, buffer.data(), wanted, path);
      if (!read) return read.take_error();
      if (*read == 0) return make_error(Code::corrupt, "the blob " + path + " became shorter");
      hash.add(std::string_view(buffer).substr(0, *read));
      sums.add(std::string_view(buffer).substr(0, *read));
      at += *read;
    }
    return {};
  }
  template <class Take>
  static Result<void> each_frame(const Area& area, const keys::KeyRing& ring, const std::string& name, std::uint64_t bytes_max, Take take) {
    const std::string path = area.private_file(name);
    auto file = open_file(path);
    if (!file) return file.take_error();
    auto reader = FrameReader::open(file->get(), ring, name, path);
    if (!reader) return reader.take_error();
    if (reader->plain_size() > bytes_max) {
      return make_error(Code::exhausted, "the private blob " + path + " has more than " + std::to_string(bytes_max) + " bytes");
    }
    while (!reader->done()) {
      auto plain = reader->next();
      if (!plain) return plain.take_error();
      if (auto taken = take(*plain); !taken) return taken;
    }
    return {};
  }
  static Error no_ring() { return make_error(Code::unavailable, "private blobs need a key ring, and there is none"); }
  static Error bad_hash() { return make_error(Code::invalid_argument, "a blob is named by 64 lower-case hex digits"); }
  static Error bad_name() { return make_error(Code::invalid_argument, "a private blob is named by 1 to 64 of A-Z a-z 0-9 _ -"); }

  const Parts parts_;
  std::uint64_t last_upload_ = 0;
};

}  // namespace

Result<std::unique_ptr<BlobStore>> make_blob_store(std::string directory, Scheduler& home, Executor& pool, const keys::KeyRing* ring,
                                                   metrics::Registry* registry, Sharing sharing) {
  if (auto made = make_posix_disk()->make_directories(directory); !made) return made.take_error();
  const bool shared = sharing.kind == Sharing::Kind::shared;
  TM_ASSERT(!shared || !sharing.node.empty(), "a node that shares has a name");
  auto area = std::make_shared<Area>(std::move(directory), shared ? std::move(sharing.node) : std::string());
  if (sharing.kind != Sharing::Kind::guarded) {
    auto taken = shared ? area->locks.take_shared(area->root, area->shared_by) : area->locks.take_alone(area->root);
    if (!taken) return taken.take_error();
  }
  for (const auto& path : {area->staging(), area->objects(), area->privates()}) {
    if (auto made = make_directory(path); !made) return made.take_error();
  }
  if (auto synced = sync_directory(area->root); !synced) return synced.take_error();
  auto left = list_directory(area->staging());
  if (!left) return left.take_error();
  for (const auto& name : *left) {
    const std::string path = area->staging() + "/" + name;
    if (auto removed = name.ends_with(kFramesSuffix) ? remove_with_key(path) : remove_file(path); !removed) return removed.take_error();
  }
  return std::unique_ptr<BlobStore>(std::make_unique<FileBlobStore>(
      Parts{std::move(area), std::make_shared<VerifiedFiles>(), &home, &pool, ring, BlobMetrics(registry)}));
}

}  // namespace tidemark::blob
