#include "core/cluster/kafka_lane_group.hpp"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "core/cluster/kafka_group.hpp"
#include "core/log/kafka/lanes_topic.hpp"

namespace tidemark::cluster {
namespace {

using Clock = std::chrono::steady_clock;
using log::kafka::QueueHandle;

constexpr Duration kSessionLeast = std::chrono::seconds(1);       // unless a setting says otherwise
constexpr Duration kTickMost{100};
constexpr Duration kLookEvery = std::chrono::seconds(1), kLookAgain{200}, kLookPatience = std::chrono::seconds(1);
constexpr Duration kAnewEvery = std::chrono::seconds(1);
constexpr Duration kLeavePatience = std::chrono::seconds(3);
constexpr int kWarning = 4, kInfo = 6;  // as syslog has them

template <class T>
using Owned = std::unique_ptr<T, void (*)(T*)>;
using Event = Owned<rd_kafka_event_t>;

/// CLOCK_BOOTTIME goes on while the machine sleeps, and no clock stops with a process that is stopped.
Duration since_boot() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(now.tv_nsec));
}

/// Never waits for the group: who wants to leave it says so before.
struct DropMember {
  void operator()(rd_kafka_t* member) const { rd_kafka_destroy_flags(member, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE); }
};

class Group final : public KafkaLaneGroup {
 public:
  Group(Executor& home, KafkaLaneGroupOptions options, Duration session)
      : home_(home), options_(std::move(options)), session_(session), topic_(log::kafka::lanes_topic(options_.prefix)),
        tick_(std::clamp(session_ / 10, Duration(20), kTickMost)), still_(session_ * 4 / 5) {
    options_.client.client_id = member_name(options_.node_id, options_.url);
    const Member self{options_.node_id, options_.url, true, {}};
    sight_ = std::make_shared<const Sight>(Sight{{self}, std::nullopt});
  }
  ~Group() override {
    *alive_ = false;
    {
      std::lock_guard lock(mutex_);
      wishes_.stop = true;
    }
    if (!thread_.joinable()) return;
    rd_kafka_queue_yield(queue_.get());
    changed_.notify_all();
    thread_.join();
    looker_.join();
  }

  Result<void> open() {
    auto made = log::kafka::make_member(options_.client, log::kafka::lanes_group(options_.prefix), session_);
    if (!made) return made.take_error();
    member_.reset(made->release());
    rd_kafka_poll_set_consumer(member_.get());
    queue_.reset(rd_kafka_queue_get_consumer(member_.get()));
    return {};
  }

  Duration session() const override { return session_; }
  std::shared_ptr<const Sight> sight() const override {
    std::lock_guard lock(mutex_);
    return sight_;
  }
  /// Also not when this process has stood still: then nobody has listened to the group.
  bool in_force() const override { return in_force_ && since_boot() - ticked_.load() < still_; }

  void join(std::function<void(const std::vector<LaneId>&)> proposed) override {
    proposed_ = std::move(proposed);
    thread_ = std::thread([this] { run(); });
    pthread_setname_np(thread_.native_handle(), "tm-group");
    looker_ = std::thread([this] { look_around(); });
    pthread_setname_np(looker_.native_handle(), "tm-directory");
  }
  void agree_anew() override { wish([](Wishes& wishes) { wishes.anew = true; }); }
  void leave(Fn<void()> done) override {
    proposed_ = nullptr;
    if (!thread_.joinable()) return home_.post(std::move(done));
    wish([&](Wishes& wishes) { wishes.leave = std::move(done); });
  }

 private:
  struct Wishes {
    bool anew = false, stop = false;
    Fn<void()> leave;
  };
  template <class Change>
  void wish(Change change) {
    {
      std::lock_guard lock(mutex_);
      change(wishes_);
    }
    rd_kafka_queue_yield(queue_.get());
  }

  void run();
  void subscribe();
  void handle(rd_kafka_event_t& event);
  void rebalance(rd_kafka_event_t& event);
  void look_around();
  void see(std::vector<Member> members);
  void say_goodbye();
  void tell(int level, const std::string& text) const {
    if (options_.client.log) options_.client.log(level, "GROUP", text);
  }

