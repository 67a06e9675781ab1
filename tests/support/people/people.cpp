#include "tests/support/people/people.hpp"

#include <stdexcept>

#include "core/runtime/typed_domain.hpp"

/// These tests let nodes die with tasks under way, whose frames nobody frees: under AddressSanitizer that is no finding.
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }

namespace tidemark::testing::people {
namespace {

using PeopleDecision = Decision<People::Event, People::Reply>;
template <class... Fs>
struct Overloaded : Fs... { using Fs::operator()...; };

PeopleDecision accept(People::Event event) { return Accepted<People::Event, People::Reply>{{std::move(event)}, {}}; }
PeopleDecision nothing() { return Nothing<People::Reply>{}; }
PeopleDecision refuse(std::string reason) { return Refused{std::move(reason), "no", 409}; }

}  // namespace

PeopleDecision People::decide(const RowReader& state, const Command& command, const Context&, const Settings&) {
  const auto release = [&](const auto& c) -> PeopleDecision {
    const auto row = kNames.get(state, c.name);
    if (!row || row->confirmed || row->account != c.account) return nothing();
    return accept(NameReleased{c.name, c.account});
  };
  return std::visit(Overloaded{
      [&](const ReserveName& c) -> PeopleDecision {
        if (kNames.contains(state, c.name)) return refuse("NAME_TAKEN");
        return accept(NameReserved{c.name, c.account});
      },
      [&](const ConfirmName& c) -> PeopleDecision {
        const auto row = kNames.get(state, c.name);
        if (!row || row->account != c.account) return refuse("RESERVATION_GONE");
        if (row->confirmed) return nothing();
        return accept(NameConfirmed{c.name, c.account});
      },
      [&](const ReleaseName& c) { return release(c); },
      [&](const ExpireName& c) { return release(c); },
      [&](const CreateAccount& c) -> PeopleDecision {
        if (c.account.starts_with("refused")) return refuse("ACCOUNT_REFUSED");
        if (kAccounts.contains(state, c.account)) return refuse("ACCOUNT_EXISTS");
        return accept(AccountCreated{c.name, c.account});
      },
      [&](const CloseAccount& c) -> PeopleDecision {
        if (!kAccounts.contains(state, c.account)) return nothing();
        return accept(AccountClosed{c.name, c.account});
      },
      [&](const NoteDelivery& c) { return accept(DeliveryNoted{c.name, c.account}); }},
      command);
}

void People::evolve(State& state, const Event& event, const EventContext& context) {
  std::visit(Overloaded{
      [&](const NameReserved& e) {
        kNames.put(state, e.name, NameRow{e.account});
        state.set_timer("expire", Timer{context.time + Duration(60'000), "ExpireName", event::to_json(ExpireName{e.name, e.account})});
      },
      [&](const NameConfirmed& e) {
        kNames.put(state, e.name, NameRow{e.account, true, 0});
        state.clear_timer("expire");
      },
      [&](const NameReleased& e) {
        kNames.erase(state, e.name);
        state.clear_timer("expire");
      },
      [&](const AccountCreated& e) { kAccounts.put(state, e.account, e.name); },
      [&](const AccountClosed& e) { kAccounts.erase(state, e.account); },
      [&](const DeliveryNoted& e) {
        auto row = kNames.get(state, e.name).value_or(NameRow{});
        ++row.deliveries;
        kNames.put(state, e.name, row);
      }},
      event);
}

std::optional<runtime::Step> SignUp::next(const Plan& plan, std::size_t done, const runtime::ReactionResult& last) {
  const bool good = last.kind == runtime::ReactionResult::Kind::done;
  if (done == 0) return runtime::step("people", CreateAccount{plan.name, plan.account});
  if (done == 1 && good) return runtime::step("people", ConfirmName{plan.name, plan.account});
  if (done == 1) return runtime::step("people", ReleaseName{plan.name, plan.account}, true);
  if (done == 2 && !good) return runtime::step("people", CloseAccount{plan.name, plan.account}, true);
  return std::nullopt;
}

std::vector<runtime::Intent> Announce::react(const RowReader& state, const Event& event, const EventContext&) {
  const auto& confirmed = std::get<NameConfirmed>(event);
  if (confirmed.name.starts_with("poison")) throw std::runtime_error("poison");
  runtime::CallIntent call;
  call.url = confirmed.name.starts_with("badurl") ? "gopher://hooks.example/people" : "https://hooks.example/people";
  // Seen as it is after the decision.
  call.body = event::to_json(Plan{confirmed.name, kNames.get(state, confirmed.name).value_or(NameRow{}).account});
  call.signing = "people-hook";
  call.attempts_max = 4;
  return {runtime::intend(std::move(call), confirmed.name)};
}

std::vector<runtime::Intent> Announce::ended(const runtime::ReactionResult& result) {
  if (!result.intent.call || result.kind != runtime::ReactionResult::Kind::done) return {};
  return {runtime::intend("people", NoteDelivery{result.intent.note, result.reply})};
}

runtime::Domain make_domain(bool announces) {
  runtime::Domain domain;
  domain.name = "people";
  domain.topics = {{"people.facts", log::TopicClass::fact, std::nullopt}};
  domain.decider = runtime::make_decider<People>();
  domain.reactors = {runtime::make_step_reactor<SignUp>()};
  if (announces) domain.reactors.push_back(runtime::make_reactor<Announce>());
  return domain;
}

}  // namespace tidemark::testing::people
