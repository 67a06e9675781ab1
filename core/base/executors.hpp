#pragma once
// Executors with threads of their own, for work that blocks: the journal's writer, projection workers, file work.

#include <memory>
#include <string>

#include "core/base/scheduler.hpp"

namespace tidemark {

/// `threads` threads named `name` (at most 15 characters) that run what is posted; with one thread, in the order posted.
/// The destructor runs what is queued and joins. Unbounded queue: callers bound what they have under way.
std::unique_ptr<Executor> make_thread_pool(std::string name, std::size_t threads);

}  // namespace tidemark
