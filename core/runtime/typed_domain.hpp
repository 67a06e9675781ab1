#pragma once
// Adapts a domain's typed decider and projections (core/base/decision.hpp describes their shape) to what the runtime runs.
// Include it in one .cpp per domain: it instantiates the codec for every contract type.

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "core/event/described.hpp"
#include "core/event/json.hpp"
#include "core/event/json_schema.hpp"
#include "core/event/versioned.hpp"
#include "core/runtime/domain.hpp"
#include "core/runtime/typed_domain_names.hpp"

namespace tidemark::runtime {

namespace detail {

template <class Variant>
std::string full_type(std::string_view domain, const Variant& value) {
  return std::visit([&](const auto& v) {
    using T = std::decay_t<decltype(v)>;
    return event::make_type(domain, T::kType, T::kVersion);
  }, value);
}

template <class Reply>
std::string reply_json(const Reply& reply) {
  return std::visit([](const auto& r) -> std::string {
    if constexpr (std::is_same_v<std::decay_t<decltype(r)>, std::monostate>) return "{}";
    else return event::to_json(r);
  }, reply);
}

template <class T>
concept SaysIgnorable = requires { { T::kIgnorable } -> std::convertible_to<bool>; };

template <class Variant>
bool variant_ignores(std::string_view name) {
  return []<std::size_t... I>(std::string_view wanted, std::index_sequence<I...>) {
    const auto one = [&]<class T>(std::type_identity<T>) {
      if constexpr (SaysIgnorable<T>) return T::kIgnorable && T::kType == wanted;
      else return false;
    };
    return (one(std::type_identity<std::variant_alternative_t<I, Variant>>{}) || ...);
  }(name, std::make_index_sequence<std::variant_size_v<Variant>>{});
}

/// An event type that concerns a second entity says: std::string second_subject() const ("" for none this time).
template <class T>
concept NamesSecond = requires(const T& event) { { event.second_subject() } -> std::convertible_to<std::string>; };

template <class Variant>
bool variant_names_second(std::string_view name) {
  bool found = false;
  event::for_each_alternative<Variant>([&]<class T>(std::type_identity<T>) {
    if constexpr (NamesSecond<T>) found = found || T::kType == name;
  });
  return found;
}

/// An event type that stands for something with an id of its own, such as an imported row, says: std::string event_id() const
/// (UUID text). Never twice the same within an installation: its decider sees to that.
template <class T>
concept NamesItself = requires(const T& event) { { event.event_id() } -> std::convertible_to<std::string>; };

/// Whose the Personal<> fields of a message are: what its personal_subject() says, else, for an event, its subject.
template <class T>
std::optional<std::string> personal_subject_of(const T& message) {
  if constexpr (!event::contains_personal<T>) {
    return std::nullopt;
  } else if constexpr (requires { message.personal_subject(); }) {
    return std::string(message.personal_subject());
  } else {
    static_assert(requires { message.subject(); }, "a message with Personal<> fields says whose they are: std::string personal_subject() const");
    return std::string(message.subject());
  }
}
template <class... T>
std::optional<std::string> personal_subject_of(const std::variant<T...>& message) {
  return std::visit([](const auto& held) { return personal_subject_of(held); }, message);
}

}  // namespace detail

/// An event of the variant from a recorded one: nullopt when the variant does not have its type; an error when it has, but
/// the data does not decode.
template <class Variant>
Result<std::optional<Variant>> decode_event(const event::Event& recorded, std::string_view domain) {
  const auto type = event::parse_type(recorded.envelope.type);
  if (!type || type->domain != domain) return std::optional<Variant>();
  std::vector<event::FieldError> errors;
  bool known = false;
  auto value = event::decode_variant<Variant>(type->name, type->version, recorded.data, event::Decoding::tolerant, errors, known);
  if (!known) return std::optional<Variant>();
  if (!value) {
    std::string what = "event " + recorded.envelope.id + " of type " + recorded.envelope.type + " does not decode";
    if (!errors.empty()) what += ": " + errors.front().pointer + " " + errors.front().message;
    return make_error(Code::corrupt, std::move(what));
  }
  return value;
}

template <class D>
class TypedCommand final : public DecodedCommand {
 public:
  explicit TypedCommand(typename D::Command value)
      : command(std::move(value)),
        boundary_(std::visit([](const auto& c) { return std::string(c.boundary()); }, command)),
        data_(std::visit([](const auto& c) { return event::to_json(c); }, command)),
        type_(detail::full_type(D::kDomain, command)) {}
  std::string_view boundary() const override { return boundary_; }
  const std::string& canonical_data() const override { return data_; }
  const std::string& type() const override { return type_; }
  std::optional<std::string> personal_subject() const override { return detail::personal_subject_of(command); }

