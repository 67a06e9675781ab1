#include "core/log/kafka/follower.hpp"

#include <librdkafka/rdkafka.h>
#include <pthread.h>

#include <algorithm>

namespace tidemark::log::kafka {
namespace {

constexpr ConsumerTuning kTuning{std::chrono::milliseconds(250), 2048};
constexpr Duration kAskPatience = std::chrono::seconds(5);
constexpr auto kTendEvery = std::chrono::seconds(1);
constexpr int kCutsEvery = 30;  // times kTendEvery

}  // namespace

Result<std::unique_ptr<Follower>> Follower::open(Shared& shared) {
  std::unique_ptr<Follower> follower(new Follower(shared));
  auto client = make_consumer(shared.options.client, Isolation::committed, kTuning);
  if (!client) return client.take_error();
  follower->client_ = std::move(*client);
  follower->queue_.reset(rd_kafka_queue_new(follower->client_.get()));
  follower->thread_ = std::thread([raw = follower.get()] { raw->run(); });
  pthread_setname_np(follower->thread_.native_handle(), "tm-follow");
  return follower;
}

Follower::~Follower() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
  for (auto& [id, followed] : followed_) {
    for (std::size_t lane = 0; lane < followed->partitions.size(); ++lane) rd_kafka_consume_stop(followed->handle.get(), static_cast<std::int32_t>(lane));
  }
  followed_.clear();
  queue_.reset();
}

Result<void> Follower::follow(const Topic& topic) {
  auto followed = std::make_unique<Followed>();
  followed->topic = topic;
  followed->partitions.resize(shared_.lanes);
  rd_kafka_topic_conf_t* conf = rd_kafka_topic_conf_new();
  rd_kafka_topic_conf_set_opaque(conf, followed.get());
  char why[512];
  rd_kafka_topic_conf_set(conf, "auto.offset.reset", "error", why, sizeof why);
  followed->handle.reset(rd_kafka_topic_new(client_.get(), topic.full_name.c_str(), conf));
  learn_topics(client_.get(), kAskPatience);
  std::lock_guard lock(mutex_);
  for (std::uint32_t lane = 0; lane < shared_.lanes; ++lane) {
    Partition& partition = followed->partitions[lane];
    // Nothing was seen of a partition that is empty.
    if (!shared_.view.commit(topic.id, LaneId{lane}).empty()) partition.next = shared_.view.end(topic.id, LaneId{lane});
    partition.after = shared_.view.after(topic.id, LaneId{lane});
    if (rd_kafka_consume_start_queue(followed->handle.get(), static_cast<std::int32_t>(lane), partition.after, queue_.get()) != 0) {
      return make_error(Code::unavailable, topic.full_name + " cannot be followed: " + error_text(rd_kafka_last_error()));
    }
  }
  followed_[topic.id.value] = std::move(followed);
  return {};
}

void Follower::run() {
  auto tended = std::chrono::steady_clock::now();
  int turns = 0;
  while (!stopping_) {
    Message message(rd_kafka_consume_queue(queue_.get(), 100));
    if (message) {
      std::lock_guard lock(mutex_);
      handle(*message);
    }
    if (const auto now = std::chrono::steady_clock::now(); now - tended >= kTendEvery) {
      tended = now;
      shared_.history->tend();
      shared_.bulk->tend();
      if (shared_.metrics.wanted()) shared_.metrics.follow_lag(lag());
      if (++turns % kCutsEvery == 0) look_for_cuts();
    }
  }
}

void Follower::handle(const rd_kafka_message_s& message) {
  if (message.rkt == nullptr) return;
  auto& followed = *static_cast<Followed*>(rd_kafka_topic_opaque(message.rkt));
  if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    followed.partitions[static_cast<std::size_t>(message.partition)].seen_to = message.offset;
    return;
  }
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) return trouble(followed, message);
  if (auto done = record(followed, message); !done) shared_.damaged(done.error());
}

