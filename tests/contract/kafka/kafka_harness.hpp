#pragma once
#include <gtest/gtest.h>

#include "tests/contract/kafka/kafka_rig.hpp"
#include "tests/support/broker/broker.hpp"

namespace tidemark::log::test {

inline void run_until(Mailbox& home, const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(3);
  while (!done()) {
    (void)home.run_one();
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "nothing happened for a long time";
  }
}

}  // namespace tidemark::log::test
