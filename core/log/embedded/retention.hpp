#pragma once
// Which sealed files may go. Pure.

#include <vector>

#include "core/log/embedded/catalogue.hpp"

namespace tidemark::log {

/// Indexes of the files that no topic in them keeps any longer, oldest first. A file goes only after all older ones of its topics.
///   now   nullopt: by size only
std::vector<std::size_t> expired_files(const Catalogue& catalogue, const std::vector<TopicSpec>& topics, std::optional<Time> now);

/// Longest span of times and bytes that one file of `spec` may cover, so that what is kept too long stays a fraction of retention.
struct FileBounds {
  std::optional<Duration> span;
  std::optional<std::uint64_t> bytes;
};
FileBounds file_bounds(const TopicSpec& spec);

}  // namespace tidemark::log