  const typename D::Command command;

 private:
  std::string boundary_, data_, type_;
};

template <class D>
class TypedDecider final : public Decider {
  static_assert(!event::contains_secret<typename D::Command>, "a command holds a Secret<>: turn it into a verifier first");
  static_assert(!event::contains_secret<typename D::Event>, "an event holds a Secret<>");
  static_assert(!event::contains_secret<typename D::Reply>, "a reply holds a Secret<>");
  using Command = typename D::Command;
  using Event = typename D::Event;
  using Reply = typename D::Reply;
  using Settings = typename D::Settings;

 public:
  std::unique_ptr<DecodedCommand> decode(std::string_view name, std::string_view json, BadInput& bad) const override {
    const auto split = detail::split_command_name(name);
    bool known = false;
    auto value = event::decode_variant<Command>(split.name, split.version, json, event::Decoding::strict, bad.errors, known);
    if (!value) return nullptr;
    return std::make_unique<TypedCommand<D>>(std::move(*value));
  }

  Verdict decide(const DecodedCommand& command, const Context& context, std::string_view settings_json, State& state,
                 const std::function<std::string(std::size_t)>& event_id) const override {
    const auto& typed = static_cast<const TypedCommand<D>&>(command);
    const Decision<Event, Reply> decision = D::decide(state, typed.command, context, settings(settings_json));
    Verdict verdict;
    if (const auto* refused = std::get_if<Refused>(&decision)) {
      verdict.kind = Verdict::Kind::refused;
      verdict.reason = refused->reason;
      verdict.detail = refused->detail;
      verdict.status = refused->status;
      return verdict;
    }
    if (const auto* nothing = std::get_if<Nothing<Reply>>(&decision)) {
      verdict.kind = Verdict::Kind::nothing;
      verdict.reply = detail::reply_json(nothing->reply);
      verdict.again_at = nothing->again_at;
      return verdict;
    }
    const auto& accepted = std::get<Accepted<Event, Reply>>(decision);
    TM_ASSERT(!accepted.events.empty(), "an accepted decision has at least one event");
    verdict.kind = Verdict::Kind::accepted;
    verdict.reply = detail::reply_json(accepted.reply);
    verdict.reply_subject = detail::personal_subject_of(accepted.reply);
    const std::size_t reply_bytes = verdict.reply_subject ? verdict.reply.size() / 3 * 4 + kManifestLineBytes : verdict.reply.size();
    verdict.events.reserve(accepted.events.size());
    // The decision record holds the command, the reply and a line for every event.
    if (event::sealed_size_max(typed.canonical_data()) + reply_bytes + accepted.events.size() * kManifestLineBytes > kRecordDataMax) {
      return too_large("decision record");
    }
    std::size_t bytes = 0;
    for (const Event& event : accepted.events) {
      std::visit([&](const auto& e) {
        using T = std::decay_t<decltype(e)>;
        verdict.events.push_back(NewEvent{std::string(T::kTopic), event::make_type(D::kDomain, T::kType, T::kVersion),
                                          e.subject(), e.record_key(), event::to_json(e), detail::personal_subject_of(e)});
        if constexpr (detail::NamesItself<T>) verdict.events.back().id = e.event_id();
      }, event);
      const NewEvent& made = verdict.events.back();
      const std::size_t recorded = event::sealed_size_max(made.data);
      bytes += recorded;
      if (recorded > kRecordDataMax || bytes > log::kLaneBatchBytesMax / 2) return too_large("event " + made.type);
    }
    for (std::size_t i = 0; i < accepted.events.size(); ++i) {
      const std::string id = verdict.events[i].id ? *verdict.events[i].id : event_id(i);
      D::evolve(state, accepted.events[i], EventContext{context.now, id, context.command_id, context.boundary});
    }
    return verdict;
  }

  Result<bool> evolve(const event::Event& recorded, State& state) const override {
    auto event = decode_event<Event>(recorded, D::kDomain);
    if (!event) return event.take_error();
    if (!event->has_value()) return false;
    const auto& envelope = recorded.envelope;
    D::evolve(state, **event, EventContext{envelope.recordedtime.value_or(envelope.time), envelope.id, envelope.commandid, envelope.boundary_key()});
    return true;
  }

  bool is_ignorable(std::string_view type) const override {
    const auto name = event::parse_type(type);
    return name && name->domain == D::kDomain && detail::variant_ignores<Event>(name->name);
  }

