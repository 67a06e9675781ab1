#include "core/api/event_stream.hpp"

#include "core/event/cloudevents.hpp"
#include "core/event/json_writer.hpp"

namespace tidemark::api {
namespace {

constexpr Duration kIdle = std::chrono::seconds(15);
constexpr Duration kHubIsBehind = std::chrono::milliseconds(10);
constexpr std::size_t kPageEvents = 200;

/// One way to the client.
class Outlet {
 public:
  virtual ~Outlet() = default;
  virtual Task<Result<void>> send(std::vector<std::shared_ptr<const FeedItem>> items) = 0;
  virtual bool closed() const = 0;
  virtual void on_close(Fn<void()> call) = 0;
};

class SseOutlet final : public Outlet {
 public:
  explicit SseOutlet(http::BodyStream& stream) : stream_(stream) {}
  Task<Result<void>> send(std::vector<std::shared_ptr<const FeedItem>> items) override {
    std::string bytes;
    for (const auto& item : items) {
      http::append_sse({.id = item->id, .event = item->name, .data = item->json, .has_data = !item->json.empty(), .retry = {}}, bytes);
    }
    return stream_.write(std::move(bytes));
  }
  bool closed() const override { return stream_.closed(); }
  void on_close(Fn<void()> call) override { stream_.on_close(std::move(call)); }

 private:
  http::BodyStream& stream_;
};

class WebSocketOutlet final : public Outlet {
 public:
  explicit WebSocketOutlet(http::WebSocket& socket) : socket_(socket) {}
  Task<Result<void>> send(std::vector<std::shared_ptr<const FeedItem>> items) override {
    for (const auto& item : items) {
      http::WebSocketMessage message;
      event::JsonWriter writer(message.bytes);
      writer.begin_object().member("id", item->id);
      if (!item->json.empty()) writer.key(item->name.empty() ? "event" : item->name).raw(item->json);
      writer.end_object();
      auto writing = socket_.write(std::move(message));
      auto written = co_await std::move(writing);
      if (!written.ok()) co_return written;
    }
    co_return Result<void>();
  }
  bool closed() const override { return socket_.closed(); }
  void on_close(Fn<void()> call) override { socket_.on_close(std::move(call)); }

 private:
  http::WebSocket& socket_;
};

std::shared_ptr<const FeedItem> make_item(std::string id, std::string name, std::string json) {
  return std::make_shared<const FeedItem>(FeedItem{std::move(id), std::move(name), std::move(json)});
}

/// One client from its first item to its last.
class Follow {
 public:
  Follow(Following& following, EventFilter filter, FollowFrom from, Outlet& outlet)
      : following_(following), hub_(following.open()), filter_(std::move(filter)), follower_(hub_, filter_), outlet_(outlet),
        position_(from.position ? std::move(*from.position) : follower_.hub_position()), reset_(from.reset) {
    outlet_.on_close([this] { follower_.interrupt(); });
  }
  ~Follow() { outlet_.on_close(nullptr); }

  Task<void> run() {
    std::vector<std::shared_ptr<const FeedItem>> first;
    if (reset_) first.push_back(make_item(cursor(position_), "reset", R"({"epoch":")" + to_string(hub_.feed()->epoch()) + "\"}"));
    else first.push_back(make_item(cursor(position_), {}, {}));  // the client can resume before anything happens
    auto sending = outlet_.send(std::move(first));
    auto sent = co_await std::move(sending);
    while (sent.ok() && !outlet_.closed()) {
      auto catching_up = catch_up();
      sent = co_await std::move(catching_up);
      if (!sent.ok() || outlet_.closed()) break;
      auto following = follow();
      sent = co_await std::move(following);
    }
  }

 private:
  std::string cursor(const EventPosition& position) const { return encode_cursor(*hub_.feed(), filter_, position, following_.tag); }

