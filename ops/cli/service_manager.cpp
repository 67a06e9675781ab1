#include "ops/cli/service_manager.hpp"

#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include <cstdlib>
#include <ctime>

namespace tidemark::cli {
namespace {

constexpr auto kLookEvery = std::chrono::seconds(5);
constexpr auto kPatience = std::chrono::microseconds(std::chrono::seconds(60));

// Nobody can be told that telling fails.
void notify(const std::string& state) { ::sd_notify(0, state.c_str()); }

std::string monotonic_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::to_string(now.tv_sec * 1'000'000LL + now.tv_nsec / 1000);
}

/// Grows while the process works or reads.
long progress() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& time) { return time.tv_sec * 1000 + time.tv_usec / 1000; };
  return ms(usage.ru_utime) + ms(usage.ru_stime) + usage.ru_inblock;
}

void ping(Scheduler& scheduler, Duration every) {
  notify("WATCHDOG=1");
  scheduler.after(every, [&scheduler, every] { ping(scheduler, every); });
}

}  // namespace

void tell_ready(const std::string& status) { notify("READY=1\nSTATUS=" + status); }
void tell_reloading() { notify("RELOADING=1\nMONOTONIC_USEC=" + monotonic_us() + "\nSTATUS=Reloading"); }
void tell_stopping() { notify("STOPPING=1\nSTATUS=Finishing what is under way"); }

void tell_alive(Scheduler& scheduler) {
  std::uint64_t timeout_us = 0;
  if (::sd_watchdog_enabled(0, &timeout_us) <= 0) return;
  ping(scheduler, std::chrono::duration_cast<Duration>(std::chrono::microseconds(timeout_us / 3)));
}

PatientStart::PatientStart() {
  if (std::getenv("NOTIFY_SOCKET") != nullptr) thread_ = std::thread([this] { run(); });
}

PatientStart::~PatientStart() {
  {
    const std::lock_guard lock(mutex_);
    end_ = true;
  }
  ended_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void PatientStart::run() {
  // Work of this thread itself is far below a step.
  constexpr long kStep = 10;
  long before = -kStep;
  std::unique_lock lock(mutex_);
  while (!end_) {
    const long now = progress();
    if (now - before >= kStep) notify("EXTEND_TIMEOUT_USEC=" + std::to_string(kPatience.count()) + "\nSTATUS=Recovering");
    before = now;
    ended_.wait_for(lock, kLookEvery, [this] { return end_; });
  }
}

}  // namespace tidemark::cli
