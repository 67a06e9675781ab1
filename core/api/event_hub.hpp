#pragma once
// EventHub: one reader of the log's end for everybody who follows it. Followers with the same filter share a channel: an event
// is matched, rendered and given its id once for each channel, and a follower that has nothing new costs nothing.
//
// A follower first reads what lies behind it from the log itself, up to position(), then attaches; what has arrived since is
// taken from the hub's memory of recent events. One that takes too slowly is detached and reads from the log again.

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/api/event_feed.hpp"
#include "core/base/scheduler.hpp"
#include "core/base/task.hpp"

namespace tidemark::api {

/// What a follower sends: an event, or a gap.
struct FeedItem {
  std::string id;    ///< cursor behind it
  std::string name;  ///< "" for an event, "gap"
  std::string json;
};

/// The JSON of a gap.
std::string gap_json(const EventFeed& feed, const FeedGap& gap);

/// Everything on the scheduler's thread; reads run on `blocking`. Destroyed on the scheduler's thread, before node and log.
class EventHub {
 public:
  class Follower;

  EventHub(runtime::Node& node, Executor& blocking, runtime::PositionTag tag);
  ~EventHub();
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;

  const std::shared_ptr<const EventFeed>& feed() const { return feed_; }
  std::size_t followers() const { return followers_; }

 private:
  struct Channel;
  struct Recent {
    std::shared_ptr<const FeedEvent> event;
    std::size_t bytes;
  };

  void watch();
  void unwatch();
  void wake();
  void pump();
  void take_in(FeedPage page);
  void take_in(FeedEvent event);
  void remember(std::shared_ptr<const FeedEvent> event);
  void deliver(Channel& channel, const FeedEvent& event, std::shared_ptr<const std::string>& json);
  Channel& channel_of(const EventFilter& filter);
  void drop(Channel& channel);
  bool covers(const EventFilter& filter, const EventPosition& position) const;
  const std::string& idle_id(Channel& channel);

  runtime::Node& node_;
  Executor& blocking_;
  const runtime::PositionTag tag_;
  const std::shared_ptr<const EventFeed> feed_;

  std::size_t followers_ = 0;
  std::uint64_t watch_ = 0;
  bool reading_ = false, again_ = false;
  EventPosition position_;         ///< behind everything taken in
  std::uint64_t taken_in_ = 0;     ///< events so far
  EventPosition remembered_from_;  ///< recent_ holds everything between this and position_
  std::deque<Recent> recent_;
  std::size_t recent_bytes_ = 0;
  std::map<std::string, std::unique_ptr<Channel>> channels_;                  ///< by canonical filter
  std::unordered_multimap<std::string, Channel*> by_subject_;                 ///< those that name subjects
  std::vector<Channel*> any_subject_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// One who follows. Registered with the hub (which then reads) as long as it lives.
class EventHub::Follower {
 public:
  Follower(EventHub& hub, EventFilter filter);
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  /// How far the hub is: read the log up to here before attach().
  const EventPosition& hub_position() const { return hub_.position_; }
  /// From `position` on everything is there to take. False when the hub no longer remembers what lies behind `position`, has
  /// not come so far, or remembers more than is kept for one follower: read on from the log.
  bool attach(const EventPosition& position);
  /// It took too slowly and is given nothing more: read on from the cursor of the last item taken, and attach again.
  bool too_slow() const { return too_slow_; }
  /// The items that have arrived.
  std::vector<std::shared_ptr<const FeedItem>> take();
  /// Waits until there is something to take, it is too slow, interrupt() was called (true) or `patience` has passed (false).
  Callback<bool> wait(Duration patience);
  void interrupt();
  /// Cursor of everything so far, of an attached follower with nothing to take: it moves an idle stream on.
  std::string idle_cursor();

 private:
  friend class EventHub;
  void push(std::shared_ptr<const FeedItem> item);
  bool keep(std::shared_ptr<const FeedItem> item);
  void detach();
  void notify();

  EventHub& hub_;
  const EventFilter filter_;
  Channel* channel_ = nullptr;
  std::size_t place_ = 0;  ///< in the channel's list
  std::vector<std::shared_ptr<const FeedItem>> items_;
  std::size_t bytes_ = 0;
  bool too_slow_ = false, interrupted_ = false;
  Fn<void(bool)> waiting_;
  TimerId timer_ = 0;
};

}  // namespace tidemark::api