  Executor& home_;
  KafkaLaneGroupOptions options_;
  const Duration session_;
  const std::string topic_;
  const Duration tick_;
  const Duration still_;  ///< without a tick for so long, the group may have gone on without this node

  // Home thread.
  std::function<void(const std::vector<LaneId>&)> proposed_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

  // The group's thread.
  std::unique_ptr<rd_kafka_t, DropMember> member_;
  QueueHandle queue_;  ///< of the member, so gone before it
  std::string last_trouble_;
  Clock::time_point anew_at_{};

  // The directory's thread: asking the brokers may take long.
  bool told_of_namesake_ = false;

  std::atomic<bool> in_force_{false};
  std::atomic<Duration> ticked_{Duration(0)};  ///< since boot, the machine's sleep included
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<const Sight> sight_;  ///< guarded, as these
  Wishes wishes_;
  std::string member_id_;
  bool look_now_ = true;
  std::thread thread_, looker_;
};

void Group::run() {
  subscribe();
  ticked_ = since_boot();
  for (;;) {
    Fn<void()> left;
    bool anew = false;
    // Having stood still it may have been left out without knowing it yet: only what is proposed from now on counts.
    const Duration now = since_boot();
    if (now - ticked_.load() >= still_ && in_force_.exchange(false)) subscribe();
    ticked_ = now;
    {
      std::lock_guard lock(mutex_);
      if (wishes_.stop) break;
      left = std::move(wishes_.leave);
      wishes_.leave = nullptr;
      // While a round is under way it is what was asked for; and not too often.
      anew = wishes_.anew && in_force_ && Clock::now() >= anew_at_;
      if (anew) wishes_.anew = false;
    }
    if (left) {
      say_goodbye();
      home_.post([alive = alive_, left = std::move(left)]() mutable {
        if (*alive) left();
      });
      break;
    }
    if (anew) {
      anew_at_ = Clock::now() + kAnewEvery;
      subscribe();
    }
    const Event event(rd_kafka_queue_poll(queue_.get(), static_cast<int>(tick_.count())), &rd_kafka_event_destroy);
    if (event) handle(*event);
    // The client beats when its own thread is awake, which by itself it is once a second.
    const Owned<char> id(rd_kafka_memberid(member_.get()), [](char* text) { rd_kafka_mem_free(nullptr, text); });
    std::lock_guard lock(mutex_);
    member_id_ = id ? id.get() : "";
  }
  in_force_ = false;
}

/// A member that subscribes again joins again: it is assigned what the group has agreed last, or all of them agree anew.
void Group::subscribe() {
  const Owned<rd_kafka_topic_partition_list_t> topics(rd_kafka_topic_partition_list_new(1), &rd_kafka_topic_partition_list_destroy);
  rd_kafka_topic_partition_list_add(topics.get(), topic_.c_str(), RD_KAFKA_PARTITION_UA);
  const auto failed = rd_kafka_subscribe(member_.get(), topics.get());
  if (failed != RD_KAFKA_RESP_ERR_NO_ERROR) tell(kWarning, "the group of nodes cannot be joined: " + log::kafka::error_text(failed));
}

