#include "replay/copy/comparison.hpp"

#include <algorithm>

#include "core/base/bytes.hpp"
#include "core/base/sha256.hpp"
#include "replay/copy/copy.hpp"
#include "replay/copy/record_stream.hpp"

namespace tidemark::replay {
namespace {

void put_text(std::string& out, const std::optional<std::string_view>& text) {
  put_u32_be(out, text ? static_cast<std::uint32_t>(text->size()) : UINT32_MAX);
  if (text) out.append(*text);
}

/// The record as it is hashed.
void put_record(std::string& out, const HeldRecord& record) {
  put_u64_be(out, record.position.value);
  put_u64_be(out, static_cast<std::uint64_t>(record.view.timestamp_ms));
  put_text(out, record.view.key);
  put_u32_be(out, static_cast<std::uint32_t>(record.view.headers.size()));
  for (const auto& header : record.view.headers) {
    put_text(out, header.name);
    put_text(out, header.value);
  }
  put_text(out, record.view.value);
}

constexpr int kCutsMost = 100;  ///< of a partition while it is compared

/// Both at once, to the end or, without hashes, to the first difference.
struct Pass {
  std::optional<Tmseq> difference;
  Sha256 source, target;
};

Result<void> read_both(const PartitionPair& pair, Tmseq from, Tmseq end, bool to_the_end, Pass& pass) {
  RecordStream source(pair.source, pair.source_topic, pair.name, pair.lane, from, end);
  RecordStream target(pair.target, pair.target_topic, pair.name, pair.lane, from, end);
  std::string ours, theirs;
  for (Tmseq at = from; at < end; at = Tmseq{at.value + 1}) {
    auto expected = source.peek();
    if (!expected) return make_error(expected.error().code, "source: " + expected.error().message);
    auto found = target.peek();
    if (!found) return make_error(found.error().code, "target: " + found.error().message);
    ours.clear();
    theirs.clear();
    put_record(ours, **expected);
    put_record(theirs, **found);
    pass.source.add(ours);
    pass.target.add(theirs);
    if (ours != theirs && !pass.difference) pass.difference = at;
    if (pass.difference && !to_the_end) return {};
    source.take();
    target.take();
  }
  return {};
}

std::string number(Tmseq at) { return std::to_string(at.value); }

std::string problem_of(const ComparedPartition& one, log::TopicClass topic_class) {
  if (one.difference) return "differs from tmseq " + number(*one.difference) + " on";
  if (one.target_end < one.source_end) return "ends at tmseq " + number(one.target_end) + ", where the source ends at " + number(one.source_end);
  if (one.target_begin > one.source_begin && topic_class == log::TopicClass::fact) {
    return "begins at tmseq " + number(one.target_begin) + ", where the source begins at " + number(one.source_begin);
  }
  return {};
}

}  // namespace

Result<std::optional<Tmseq>> first_difference(const PartitionPair& pair, Tmseq from, Tmseq end) {
  Pass pass;
  if (auto read = read_both(pair, from, end, false, pass); !read) return read.take_error();
  return pass.difference;
}

Result<Comparison> compare_logs(const log::EventLog& source, const log::EventLog& target) {
  Comparison out;
  if (source.lanes() != target.lanes()) {
    return make_error(Code::invalid_argument, "the source has " + std::to_string(source.lanes()) + " lanes and the target " + std::to_string(target.lanes()));
  }
  Sha256 all_source, all_target;
  for (const log::TopicSpec& spec : source.topics()) {
    if (!is_copied(spec.topic_class)) continue;
    const auto source_topic = *find_topic(source, spec.name);
    const auto target_topic = find_topic(target, spec.name);
    for (std::uint32_t lane = 0; lane < source.lanes(); ++lane) {
      ComparedPartition one;
      one.topic = spec.name;
      one.lane = LaneId{lane};
      Pass pass;
      for (int tries = 0;; ++tries) {
        one.source_begin = source.begin(source_topic, one.lane);
        one.source_end = source.end(source_topic, one.lane);
        if (target_topic) {
          one.target_begin = target.begin(*target_topic, one.lane);
          one.target_end = target.end(*target_topic, one.lane);
        }
        one.from = std::max(one.source_begin, one.target_begin);
        one.end = std::max(one.from, std::min(one.source_end, one.target_end));
        pass = Pass();
        if (one.from == one.end) break;
        const PartitionPair pair{source, source_topic, target, *target_topic, spec.name, one.lane};
        auto read = read_both(pair, one.from, one.end, true, pass);
        if (read) break;
        // Brokers cut by retention when they like: what is left is compared.
        if (read.error().code != Code::not_found || tries == kCutsMost || spec.topic_class == log::TopicClass::fact) return read.take_error();
      }
      one.difference = pass.difference;
      one.source_sha256 = pass.source.finish_hex();
      one.target_sha256 = pass.target.finish_hex();
      one.problem = problem_of(one, spec.topic_class);
      out.records += one.records();
      out.equal = out.equal && one.problem.empty();
      const std::string line = spec.name + " " + std::to_string(lane) + " " + number(one.from) + " " + number(one.end) + " ";
      all_source.add(line + one.source_sha256 + "\n");
      all_target.add(line + one.target_sha256 + "\n");
      out.partitions.push_back(std::move(one));
    }
  }
  out.source_sha256 = all_source.finish_hex();
  out.target_sha256 = all_target.finish_hex();
  return out;
}

}  // namespace tidemark::replay
