#include "core/log/kafka/kafka_log.hpp"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <map>
#include <thread>

#include "core/log/kafka/bounds.hpp"
#include "core/log/kafka/copy.hpp"
#include "core/log/kafka/follower.hpp"
#include "core/log/kafka/inbox.hpp"
#include "core/log/kafka/installation.hpp"
#include "core/log/kafka/lane_writer.hpp"
#include "core/log/kafka/topics.hpp"

namespace tidemark::log {
namespace kafka {
namespace {

constexpr std::uint32_t kLanesMax = 1024;
constexpr std::size_t kHistoryClients = 3;
constexpr std::int64_t kProbeOffsets = 8192;      // closer than this a record is found by reading on

class KafkaLog final : public EventLog, public CopyTarget {
 public:
  KafkaLog(Executor& home, KafkaLogOptions options, Installation installation)
      : shared_(std::move(options), home, installation.lanes), epoch_(installation.epoch), origins_(std::move(installation.origins)),
        topics_(std::move(installation.topics)), writers_(installation.lanes) {
    shared_.grown = [this] { wake(); };
    shared_.damaged = [this](const Error& error) { fail(error); };
    for (std::size_t i = 0; i < topics_.size(); ++i) shared_.view.add_topic();
    opened_.resize(topics_.size());
    if (shared_.options.copy_of) copy_ = std::make_unique<KafkaCopy>(shared_, epoch_, *installation.copy);
  }
  ~KafkaLog() override {
    inbox_.reset();
    writers_.clear();
    follower_.reset();
  }

  Result<void> connect(std::unique_ptr<History> history, Handle uncommitted) {
    shared_.history = std::move(history);
    shared_.uncommitted = std::move(uncommitted);
    shared_.bulk = std::make_unique<BulkReader>(shared_.options.client);
    auto follower = Follower::open(shared_);
    if (!follower) return follower.take_error();
    follower_ = std::move(*follower);
    std::vector<Topic> known;
    for (std::size_t i = 0; i < topics_.size(); ++i) known.push_back({TopicId{static_cast<std::uint16_t>(i)}, topics_[i], shared_.options.prefix + topics_[i].name});
    std::erase_if(known, [](const Topic& topic) { return !topic.owned(); });
    return follow(known);
  }
  Shared& shared() { return shared_; }

  const Uuid& epoch() const override { return epoch_; }
  std::uint32_t lanes() const override { return shared_.lanes; }
  std::vector<TopicSpec> topics() const override {
    std::shared_lock lock(mutex_);
    return topics_;
  }
  Result<TopicId> open_topic(const TopicSpec& spec) override;

  void take(LaneId lane, Fn<void(Result<Ownership>)> done) override {
    if (lane.value >= shared_.lanes) {
      shared_.home.post([done = std::move(done)]() mutable { done(make_error(Code::invalid_argument, "no such lane")); });
      return;
    }
    auto& writer = writers_[lane.value];
    if (!writer) writer = std::make_unique<LaneWriter>(shared_, lane);
    writer->take(std::move(done));
  }
  void release(Ownership ownership) override {
    if (ownership.lane.value < shared_.lanes && writers_[ownership.lane.value]) writers_[ownership.lane.value]->release(ownership.epoch);
  }
  std::optional<Duration> lease() const override { return shared_.options.lease; }
  void append(Ownership ownership, LaneBatch batch, Fn<void(Result<void>)> done) override {
    if (ownership.lane.value >= shared_.lanes || !writers_[ownership.lane.value]) {
      shared_.home.post([done = std::move(done)]() mutable { done(make_error(Code::fenced, "the lane was never taken")); });
      return;
    }
    writers_[ownership.lane.value]->append(ownership.epoch, std::move(batch), std::move(done));
  }

  Tmseq begin(TopicId topic, LaneId lane) const override { return Tmseq{shared_.view.begin(topic, lane)}; }
  Tmseq end(TopicId topic, LaneId lane) const override { return Tmseq{shared_.view.end(topic, lane)}; }
  Result<std::vector<StoredBatch>> read(TopicId topic, LaneId lane, Tmseq from, std::size_t bytes_max) const override;