void Group::handle(rd_kafka_event_t& event) {
  if (rd_kafka_event_type(&event) == RD_KAFKA_EVENT_REBALANCE) return rebalance(event);
  const auto failed = rd_kafka_event_error(&event);
  if (rd_kafka_event_type(&event) != RD_KAFKA_EVENT_ERROR || failed == RD_KAFKA_RESP_ERR__TRANSPORT || failed == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return;
  const std::string text = rd_kafka_event_error_string(&event);
  if (text != last_trouble_) tell(kWarning, text);
  last_trouble_ = text;
}

void Group::rebalance(rd_kafka_event_t& event) {
  if (rd_kafka_event_error(&event) != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    in_force_ = false;
    rd_kafka_assign(member_.get(), nullptr);
    return;
  }
  // Nothing is assigned to the client: it would fetch.
  const Owned<rd_kafka_topic_partition_list_t> nothing(rd_kafka_topic_partition_list_new(0), &rd_kafka_topic_partition_list_destroy);
  rd_kafka_assign(member_.get(), nothing.get());
  std::vector<LaneId> lanes;
  const auto* assigned = rd_kafka_event_topic_partition_list(&event);
  for (int i = 0; assigned != nullptr && i < assigned->cnt; ++i) {
    const auto partition = assigned->elems[i].partition;
    if (partition >= 0 && static_cast<std::uint32_t>(partition) < options_.lanes) lanes.push_back(LaneId{static_cast<std::uint32_t>(partition)});
  }
  std::sort(lanes.begin(), lanes.end());
  last_trouble_.clear();
  {
    std::lock_guard lock(mutex_);
    wishes_.anew = false;
    look_now_ = true;
  }
  changed_.notify_all();
  in_force_ = true;
  tell(kInfo, "the group of nodes proposes " + std::to_string(lanes.size()) + " of " + std::to_string(options_.lanes) + " lanes");
  home_.post([this, alive = alive_, lanes = std::move(lanes)] {
    if (*alive && proposed_) proposed_(lanes);
  });
}

void Group::look_around() {
  const std::string group = log::kafka::lanes_group(options_.prefix);
  Duration wait{0};
  for (;;) {
    std::string self;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, wait, [this] { return wishes_.stop || look_now_; });
      if (wishes_.stop) return;
      look_now_ = false;
      self = member_id_;
    }
    auto members = list_members(member_.get(), group, topic_, self, kLookPatience);
    wait = members ? kLookEvery : kLookAgain;
    if (members) see(std::move(*members));
  }
}

void Group::see(std::vector<Member> members) {
  const bool joined = std::any_of(members.begin(), members.end(), [](const Member& member) { return member.is_self; });
  if (!joined) members.push_back({options_.node_id, options_.url, true, {}});
  const auto namesakes = std::count_if(members.begin(), members.end(), [&](const Member& member) { return member.node_id == options_.node_id; });
  if (namesakes > 1 && joined && !told_of_namesake_) {
    told_of_namesake_ = true;
    tell(kWarning, "another node has the id " + options_.node_id + " too: give each its own with node_id");
  }
  auto sight = std::make_shared<const Sight>(Sight{std::move(members), std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now())});
  std::lock_guard lock(mutex_);
  sight_ = std::move(sight);
}

/// So that the others need not wait for the session's end.
void Group::say_goodbye() {
  in_force_ = false;
  const auto until = Clock::now() + kLeavePatience;
  const QueueHandle last(rd_kafka_queue_new(member_.get()));
  if (rd_kafka_error_t* failed = rd_kafka_consumer_close_queue(member_.get(), last.get())) return rd_kafka_error_destroy(failed);
  while (rd_kafka_consumer_closed(member_.get()) == 0 && Clock::now() < until) {
    const Event event(rd_kafka_queue_poll(last.get(), 20), &rd_kafka_event_destroy);
    if (event && rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_REBALANCE) rd_kafka_assign(member_.get(), nullptr);
  }
}

}  // namespace

Result<std::unique_ptr<KafkaLaneGroup>> open_kafka_lane_group(Executor& home, KafkaLaneGroupOptions options) {
  using namespace log::kafka;
  Duration session{0};
  {
    auto client = make_consumer(options.client, Isolation::committed, {});
    if (!client) return client.take_error();
    if (auto opened = open_lanes_topic(client->get(), options.prefix, options.lanes, options.replication, options.patience); !opened) return opened.take_error();
    const auto broker = describe_broker(client->get(), options.patience);
    if (!broker.ok() && broker.error().code != Code::unavailable) return broker.error();
    const Duration least = least_session(broker.ok() ? *broker : TopicConfig());
    session = options.session.value_or(std::max(least, kSessionLeast));
    if (broker.ok() && session < least) {
      return make_error(Code::invalid_argument, "a session of " + std::to_string(session.count()) + " ms is shorter than the brokers allow: " +
                                                    std::to_string(least.count()) + " ms (group.min.session.timeout.ms)");
    }
  }
  auto group = std::make_unique<Group>(home, std::move(options), session);
  if (auto opened = group->open(); !opened) return opened.take_error();
  return std::unique_ptr<KafkaLaneGroup>(std::move(group));
}

}  // namespace tidemark::cluster
