#pragma once
// What a node tells the service manager that started it (systemd's sd_notify protocol). Without one nothing is sent.

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "core/base/scheduler.hpp"

namespace tidemark::cli {

// Any thread.
void tell_ready(const std::string& status);  ///< also after tell_reloading()
void tell_reloading();
void tell_stopping();

/// Says from the scheduler's thread, as often as the manager asks, that its loop turns.
void tell_alive(Scheduler& scheduler);

/// While it lives the manager's patience with the start is prolonged, as long as the process gets on: uses processor time or
/// reads its disk. A recovery that hangs is so still ended.
class PatientStart {
 public:
  PatientStart();
  ~PatientStart();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
  std::thread thread_;
};

}  // namespace tidemark::cli