void Follower::trouble(Followed& followed, const rd_kafka_message_s& message) {
  const bool cut = message.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || message.err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE;
  if (!cut) return;  // the client tries again
  if (followed.topic.spec.topic_class == TopicClass::fact) {
    return shared_.damaged(make_error(Code::corrupt, place_of(message) + " is gone, though the topic is kept for ever: the log was cut or replaced"));
  }
  // Retention went past the follower.
  Partition& partition = followed.partitions[static_cast<std::size_t>(message.partition)];
  partition.next.reset();
  partition.builder.clear();
  partition.count = 0;
  rd_kafka_consume_stop(followed.handle.get(), message.partition);
  rd_kafka_consume_start_queue(followed.handle.get(), message.partition, RD_KAFKA_OFFSET_BEGINNING, queue_.get());
}

bool Follower::is_cut(const Followed& followed, const rd_kafka_message_s& message, std::int64_t after) {
  if (followed.topic.spec.topic_class == TopicClass::fact) return false;
  auto first = ask_offsets(client_.get(), {{followed.topic.full_name, message.partition}}, Edge::first, kAskPatience);
  // All of what was seen is cut: who did not see it may have had to guess where it ended (end_of_emptied).
  return first.ok() && first->front() > 0 && first->front() >= after;
}

Result<void> Follower::record(Followed& followed, const rd_kafka_message_s& message) {
  auto record = reader_.read(message);
  if (!record) return record.take_error();
  const LaneId lane{static_cast<std::uint32_t>(message.partition)};
  Partition& partition = followed.partitions[lane.value];
  if (partition.next && record->tmseq != *partition.next && !(record->tmseq > *partition.next && is_cut(followed, message, partition.after))) {
    return make_error(Code::corrupt, place_of(message) + " has tmseq " + std::to_string(record->tmseq) + " where " + std::to_string(*partition.next) +
                                         " is due: a gap, a repeat or a fork");
  }
  partition.next = record->tmseq + 1;
  partition.after = message.offset + 1;
  const bool known = record->tmseq < shared_.view.end(followed.topic.id, lane);
  if (partition.count == 0) {
    partition.first = record->tmseq;
    partition.first_offset = message.offset;
  }
  ++partition.count;
  if (known) partition.builder.clear();
  else if (partition.builder.count() + 1 == partition.count) partition.builder.add(record->view);
  if (record->commit.empty()) return {};
  Part part{partition.first, partition.count, nullptr, Mark{partition.first, partition.first_offset}, message.offset + 1, std::string(record->commit)};
  if (partition.builder.count() == partition.count) {
    auto batch = std::make_shared<std::string>();
    partition.builder.encode(static_cast<std::int64_t>(partition.first), *batch);
    part.batch = std::move(batch);
  }
  partition.builder.clear();
  partition.count = 0;
  if (known) {
    shared_.view.note(followed.topic.id, lane, part.mark);
    return {};
  }
  partition.parts.push_back(std::move(part));
  publish_whole(lane);
  return {};
}

