// The contract of a log, over a real broker.
#include "kafka_harness.hpp"
#include "tests/contract/log/event_log_contract.hpp"
#include "tests/support/broker/broker.hpp"

namespace tidemark::log::test {
namespace {

class KafkaHarness final : public LogHarness {
 public:
  explicit KafkaHarness(std::size_t memory_bytes) : memory_bytes_(memory_bytes) { open(); }
  EventLog& log() override { return *log_; }
  void reopen() override {
    log_.reset();
    open();
  }
  void run_until(const std::function<bool()>& done) override { test::run_until(home_, done); }

 private:
  void open() {
    auto options = kafka_options(tidemark::test::Broker::shared().bootstrap(), prefix_);
    options.memory_bytes = memory_bytes_;
    auto log = open_kafka_log(home_, std::move(options));
    ASSERT_TRUE(log.ok()) << describe(log.error());
    log_ = std::move(*log);
  }
  const std::size_t memory_bytes_;
  const std::string prefix_ = tidemark::test::fresh_prefix();
  Mailbox home_;
  std::unique_ptr<EventLog> log_;
};

INSTANTIATE_TEST_SUITE_P(Kafka, EventLogContract,
                         ::testing::Values(LogAdapter{"FromMemory", [] { return std::make_unique<KafkaHarness>(16u << 20); }},
                                         LogAdapter{"FromTheBroker", [] { return std::make_unique<KafkaHarness>(0); }}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace tidemark::log::test
