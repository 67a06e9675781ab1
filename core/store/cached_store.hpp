#pragma once
// A store with the rows read or written lately in memory, present or absent: for lane state, where each command reads and
// writes the same few rows and a RocksDB lookup costs more than the decision.

#include <cstddef>
#include <memory>

#include "core/store/store.hpp"

namespace tidemark::store {

/// Wraps `base`. Everything is still written to it at once; only get() is answered from memory.
///   bytes_max   of cached keys and values; all are dropped when it is passed
///   threads     unlike another store: get, write and clear from one thread
std::unique_ptr<Store> cache_rows(std::unique_ptr<Store> base, std::size_t bytes_max);

}  // namespace tidemark::store
