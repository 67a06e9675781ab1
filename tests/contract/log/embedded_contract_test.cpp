// The contract over the simulated disk, where the writer is stepped by hand, and over real files and threads.
#include <filesystem>
#include <thread>

#include "core/base/executors.hpp"
#include "core/log/embedded/embedded_log.hpp"
#include "event_log_contract.hpp"
#include "scratch_directory.hpp"
#include "tests/support/mailbox/mailbox.hpp"
#include "tests/support/sim_disk/manual_executor.hpp"
#include "tests/support/sim_disk/sim_disk.hpp"

namespace tidemark::log::test {
namespace {

using tidemark::test::ManualExecutor;
using tidemark::test::SimDisk;

EmbeddedLogOptions options(std::string directory, std::uint64_t segment_bytes) {
  EmbeddedLogOptions out;
  out.directory = std::move(directory);
  out.lanes = 4;
  out.segment_bytes = segment_bytes;
  out.make_epoch = [] { return *parse_uuid("0190a8f2-0000-7000-8000-000000000001"); };
  return out;
}

class SimulatedHarness final : public LogHarness {
 public:
  explicit SimulatedHarness(std::uint64_t segment_bytes, bool sealing = false) : segment_bytes_(segment_bytes), sealing_(sealing) { open(); }
  EventLog& log() override { return *log_; }
  void reopen() override {
    log_.reset();
    open();
  }
  void run_until(const std::function<bool()>& done) override {
    tidemark::test::run_all({&writer_, &home_, &sealer_});
    ASSERT_TRUE(done());
  }

 private:
  void open() {
    auto with_sealer = options("log", segment_bytes_);
    if (sealing_) with_sealer.sealer = &sealer_;
    auto log = open_embedded_log(disk_, home_, writer_, std::move(with_sealer));
    ASSERT_TRUE(log.ok()) << describe(log.error());
    log_ = std::move(*log);
  }
  std::uint64_t segment_bytes_;
  bool sealing_;
  SimDisk disk_{1};
  ManualExecutor home_, writer_, sealer_;
  std::unique_ptr<EventLog> log_;
};

class PosixHarness final : public LogHarness {
 public:
  PosixHarness() { open(); }
  EventLog& log() override { return *log_; }
  void reopen() override {
    log_.reset();
    open();
  }
  void run_until(const std::function<bool()>& done) override {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!done()) {
      (void)home_.run_one();
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    }
  }

 private:
  void open() {
    auto log = open_embedded_log(*disk_, home_, *writer_, options(directory_.path() + "/log", 1u << 20));
    ASSERT_TRUE(log.ok()) << describe(log.error());
    log_ = std::move(*log);
  }
  ScratchDirectory directory_;
  std::unique_ptr<Disk> disk_ = make_posix_disk();
  tidemark::testing::Mailbox home_;
  std::unique_ptr<Executor> writer_ = make_thread_pool("journal", 1);
  std::unique_ptr<EventLog> log_;
};

INSTANTIATE_TEST_SUITE_P(Embedded, EventLogContract,
                         ::testing::Values(LogAdapter{"SmallSegments", [] { return std::make_unique<SimulatedHarness>(4096); }},
                                         LogAdapter{"OneSegment", [] { return std::make_unique<SimulatedHarness>(256u << 10); }},
                                         LogAdapter{"Sealed", [] { return std::make_unique<SimulatedHarness>(4096, true); }},
                                         LogAdapter{"RealFiles", [] { return std::make_unique<PosixHarness>(); }}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace tidemark::log::test
