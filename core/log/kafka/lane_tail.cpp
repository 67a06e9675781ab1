#include "core/log/kafka/lane_tail.hpp"

#include <librdkafka/rdkafka.h>

#include <algorithm>

#include "core/log/kafka/emptied.hpp"
#include "core/log/kafka/records.hpp"

namespace tidemark::log::kafka {
namespace {

using Clock = std::chrono::steady_clock;

std::string where(const Topic& topic, LaneId lane) { return topic.full_name + " lane " + std::to_string(lane.value); }

/// One topic of the lane.
class TopicTail {
 public:
  TopicTail(const Shared& shared, const Topic& topic, LaneId lane, std::int64_t first_offset)
      : shared_(shared), topic_(topic), lane_(lane), next_(shared.view.end(topic.id, lane)), first_(next_), from_(shared.view.after(topic.id, lane)) {
    is_cut_ = first_offset > from_;
    from_ = std::max(from_, first_offset);
  }

  bool is_cut() const { return is_cut_; }

  Result<void> read(std::int64_t end, Duration patience, std::vector<Published>& tail) {
    std::uint64_t resume = kNowhere;
    const auto take = [&](const rd_kafka_message_s& message) { return take_message(message, tail); };
    auto done = shared_.history->read({partition_of(topic_, lane_), from_, end, patience}, resume, take);
    if (!done && done.error().code == Code::not_found) return make_error(Code::unavailable, where(topic_, lane_) + " is being cut: " + done.error().message);
    if (!done) return done;
    if (!wrong_ && !builder_.empty()) wrong_ = make_error(Code::corrupt, where(topic_, lane_) + ": the append at tmseq " + std::to_string(first_) + " has no last record: it was torn");
    if (wrong_) return *wrong_;
    return {};
  }

  /// Retention has taken everything.
  bool is_emptied() const { return is_cut_ && !seen_; }

 private:
  bool take_message(const rd_kafka_message_s& message, std::vector<Published>& tail) {
    auto record = reader_.read(message);
    if (!record) {
      wrong_ = record.take_error();
      return false;
    }
    if (!std::exchange(seen_, true) && is_cut_ && record->tmseq > next_) next_ = record->tmseq;  // those between are cut
    if (record->tmseq < next_) return true;                                                      // known
    if (record->tmseq > next_) {
      wrong_ = make_error(Code::corrupt, place_of(message) + " has tmseq " + std::to_string(record->tmseq) + " where " + std::to_string(next_) + " is due");
      return false;
    }
    if (builder_.empty()) {
      first_ = next_;
      first_offset_ = message.offset;
    }
    builder_.add(record->view);
    ++next_;
    if (record->commit.empty()) return true;
    auto batch = std::make_shared<std::string>();
    builder_.encode(static_cast<std::int64_t>(first_), *batch);
    tail.push_back({topic_.id, first_, next_ - first_, std::move(batch), Mark{first_, first_offset_}, message.offset + 1, std::string(record->commit)});
    builder_.clear();
    return true;
  }

