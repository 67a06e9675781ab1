// What of a reactor's intents is recorded with a decision, and what is a dead letter instead.

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

#include "core/event/json.hpp"
#include "core/runtime/reaction_records.hpp"
#include "core/store/store.hpp"
#include "tests/support/people/people.hpp"

namespace tidemark::testing {
namespace {

using runtime::Intent;
using runtime::NewEvent;

/// Answers every event with the same intents.
class Always final : public runtime::Reactor {
 public:
  explicit Always(std::vector<Intent> intents) : intents_(std::move(intents)) {}
  const std::string& name() const override { return name_; }
  bool takes(std::string_view) const override { return true; }
  std::vector<Intent> react(std::string_view, std::string_view, const RowReader&, const EventContext&) const override { return intents_; }

 private:
  const std::string name_ = "people.always";
  const std::vector<Intent> intents_;
};

Intent call(std::size_t body_bytes = 0, std::int64_t delay_ms = 0) {
  Intent intent;
  intent.call = runtime::CallIntent{};
  intent.call->url = "https://hooks.example/people";
  intent.call->body = std::string(body_bytes, 'x');
  intent.delay_ms = delay_ms;
  return intent;
}

/// The records for a decision of so many events, to all of which the reactor answers with `intents`.
std::vector<NewEvent> records(std::vector<Intent> intents, std::size_t causes = 1) {
  runtime::Domain domain = people::make_domain();
  domain.reactors = {std::make_shared<Always>(std::move(intents))};
  const auto rows = store::make_memory_store();
  std::vector<NewEvent> events(causes, NewEvent{"people.facts", "tidemark.people.NameReserved.v1", "name/ann", "name/ann", "{}"});
  const Context context{from_ms(1'700'000'000'000), {}, "command", "tester", "name/ann"};
  runtime::append_reactions(domain, *rows, context, [](std::size_t i) { return to_string(derive_uuid("intents test", "event", i)); }, events);
  events.erase(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(causes));
  return events;
}

std::size_t count(const std::vector<NewEvent>& events, std::string_view type) {
  return static_cast<std::size_t>(std::count_if(events.begin(), events.end(), [&](const NewEvent& event) { return event.type == type; }));
}

std::string reason(const NewEvent& letter) {
  std::vector<event::FieldError> errors;
  const auto dead = event::from_json<runtime::DeadLetter>(letter.data, event::Decoding::strict, errors);
  return dead ? dead->reason : "(no dead letter)";
}

TEST(IntentsTest, AllOfADecisionStayWellWithinWhatALaneAppendsAtOnce) {
  const auto events = records(std::vector<Intent>(64, call(1'000'000)));
  std::size_t bytes = 0;
  for (const NewEvent& event : events) bytes += event.data.size();
  EXPECT_LE(bytes, log::kLaneBatchBytesMax / 8 + 4096);
  EXPECT_EQ(count(events, runtime::kReactionIntendedType), 4u);
  ASSERT_EQ(count(events, runtime::kDeadLetterType), 1u);
  EXPECT_NE(reason(events.back()).find("and the rest are not done"), std::string::npos) << reason(events.back());
}

TEST(IntentsTest, TheirNumberIsThatOfTheDecisionWhicheverOfItsEventsTheyFollow) {
  const auto events = records(std::vector<Intent>(50, call()), 4);
  EXPECT_EQ(count(events, runtime::kReactionIntendedType), 64u);
  EXPECT_EQ(count(events, runtime::kDeadLetterType), 1u);
}

// Later, a state that is folded anew would not find the intent in the log any more.
TEST(IntentsTest, ADelayBeyondHalfTheRetentionIsADeadLetter) {
  const Duration most = people::make_domain().reactions_retention / 2;
  EXPECT_EQ(count(records({call(0, most.count())}), runtime::kReactionIntendedType), 1u);
  for (const std::int64_t delay_ms : {most.count() + 1, std::numeric_limits<std::int64_t>::max()}) {
    const auto events = records({call(0, delay_ms)});
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(reason(events[0]), "the delay is longer than half the time for which intents are kept") << delay_ms;
  }
}

}  // namespace
}  // namespace tidemark::testing