  std::uint64_t watch(Fn<void()> wake) override {
    std::lock_guard lock(watchers_mutex_);
    watchers_.emplace(++last_watcher_, std::move(wake));
    return last_watcher_;
  }
  void stop_watching(std::uint64_t id) override {
    std::lock_guard lock(watchers_mutex_);
    watchers_.erase(id);
  }
  CommandInbox* inbox() override { return inbox_.get(); }
  std::optional<Error> failure() const override {
    std::shared_lock lock(mutex_);
    return failure_;
  }
  std::optional<CopyMark> copy_mark() const override { return copy_ ? std::optional(copy_->mark()) : std::nullopt; }
  Result<void> set_complete(bool complete) override { return copy_->set_complete(complete); }
  Result<void> begin_at(const std::vector<Beginning>& beginnings) override { return copy_->begin_at(beginnings); }

 private:
  void wake() {
    std::lock_guard lock(watchers_mutex_);
    for (auto& [id, call] : watchers_) call();
  }
  void fail(const Error& error) {
    {
      std::unique_lock lock(mutex_);
      if (failure_) return;
      failure_ = error;
    }
    wake();
  }
  Result<TopicId> declare(const TopicSpec& spec);
  Result<void> prepare(const Topic& topic, bool changed);
  Result<void> follow(const std::vector<Topic>& topics);
  Result<Place> narrow(const Topic& topic, LaneId lane, std::uint64_t from) const;
  std::optional<Topic> owned(TopicId id) const;

  // Readers of it are const: what is read is no part of the log's state.
  mutable Shared shared_;
  const Uuid epoch_;
  const Origins origins_;
  std::unique_ptr<KafkaCopy> copy_;
  mutable std::shared_mutex mutex_;
  std::vector<TopicSpec> topics_;  ///< guarded, as these two
  std::vector<bool> opened_;
  std::optional<Error> failure_;
  std::mutex opening_;

  std::vector<std::unique_ptr<LaneWriter>> writers_;  ///< home thread; by lane
  std::unique_ptr<Follower> follower_;
  std::unique_ptr<Inbox> inbox_ = std::make_unique<Inbox>(shared_);

