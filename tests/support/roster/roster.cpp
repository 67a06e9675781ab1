#include "tests/support/roster/roster.hpp"

#include "core/runtime/typed_domain.hpp"
#include "core/runtime/typed_reactor.hpp"

namespace tidemark::testing::roster {
namespace {

using RosterDecision = Decision<Roster::Event, Roster::Reply>;
template <class... Fs>
struct Overloaded : Fs... { using Fs::operator()...; };

inline constexpr Table<std::string, std::string> kMembers{16};  // person -> name
inline constexpr Table<std::int64_t, std::string> kGreetings{17};

struct Names {
  static constexpr std::string_view kName = "roster.names";
  static constexpr int kVersion = 1;
  static constexpr bool kMergeable = false;
  static std::vector<std::string> topics() { return {"roster.register"}; }
  using Event = Roster::Event;
  static void apply(RowWriter& rows, const Event& event, const EventContext&) {
    std::visit([&](const auto& e) { kNames.put(rows, e.person, event::to_json(e)); }, event);
  }
};

/// Greets at once, so that an intent holds a name.
struct Greeter {
  static constexpr std::string_view kName = "roster.greeter";
  using Event = std::variant<Registered>;
  static std::vector<runtime::Intent> react(const RowReader&, const Event& event, const EventContext&) {
    const auto& e = std::get<Registered>(event);
    return {runtime::intend("roster", Greet{e.club, e.person, e.name}, "greeting for " + e.name.value)};
  }
};

}  // namespace

RosterDecision Roster::decide(const RowReader& state, const Command& command, const Context&, const Settings&) {
  return std::visit(Overloaded{
      [&](const Register& c) -> RosterDecision {
        if (kMembers.contains(state, c.person)) return Refused{"ALREADY_REGISTERED", "the person is registered", 409};
        Registered event{c.club, c.person, c.name, c.address, c.mails, {{"said/of~them", c.name}}};
        return Accepted<Event, Reply>{{std::move(event)}, Welcome{c.person, {"welcome " + c.name.value}}};
      },
      [&](const Greet& c) -> RosterDecision {
        if (kGreetings.contains(state, c.person)) return Nothing<Reply>{};
        return Accepted<Event, Reply>{{Greeted{c.club, c.person, c.name}}, {}};
      }},
      command);
}

void Roster::evolve(State& state, const Event& event, const EventContext& context) {
  std::visit(Overloaded{
      [&](const Registered& e) {
        kMembers.put(state, e.person, e.name.value);
        state.set_timer("greet/" + e.person, Timer{context.time + Duration(60'000), "Greet", event::to_json(Greet{e.club, e.person, e.name})});
      },
      [&](const Greeted& e) {
        kGreetings.put(state, e.person, 1);
        state.clear_timer("greet/" + e.person);
      }},
      event);
}

runtime::Domain make_domain(bool with_reactor) {
  runtime::Domain domain;
  domain.name = "roster";
  domain.topics = {{"roster.register", log::TopicClass::fact, std::nullopt}};
  domain.decider = runtime::make_decider<Roster>();
  domain.contract = runtime::contract_of<Roster>;
  domain.projections = {runtime::make_projection<Names>()};
  if (with_reactor) domain.reactors = {runtime::make_reactor<Greeter>()};
  return domain;
}

}  // namespace tidemark::testing::roster
