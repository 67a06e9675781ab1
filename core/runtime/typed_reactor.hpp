#pragma once
// Adapts a typed reactor to what the runtime runs. Include it in the .cpp that registers the domain.
//
//   struct WelcomeUsers {
//     static constexpr std::string_view kName = "users.welcome";
//     using Event = std::variant<UserAdded>;                       // of its own domain, which is the name's first part
//     static std::vector<Intent> react(const RowReader& state, const Event& event, const EventContext& context);
//     static std::vector<Intent> ended(const ReactionResult& result);   // optional
//   };
//   domain.reactors.push_back(runtime::make_reactor<WelcomeUsers>());

#include <memory>
#include <stdexcept>
#include <string>

#include "core/event/json.hpp"
#include "core/event/versioned.hpp"
#include "core/runtime/reactor.hpp"

namespace tidemark::runtime {

/// An intent to issue `command` to the domain of that name.
template <class Command>
Intent intend(std::string domain, const Command& command, std::string note = {}) {
  Intent intent;
  intent.command = CommandIntent{std::move(domain), std::string(Command::kType), event::Json{event::to_json(command)}};
  intent.note = std::move(note);
  return intent;
}

inline Intent intend(CallIntent call, std::string note = {}) {
  Intent intent;
  intent.call = std::move(call);
  intent.note = std::move(note);
  return intent;
}

template <class R>
class TypedReactor final : public Reactor {
  using Event = typename R::Event;

 public:
  const std::string& name() const override { return name_; }

  bool takes(std::string_view event_type) const override {
    const auto type = event::parse_type(event_type);
    if (!type || type->domain != domain()) return false;
    bool found = false;
    event::for_each_alternative<Event>([&]<class T>(std::type_identity<T>) { found = found || type->name == T::kType; });
    return found;
  }

  std::vector<Intent> react(std::string_view event_type, std::string_view data, const RowReader& state, const EventContext& context) const override {
    const auto type = event::parse_type(event_type);
    std::vector<event::FieldError> errors;
    bool known = false;
    auto event = event::decode_variant<Event>(type->name, type->version, data, event::Decoding::tolerant, errors, known);
    if (!event) throw std::runtime_error("it does not know " + std::string(event_type) + " as this build writes it");
    return R::react(state, *event, context);
  }

  std::vector<Intent> ended(const ReactionResult& result) const override {
    if constexpr (requires { R::ended(result); }) return R::ended(result);
    else return {};
  }

 private:
  std::string_view domain() const { return std::string_view(name_).substr(0, name_.find('.')); }
  const std::string name_{R::kName};
};

template <class R>
std::shared_ptr<const Reactor> make_reactor() { return std::make_shared<TypedReactor<R>>(); }

}  // namespace tidemark::runtime
