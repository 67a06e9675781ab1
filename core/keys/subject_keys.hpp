#pragma once
// Data keys of subjects: one random key for each person (or whoever personal data are about), in `<keys>/subject-keys`
// (docs/formats/key-ring.md). Outside the log and its backups, so that destroying a key makes what was sealed under it
// unreadable wherever it was copied to.
//
// Keys are read from the file at every use and kept nowhere: one destroyed by another process is gone at once. The file has
// one slot of 256 bytes for each key, written once and cleared once, so 100,000 subjects are 25 MB; memory holds only where
// the key of a subject is (about 100 bytes for each).

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/base/disk.hpp"
#include "core/base/error.hpp"
#include "core/keys/key_ring.hpp"

namespace tidemark::keys {

struct SubjectKey {
  std::string id;     ///< 16 characters of base64url
  std::string bytes;  ///< kKeyBytes; the caller wipes them
};

struct SubjectKeyCounts {
  std::uint64_t live = 0, destroyed = 0, damaged = 0;
};

///   threads    any
///   processes  several may have it open; making and destroying keys take a lock on the file
class SubjectKeys {
 public:
  /// Opens the file, or makes it when `may_create`. `ring` is borrowed; it wraps the keys.
  ///   errors   unavailable (missing and !may_create), corrupt (the header), not_found (the ring that made it is another, or its wrapping key was destroyed)
  static Result<std::unique_ptr<SubjectKeys>> open(const std::string& directory, const KeyRing& ring, bool may_create);
  ~SubjectKeys();
  SubjectKeys(const SubjectKeys&) = delete;
  SubjectKeys& operator=(const SubjectKeys&) = delete;

  /// The key of a subject, made when there is none. A new one is durable after sync().
  Result<SubjectKey> key_for(std::string_view subject);
  /// The key of that id; nullopt when it was destroyed.
  ///   errors   not_found (never made here: the file is older than the log), corrupt (the slot is damaged)
  Result<std::optional<std::string>> find(std::string_view id) const;

  /// Destroys the key of a subject, durably, and gives its id; nullopt when there is none. What is recorded about the subject
  /// later gets another key.
  Result<std::optional<std::string>> destroy(std::string_view subject);

  bool unsynced() const;
  /// After a failure every further call fails: what the disk holds is not known.
  Result<void> sync();

  /// Reads the whole file.
  Result<SubjectKeyCounts> count() const;

 private:
  using Tag = std::string;  // keyed hash of the subject, 32 bytes

  explicit SubjectKeys(const KeyRing& ring) : ring_(ring) {}
  Result<void> read_header();
  Result<void> create_header();
  Result<void> refresh();
  Result<std::optional<SubjectKey>> live_key(const Tag& tag, std::uint32_t slot) const;
  Result<SubjectKey> append(const Tag& tag);
  Tag tag_of(std::string_view subject) const;

  const KeyRing& ring_;
  int fd_ = -1;
  std::string path_;
  std::string index_key_;  // of the tags

  mutable std::mutex mutex_;  // guards what follows
  std::unordered_map<Tag, std::uint32_t> slots_;
  std::uint32_t known_ = 0;  // slots read into slots_
  std::uint64_t made_ = 0, synced_ = 0;
  std::optional<Error> sync_failure_;
};

}  // namespace tidemark::keys
