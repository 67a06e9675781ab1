#include "core/runtime/read_ahead.hpp"

#include <pthread.h>

namespace tidemark::runtime {
namespace {

// Who waits for the other waits for several runs: on a busy machine each wait costs a turn of the scheduler.
constexpr std::size_t kRunsMost = 16, kRunsToGoOn = 8, kRunsToBegin = 4;

}  // namespace

ReadAhead::ReadAhead() : thread_([this] { work(); }) { pthread_setname_np(thread_.native_handle(), "tm-ahead"); }

ReadAhead::~ReadAhead() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::uint64_t ReadAhead::begin(PartitionEvents partition, Tmseq from, Tmseq end) {
  std::lock_guard lock(mutex_);
  ready_.clear();
  next_ = from;
  end_ = end;
  partition_.reset();
  if (from < end) partition_ = std::move(partition);
  changed_.notify_all();
  return ++job_;
}

bool ReadAhead::take(std::uint64_t job, EventRun& run) {
  std::unique_lock lock(mutex_);
  if (job != job_) return false;
  if (ready_.empty()) changed_.wait(lock, [this] { return ready_.size() >= kRunsToBegin || !partition_; });
  if (ready_.empty()) return false;
  spare_.push_back(std::move(run));
  run = std::move(ready_.front());
  ready_.pop_front();
  if (ready_.size() == kRunsToGoOn) changed_.notify_all();
  return true;
}

void ReadAhead::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (!stopping_ && (!partition_ || ready_.size() >= kRunsMost)) {
      changed_.wait(lock, [this] { return stopping_ || (partition_ && ready_.size() <= kRunsToGoOn); });
    }
    if (stopping_) return;
    const std::uint64_t job = job_;
    const PartitionEvents partition = *partition_;
    const Tmseq from = next_;
    EventRun run;
    if (!spare_.empty()) {
      run = std::move(spare_.back());
      spare_.pop_back();
    }
    lock.unlock();
    const auto read = partition.read(from, run);
    lock.lock();
    if (job != job_) {
      spare_.push_back(std::move(run));
      continue;
    }
    next_ = Tmseq{from.value + run.count};
    if (!read.ok() || run.count == 0 || !(next_ < end_)) partition_.reset();
    if (read.ok() && run.count > 0) ready_.push_back(std::move(run));
    if (!partition_ || ready_.size() == kRunsToBegin) changed_.notify_all();
  }
}

}  // namespace tidemark::runtime
