#pragma once
// A Disk in memory with what real disks do at the worst moment: unsynced writes that survive a crash in any subset of
// 512-byte sectors, names that are durable only after sync_directory, a failed sync after which pages look clean.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/disk.hpp"

namespace tidemark::test {

/// One thread only. Files opened before a crash answer errors after it.
class SimDisk final : public Disk {
 public:
  explicit SimDisk(std::uint64_t seed);
  ~SimDisk() override;

  Result<std::unique_ptr<File>> open(const std::string& path, bool create) override;
  Result<std::unique_ptr<File>> open_read(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> make_directories(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<bool> exists(const std::string& path) override;

  /// Operations that change something, so far.
  std::uint64_t operations() const { return operations_; }
  /// The power goes during operation number `operation` (counted as operations() does): it may take effect in part, and
  /// everything fails from there until crash().
  void cut_power_at(std::uint64_t operation) { power_cut_at_ = operation; }
  bool power_is_off() const { return off_; }
  /// Operation number `operation` fails with `code` (exhausted, internal), having done any part of its work.
  void fail_at(std::uint64_t operation, Code code) { fail_at_ = operation; fail_code_ = code; }
  /// Nothing of what was arranged for a later operation happens.
  void forget_faults() { power_cut_at_.reset(); fail_at_.reset(); }
  /// Bytes that all files together may have; beyond it growing a file fails with exhausted.
  void set_capacity(std::optional<std::uint64_t> bytes) { capacity_ = bytes; }

  /// Power fails (if it has not) and comes back: what was not synced survives in part, drawn from the seed.
  void crash();

  /// What is on the disk now, durable or not, and putting it there; for tests that damage bytes.
  std::map<std::string, std::string> image() const;
  void load(const std::map<std::string, std::string>& image);

 private:
  friend class SimFile;
  struct Inode;
  enum class Effect { full, partial, none };
  struct Turn {
    Effect effect = Effect::full;
    std::optional<Error> error;
  };
  struct NameChange {
    std::string path;
    std::shared_ptr<Inode> inode;  // null: removed
    std::string removed;           // a rename's old name
  };

  Turn turn(const std::string& what);
  std::uint64_t random();
  bool coin() { return (random() & 1) != 0; }
  std::uint64_t used() const;

  std::uint64_t state_;
  std::uint64_t operations_ = 0;
  std::uint64_t generation_ = 0;
  std::optional<std::uint64_t> power_cut_at_;
  std::optional<std::uint64_t> fail_at_;
  std::optional<std::uint64_t> capacity_;
  Code fail_code_ = Code::internal;
  bool off_ = false;
  std::map<std::string, std::shared_ptr<Inode>> names_;
  std::map<std::string, std::shared_ptr<Inode>> durable_names_;
  std::vector<NameChange> name_changes_;  // not durable, in order
};

}  // namespace tidemark::test
