#pragma once
// "people": a domain with an invariant across boundaries, to try processes and reactors with. A person signs up by reserving a
// name (one boundary), making an account (another) and confirming the name. A confirmed name is told to a webhook, whose
// answer comes back as a command.

#include <boost/describe/class.hpp>
#include <cstdint>
#include <string>
#include <variant>

#include "core/base/decision.hpp"
#include "core/base/table.hpp"
#include "core/runtime/domain.hpp"
#include "core/runtime/steps.hpp"

namespace tidemark::testing::people {

inline std::string name_boundary(const std::string& name) { return "name/" + name; }
inline std::string account_boundary(const std::string& account) { return "account/" + account; }

// Commands and events about a name and about an account, all of the same two fields.
#define TM_PEOPLE_TYPE(Name, of, ...)                                          \
  struct Name {                                                                \
    static constexpr std::string_view kType = #Name;                           \
    static constexpr int kVersion = 1;                                         \
    __VA_ARGS__                                                                \
    std::string name, account;                                                 \
    std::string boundary() const { return of##_boundary(of); }                 \
    std::string subject() const { return boundary(); }                         \
    std::string record_key() const { return boundary(); }                      \
  };                                                                           \
  BOOST_DESCRIBE_STRUCT(Name, (), (name, account))
#define TM_PEOPLE_EVENT(Name, of) TM_PEOPLE_TYPE(Name, of, static constexpr std::string_view kTopic = "people.facts";)

TM_PEOPLE_TYPE(ReserveName, name)
TM_PEOPLE_TYPE(ConfirmName, name)
TM_PEOPLE_TYPE(ReleaseName, name)
TM_PEOPLE_TYPE(ExpireName, name)  // of the timer
TM_PEOPLE_TYPE(CreateAccount, account)  // an account "refused..." is refused
TM_PEOPLE_TYPE(CloseAccount, account)
TM_PEOPLE_TYPE(NoteDelivery, name)  // `account` is the answer's body
TM_PEOPLE_EVENT(NameReserved, name)
TM_PEOPLE_EVENT(NameConfirmed, name)
TM_PEOPLE_EVENT(NameReleased, name)
TM_PEOPLE_EVENT(AccountCreated, account)
TM_PEOPLE_EVENT(AccountClosed, account)
TM_PEOPLE_EVENT(DeliveryNoted, name)
#undef TM_PEOPLE_EVENT
#undef TM_PEOPLE_TYPE

struct Settings {
  std::int64_t reservation_ms = 60'000;
};
BOOST_DESCRIBE_STRUCT(Settings, (), (reservation_ms))

struct NameRow {
  std::string account;
  bool confirmed = false;
  std::int64_t deliveries = 0;
};
BOOST_DESCRIBE_STRUCT(NameRow, (), (account, confirmed, deliveries))
inline constexpr Table<NameRow, std::string> kNames{16};
inline constexpr Table<std::string, std::string> kAccounts{17};  ///< account -> name

struct People {
  static constexpr std::string_view kDomain = "people";
  using Command = std::variant<ReserveName, ConfirmName, ReleaseName, ExpireName, CreateAccount, CloseAccount, NoteDelivery>;
  using Event = std::variant<NameReserved, NameConfirmed, NameReleased, AccountCreated, AccountClosed, DeliveryNoted>;
  using Reply = std::variant<std::monostate>;
  using Settings = people::Settings;
  static Decision<Event, Reply> decide(const RowReader& state, const Command& command, const Context& context, const Settings& settings);
  static void evolve(State& state, const Event& event, const EventContext& context);
};

struct Plan {
  std::string name, account;
};
BOOST_DESCRIBE_STRUCT(Plan, (), (name, account))

/// Reserve (the first step), create, confirm; what does not come off is taken back.
struct SignUp {
  static constexpr std::string_view kName = "people.sign-up";
  using First = NameReserved;
  using Plan = people::Plan;
  static Plan plan(const First& event) { return {event.name, event.account}; }
  static std::optional<runtime::Step> next(const Plan& plan, std::size_t done, const runtime::ReactionResult& last);
};

/// Tells a confirmed name to a webhook. A name "poison..." makes it throw; "badurl..." makes an intent that cannot be carried out.
struct Announce {
  static constexpr std::string_view kName = "people.announce";
  using Event = std::variant<NameConfirmed>;
  static std::vector<runtime::Intent> react(const RowReader& state, const Event& event, const EventContext& context);
  static std::vector<runtime::Intent> ended(const runtime::ReactionResult& result);
};

/// With the process' reactor, and the announcer when `announces`.
runtime::Domain make_domain(bool announces = false);

}  // namespace tidemark::testing::people