void Follower::publish_whole(LaneId lane) {
  for (bool again = true; again;) {
    again = false;
    for (auto& [id, followed] : followed_) {
      auto& waiting = followed->partitions[lane.value].parts;
      // This process appended them itself and has published them since.
      while (!waiting.empty() && waiting.front().first + waiting.front().count <= shared_.view.end(followed->topic.id, lane)) waiting.pop_front();
      if (waiting.empty()) continue;
      const std::string commit = waiting.front().commit;
      const auto parts = decode_commit(commit);
      if (!parts) return shared_.damaged(make_error(Code::corrupt, followed->topic.full_name + ": tmcommit does not decode: " + commit));
      const bool names_itself = std::any_of(parts->begin(), parts->end(), [&](const CommitPart& part) { return part.topic == followed->topic.spec.name; });
      if (!names_itself) return shared_.damaged(make_error(Code::corrupt, followed->topic.full_name + ": tmcommit does not name its own topic: " + commit));
      std::vector<Followed*> complete;
      bool whole = true;
      for (const CommitPart& part : *parts) {
        if (part.count == 0) continue;
        const auto other = std::find_if(followed_.begin(), followed_.end(), [&](const auto& entry) { return entry.second->topic.spec.name == part.topic; });
        if (other == followed_.end()) continue;  // no topic of this node
        // The lane's thread may publish the append at any moment.
        if (shared_.view.end(other->second->topic.id, lane) >= part.first + part.count) continue;
        auto& theirs = other->second->partitions[lane.value].parts;
        whole = whole && !theirs.empty() && theirs.front().commit == commit;
        complete.push_back(other->second.get());
      }
      again = again || whole;
      if (!whole || complete.empty()) continue;  // published meanwhile: forgotten in the next round
      std::vector<Published> published;
      for (Followed* one : complete) {
        Part part = std::move(one->partitions[lane.value].parts.front());
        one->partitions[lane.value].parts.pop_front();
        published.push_back({one->topic.id, part.first, part.count, std::move(part.batch), part.mark, part.after, std::move(part.commit)});
      }
      if (shared_.view.publish(lane, std::move(published))) shared_.grown();
    }
  }
}

/// Between what the last answers of the brokers had and what came of it here.
std::uint64_t Follower::lag() {
  std::uint64_t records = 0;
  std::lock_guard lock(mutex_);
  for (const auto& [id, followed] : followed_) {
    for (std::size_t lane = 0; lane < followed->partitions.size(); ++lane) {
      std::int64_t low = 0, high = 0;
      const auto asked = rd_kafka_get_watermark_offsets(client_.get(), followed->topic.full_name.c_str(), static_cast<std::int32_t>(lane), &low, &high);
      const Partition& partition = followed->partitions[lane];
      const std::int64_t seen = std::max(partition.after, partition.seen_to);
      if (asked == RD_KAFKA_RESP_ERR_NO_ERROR && high > seen) records += static_cast<std::uint64_t>(high - seen);
    }
  }
  return records;
}

void Follower::look_for_cuts() {
  std::vector<Topic> topics;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, followed] : followed_) {
      if (followed->topic.spec.topic_class != TopicClass::fact) topics.push_back(followed->topic);
    }
  }
  (void)refresh_begins(shared_, topics).ok();  // asked again next time
}

Result<void> refresh_begins(Shared& shared, const std::vector<Topic>& topics) {
  std::vector<PartitionName> partitions;
  std::vector<std::pair<TopicId, LaneId>> which;
  for (const Topic& topic : topics) {
    for (std::uint32_t lane = 0; lane < shared.lanes; ++lane) {
      partitions.push_back(partition_of(topic, LaneId{lane}));
      which.emplace_back(topic.id, LaneId{lane});
    }
  }
  auto firsts = ask_offsets(shared.history->client(), partitions, Edge::first, kAskPatience);
  if (!firsts) return firsts.take_error();
  MessageReader reader;
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    const auto [topic, lane] = which[i];
    const std::uint64_t begin = shared.view.begin(topic, lane);
    const std::uint64_t end = shared.view.end(topic, lane);
    // An offset is never below its tmseq's first guess: nothing before `begin` can lie here.
    if ((*firsts)[i] <= shared.view.place(topic, lane, begin).low || begin == end) continue;
    std::optional<Mark> first;
    std::uint64_t resume = kNowhere;
    const auto take = [&](const rd_kafka_message_s& message) {
      if (auto record = reader.read(message); record.ok()) first = Mark{record->tmseq, message.offset};
      return false;
    };
    const std::int64_t until = shared.view.after(topic, lane);
    if ((*firsts)[i] >= until) {
      shared.view.set_begin(topic, lane, Mark{end, (*firsts)[i]});
      continue;
    }
    if (auto read = shared.history->read({partitions[i], (*firsts)[i], until, kAskPatience}, resume, take); !read) return read.take_error();
    shared.view.set_begin(topic, lane, first.value_or(Mark{end, until}));
  }
  return {};
}

}  // namespace tidemark::log::kafka
