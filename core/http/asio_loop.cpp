#include "core/http/asio_loop.hpp"

#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>

#include "core/http/timer_queue.hpp"

namespace tidemark::http {
namespace {

namespace asio = boost::asio;

class Loop final : public LoopWithContext, public Scheduler {
 public:
  Loop() : guard_(asio::make_work_guard(context_)), alarm_(context_), signals_(context_), reload_signals_(context_) {
    // sendfile has no MSG_NOSIGNAL: a peer that goes away must be an error, not the end of the process.
    std::signal(SIGPIPE, SIG_IGN);
    const int fd = ::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    TM_ASSERT(fd >= 0, "timerfd_create failed");
    alarm_.assign(fd);
    wait_for_alarm();
  }
  /// What timers hold may use the context when it is destroyed.
  ~Loop() override { const TimerQueue left = std::exchange(timers_, TimerQueue()); }

  Scheduler& scheduler() override { return *this; }
  asio::io_context& context() override { return context_; }

  void run() override {
    context_.restart();
    context_.run();
  }
  void stop() override { context_.stop(); }

  void on_termination_signal(Fn<void(int)> call) override {
    on_signal_ = std::move(call);
    boost::system::error_code ignored;
    signals_.add(SIGTERM, ignored);
    signals_.add(SIGINT, ignored);
    wait_for_signal();
  }

  void on_reload_signal(Fn<void()> call) override {
    on_reload_ = std::move(call);
    boost::system::error_code ignored;
    reload_signals_.add(SIGHUP, ignored);
    wait_for_reload();
  }

  void post(Fn<void()> work) override { asio::post(context_, std::move(work)); }

  SteadyTime now() const override {
    timespec t{};
    ::clock_gettime(CLOCK_BOOTTIME, &t);
    return SteadyTime(std::chrono::microseconds(t.tv_sec * 1'000'000LL + t.tv_nsec / 1000));
  }
  Time wall() const override {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }

  TimerId at(SteadyTime when, Fn<void()> work) override {
    const TimerId id = timers_.add(when, std::move(work));
    if (when < armed_for_) arm(when);
    return id;
  }
  bool cancel(TimerId timer) override { return timers_.cancel(timer); }

  std::uint64_t random() override {
    if (random_left_ == 0) {
      std::size_t have = 0;
      while (have < sizeof(random_)) {
        const auto got = ::getrandom(reinterpret_cast<char*>(random_.data()) + have, sizeof(random_) - have, 0);
        TM_ASSERT(got > 0 || errno == EINTR, "getrandom failed");
        if (got > 0) have += static_cast<std::size_t>(got);
      }
      random_left_ = random_.size();
    }
    return std::exchange(random_[--random_left_], 0);
  }

 private:
  static constexpr SteadyTime kNever = SteadyTime::max();

  void arm(SteadyTime when) {
    armed_for_ = when;
    const auto us = std::max<std::int64_t>(when.time_since_epoch().count(), 1);
    itimerspec spec{};
    spec.it_value.tv_sec = us / 1'000'000;
    spec.it_value.tv_nsec = (us % 1'000'000) * 1000;
    ::timerfd_settime(alarm_.native_handle(), TFD_TIMER_ABSTIME, &spec, nullptr);
  }

  void wait_for_alarm() {
    alarm_.async_read_some(asio::buffer(&expirations_, sizeof(expirations_)),
                           [this](const boost::system::error_code& failed, std::size_t) {
                             if (failed) return;
                             fire();
                             wait_for_alarm();
                           });
  }

  void fire() {
    armed_for_ = kNever;
    // Timers set by what fires here wait for the next round, so that a timer that sets itself anew cannot starve the rest.
    const SteadyTime due = now();
    while (Fn<void()> work = timers_.take_due(due)) work();
    const auto next = timers_.next();
    if (next && *next < armed_for_) arm(*next);
  }

  void wait_for_signal() {
    signals_.async_wait([this](const boost::system::error_code& failed, int signal) {
      if (failed) return;
      if (on_signal_) on_signal_(signal);
      wait_for_signal();
    });
  }

  void wait_for_reload() {
    reload_signals_.async_wait([this](const boost::system::error_code& failed, int) {
      if (failed) return;
      on_reload_();
      wait_for_reload();
    });
  }

  TimerQueue timers_;  // before the context: what it still holds may cancel timers when it is destroyed
  Fn<void(int)> on_signal_;
  Fn<void()> on_reload_;
  std::array<std::uint64_t, 32> random_{};
  std::size_t random_left_ = 0;
  std::uint64_t expirations_ = 0;
  SteadyTime armed_for_ = kNever;
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard_;
  asio::posix::stream_descriptor alarm_;
  asio::signal_set signals_, reload_signals_;
};

}  // namespace

std::unique_ptr<AsioLoop> make_asio_loop() { return std::make_unique<Loop>(); }

}  // namespace tidemark::http
