// GET /events: filters and pages, following by Server-Sent Events, what cursors refuse.

#include <random>

#include "tests/unit/api/surface_rig.hpp"

namespace tidemark::api::testing {
namespace {

struct Sse {
  std::string id, name, data;
};

std::vector<Sse> parse(const std::string& text) {
  std::vector<Sse> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find("\n\n", at);
    if (end == std::string::npos) break;
    Sse event;
    for (std::size_t line = at; line < end;) {
      const std::size_t stop = std::min(text.find('\n', line), end);
      const std::string field = text.substr(line, stop - line);
      if (field.starts_with("id: ")) event.id = field.substr(4);
      if (field.starts_with("event: ")) event.name = field.substr(7);
      if (field.starts_with("data: ")) event.data = field.substr(6);
      line = stop + 1;
    }
    out.push_back(std::move(event));
    at = end + 2;
  }
  return out;
}

/// The client's end of a stream. A client that has stopped reading lets writes wait.
class FakeStream final : public http::BodyStream {
 public:
  explicit FakeStream(Scheduler& scheduler) : scheduler_(scheduler) {}
  Task<Result<void>> write(std::string bytes) override {
    auto start = [this](Fn<void(bool)> done) { reads_ ? done(true) : stalled_.push_back(std::move(done)); };
    auto ready = Callback<bool>(std::move(start));
    co_await std::move(ready);
    if (closed_) co_return make_error(Code::cancelled, "gone");
    text += bytes;
    largest_write = std::max(largest_write, parse(bytes).size());
    co_return Result<void>();
  }
  bool closed() const override { return closed_; }
  void on_close(Fn<void()> call) override { on_close_ = std::move(call); }
  bool draining() const override { return false; }

  void close() {
    closed_ = true;
    scheduler_.post([this] { if (auto call = std::exchange(on_close_, nullptr)) call(); });
    read_again();
  }
  void stop_reading() { reads_ = false; }
  void read_again() {
    reads_ = true;
    for (auto& done : std::exchange(stalled_, {})) scheduler_.post([done = std::move(done)]() mutable { done(true); });
  }
  std::string text;
  std::size_t largest_write = 0;  ///< in items

 private:
  Scheduler& scheduler_;
  bool closed_ = false, reads_ = true;
  std::vector<Fn<void(bool)>> stalled_;
  Fn<void()> on_close_;
};

/// One open stream and the task that feeds it.
struct Follower {
  Follower(Scheduler& scheduler, http::Response given) : stream(scheduler), response(std::move(given)) {
    body = std::get_if<http::StreamBody>(&response.body);
    EXPECT_NE(body, nullptr) << response.status;
    if (body != nullptr) spawn(body->produce(stream), [this] { ended = true; });
  }
  std::vector<std::string> ids() const {
    std::vector<std::string> out;
    for (const Sse& event : parse(stream.text)) {
      if (event.data.empty() || !event.name.empty()) continue;
      const auto document = event::JsonDocument::parse(event.data);
      out.emplace_back(document.ok() ? std::string(document->root()["id"].as_string().value_or("?")) : "broken");
    }
    return out;
  }
  std::string last_id() const {
    const auto all = parse(stream.text);
    return all.empty() ? "" : all.back().id;
  }
  FakeStream stream;
  http::Response response;
  http::StreamBody* body = nullptr;
  bool ended = false;
};

class Events : public SurfaceRig {
 protected:
  std::vector<std::string> order_;  // ids of the events of commands, in the order of their answers

