#pragma once
// "roster": a small domain full of personal data, in commands, events (with an older version), replies, timers and rows.

#include <boost/describe/class.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/decision.hpp"
#include "core/base/table.hpp"
#include "core/event/fields.hpp"
#include "core/runtime/domain.hpp"

namespace tidemark::testing::roster {

using event::Personal;

struct Address {
  std::string street, city;
};
BOOST_DESCRIBE_STRUCT(Address, (), (street, city))

struct Register {
  static constexpr std::string_view kType = "Register";
  static constexpr int kVersion = 1;
  std::string club, person;
  Personal<std::string> name;
  std::optional<Personal<Address>> address;
  std::vector<Personal<std::string>> mails;
  std::string boundary() const { return club; }
  std::string personal_subject() const { return person; }
};
BOOST_DESCRIBE_STRUCT(Register, (), (club, person, name, address, mails))

/// Sent by a timer, a minute after somebody registered.
struct Greet {
  static constexpr std::string_view kType = "Greet";
  static constexpr int kVersion = 1;
  std::string club, person;
  Personal<std::string> name;
  std::string boundary() const { return club; }
  std::string personal_subject() const { return person; }
};
BOOST_DESCRIBE_STRUCT(Greet, (), (club, person, name))

struct RegisteredV1 {
  static constexpr std::string_view kType = "Registered";
  static constexpr int kVersion = 1;
  std::string club, person;
  Personal<std::string> full_name;
};
BOOST_DESCRIBE_STRUCT(RegisteredV1, (), (club, person, full_name))

struct Registered {
  static constexpr std::string_view kType = "Registered";
  static constexpr int kVersion = 2;
  static constexpr std::string_view kTopic = "roster.register";
  using Previous = RegisteredV1;
  static Registered from_previous(RegisteredV1 old) { return {old.club, old.person, std::move(old.full_name), {}, {}, {}}; }
  std::string club, person;
  Personal<std::string> name;
  std::optional<Personal<Address>> address;
  std::vector<Personal<std::string>> mails;
  std::map<std::string, Personal<std::string>> notes;
  std::string subject() const { return person; }
  std::string record_key() const { return club; }
};
BOOST_DESCRIBE_STRUCT(Registered, (), (club, person, name, address, mails, notes))

/// About a person, under the subject of a club.
struct Greeted {
  static constexpr std::string_view kType = "Greeted";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = "roster.register";
  std::string club, person;
  Personal<std::string> name;
  std::string subject() const { return club; }
  std::string personal_subject() const { return person; }
  std::string record_key() const { return club; }
};
BOOST_DESCRIBE_STRUCT(Greeted, (), (club, person, name))

struct Welcome {
  std::string person;
  Personal<std::string> text;
  std::string personal_subject() const { return person; }
};
BOOST_DESCRIBE_STRUCT(Welcome, (), (person, text))

struct Settings {};
BOOST_DESCRIBE_STRUCT(Settings, (), ())

struct Roster {
  static constexpr std::string_view kDomain = "roster";
  using Command = std::variant<Register, Greet>;
  using Event = std::variant<Registered, Greeted>;
  using Reply = std::variant<std::monostate, Welcome>;
  using Settings = roster::Settings;
  static Decision<Event, Reply> decide(const RowReader& state, const Command& command, const Context& context, const Settings& settings);
  static void evolve(State& state, const Event& event, const EventContext& context);
};

/// Row of the projection "roster.names": person -> what is known, JSON.
inline constexpr Table<std::string, std::string> kNames{16};

/// `with_reactor`: members are greeted at once, else by a timer.
runtime::Domain make_domain(bool with_reactor = false);

}  // namespace tidemark::testing::roster