  const Shared& shared_;
  const Topic& topic_;
  const LaneId lane_;
  std::uint64_t next_, first_;
  std::int64_t from_, first_offset_ = 0;
  bool is_cut_ = false, seen_ = false;
  MessageReader reader_;
  RecordBatchBuilder builder_;
  std::optional<Error> wrong_;
};

/// The newest tmcommit of each topic.
std::vector<std::string> newest_commits(const View& view, const std::vector<Topic>& topics, LaneId lane, const std::vector<Published>& tail) {
  std::vector<std::string> commits;
  for (const Topic& topic : topics) {
    const auto last = std::find_if(tail.rbegin(), tail.rend(), [&](const Published& part) { return part.topic == topic.id; });
    commits.push_back(last != tail.rend() ? last->commit : view.commit(topic.id, lane));
  }
  return commits;
}

/// Where the topic ends once the tail is published.
std::uint64_t end_with(const View& view, TopicId topic, LaneId lane, const LaneTail& tail) {
  std::uint64_t end = view.end(topic, lane);
  for (const Published& part : tail.parts) {
    if (part.topic == topic) end = std::max(end, part.first + part.count);
  }
  for (const LaneTail::Emptied& emptied : tail.emptied) {
    if (emptied.topic == topic) end = std::max(end, emptied.end);
  }
  return end;
}

}  // namespace

Result<LaneTail> read_tail(const Shared& shared, LaneId lane, Isolation isolation, Duration patience) {
  const auto deadline = Clock::now() + patience;
  const auto left = [deadline] { return std::max(Duration(1), std::chrono::duration_cast<Duration>(deadline - Clock::now())); };
  const auto topics = shared.owned_topics();
  std::vector<PartitionName> partitions;
  for (const Topic& topic : topics) partitions.push_back(partition_of(topic, lane));
  auto firsts = ask_offsets(shared.history->client(), partitions, Edge::first, left());
  if (!firsts) return firsts.take_error();
  rd_kafka_s* const client = isolation == Isolation::uncommitted ? shared.uncommitted.get() : shared.history->client();
  auto ends = ask_offsets(client, partitions, Edge::end, left());
  if (!ends) return ends.take_error();
  LaneTail tail;
  std::vector<std::size_t> emptied;
  for (std::size_t i = 0; i < topics.size(); ++i) {
    TopicTail one(shared, topics[i], lane, (*firsts)[i]);
    if (one.is_cut() && topics[i].spec.topic_class == TopicClass::fact) {
      return make_error(Code::corrupt, where(topics[i], lane) + " begins at offset " + std::to_string((*firsts)[i]) + ", though the topic is kept for ever: the log was cut or replaced");
    }
    if (auto read = one.read((*ends)[i], left(), tail.parts); !read) return read.take_error();
    if (one.is_emptied()) emptied.push_back(i);
  }
  if (emptied.empty()) return tail;
  const auto commits = newest_commits(shared.view, topics, lane, tail.parts);
  for (const std::size_t i : emptied) {
    const TopicId id = topics[i].id;
    const KnownEnd known{shared.view.end(id, lane), shared.view.after(id, lane)};
    tail.emptied.push_back({id, end_of_emptied(topics[i].spec.name, known, commits, (*ends)[i]), (*ends)[i]});
  }
  return tail;
}

std::optional<Torn> find_torn(const View& view, const std::vector<Topic>& topics, LaneId lane, const LaneTail& tail) {
  const auto commits = newest_commits(view, topics, lane, tail.parts);
  for (std::size_t i = 0; i < topics.size(); ++i) {
    if (commits[i].empty()) continue;
    const auto parts = decode_commit(commits[i]);
    if (!parts) return Torn{commits[i], where(topics[i], lane) + ": tmcommit does not decode: " + commits[i]};
    for (const CommitPart& part : *parts) {
      if (part.count == 0) continue;
      const auto other = std::find_if(topics.begin(), topics.end(), [&](const Topic& t) { return t.spec.name == part.topic; });
      if (other == topics.end() || end_with(view, other->id, lane, tail) >= part.first + part.count) continue;
      return Torn{commits[i], where(topics[i], lane) + " holds an append (" + commits[i] + ") of which " + other->full_name + " lacks its part: the transaction was torn"};
    }
  }
  return std::nullopt;
}

Result<LaneTail> read_whole_tail(const Shared& shared, LaneId lane, Duration patience) {
  const auto deadline = Clock::now() + patience;
  std::string seen;
  for (;;) {
    auto tail = read_tail(shared, lane, Isolation::uncommitted, std::max(Duration(1), std::chrono::duration_cast<Duration>(deadline - Clock::now())));
    if (!tail) return tail;
    const auto torn = find_torn(shared.view, shared.owned_topics(), lane, *tail);
    if (!torn) return tail;
    if (torn->commit == seen) return make_error(Code::corrupt, torn->what);
    if (Clock::now() >= deadline) return make_error(Code::unavailable, "lane " + std::to_string(lane.value) + " is being written by another owner");
    seen = torn->commit;
  }
}

bool publish(Shared& shared, LaneId lane, LaneTail tail) {
  bool is_new = false;
  for (const LaneTail::Emptied& one : tail.emptied) is_new = shared.view.set_emptied(one.topic, lane, one.end, one.after) || is_new;
  return shared.view.publish(lane, std::move(tail.parts)) || is_new;
}

}  // namespace tidemark::log::kafka
