#pragma once
// What every handler of this surface is given: the services, and the few steps all of them share.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "commands/builds/endpoint/answers.hpp"
#include "commands/builds/endpoint/metrics.hpp"
#include "commands/builds/endpoint/registration.hpp"
#include "commands/builds/tables.hpp"
#include "core/base/turns.hpp"
#include "core/base/turns_by_name.hpp"
#include "core/event/json.hpp"
#include "schemas/builds/ids.hpp"
#include "schemas/builds/topics.hpp"
#include "schemas/builds/types.hpp"

namespace tidemark::commands::builds::endpoint {

inline constexpr std::string_view kDomain = schemas::builds::kDomainName;

/// A command id, drawn by the node when empty.
struct CommandName {
  std::string id;
  bool keyed = false;  ///< the client named it
};

/// Public figures as last made.
struct PublicStats {
  std::string json;
  SteadyTime made{};
};

struct Api {
  explicit Api(BuildsServices given) : services(std::move(given)), metrics(services.metrics), bundles(services.node.scheduler(), 1),
        named_builds(services.node.scheduler()) {}
  BuildsServices services;
  BuildsMetrics metrics;
  PublicStats stats;
  /// One bundle of certificates is opened at a time: it may hold 50 MiB. An answer above kKeptAnswerBytes keeps its turn until its
  /// client has read it, has gone, or kAnswerDeadline is over, which cuts it: one such answer lives at a time, and who asks meanwhile waits.
  Turns bundles;
  /// Of builds that requests with an Idempotency-Key are about to make: the next one under the same key sees what came of it
  /// before it writes a file.
  TurnsByName named_builds;
  static constexpr std::size_t kKeptAnswerBytes = 1u << 20;
  static constexpr Duration kAnswerDeadline = std::chrono::seconds(60);

  runtime::Node& node() { return services.node; }
  blob::BlobStore& blobs() { return services.blobs; }
  const keys::KeyRing& keys() const { return services.keys; }
  const schemas::builds::Settings& settings() const { return services.settings; }

  /// Decides and records, then waits until every read model of the domain shows it: once this answers, any later request
  /// observes it. What only repeats the present waits for whatever was acknowledged before, for the same reason.
  Task<runtime::Outcome> execute(runtime::CommandRequest request);
  // Two, because g++ 12 destroys a default argument twice when the call is awaited in the same statement.
  template <class Command>
  Task<runtime::Outcome> execute(const http::Request& request, const Command& command, std::string actor) {
    return execute(request, command, std::move(actor), CommandName());
  }
  template <class Command>
  Task<runtime::Outcome> execute(const http::Request& request, const Command& command, std::string actor, CommandName name) {
    return execute(make_request(request, command, std::move(actor), std::move(name)));
  }
  /// Decides and records, and waits for no read model.
  template <class Command>
  Task<runtime::Outcome> decide(const http::Request& request, const Command& command, std::string actor, CommandName name) {
    return node().execute(make_request(request, command, std::move(actor), std::move(name)));
  }

  /// Waits (bounded) until the read models show everything acknowledged so far. False: they are behind.
  Task<bool> settle();

  /// Waits (bounded) until that read model shows everything acknowledged so far. False: it is behind.
  Task<bool> wait_for_model(std::string_view projection);

  /// Owner state of the pool. False when this node cannot answer for it now.
  bool owner_call(FnRef<void(const runtime::OwnerView&)> read);

  template <class Command>
  static runtime::CommandRequest make_request(const http::Request& request, const Command& command, std::string actor, CommandName name) {
    return runtime::CommandRequest{.domain = std::string(kDomain), .name = std::string(Command::kType),
                                   .data = event::to_json(command), .actor = std::move(actor), .tenant = {},
                                   .command_id = std::move(name.id), .keyed = name.keyed, .correlation_id = {},
                                   .causation_id = {}, .traceparent = std::string(request.traceparent())};
  }

  /// Text of the token that is a MAC under `key_id`: it can be made again and is never stored. Empty for a destroyed key.
  std::string token(std::string_view key_id, std::string_view purpose, std::initializer_list<std::string_view> parts) const;
};

/// Text of the token of the build's virtual machine, as last issued; and of the one-time password of its present attempt.
std::string vm_token(const Api& api, const BuildRow& build);
std::string one_time_password(const Api& api, std::string_view key_id, std::string_view build_id, std::uint32_t attempt);

/// A fresh command id, or the one that the request's Idempotency-Key names.
CommandName name_command(Api& api, const http::Request& request, std::string_view route);

/// The answer to a command that was not done: a refusal brings text and status of the contract, `failed` is the route's 500 text.
http::Response answer_for(const runtime::Outcome& outcome, std::string_view failed = kInternalText);

/// A line for the operator about a file that should be there and cannot be used: damage is an error, absence a warning.
/// `file` is the name under which it would have been sent.
void log_unusable_file(std::string_view file, const Error& error);

/// Reads a JSON body. An empty one is {} (old clients announce JSON and send none).
struct JsonBody {
  std::string text;
  std::optional<event::JsonDocument> document;   ///< of `text`; absent when the body was empty
  std::optional<http::Response> refusal;         ///< set: send this
  event::JsonNode root() const { return document ? document->root() : event::JsonNode(); }
};
Task<std::unique_ptr<JsonBody>> read_json(http::Request& request, std::size_t bytes_max = 1u << 20);

}  // namespace tidemark::commands::builds::endpoint