  Reply command(const std::string& name, const std::string& data) {
    auto reply = post("/commands/tally/" + name, data);
    for (const auto event : reply.json()["events"].items()) order_.emplace_back(*event["id"].as_string());
    return reply;
  }
  Reply open(const std::string& account, const std::string& group = "g") {
    return command("Open", R"({"group":")" + group + R"(","account":")" + account + R"(","expires_in_ms":0})");
  }
  Reply add(const std::string& account, int amount, const std::string& note = "", const std::string& group = "g") {
    return command("Add", R"({"group":")" + group + R"(","account":")" + account + R"(","amount":)" + std::to_string(amount) + R"(,"note":")" + note + "\"}");
  }
  static std::vector<std::string> ids(const Reply& page) {
    std::vector<std::string> out;
    for (const auto event : page.json()["events"].items()) out.emplace_back(*event["id"].as_string());
    return out;
  }
  std::unique_ptr<Follower> follow(const std::string& query = "", http::Headers headers = {}) {
    headers.emplace_back("Accept", "text/event-stream");
    auto follower = std::make_unique<Follower>(scheduler, respond(http::Method::get, "/events" + query, std::move(headers)));
    scheduler.run_ready();
    return follower;
  }
  void settle() { scheduler.run_for(std::chrono::milliseconds(100)); }
  void end(Follower& follower) {
    follower.stream.close();
    scheduler.run_for(std::chrono::milliseconds(100));
    EXPECT_TRUE(follower.ended);
  }
};

TEST_F(Events, APageHoldsTheEventsOfALaneInTheOrderOfTheirDecisions) {
  open("a");
  for (int i = 0; i < 10; ++i) add("a", 1, i % 2 == 0 ? "ping" : "note");
  const auto whole = get("/events");
  ASSERT_EQ(whole.status(), 200) << whole.body;
  EXPECT_EQ(ids(whole), order_);
  EXPECT_EQ(whole.json()["end"].as_bool(), true);
  for (const char* limit : {"1", "3", "7"}) {
    std::vector<std::string> paged;
    std::string cursor;
    for (bool last = false; !last;) {
      const auto page = get(std::string("/events?limit=") + limit + cursor);
      ASSERT_EQ(page.status(), 200) << page.body;
      for (const auto& id : ids(page)) paged.push_back(id);
      cursor = "&cursor=" + page.text("next");
      last = *page.json()["end"].as_bool();
    }
    EXPECT_EQ(paged, order_) << limit;
  }
}

TEST_F(Events, FiltersLeaveOutWhatTheyDoNotName) {
  open("a");
  open("b", "h");
  add("a", 1, "ping");
  command("Move", R"({"group":"g","from":"a","to":"c","amount":1})");
  open("c");
  const std::string moved = order_.back();
  command("Move", R"({"group":"g","from":"a","to":"c","amount":1})");
  EXPECT_EQ(ids(get("/events?domain=tally")).size(), order_.size());
  EXPECT_EQ(ids(get("/events?topic=tally.notes")).size(), 1u);
  EXPECT_EQ(ids(get("/events?topic=tally.notes,tally.pings")).size(), 2u);
  EXPECT_EQ(ids(get("/events?type=Opened")).size(), 3u);
  EXPECT_EQ(ids(get("/events?type=tidemark.tally.Opened.v1,Noted")).size(), 4u);
  EXPECT_EQ(ids(get("/events?type=tidemark.tally.Opened.v2")).size(), 0u);
  EXPECT_EQ(ids(get("/events?subject=c")).size(), 2u) << "one names it second";
  EXPECT_EQ(ids(get("/events?subject=b&type=Opened")).size(), 1u);
  EXPECT_EQ(ids(get("/events?subject=b&type=Added")).size(), 0u);
  EXPECT_EQ(ids(get("/events?tenant=acme")).size(), 0u);
  EXPECT_EQ(ids(get("/events?type=LaneTaken")).size(), history->lanes) << "the platform's own are shown when asked for";
  const auto nothing = get("/events?subject=nobody");
  EXPECT_EQ(nothing.json()["end"].as_bool(), true);
  EXPECT_EQ(nothing.json()["events"].size(), 0u);
}

