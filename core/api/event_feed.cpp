#include "core/api/event_feed.hpp"

#include <algorithm>

#include "core/api/routes.hpp"
#include "core/api/token.hpp"
#include "core/base/bytes.hpp"
#include "core/runtime/log_cursor.hpp"

namespace tidemark::api {
namespace {

constexpr std::size_t kFilterHashBytes = 8;
constexpr int kSettleTriesMax = 100;

std::string filter_hash(const EventFilter& filter) { return sha256(filter.canonical()).substr(0, kFilterHashBytes); }

Time recorded_time(const event::Event& event) { return event.envelope.recordedtime.value_or(event.envelope.time); }

}  // namespace

EventFeed::EventFeed(runtime::Node& node) : log_(node.log()) {
  for (std::size_t d = 0; d < node.domains().size(); ++d) {
    const runtime::Domain& domain = node.domains()[d];
    const auto decisions = topic_id(log_, domain.name + ".decisions");
    for (const log::TopicSpec& spec : domain.topics) {
      const auto id = topic_id(log_, spec.name);
      if (id && decisions) topics_.push_back({spec.name, *id, *decisions, d, domain.decider});
    }
  }
}

EventPosition EventFeed::begin() const {
  EventPosition position(topics_.size() * lanes());
  for (std::size_t p = 0; p < position.size(); ++p) position[p] = log_.begin(topic_of(p).id, lane_of(p));
  return position;
}

EventPosition EventFeed::end() const {
  EventPosition position(topics_.size() * lanes());
  for (std::uint32_t lane = 0; lane < lanes(); ++lane) {
    // A commit becomes visible in all its topics at once, but they are asked one by one: until nothing moves meanwhile.
    for (int tries = 0; tries < kSettleTriesMax; ++tries) {
      bool moved = false;
      for (std::size_t t = 0; t < topics_.size(); ++t) {
        Tmseq& end = position[partition(t, LaneId{lane})];
        const Tmseq now = log_.end(topics_[t].id, LaneId{lane});
        moved = moved || now != end;
        end = now;
      }
      if (!moved) break;
    }
  }
  return position;
}

Result<EventPosition> EventFeed::seek(const EventFilter& filter, Time since) const {
  EventPosition position = begin();
  for (std::size_t p = 0; p < position.size(); ++p) {
    if (!wants(filter, p)) continue;
    // Recorded time never goes back within a partition.
    std::uint64_t low = position[p].value, high = log_.end(topic_of(p).id, lane_of(p)).value;
    while (low < high) {
      const std::uint64_t middle = low + (high - low) / 2;
      const auto event = runtime::read_event(log_, topic_of(p).id, topic_of(p).name, lane_of(p), Tmseq{middle});
      if (!event.ok() && event.error().code != Code::not_found) return event.error();
      const bool before = !event.ok() || recorded_time(*event) < since;  // not found: retention has cut it meanwhile
      (before ? low : high) = before ? middle + 1 : middle;
    }
    position[p] = Tmseq{low};
  }
  return position;
}

/// The partitions of one read, merged.
class EventFeed::Merge {
 public:
  Merge(const EventFeed& feed, const EventFilter& filter, const EventPosition* bound, FeedPage& page) : feed_(feed) {
    const std::size_t domains = feed.topics_.empty() ? 0 : feed.topics_.back().domain + 1;
    // Before anything else: what these decisions wrote is visible from here on, what later ones write is left for the next read.
    decided_.resize(domains * feed.lanes());
    for (const FeedTopic& topic : feed.topics_) {
      for (std::uint32_t lane = 0; lane < feed.lanes(); ++lane) decided_[topic.domain * feed.lanes() + lane] = feed.log_.end(topic.decisions, LaneId{lane});
    }
    for (std::size_t p = 0; p < page.reached.size(); ++p) {
      const FeedTopic& topic = feed.topic_of(p);
      const LaneId lane = feed.lane_of(p);
      const Tmseq end = feed.log_.end(topic.id, lane), stop = bound != nullptr ? std::min((*bound)[p], end) : end;
      if (!feed.wants(filter, p)) continue;
      const Tmseq first = feed.log_.begin(topic.id, lane);
      if (page.reached[p] < first) {
        page.gaps.push_back({p, page.reached[p], first});
        page.reached[p] = first;
      }
      if (page.reached[p] < stop) {
        sources_.push_back({p, stop, decided_[topic.domain * feed.lanes() + lane.value],
                            runtime::LogCursor(feed.log_, topic.id, topic.name, lane, page.reached[p], kReadBytes), nullptr});
      }
    }
  }

