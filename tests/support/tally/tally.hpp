#pragma once
// "tally": a small domain made to be nasty to the runtime. Groups are boundaries; accounts in a group share a limit (an
// invariant across entities), notes lie in a second topic under another record key, pings are ephemeral, timers expire accounts.

#include <boost/describe/class.hpp>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/base/decision.hpp"
#include "core/base/table.hpp"
#include "core/runtime/domain.hpp"

namespace tidemark::testing::tally {

struct Open {
  static constexpr std::string_view kType = "Open";
  static constexpr int kVersion = 1;
  std::string group, account;
  std::int64_t expires_in_ms = 0;  ///< 0: never
  std::string boundary() const { return group; }
};
BOOST_DESCRIBE_STRUCT(Open, (), (group, account, expires_in_ms))

struct Add {
  static constexpr std::string_view kType = "Add";
  static constexpr int kVersion = 1;
  std::string group, account;
  std::int64_t amount = 0;
  std::string note;
  std::string boundary() const { return group; }
};
BOOST_DESCRIBE_STRUCT(Add, (), (group, account, amount, note))

struct Expire {
  static constexpr std::string_view kType = "Expire";
  static constexpr int kVersion = 1;
  std::string group, account;
  std::int64_t not_before = 0;  ///< ms; filled from the owner's memory: a touch postpones
  std::string boundary() const { return group; }
};
BOOST_DESCRIBE_STRUCT(Expire, (), (group, account, not_before))

struct Move {
  static constexpr std::string_view kType = "Move";
  static constexpr int kVersion = 1;
  std::string group, from, to;
  std::int64_t amount = 0;
  std::string boundary() const { return group; }
};
BOOST_DESCRIBE_STRUCT(Move, (), (group, from, to, amount))

struct Opened {
  static constexpr std::string_view kType = "Opened";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = "tally.entries";
  std::string group, account;
  std::int64_t expires_in_ms = 0;
  std::string subject() const { return account; }
  std::string record_key() const { return group; }
};
BOOST_DESCRIBE_STRUCT(Opened, (), (group, account, expires_in_ms))

struct Added {
  static constexpr std::string_view kType = "Added";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = "tally.entries";
  std::string group, account;
  std::int64_t amount = 0;
  std::string subject() const { return account; }
  std::string record_key() const { return group; }
};
BOOST_DESCRIBE_STRUCT(Added, (), (group, account, amount))

struct Expired {
  static constexpr std::string_view kType = "Expired";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = "tally.entries";
  std::string group, account;
  std::string subject() const { return account; }
  std::string record_key() const { return group; }
};
BOOST_DESCRIBE_STRUCT(Expired, (), (group, account))

/// One fact about two accounts.
struct Moved {
  static constexpr std::string_view kType = "Moved";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = "tally.entries";
  std::string group, from, to;
  std::int64_t amount = 0;
  std::string subject() const { return from; }
  std::string second_subject() const { return to; }
  std::string record_key() const { return group; }
};
BOOST_DESCRIBE_STRUCT(Moved, (), (group, from, to, amount))

struct Noted {
  static constexpr std::string_view kType = "Noted";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = "tally.notes";
  std::string group, account, text;
  std::string subject() const { return account; }
  std::string record_key() const { return account; }
};
BOOST_DESCRIBE_STRUCT(Noted, (), (group, account, text))

struct Pinged {
  static constexpr std::string_view kType = "Pinged";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = "tally.pings";
  std::string group, account;
  std::string subject() const { return account; }
  std::string record_key() const { return account; }
};
BOOST_DESCRIBE_STRUCT(Pinged, (), (group, account))

struct Balance {
  std::int64_t balance = 0;
};
BOOST_DESCRIBE_STRUCT(Balance, (), (balance))

struct Settings {
  std::int64_t group_limit = 1000;
};
BOOST_DESCRIBE_STRUCT(Settings, (), (group_limit))

struct Account {
  std::int64_t balance = 0;
  std::int64_t notes = 0;
};
BOOST_DESCRIBE_STRUCT(Account, (), (balance, notes))
inline constexpr Table<Account, std::string> kAccounts{16};
inline constexpr Table<std::int64_t, std::string> kTotals{17};

struct Tally {
  static constexpr std::string_view kDomain = "tally";
  using Command = std::variant<Open, Add, Expire, Move>;
  using Event = std::variant<Opened, Added, Expired, Noted, Pinged, Moved>;
  using Reply = std::variant<std::monostate, Balance>;
  using Settings = tally::Settings;
  static Decision<Event, Reply> decide(const RowReader& state, const Command& command, const Context& context, const Settings& settings);
  static void evolve(State& state, const Event& event, const EventContext& context);
};

/// Row of the projection "tally.balances": (group, account) -> balance and the number of events seen.
struct BalanceRow {
  std::int64_t balance = 0;
  std::int64_t events = 0;
  bool open = true;
};
BOOST_DESCRIBE_STRUCT(BalanceRow, (), (balance, events, open))
inline constexpr Table<BalanceRow, std::string, std::string> kBalances{16};

/// The domain as registered; `settings` as JSON.
runtime::Domain make_domain(std::string settings = "{\"group_limit\":1000}");

}  // namespace tidemark::testing::tally
