#include "tests/bench/support/disk_cost.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

#include "core/base/disk.hpp"

namespace tidemark::bench {

double fdatasync_us(const std::string& directory) {
  constexpr std::size_t kBlock = 64u << 10, kBlocks = 256;
  auto disk = make_posix_disk();
  const std::string path = directory + "/fdatasync-probe";
  auto file = disk->open(path, true);
  if (!file || !(*file)->pwrite(0, std::string(kBlock * kBlocks, '\0')).ok() || !(*file)->sync().ok()) return -1;
  const std::string block(kBlock, 'x');
  std::vector<double> times;
  for (std::size_t i = 0; i < kBlocks; ++i) {
    const auto start = std::chrono::steady_clock::now();
    if (!(*file)->pwrite(i * kBlock, block).ok() || !(*file)->sync().ok()) return -1;
    times.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
  }
  (void)disk->remove(path).ok();
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

}  // namespace tidemark::bench