  /// Loads the head of every source; then keeps the earliest in front.
  Result<void> start() {
    for (std::size_t i = 0; i < sources_.size();) {
      if (auto loaded = load(sources_[i]); !loaded) return loaded;
      if (sources_[i].head == nullptr) std::swap(sources_[i], sources_.back()), sources_.pop_back();
      else ++i;
    }
    std::make_heap(sources_.begin(), sources_.end(), [this](const Source& a, const Source& b) { return later(a, b); });
    return {};
  }
  bool done() const { return sources_.empty(); }
  std::size_t partition() const { return sources_.front().partition; }
  const event::Event& head() const { return *sources_.front().head; }
  Result<void> advance() {
    const auto order = [this](const Source& a, const Source& b) { return later(a, b); };
    std::pop_heap(sources_.begin(), sources_.end(), order);
    sources_.back().cursor.pop();
    if (auto loaded = load(sources_.back()); !loaded) return loaded;
    if (sources_.back().head == nullptr) sources_.pop_back();
    else std::push_heap(sources_.begin(), sources_.end(), order);
    return {};
  }

 private:
  static constexpr std::size_t kReadBytes = 32u << 10;
  struct Source {
    std::size_t partition;
    Tmseq stop, decided;
    runtime::LogCursor cursor;
    const event::Event* head;
  };

  Result<void> load(Source& source) {
    source.head = nullptr;
    if (!(source.cursor.next() < source.stop)) return {};
    auto head = source.cursor.peek();
    if (!head.ok()) return head.take_error();
    const bool visible = *head != nullptr && (!(*head)->envelope.tmdecision || (*head)->envelope.tmdecision->decision < source.decided);
    if (visible) source.head = *head;
    return {};
  }
  bool later(const Source& a, const Source& b) const {
    const Time ta = recorded_time(*a.head), tb = recorded_time(*b.head);
    if (ta != tb) return ta > tb;
    const auto place = [this](const Source& s) {
      return std::tuple(feed_.lane_of(s.partition), feed_.topic_of(s.partition).domain, s.head->envelope.tmdecision.value_or(event::DecisionRef{}), s.partition);
    };
    return place(a) > place(b);
  }

  const EventFeed& feed_;
  std::vector<Tmseq> decided_;
  std::vector<Source> sources_;
};

Result<FeedPage> EventFeed::read(EventPosition from, const EventFilter& filter, const FeedLimits& limits) const {
  FeedPage page;
  page.reached = std::move(from);
  Merge merge(*this, filter, limits.bound, page);
  if (auto started = merge.start(); !started) return started.take_error();
  std::size_t bytes = 0, looked_at = 0;
  while (!merge.done()) {
    if (page.events.size() == limits.events_max || bytes >= limits.bytes_max || looked_at == limits.looked_at_max) {
      page.at_end = false;
      break;
    }
    const event::Event& event = merge.head();
    const std::size_t p = merge.partition();
    const Tmseq at = page.reached[p];
    page.reached[p] = at.next();
    ++looked_at;
    std::string second = limits.everything || !filter.subjects.empty() ? topic_of(p).decider->second_subject(event) : std::string();
    if (limits.everything || filter.matches(event, second)) {
      bytes += event.data.size();
      page.events.push_back({p, at, event, std::move(second)});
      if (limits.with_positions) page.positions.push_back(page.reached);
    }
    if (auto advanced = merge.advance(); !advanced) return advanced.take_error();
  }
  return page;
}

std::string encode_cursor(const EventFeed& feed, const EventFilter& filter, const EventPosition& position, const runtime::PositionTag& tag) {
  Token token{feed.epoch(), filter_hash(filter)};
  for (std::size_t t = 0; t < feed.topics().size(); ++t) {
    const std::string& name = feed.topics()[t].name;
    if (!filter.wants_topic(name)) continue;
    put_varint(token.payload, name.size());
    token.payload += name;
    for (std::uint32_t lane = 0; lane < feed.lanes(); ++lane) put_varint(token.payload, position[feed.partition(t, LaneId{lane})].value);
  }
  return make_token(TokenKind::events, token, tag);
}

Result<EventPosition> decode_cursor(const EventFeed& feed, const EventFilter& filter, std::string_view text, const runtime::PositionTag& tag) {
  auto token = open_token(TokenKind::events, text, tag);
  if (!token.ok()) return token.take_error();
  ByteReader in(token->payload);
  if (in.take(kFilterHashBytes) != filter_hash(filter)) return make_error(Code::version_conflict, "the cursor is a place in another list");
  if (token->epoch != feed.epoch()) return make_error(Code::not_found, "the cursor is of another log");
  EventPosition position = feed.begin();
  const EventPosition end = feed.end();
  while (in.ok() && in.left() > 0) {
    const std::string_view name = in.take(in.varint());
    const auto& topics = feed.topics();
    const auto topic = std::find_if(topics.begin(), topics.end(), [&](const FeedTopic& t) { return t.name == name; });
    for (std::uint32_t lane = 0; lane < feed.lanes(); ++lane) {
      const Tmseq next{in.varint()};
      if (topic != topics.end()) position[feed.partition(static_cast<std::size_t>(topic - topics.begin()), LaneId{lane})] = next;
    }
  }
  if (!in.ok()) return make_error(Code::invalid_argument, "the cursor is cut short");
  for (std::size_t p = 0; p < position.size(); ++p) {
    if (end[p] < position[p]) return make_error(Code::not_found, "the cursor lies beyond the end of this log");
  }
  return position;
}

}  // namespace tidemark::api
