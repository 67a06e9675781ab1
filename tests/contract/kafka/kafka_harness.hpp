#pragma once
// A Kafka log on the test program's broker, with the test's thread as home.

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "core/log/kafka/kafka_log.hpp"
#include "tests/support/broker/broker.hpp"

namespace tidemark::log::test {

/// Runs what was posted on the thread that asks for it.
class Mailbox final : public Executor {
 public:
  void post(Fn<void()> work) override {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
  }
  bool run_one() {
    Fn<void()> work;
    {
      std::lock_guard lock(mutex_);
      if (queue_.empty()) return false;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
    return true;
  }

 private:
  std::mutex mutex_;
  std::deque<Fn<void()>> queue_;
};

inline void run_until(Mailbox& home, const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(90);
  while (!done()) {
    if (!home.run_one()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "nothing happened for a long time";
  }
}

inline KafkaLogOptions kafka_options(const std::string& bootstrap, std::string prefix) {
  KafkaLogOptions options;
  options.client.brokers = bootstrap;
  if (::getenv("KAFKA_SAYS") != nullptr) {
    options.client.log = [](int level, std::string_view facility, std::string_view text) {
      std::fprintf(stderr, "%d %.*s %.*s\n", level, static_cast<int>(facility.size()), facility.data(), static_cast<int>(text.size()), text.data());
    };
  }
  options.prefix = std::move(prefix);
  options.lanes = 4;
  options.make_epoch = [] { return *parse_uuid("0190a8f2-0000-7000-8000-000000000001"); };
  return options;
}

}  // namespace tidemark::log::test