TEST_F(Events, TimesBoundAPage) {
  open("a");
  scheduler.jump_wall(std::chrono::hours(1));
  const std::string middle = to_rfc3339(scheduler.wall());
  add("a", 1);
  add("a", 1);
  const auto later = get("/events?since=" + middle), earlier = get("/events?until=" + middle);
  EXPECT_EQ(ids(later), std::vector(order_.begin() + 1, order_.end()));
  EXPECT_EQ(ids(earlier), std::vector(order_.begin(), order_.begin() + 1));
  EXPECT_EQ(ids(get("/events?since=2999-01-01T00:00:00Z")).size(), 0u);
  EXPECT_EQ(ids(get("/events?since=" + middle + "&cursor=" + get("/events?limit=2&since=" + middle).text("next"))).size(), 0u);
}

TEST_F(Events, QueriesThatMakeNoSenseAreRefused) {
  for (const char* query : {"limit=0", "limit=1001", "limit=x", "from=middle", "since=yesterday", "until=", "type=", "type=a,,b", "subject=%ff",
                            "since=2026-01-01T00:00:00Z&from=end"}) {
    EXPECT_EQ(problem_of(get(std::string("/events?") + query)), "400 /problems/bad-query") << query;
  }
  std::string many = "x0";
  for (int i = 1; i <= 100; ++i) many += ",x" + std::to_string(i);
  EXPECT_EQ(problem_of(get("/events?subject=" + many)), "400 /problems/bad-query");
  EXPECT_EQ(problem_of(get("/events?domain=games")), "404 /problems/no-such-domain");
  EXPECT_EQ(problem_of(get("/events?topic=tally.decisions")), "404 /problems/no-such-topic");
  const http::Headers sse{{"Accept", "text/event-stream"}};
  EXPECT_EQ(problem_of(get("/events?until=2026-01-01T00:00:00Z", sse)), "400 /problems/bad-query");
  EXPECT_EQ(problem_of(get("/events?since=2999-01-01T00:00:00Z", sse)), "400 /problems/bad-query");
  EXPECT_EQ(problem_of(get("/events", {sse[0], {"Last-Event-ID", "a"}, {"Last-Event-ID", "b"}})), "400 /problems/bad-query");
}