  /// Reads the log from position_ on until the follower is attached.
  Task<Result<void>> catch_up() {
    while (!outlet_.closed() && !follower_.attach(position_)) {
      auto read = [feed = hub_.feed(), from = position_, filter = filter_, bound = follower_.hub_position()] {
        FeedLimits limits;
        limits.events_max = kPageEvents;
        limits.with_positions = true;
        limits.bound = &bound;
        return feed->read(from, filter, limits);
      };
      auto running = run_on(following_.blocking, following_.node.scheduler(), std::move(read));
      auto page = co_await running;
      if (!page.ok()) co_return page.take_error();
      std::vector<std::shared_ptr<const FeedItem>> items;
      for (const FeedGap& gap : page->gaps) {
        position_[gap.partition] = gap.to;
        items.push_back(make_item(cursor(position_), "gap", gap_json(*hub_.feed(), gap)));
      }
      for (std::size_t i = 0; i < page->events.size(); ++i) {
        items.push_back(make_item(cursor(page->positions[i]), {}, event::to_cloudevent(page->events[i].event)));
      }
      const bool came_nearer = position_ != page->reached || !items.empty();
      position_ = std::move(page->reached);
      auto sending = outlet_.send(std::move(items));
      auto sent = co_await std::move(sending);
      if (!sent.ok()) co_return sent;
      if (!came_nearer) {
        auto sleeping = sleep_for(following_.node.scheduler(), kHubIsBehind);
        co_await std::move(sleeping);
      }
    }
    last_id_ = cursor(position_);
    co_return Result<void>();
  }

  /// Sends what the hub gives, until the client has gone or was too slow.
  Task<Result<void>> follow() {
    while (!outlet_.closed() && !follower_.too_slow()) {
      auto waiting = follower_.wait(kIdle);
      co_await std::move(waiting);
      if (outlet_.closed() || follower_.too_slow()) break;
      auto items = follower_.take();
      if (items.empty()) items.push_back(make_item(follower_.idle_cursor(), {}, {}));
      last_id_ = items.back()->id;
      auto sending = outlet_.send(std::move(items));
      auto sent = co_await std::move(sending);
      if (!sent.ok()) co_return sent;
    }
    auto reached = decode_cursor(*hub_.feed(), filter_, last_id_, following_.tag);
    if (!reached.ok()) co_return reached.take_error();
    position_ = std::move(*reached);
    co_return Result<void>();
  }

  Following& following_;
  EventHub& hub_;
  const EventFilter filter_;
  EventHub::Follower follower_;
  Outlet& outlet_;
  EventPosition position_;
  bool reset_;
  std::string last_id_;
};

Task<void> run_sse(std::shared_ptr<Following> following, EventFilter filter, FollowFrom from, http::BodyStream& stream) {
  SseOutlet outlet(stream);
  Follow follow(*following, std::move(filter), std::move(from), outlet);
  auto running = follow.run();
  co_await std::move(running);
}

/// Reads until the end, so that a close is seen; a follower has nothing to say.
Task<void> listen(http::WebSocket& socket) {
  auto reading = socket.read();
  const auto message = co_await std::move(reading);
  if (!message.ok()) co_return;
  auto closing = socket.close(1008, "a follower sends nothing");
  co_await std::move(closing);
}

Task<void> run_websocket(std::shared_ptr<Following> following, EventFilter filter, FollowFrom from, http::WebSocket& socket) {
  bool listening = true;
  Fn<void(bool)> on_silence;
  spawn(listen(socket), [&] {
    listening = false;
    if (on_silence) on_silence(true);
  });
  {
    WebSocketOutlet outlet(socket);
    Follow follow(*following, std::move(filter), std::move(from), outlet);
    auto running = follow.run();
    co_await std::move(running);
  }
  if (!socket.closed()) {
    auto closing = socket.close(1011, "the log cannot be read");
    co_await std::move(closing);
  }
  if (!listening) co_return;
  auto wait = [&](Fn<void(bool)> done) { on_silence = std::move(done); };
  auto silence = Callback<bool>(std::move(wait));
  co_await std::move(silence);
}

}  // namespace

EventHub& Following::open() {
  if (!hub) hub = std::make_unique<EventHub>(node, blocking, tag);
  return *hub;
}

http::Response follow_by_sse(std::shared_ptr<Following> following, EventFilter filter, FollowFrom from) {
  http::Response response = http::event_stream_response([following, filter, from](http::BodyStream& stream) {
    return run_sse(following, filter, from, stream);
  });
  std::get<http::StreamBody>(response.body).heartbeat.clear();  // an id alone is one that resuming gains from
  return response;
}

http::Response follow_by_websocket(std::shared_ptr<Following> following, EventFilter filter, FollowFrom from) {
  http::WebSocketBody body;
  body.protocols = {std::string(kEventsProtocol)};
  body.options.message_bytes_max = 1024;  // nothing is expected from the client
  body.run = [following, filter, from](http::WebSocket& socket) { return run_websocket(following, filter, from, socket); };
  http::Response response;
  response.status = 101;
  response.body = std::move(body);
  return response;
}

}  // namespace tidemark::api
