// A process to be killed: writes to a RocksDB store until then, and prints the number of every write that was flushed.
#include <cstdio>
#include <string>

#include "core/store/store.hpp"

using namespace tidemark;

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  auto store = store::open_rocksdb_store(argv[1]);
  if (!store.ok()) return 3;
  auto known = (*store)->checkpoints();
  if (!known.ok()) return 4;
  const store::CheckpointKey name{"t", LaneId{0}};
  std::uint64_t next = known->contains(name) ? known->at(name).next.value : 0;
  const std::string filler(4096, 'x');
  for (;;) {
    ++next;
    store::Overlay changes(**store);
    changes.put("row" + std::to_string(next), filler);
    changes.put("newest", std::to_string(next));
    changes.put("twin", std::to_string(next));
    if (next > 2000) changes.erase("row" + std::to_string(next - 2000));
    if (!(*store)->write(changes, {{name, {Uuid{}, Tmseq{next}, ""}}}).ok()) return 5;
    if (next % 500 == 0) {
      if (!(*store)->flush().ok()) return 6;
      std::printf("%llu\n", static_cast<unsigned long long>(next));
      std::fflush(stdout);
    }
  }
}