TEST_F(Events, CursorsThatCannotBeUsedAreToldApart) {
  open("a");
  const std::string cursor = get("/events?subject=a").text("next");
  const auto with = [&](const std::string& given) { return problem_of(get("/events?subject=a&cursor=" + given)); };
  EXPECT_EQ(with(""), "400 /problems/cursor-malformed");
  EXPECT_EQ(with("x"), "400 /problems/cursor-malformed");
  EXPECT_EQ(with(std::string(60'000, 'A')), "400 /problems/cursor-malformed");
  EXPECT_EQ(problem_of(get("/events?subject=b&cursor=" + cursor)), "400 /problems/cursor-of-another-query");
  EXPECT_EQ(problem_of(get("/events?cursor=" + cursor)), "400 /problems/cursor-of-another-query");
  std::mt19937 random(7);
  for (int i = 0; i < 200; ++i) {
    std::string forged = cursor;
    char& c = forged[random() % forged.size()];
    c = c == 'A' ? 'B' : 'A';
    EXPECT_TRUE(with(forged).starts_with("400 /problems/cursor-")) << forged;
    EXPECT_TRUE(with(cursor.substr(0, random() % cursor.size())).starts_with("400 /problems/cursor-"));
  }
  open_surface("another ring");
  EXPECT_EQ(with(cursor), "400 /problems/cursor-foreign");
  open_surface();
  history->epoch = derive_uuid("another", "log");
  EXPECT_EQ(with(cursor), "409 /problems/cursor-of-another-log");
}

TEST_F(Events, AFollowerGetsWhatHappensFromNowOn) {
  open("before");
  order_.clear();
  auto follower = follow();
  EXPECT_EQ(follower->ids().size(), 0u);
  EXPECT_FALSE(follower->last_id().empty()) << "it can resume before anything has happened";
  open("a");
  add("a", 1, "ping");
  settle();
  EXPECT_EQ(follower->ids(), order_);
  end(*follower);
}

TEST_F(Events, ResumingAtAnyIdLosesAndRepeatsNothing) {
  auto first = follow("?from=begin");
  open("a");
  for (int i = 0; i < 5; ++i) add("a", 1, "note");
  settle();
  const auto seen = parse(first->stream.text);
  ASSERT_EQ(first->ids(), order_);
  end(*first);
  for (int i = 0; i < 5; ++i) add("a", 1, "ping");
  std::size_t had = 0;
  for (const Sse& event : seen) {
    had += event.data.empty() ? 0 : 1;
    auto again = follow("", {{"Last-Event-ID", event.id}});
    add("a", 1);
    settle();
    EXPECT_EQ(again->ids(), std::vector(order_.begin() + static_cast<std::ptrdiff_t>(had), order_.end())) << had;
    end(*again);
    auto page = get("/events?limit=1000&cursor=" + event.id);
    EXPECT_EQ(ids(page), std::vector(order_.begin() + static_cast<std::ptrdiff_t>(had), order_.end())) << "a page goes on from an id too";
  }
}

TEST_F(Events, EveryFollowerGetsWhatItsFilterNames) {
  auto all = follow(), of_a = follow("?subject=a"), also_of_a = follow("?subject=a"), notes = follow("?topic=tally.notes"), none = follow("?subject=nobody");
  open("a");
  open("b");
  add("a", 1, "note");
  add("b", 1);
  command("Move", R"({"group":"g","from":"b","to":"a","amount":1})");
  settle();
  EXPECT_EQ(all->ids(), order_);
  EXPECT_EQ(of_a->ids(), (std::vector<std::string>{order_[0], order_[2], order_[3], order_[5]}));
  EXPECT_EQ(also_of_a->ids(), of_a->ids());
  EXPECT_EQ(also_of_a->last_id(), of_a->last_id());
  EXPECT_EQ(notes->ids(), (std::vector<std::string>{order_[3]}));
  EXPECT_TRUE(none->ids().empty());
  for (auto* follower : {&all, &of_a, &also_of_a, &notes, &none}) end(**follower);
}

TEST_F(Events, AnIdleStreamMovesItsIdOn) {
  auto follower = follow("?subject=nobody");
  const std::string start = follower->last_id();
  open("a");
  scheduler.run_for(std::chrono::seconds(16));
  const std::string moved = follower->last_id();
  EXPECT_NE(moved, start);
  EXPECT_TRUE(follower->ids().empty());
  const std::size_t before = parse(follower->stream.text).size();
  scheduler.run_for(std::chrono::seconds(30));
  EXPECT_EQ(parse(follower->stream.text).size(), before + 2);
  EXPECT_EQ(follower->last_id(), moved) << "nothing has happened since";
  end(*follower);
}

TEST_F(Events, AFollowerThatIsTooSlowReadsTheLogAgainAndMissesNothing) {
  auto follower = follow();
  open("a");
  settle();
  follower->stream.stop_reading();
  for (int i = 0; i < 3000; ++i) add("a", i % 2 == 0 ? 1 : -1);
  settle();
  EXPECT_EQ(follower->ids().size(), 1u);
  follower->stream.read_again();
  scheduler.run_for(std::chrono::seconds(5));
  EXPECT_EQ(follower->ids(), order_);
  add("a", 1);
  settle();
  EXPECT_EQ(follower->ids(), order_);
  end(*follower);
}

TEST_F(Events, AFollowerThatComesLateIsKeptNoMoreThanOneThatIsSlow) {
  auto first = follow();
  const std::string start = first->last_id();
  open("a");
  for (int i = 0; i < 1500; ++i) add("a", i % 2 == 0 ? 1 : -1);
  settle();
  auto late = follow("", {{"Last-Event-ID", start}});
  scheduler.run_for(std::chrono::seconds(5));
  EXPECT_EQ(late->ids(), order_);
  EXPECT_LE(late->stream.largest_write, 1024u);
  end(*first);
  end(*late);
}

TEST_F(Events, AnIdOfAnotherLogResetsTheStream) {
  open("a");
  const std::string cursor = get("/events").text("next");
  history->epoch = derive_uuid("another", "log");
  open_surface();
  auto follower = follow("", {{"Last-Event-ID", cursor}});
  settle();
  const auto seen = parse(follower->stream.text);
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.front().name, "reset");
  EXPECT_NE(seen.front().data.find(to_string(history->epoch)), std::string::npos);
  EXPECT_EQ(follower->ids(), order_);
  end(*follower);
}

TEST_F(Events, WhatRetentionHasCutIsNamedOnce) {
  const LaneId lane = lane_of("g", history->lanes);
  open("a");
  const std::string cursor = get("/events").text("next");
  for (int i = 0; i < 6; ++i) add("a", 1, "ping");  // an Added, a Noted and a Pinged each
  log.cut("tally.pings", lane, Tmseq{4});
  const std::vector<std::string> expected(order_.begin() + 1, order_.end());
  const auto is_cut = [&](const std::string& id) {
    const auto at = std::find(expected.begin(), expected.end(), id) - expected.begin();
    return at % 3 == 2 && at < 12;
  };
  std::vector<std::string> left;
  std::copy_if(expected.begin(), expected.end(), std::back_inserter(left), [&](const auto& id) { return !is_cut(id); });

  const auto page = get("/events?cursor=" + cursor);
  EXPECT_EQ(ids(page), left);
  const std::string gap = R"({"topic":"tally.pings","lane":)" + std::to_string(lane.value) + R"(,"from":0,"to":4})";
  EXPECT_EQ(page.json()["gaps"].raw(), "[" + gap + "]");
  EXPECT_FALSE(get("/events?cursor=" + page.text("next")).json()["gaps"]);

  auto follower = follow("", {{"Last-Event-ID", cursor}});
  settle();
  EXPECT_EQ(follower->ids(), left);
  std::vector<Sse> gaps;
  for (const Sse& event : parse(follower->stream.text)) {
    if (event.name == "gap") gaps.push_back(event);
  }
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_EQ(gaps[0].data, gap);
  auto again = follow("", {{"Last-Event-ID", gaps[0].id}});
  settle();
  EXPECT_EQ(again->stream.text.find("event: gap"), std::string::npos) << "its id lies behind the gap";
  EXPECT_EQ(again->ids(), left);
  end(*follower);
  end(*again);
}

TEST_F(Events, FollowersThatComeAndGoWhileEventsArriveMissNothing) {
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    order_.clear();
    const std::string group = "group" + std::to_string(seed), account = "account" + std::to_string(seed);
    auto follower = follow("?subject=" + account);
    std::vector<std::string> seen;
    open(account, group);
    for (int i = 0; i < 300; ++i) {
      add(account, i % 2 == 0 ? 1 : -1, random() % 3 == 0 ? "note" : "", group);
      if (random() % 4 == 0) scheduler.run_for(Duration(random() % 30));
      if (random() % 10 == 0) {
        const std::string id = follower->last_id();
        for (auto& one : follower->ids()) seen.push_back(std::move(one));
        end(*follower);
        follower = follow("?subject=" + account, {{"Last-Event-ID", id}});
      }
    }
    scheduler.run_for(std::chrono::seconds(1));
    for (auto& one : follower->ids()) seen.push_back(std::move(one));
    EXPECT_EQ(seen, order_);
    end(*follower);
  }
}

TEST_F(Events, AQueryWaitsForTheLogToShowAPosition) {
  const auto reply = open("a");
  EXPECT_EQ(ids(get("/events", {{"Tidemark-At-Least", reply.header("Tidemark-Position")}})), order_);
  const auto tag = [](std::string_view bytes) { return sha256("ring" + std::string(bytes)).substr(0, 8); };
  const std::string ahead = runtime::encode_position({history->epoch, {{"tally.entries", LaneId{0}, Tmseq{500}}}}, tag);
  EXPECT_EQ(problem_of(get("/events", {{"Tidemark-At-Least", ahead}})), "503 /problems/read-model-behind");
  EXPECT_EQ(problem_of(get("/events", {{"Tidemark-At-Least", "x"}})), "400 /problems/position-malformed");
}

}  // namespace
}  // namespace tidemark::api::testing