  std::mutex watchers_mutex_;
  std::map<std::uint64_t, Fn<void()>> watchers_;
  std::uint64_t last_watcher_ = 0;
};

Result<TopicId> KafkaLog::declare(const TopicSpec& spec) {
  InstallationTopic installation(shared_.options.client, shared_.options.prefix, *shared_.history, shared_.uncommitted.get(), shared_.options.replication,
                                 shared_.options.patience);
  std::optional<Error> clash;
  auto now = installation.change([&](const std::optional<Installation>& present) -> Result<InstallationTopic::Entries> {
    if (!present || present->epoch != epoch_) return make_error(Code::corrupt, "the installation was replaced while this node was running");
    const auto found = std::find_if(present->topics.begin(), present->topics.end(), [&](const TopicSpec& t) { return t.name == spec.name; });
    if (found == present->topics.end()) return InstallationTopic::Entries{InstallationTopic::entry(static_cast<std::uint16_t>(present->topics.size()), spec)};
    if (found->topic_class != spec.topic_class) return make_error(Code::invalid_argument, spec.name + " is of class " + std::string(name_of(found->topic_class)));
    if (found->retention == spec.retention && found->retention_bytes == spec.retention_bytes) return InstallationTopic::Entries{};
    return InstallationTopic::Entries{InstallationTopic::entry(static_cast<std::uint16_t>(found - present->topics.begin()), spec)};
  });
  if (!now) return now.take_error();
  std::unique_lock lock(mutex_);
  while (topics_.size() < now->topics.size()) {
    topics_.push_back(now->topics[topics_.size()]);
    opened_.push_back(false);
    shared_.view.add_topic();
  }
  const auto found = std::find_if(now->topics.begin(), now->topics.end(), [&](const TopicSpec& t) { return t.name == spec.name; });
  TM_ASSERT(found != now->topics.end(), "a topic that was just declared is there");
  const auto index = static_cast<std::size_t>(found - now->topics.begin());
  topics_[index] = spec;
  return TopicId{static_cast<std::uint16_t>(index)};
}

Result<TopicId> KafkaLog::open_topic(const TopicSpec& spec) {
  if (!is_topic_name(spec.name)) return make_error(Code::invalid_argument, "\"" + spec.name + "\" is not a topic name");
  if (spec.topic_class == TopicClass::fact && (spec.retention || spec.retention_bytes)) {
    return make_error(Code::invalid_argument, spec.name + " is of class fact, which is kept for ever");
  }
  std::lock_guard one(opening_);
  std::optional<TopicId> id;
  bool changed = false, open = false;
  {
    std::shared_lock lock(mutex_);
    for (std::size_t i = 0; i < topics_.size(); ++i) {
      if (topics_[i].name != spec.name) continue;
      if (topics_[i].topic_class != spec.topic_class) {
        return make_error(Code::invalid_argument, spec.name + " is of class " + std::string(name_of(topics_[i].topic_class)) + ", not " + std::string(name_of(spec.topic_class)));
      }
      changed = topics_[i].retention != spec.retention || topics_[i].retention_bytes != spec.retention_bytes;
      id = TopicId{static_cast<std::uint16_t>(i)};
      open = opened_[i];
    }
  }
  // The brokers first: what the installation names is there, whenever this process ends.
  Topic topic{id.value_or(TopicId{}), spec, shared_.options.prefix + spec.name};
  if (open && !changed) return *id;
  if (auto prepared = prepare(topic, changed); !prepared) return prepared.take_error();
  if (!id || changed) {
    auto declared = declare(spec);
    if (!declared) return declared.take_error();
    topic.id = *(id = *declared);
  }
  if (open) return *id;
  if (topic.owned() && !owned(*id)) {
    if (auto followed = follow({topic}); !followed) return followed.take_error();
  }
  if (!topic.owned()) {
    std::unique_lock lock(shared_.topics_mutex);
    shared_.inboxes.push_back(topic);
  }
  std::unique_lock lock(mutex_);
  opened_[id->value] = true;
  return *id;
}

/// The topic on the brokers: there, set as it must be.
Result<void> KafkaLog::prepare(const Topic& topic, bool changed) {
  const KafkaLogOptions& options = shared_.options;
  rd_kafka_s* const client = shared_.uncommitted.get();
  auto facts = describe_topic(client, topic.full_name, options.patience);
  if (!facts && facts.error().code == Code::not_found) {
    if (auto made = create_topic(client, topic.full_name, shared_.lanes, options.replication, config_for(topic.spec, options.replication), options.patience); !made) return made;
    facts = describe_topic(client, topic.full_name, options.patience);
  }
  if (!facts) return facts.take_error();
  if (changed) {
    TopicConfig changes = config_for(topic.spec, options.replication);
    std::erase_if(changes, [](const auto& entry) { return !entry.first.starts_with("retention.") && entry.first != "segment.ms"; });
    if (auto altered = alter_topic(client, topic.full_name, *facts, changes, options.patience); !altered) return altered;
    facts = describe_topic(client, topic.full_name, options.patience);
    if (!facts) return facts.take_error();
  }
  auto brokers = count_brokers(client, options.patience);
  if (!brokers) return brokers.take_error();
  for (const Finding& finding : check_topic(topic.spec, shared_.lanes, *facts, *brokers, Duration(0))) {
    if (finding.kind != Finding::Kind::loses) continue;
    return make_error(Code::invalid_argument, "Kafka topic " + topic.full_name + ": " + finding.setting + " is " + finding.value + ": " + finding.reason);
  }
  return {};
}

Result<void> KafkaLog::follow(const std::vector<Topic>& topics) {
  if (auto found = find_bounds(shared_, topics, origins_); !found) return found;
  for (const Topic& topic : topics) {
    if (auto followed = follower_->follow(topic); !followed) return followed;
    std::unique_lock lock(shared_.topics_mutex);
    shared_.owned.push_back(topic);
  }
  return {};
}

std::optional<Topic> KafkaLog::owned(TopicId id) const {
  std::shared_lock lock(shared_.topics_mutex);
  const auto found = std::find_if(shared_.owned.begin(), shared_.owned.end(), [&](const Topic& topic) { return topic.id == id; });
  return found == shared_.owned.end() ? std::nullopt : std::optional(*found);
}

/// Looks into the middle of what may hold `from` until it is found by reading on.
Result<Place> KafkaLog::narrow(const Topic& topic, LaneId lane, std::uint64_t from) const {
  for (;;) {
    const Place place = shared_.view.place(topic.id, lane, from);
    if (!place.high || *place.high - place.low <= kProbeOffsets) return place;
    const std::int64_t middle = place.low + (*place.high - place.low) / 2;
    std::uint64_t resume = kNowhere;
    MessageReader reader;
    std::optional<Mark> mark;
    const auto take = [&](const rd_kafka_message_s& message) {
      if (auto record = reader.read(message); record.ok()) mark = Mark{record->tmseq, message.offset};
      return false;
    };
    auto read = shared_.history->read({partition_of(topic, lane), middle, *place.high + 1, shared_.options.patience}, resume, take);
    if (!read) return read.take_error();
    if (!mark) return place;
    shared_.view.note(topic.id, lane, *mark);
    const Place after = shared_.view.place(topic.id, lane, from);
    if (after.low == place.low && after.high == place.high) return place;  // the mark was too near to another to be kept
  }
}

Result<std::vector<StoredBatch>> KafkaLog::read(TopicId id, LaneId lane, Tmseq from, std::size_t bytes_max) const {
  const auto topic = owned(id);
  if (!topic || lane.value >= shared_.lanes) {
    if (lane.value < shared_.lanes && from.value == 0) return std::vector<StoredBatch>();
    return make_error(Code::not_found, "no such topic or lane");
  }
  const std::uint64_t end = shared_.view.end(id, lane);
  if (from.value >= end) return std::vector<StoredBatch>();
  const auto cut = [&] {
    return make_error(Code::not_found, topic->spec.name + " lane " + std::to_string(lane.value) + " begins at " + std::to_string(begin(id, lane).value));
  };
  if (from < begin(id, lane)) return cut();
  if (auto cached = shared_.view.batches(id, lane, from.value, bytes_max); !cached.empty()) return cached;

  const auto reading = shared_.metrics.reading();
  std::optional<Result<Place>> narrowed;
  const auto lowest = [&]() -> std::optional<std::int64_t> {
    narrowed = narrow(*topic, lane, from.value);
    return narrowed->ok() ? std::optional((*narrowed)->low) : std::nullopt;
  };
  auto bulk = shared_.bulk->read({partition_of(*topic, lane), from.value, end, bytes_max}, shared_.uncommitted.get(), lowest);
  if (bulk.mark) shared_.view.note(id, lane, *bulk.mark);
  if (!bulk.batches.empty()) {
    reading.stop();
    return std::move(bulk.batches);
  }
  auto place = narrowed ? std::move(*narrowed) : narrow(*topic, lane, from.value);
  RecordBatchBuilder builder;
  std::uint64_t next = from.value;
  std::optional<Error> wrong;
  if (place.ok()) {
    MessageReader reader;
    std::int64_t first_offset = 0;
    const auto take = [&](const rd_kafka_message_s& message) {
      auto record = reader.read(message);
      if (!record) {
        wrong = record.take_error();
        return false;
      }
      if (record->tmseq < next) return true;
      if (record->tmseq > next) {
        wrong = make_error(Code::corrupt, place_of(message) + " has tmseq " + std::to_string(record->tmseq) + " where " + std::to_string(next) + " is due: a gap, a repeat or a fork");
        return false;
      }
      if (builder.empty()) first_offset = message.offset;
      builder.add(record->view);
      ++next;
      return next < end && builder.size_bytes() < bytes_max;
    };
    // What is known to be committed becomes visible to readers at any moment, if it is not yet.
    std::uint64_t resume = from.value;
    const auto take_and_tell = [&](const rd_kafka_message_s& message) {
      const bool more = take(message);
      resume = next;
      return more;
    };
    auto read = shared_.history->read({partition_of(*topic, lane), place->low, kNoOffset, shared_.options.patience}, resume, take_and_tell);
    if (!read) place = read.take_error();
    else if (!builder.empty()) shared_.view.note(id, lane, Mark{from.value, first_offset});
  }
  reading.stop();
  if (!place && place.error().code != Code::not_found) return place.take_error();
  if (!place || (wrong && builder.empty())) {
    // Retention may have gone past it.
    if (auto refreshed = refresh_begins(shared_, {*topic}); !refreshed) return refreshed.take_error();
    if (from < begin(id, lane)) return cut();
    if (!wrong) wrong = make_error(Code::corrupt, place.error().message + ", though the log begins at " + std::to_string(begin(id, lane).value));
  }
  if (wrong && builder.empty()) return *wrong;
  auto bytes = std::make_shared<std::string>();
  builder.encode(static_cast<std::int64_t>(from.value), *bytes);
  const std::size_t size = bytes->size();
  std::vector<StoredBatch> out;
  out.push_back(StoredBatch{from, static_cast<std::uint32_t>(builder.count()), std::move(bytes), 0, size});
  return out;
}

}  // namespace
}  // namespace kafka

Result<std::unique_ptr<EventLog>> open_kafka_log(Executor& home, KafkaLogOptions options, KafkaLogReport* report) {
  using namespace kafka;
  if (options.lanes == 0 || options.lanes > kLanesMax) return make_error(Code::invalid_argument, "lanes must be 1 to " + std::to_string(kLanesMax));
  // The clients keep the address of the options they were made with: those of the log, which live longest.
  auto held = std::make_unique<KafkaLogOptions>(options);
  Installation installation;
  {
    auto history = History::open(held->client, 1);
    if (!history) return history.take_error();
    auto uncommitted = make_consumer(held->client, Isolation::uncommitted, {});
    if (!uncommitted) return uncommitted.take_error();
    InstallationTopic topic(held->client, held->prefix, **history, uncommitted->get(), held->replication, held->patience);
    auto present = topic.read();
    if (!present) return present.take_error();
    if (!*present && held->must_exist) {
      return make_error(Code::not_found, "there is no log at " + held->client.brokers + (held->prefix.empty() ? "" : " under the prefix " + held->prefix));
    }
    if (!*present) {
      if (report != nullptr) report->created = true;
      auto made = topic.change([&](const std::optional<Installation>& there) -> Result<InstallationTopic::Entries> {
        if (there) return InstallationTopic::Entries{};
        InstallationTopic::Entries entries{InstallationTopic::entry(held->make_epoch(), held->lanes, held->ring)};
        if (held->copy_of) entries.push_back(InstallationTopic::entry(CopyMark{*held->copy_of, false}));
        return entries;
      });
      if (!made) return made.take_error();
      *present = std::move(*made);
    }
    installation = std::move(**present);
    if (report != nullptr) report->ring = installation.ring;
    if (auto fits = check_copy(installation, *held); !fits) return fits.take_error();
    if (installation.ring != held->ring && !installation.ring.empty() && !held->ring.empty()) {
      return make_error(Code::invalid_argument, "this node's key ring is " + held->ring + ", but the log at " + held->client.brokers + " was made with ring " +
                                                    installation.ring + ": give this node that ring, or the log another prefix");
    }
  }
  auto log = std::make_unique<KafkaLog>(home, std::move(options), std::move(installation));
  const ClientOptions& client = log->shared().options.client;
  auto history = History::open(client, kHistoryClients);
  if (!history) return history.take_error();
  auto uncommitted = make_consumer(client, Isolation::uncommitted, {});
  if (!uncommitted) return uncommitted.take_error();
  if (auto connected = log->connect(std::move(*history), std::move(*uncommitted)); !connected) return connected.take_error();
  return std::unique_ptr<EventLog>(std::move(log));
}

}  // namespace tidemark::log
