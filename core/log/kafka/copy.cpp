#include "core/log/kafka/copy.hpp"

#include <algorithm>

namespace tidemark::log::kafka {

Result<void> check_copy(const Installation& installation, const KafkaLogOptions& options) {
  const std::string name = "the log at " + options.client.brokers + (options.prefix.empty() ? "" : " under the prefix " + options.prefix);
  const auto& mark = installation.copy;
  if (!options.copy_of) {
    if (!mark || mark->complete) return {};
    return make_error(Code::unavailable, name + " is an unfinished copy of log " + to_string(mark->source) + ": let the copy be finished first");
  }
  if (!mark) return make_error(Code::invalid_argument, name + " is no copy");
  if (mark->source != *options.copy_of) {
    return make_error(Code::invalid_argument, name + " is a copy of log " + to_string(mark->source) + ", not of " + to_string(*options.copy_of));
  }
  return {};
}

Result<void> KafkaCopy::write(FnRef<InstallationTopic::Entries(const Installation&)> entries) {
  const KafkaLogOptions& options = shared_.options;
  InstallationTopic installation(options.client, options.prefix, *shared_.history, shared_.uncommitted.get(), options.replication, options.patience);
  auto now = installation.change([&](const std::optional<Installation>& present) -> Result<InstallationTopic::Entries> {
    if (!present || present->epoch != epoch_) return make_error(Code::corrupt, "the installation was replaced while it was copied to");
    return entries(*present);
  });
  if (!now) return now.take_error();
  return {};
}

Result<void> KafkaCopy::set_complete(bool complete) {
  CopyMark mark{mark_.source, complete};
  if (mark == mark_) return {};
  auto written = write([&](const Installation&) { return InstallationTopic::Entries{InstallationTopic::entry(mark)}; });
  if (written.ok()) mark_ = mark;
  return written;
}

Result<void> KafkaCopy::begin_at(const std::vector<Beginning>& beginnings) {
  const auto topics = shared_.owned_topics();
  std::vector<const Topic*> whose;
  std::vector<Beginning> wanted;
  std::vector<PartitionName> partitions;
  for (const Beginning& beginning : beginnings) {
    const auto& [id, lane, first] = beginning;
    const auto topic = std::find_if(topics.begin(), topics.end(), [&id = id](const Topic& t) { return t.id == id; });
    if (topic == topics.end() || lane.value >= shared_.lanes) return make_error(Code::invalid_argument, "no such topic or lane");
    const std::uint64_t begins = shared_.view.begin(id, lane), ends = shared_.view.end(id, lane);
    if (begins == first.value && ends == begins) continue;
    if (begins != ends || ends > first.value) {
      return make_error(Code::invalid_argument, topic->full_name + " lane " + std::to_string(lane.value) + " holds " + std::to_string(begins) + " to " +
                                                    std::to_string(ends) + " and cannot begin at " + std::to_string(first.value));
    }
    whose.push_back(&*topic);
    wanted.push_back(beginning);
    partitions.push_back(partition_of(*topic, lane));
  }
  if (wanted.empty()) return {};
  auto ends = ask_offsets(shared_.uncommitted.get(), partitions, Edge::end, shared_.options.patience);
  if (!ends) return ends.take_error();
  auto written = write([&](const Installation& present) {
    Origins origins = present.origins;
    std::vector<std::string> changed;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      origins[whose[i]->spec.name][wanted[i].lane.value] = {wanted[i].first.value, (*ends)[i]};
      if (changed.empty() || changed.back() != whose[i]->spec.name) changed.push_back(whose[i]->spec.name);
    }
    InstallationTopic::Entries entries;
    for (const std::string& name : changed) entries.push_back(InstallationTopic::entry(name, origins[name]));
    return entries;
  });
  if (!written) return written;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const std::uint64_t first = wanted[i].first.value;
    View::Bounds bounds;
    bounds.begin = bounds.end = first;
    bounds.after = (*ends)[i];
    bounds.first = Mark{first, (*ends)[i]};
    shared_.view.set_bounds(wanted[i].topic, wanted[i].lane, std::move(bounds));
  }
  return {};
}

}  // namespace tidemark::log::kafka
