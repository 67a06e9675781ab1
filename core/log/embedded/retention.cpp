#include "core/log/embedded/retention.hpp"

#include <set>

namespace tidemark::log {
namespace {

constexpr int kFilesPerRetention = 8;

}  // namespace

FileBounds file_bounds(const TopicSpec& spec) {
  FileBounds out;
  if (spec.retention) out.span = *spec.retention / kFilesPerRetention;
  if (spec.retention_bytes) out.bytes = *spec.retention_bytes / kFilesPerRetention;
  return out;
}

std::vector<std::size_t> expired_files(const Catalogue& catalogue, const std::vector<TopicSpec>& topics, std::optional<Time> now) {
  std::map<std::uint16_t, std::uint64_t> left;  // bytes by topic
  for (const auto& file : catalogue.files) {
    for (const auto& [topic, bytes] : file.topic_bytes) left[topic] += bytes;
  }
  std::vector<std::size_t> out;
  std::set<std::uint16_t> kept;  // topics that still need an older file
  for (std::size_t i = 0; i < catalogue.files.size(); ++i) {
    const CataloguedFile& file = catalogue.files[i];
    const auto keeps = [&](std::uint16_t topic, std::uint64_t bytes) {
      const TopicSpec& spec = topics.at(topic);
      if (spec.topic_class == TopicClass::fact || kept.contains(topic)) return true;
      if (now && spec.retention && file.to_ms < to_ms(*now) - spec.retention->count()) return false;
      return !spec.retention_bytes || left[topic] - bytes < *spec.retention_bytes;
    };
    bool goes = true;
    for (const auto& [topic, bytes] : file.topic_bytes) goes = goes && !keeps(topic, bytes);
    for (const auto& [topic, bytes] : file.topic_bytes) {
      if (goes) left[topic] -= bytes;
      else kept.insert(topic);
    }
    if (goes) out.push_back(i);
  }
  return out;
}

}  // namespace tidemark::log