  std::string second_subject(const event::Event& recorded) const override {
    const auto type = event::parse_type(recorded.envelope.type);
    if (!type || !detail::variant_names_second<Event>(type->name)) return {};
    const auto event = decode_event<Event>(recorded, D::kDomain);
    if (!event.ok() || !event->has_value()) return {};
    return std::visit([]<class T>(const T& e) -> std::string {
      if constexpr (detail::NamesSecond<T>) return e.second_subject();
      else return {};
    }, **event);
  }

  bool has_personal() const override { return event::any_personal<Command>() || event::any_personal<Event>() || event::any_personal<Reply>(); }

  void find_personal(std::string_view type, event::JsonNode data, std::vector<event::PersonalNode>& found) const override {
    const auto name = event::parse_type(type);
    if (!name || name->domain != D::kDomain) return;
    if (!event::find_personal_in_variant<Event>(name->name, name->version, data, found)) {
      event::find_personal_in_variant<Command>(name->name, name->version, data, found);
    }
  }

 private:
  static constexpr std::size_t kManifestLineBytes = 256;
  static constexpr std::size_t kRecordDataMax = log::kRecordBytesMax - (64u << 10);  // the rest is for the envelope

  static Verdict too_large(const std::string& what) {
    Verdict verdict;
    verdict.kind = Verdict::Kind::refused;
    verdict.reason = "RECORD_TOO_LARGE";
    verdict.detail = "the " + what + " would be larger than a record may be";
    verdict.status = 413;
    return verdict;
  }

  /// Settings change only with LaneTaken, so the last parse is nearly always the one wanted.
  const Settings& settings(std::string_view json) const {
    if (json != cached_json_ || !cached_) {
      std::vector<event::FieldError> errors;
      auto parsed = event::from_json<Settings>(json, event::Decoding::tolerant, errors);
      cached_ = parsed ? std::move(parsed) : std::optional<Settings>(Settings{});
      cached_json_ = json;
    }
    return *cached_;
  }
  mutable std::string cached_json_;
  mutable std::optional<Settings> cached_;
};

template <class P>
class TypedProjection final : public Projection {
 public:
  TypedProjection() : spec_{std::string(P::kName), P::kVersion, P::topics(), P::kMergeable} {}
  const ProjectionSpec& spec() const override { return spec_; }
  Result<void> apply(const event::Event& recorded, RowWriter& rows) const override {
    const std::string_view name = P::kName;
    auto event = decode_event<typename P::Event>(recorded, name.substr(0, name.find('.')));
    if (!event) return event.take_error();
    if (!event->has_value()) return {};
    const auto& envelope = recorded.envelope;
    P::apply(rows, **event, EventContext{envelope.recordedtime.value_or(envelope.time), envelope.id, envelope.commandid, envelope.boundary_key()});
    return {};
  }

 private:
  ProjectionSpec spec_;
};

namespace detail {

template <class T>
void add_message(Contract& contract, Message::Kind kind, bool current) {
  Message message;
  message.kind = kind;
  message.current = current;
  message.schema = event::define_schema<T>(contract.definitions, kind == Message::Kind::command ? event::Openness::closed : event::Openness::open);
  message.name = message.schema;
  if constexpr (event::Versioned<T>) {
    message.name = T::kType;
    message.version = T::kVersion;
  }
  if constexpr (requires { T::kTopic; }) message.topic = T::kTopic;
  if constexpr (SaysIgnorable<T>) message.ignorable = T::kIgnorable;
  if constexpr (requires { T::kDescription; }) message.description = T::kDescription;
  contract.messages.push_back(std::move(message));
  if constexpr (event::HasPrevious<T>) add_message<typename T::Previous>(contract, kind, false);
}

template <class Variant>
void add_messages(Contract& contract, Message::Kind kind) {
  event::for_each_alternative<Variant>([&]<class T>(std::type_identity<T>) {
    if constexpr (!std::is_same_v<T, std::monostate>) add_message<T>(contract, kind, true);
  });
}

}  // namespace detail

/// The contract of a domain, from its types.
template <class D>
Contract contract_of() {
  Contract contract;
  detail::add_messages<typename D::Command>(contract, Message::Kind::command);
  detail::add_messages<typename D::Event>(contract, Message::Kind::event);
  detail::add_messages<typename D::Reply>(contract, Message::Kind::reply);
  detail::add_message<typename D::Settings>(contract, Message::Kind::settings, true);
  return contract;
}

template <class D>
std::shared_ptr<const Decider> make_decider() { return std::make_shared<TypedDecider<D>>(); }
template <class P>
std::shared_ptr<const Projection> make_projection() { return std::make_shared<TypedProjection<P>>(); }

}  // namespace tidemark::runtime
