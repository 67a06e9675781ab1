#include "core/api/event_hub.hpp"

#include <algorithm>
#include <atomic>

#include "core/event/cloudevents.hpp"
#include "core/event/json_writer.hpp"

namespace tidemark::api {
namespace {

constexpr std::size_t kRecentEventsMax = 8192;
constexpr std::size_t kRecentBytesMax = 8u << 20;
constexpr std::size_t kQueueItemsMax = 1024;
constexpr std::size_t kQueueBytesMax = 1u << 20;

}  // namespace

struct EventHub::Channel {
  EventFilter filter;
  std::string key;
  std::vector<Follower*> followers;
  std::uint64_t last_event = 0;  ///< number of the event matched last, so that none is matched twice
  std::string idle;              ///< cursor of the position ...
  std::uint64_t idle_at = ~std::uint64_t{0};  ///< ... after so many events
};

std::string gap_json(const EventFeed& feed, const FeedGap& gap) {
  std::string json;
  event::JsonWriter writer(json);
  writer.begin_object().member("topic", feed.topic_of(gap.partition).name).member("lane", feed.lane_of(gap.partition).value);
  writer.member("from", gap.from.value).member("to", gap.to.value).end_object();
  return json;
}

EventHub::EventHub(runtime::Node& node, Executor& blocking, runtime::PositionTag tag)
    : node_(node), blocking_(blocking), tag_(std::move(tag)), feed_(std::make_shared<const EventFeed>(node)) {}

EventHub::~EventHub() {
  *alive_ = false;
  unwatch();
}

void EventHub::watch() {
  position_ = remembered_from_ = feed_->end();
  watch_ = node_.log().watch([this, alive = alive_, pending = std::make_shared<std::atomic<bool>>(false)] {
    if (pending->exchange(true)) return;
    node_.scheduler().post([this, alive, pending] {
      pending->store(false);
      if (*alive) wake();
    });
  });
  wake();
}

void EventHub::unwatch() {
  if (watch_ != 0) node_.log().stop_watching(watch_);
  watch_ = 0;
  recent_.clear();
  recent_bytes_ = 0;
}

void EventHub::wake() {
  again_ = true;
  if (!reading_ && followers_ > 0) pump();
}

void EventHub::pump() {
  reading_ = true;
  again_ = false;
  FeedLimits limits;
  limits.everything = true;
  auto read = [feed = feed_, from = position_, limits] { return feed->read(from, EventFilter(), limits); };
  blocking_.post([this, alive = alive_, &home = node_.scheduler(), watch = watch_, read = std::move(read)]() mutable {
    home.post([this, alive, watch, page = read()]() mutable {
      if (!*alive) return;
      reading_ = false;
      bool more = again_;
      // A log that cannot be read ends the node by its own word; the followers notice when it drains.
      if (watch == watch_ && page.ok()) {
        more = more || !page->at_end;
        take_in(std::move(*page));
      }
      if (more && followers_ > 0) pump();
    });
  });
}

void EventHub::take_in(FeedPage page) {
  for (const FeedGap& gap : page.gaps) {
    position_[gap.partition] = gap.to;
    ++taken_in_;
    for (auto& [key, channel] : channels_) {
      if (!feed_->wants(channel->filter, gap.partition)) continue;
      const auto item = std::make_shared<const FeedItem>(FeedItem{idle_id(*channel), "gap", gap_json(*feed_, gap)});
      for (Follower* follower : channel->followers) follower->push(item);
    }
  }
  for (FeedEvent& event : page.events) take_in(std::move(event));
}

void EventHub::take_in(FeedEvent given) {
  const auto event = std::make_shared<const FeedEvent>(std::move(given));
  position_[event->partition] = event->at.next();
  ++taken_in_;
  std::shared_ptr<const std::string> json;
  const auto by_subject = [&](const std::string& subject) {
    const auto [first, last] = by_subject_.equal_range(subject);
    for (auto at = first; at != last; ++at) deliver(*at->second, *event, json);
  };
  by_subject(event->event.envelope.subject);
  if (!event->second.empty()) by_subject(event->second);
  for (Channel* channel : any_subject_) deliver(*channel, *event, json);
  remember(event);
}

void EventHub::remember(std::shared_ptr<const FeedEvent> event) {
  const std::size_t bytes = event->event.data.size() + 1024;
  recent_bytes_ += bytes;
  recent_.push_back({std::move(event), bytes});
  while (recent_.size() > kRecentEventsMax || recent_bytes_ > kRecentBytesMax) {
    const FeedEvent& oldest = *recent_.front().event;
    remembered_from_[oldest.partition] = oldest.at.next();
    recent_bytes_ -= recent_.front().bytes;
    recent_.pop_front();
  }
}

void EventHub::deliver(Channel& channel, const FeedEvent& event, std::shared_ptr<const std::string>& json) {
  if (channel.last_event == taken_in_) return;
  if (!feed_->wants(channel.filter, event.partition) || !channel.filter.matches(event.event, event.second)) return;
  channel.last_event = taken_in_;
  if (!json) json = std::make_shared<const std::string>(event::to_cloudevent(event.event));
  const auto item = std::make_shared<const FeedItem>(FeedItem{idle_id(channel), {}, *json});
  for (Follower* follower : channel.followers) follower->push(item);
}

EventHub::Channel& EventHub::channel_of(const EventFilter& filter) {
  std::string key = filter.canonical();
  auto& channel = channels_[key];
  if (!channel) {
    channel = std::make_unique<Channel>();
    channel->filter = filter;
    channel->filter.since.reset();  // where it began is behind it
    channel->key = std::move(key);
    for (const auto& subject : filter.subjects) by_subject_.emplace(subject, channel.get());
    if (filter.subjects.empty()) any_subject_.push_back(channel.get());
  }
  return *channel;
}

void EventHub::drop(Channel& channel) {
  for (const auto& subject : channel.filter.subjects) {
    const auto [first, last] = by_subject_.equal_range(subject);
    by_subject_.erase(std::find_if(first, last, [&](const auto& entry) { return entry.second == &channel; }));
  }
  std::erase(any_subject_, &channel);
  channels_.erase(std::string(channel.key));
}

bool EventHub::covers(const EventFilter& filter, const EventPosition& position) const {
  for (std::size_t p = 0; p < position.size(); ++p) {
    if (feed_->wants(filter, p) && (position[p] < remembered_from_[p] || position_[p] < position[p])) return false;
  }
  return true;
}

const std::string& EventHub::idle_id(Channel& channel) {
  if (channel.idle_at != taken_in_) {
    channel.idle = encode_cursor(*feed_, channel.filter, position_, tag_);
    channel.idle_at = taken_in_;
  }
  return channel.idle;
}

EventHub::Follower::Follower(EventHub& hub, EventFilter filter) : hub_(hub), filter_(std::move(filter)) {
  if (++hub_.followers_ == 1) hub_.watch();
}

EventHub::Follower::~Follower() {
  if (timer_ != 0) hub_.node_.scheduler().cancel(timer_);
  detach();
  if (--hub_.followers_ == 0) hub_.unwatch();
}

bool EventHub::Follower::attach(const EventPosition& position) {
  detach();
  too_slow_ = false;
  if (!hub_.covers(filter_, position)) return false;
  // What the hub took in meanwhile; each with the cursor that a follower at its place has.
  EventPosition reached = position;
  for (const Recent& recent : hub_.recent_) {
    const FeedEvent& event = *recent.event;
    if (event.at < position[event.partition]) continue;
    reached[event.partition] = event.at.next();
    if (!hub_.feed_->wants(filter_, event.partition) || !filter_.matches(event.event, event.second)) continue;
    auto item = std::make_shared<const FeedItem>(
        FeedItem{encode_cursor(*hub_.feed_, filter_, reached, hub_.tag_), {}, event::to_cloudevent(event.event)});
    if (!keep(std::move(item))) return false;
  }
  channel_ = &hub_.channel_of(filter_);
  place_ = channel_->followers.size();
  channel_->followers.push_back(this);
  return true;
}

void EventHub::Follower::detach() {
  if (channel_ == nullptr) return;
  auto& followers = channel_->followers;
  followers[place_] = followers.back();
  followers[place_]->place_ = place_;
  followers.pop_back();
  Channel* const channel = std::exchange(channel_, nullptr);
  if (followers.empty()) hub_.drop(*channel);
}

std::vector<std::shared_ptr<const FeedItem>> EventHub::Follower::take() {
  bytes_ = 0;
  return std::exchange(items_, {});
}

void EventHub::Follower::push(std::shared_ptr<const FeedItem> item) {
  if (too_slow_) return;
  too_slow_ = !keep(std::move(item));
  notify();
}

/// False when there are more items than are kept for one follower: then none is.
bool EventHub::Follower::keep(std::shared_ptr<const FeedItem> item) {
  bytes_ += item->json.size();
  items_.push_back(std::move(item));
  if (items_.size() <= kQueueItemsMax && bytes_ <= kQueueBytesMax) return true;
  items_ = {};
  bytes_ = 0;
  return false;
}

Callback<bool> EventHub::Follower::wait(Duration patience) {
  auto start = [this, patience](Fn<void(bool)> done) {
    if (!items_.empty() || too_slow_ || interrupted_) return done(true);
    waiting_ = std::move(done);
    timer_ = hub_.node_.scheduler().after(patience, [this] {
      timer_ = 0;
      if (auto late = std::exchange(waiting_, nullptr)) late(false);
    });
  };
  return Callback<bool>(std::move(start));
}

void EventHub::Follower::interrupt() {
  interrupted_ = true;
  notify();
}

/// Posted, so that whoever waits does not go on in the middle of the hub's work.
void EventHub::Follower::notify() {
  if (!waiting_) return;
  hub_.node_.scheduler().cancel(timer_);
  timer_ = 0;
  hub_.node_.scheduler().post([done = std::exchange(waiting_, nullptr)]() mutable { done(true); });
}

std::string EventHub::Follower::idle_cursor() { return hub_.idle_id(*channel_); }

}  // namespace tidemark::api
