#pragma once
// Owner memory: values by boundary and key, outside the log's promises, and its checkpoint file.

#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/disk.hpp"
#include "core/base/scheduler.hpp"
#include "core/runtime/domain.hpp"

namespace tidemark::runtime {

/// Where the owner's memory of a boundary says (ms) since when it has listened again after a standstill: before that it may have
/// heard nobody, since it stood still or its clock jumped, and silence proves nothing. Set before Domain::complete_timer is asked.
inline constexpr std::string_view kListeningSince = "listening-since";

/// Bounded: above `values_max` the value that was set longest ago is forgotten. Scheduler's thread.
class VolatileMemory {
 public:
  explicit VolatileMemory(std::size_t values_max = 65'536) : values_max_(values_max) {}

  std::optional<std::int64_t> get(const std::string& key) const;
  void set(const std::string& key, std::int64_t value);
  void erase(const std::string& key);
  std::size_t size() const { return values_.size(); }
  std::uint64_t changes() const { return changes_; }  ///< grows with every set and erase
  /// From the value set longest ago to the latest.
  void each(FnRef<void(const std::string& key, std::int64_t value)> visit) const;

  /// What one boundary sees. Borrows the memory.
  class Scoped final : public Volatile {
   public:
    Scoped(VolatileMemory& memory, std::string_view boundary) : memory_(memory), prefix_(std::string(boundary) + '\0') {}
    std::optional<std::int64_t> get(std::string_view key) const override { return memory_.get(prefix_ + std::string(key)); }
    void set(std::string_view key, std::int64_t value) override { memory_.set(prefix_ + std::string(key), value); }
    void erase(std::string_view key) override { memory_.erase(prefix_ + std::string(key)); }

   private:
    VolatileMemory& memory_;
    std::string prefix_;
  };

 private:
  struct Entry {
    std::int64_t value;
    std::list<const std::string*>::iterator age;
  };
  const std::size_t values_max_;
  std::unordered_map<std::string, Entry> values_;
  std::list<const std::string*> by_age_;
  std::uint64_t changes_ = 0;
};

/// Keeps memories in one file, written at most `kCheckpointInterval` after a change and restored at start, so that a restart
/// does not hand out every limit anew. What a crash loses is what changed since. Format: docs/formats/volatile.md.
///   threads   scheduler; the file is written on `files`
class VolatileCheckpoint {
 public:
  struct Part {
    std::string name;  ///< "<domain>/<lane>"
    VolatileMemory* memory;
  };
  static constexpr Duration kInterval = std::chrono::seconds(1);
  static constexpr std::size_t kBytesMax = 64u << 20;

  /// `epoch` of the log: the memory of another history is not taken over. Borrows all.
  VolatileCheckpoint(std::string path, Uuid epoch, std::vector<Part> parts, Disk& disk, Scheduler& home, Executor& files);
  ~VolatileCheckpoint();

  /// Fills the memories from the file. A file that is missing, damaged or foreign fills nothing: the Error says why (not_found
  /// when there is none), and the node goes on.
  Result<void> restore();
  /// Begins to write.
  void start();
  /// Writes a last time; `done` on the scheduler.
  void stop(Fn<void()> done);

 private:
  void tick();
  void save(Fn<void()> done);
  std::string encode() const;
  std::uint64_t changes() const;

  const std::string path_;
  const Uuid epoch_;
  const std::vector<Part> parts_;
  Disk& disk_;
  Scheduler& home_;
  Executor& files_;
  std::uint64_t saved_changes_ = 0;
  bool saving_ = false;
  TimerId timer_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tidemark::runtime
