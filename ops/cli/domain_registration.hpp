#pragma once
// A domain as the composition root introduces it: what it may be set to, its part of the node, its surfaces.
// main.cpp lists the domains of the program, a line each.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/blob/blob_store.hpp"
#include "core/blob/uses.hpp"
#include "core/http/http.hpp"
#include "core/keys/key_ring.hpp"
#include "core/observe/metrics_registry.hpp"
#include "core/runtime/node.hpp"
#include "ops/cli/commands.hpp"
#include "ops/cli/settings.hpp"
#include "replay/shadow/rules.hpp"

namespace tidemark::cli {

/// Services of the node, borrowed; they outlive the surfaces and every request under way.
struct DomainServices {
  runtime::Node& node;
  blob::BlobStore& blobs;
  blob::FileUses& file_uses;          ///< gets what the domain knows of the use of its files
  const keys::KeyRing& keys;
  Executor& blocking;                 ///< for work that takes a while; resumes on the node's scheduler
  runtime::PositionTag position_tag;
  observe::MetricsRegistry* metrics;
};

/// A domain in one node process. Made before the node, destroyed after it. Everything on the main thread.
class DomainInstance {
 public:
  virtual ~DomainInstance() = default;
  /// Called once.
  virtual runtime::Domain domain() = 0;
  /// Refuses a node whose log is not the one that its files are about; called once, before surfaces().
  virtual Result<void> check_log(const log::EventLog& /*log*/) { return {}; }
  /// Called once, when the node is made.
  virtual std::vector<http::Surface> surfaces(const DomainServices& services) = 0;
  /// Whether this route of its surfaces answers while the node starts and stops too: its handler needs nothing of the node.
  virtual bool answers_always(const http::Route& /*route*/) const { return false; }
  /// The boundary whose owner has to answer this route of its surfaces: its handler makes owner calls there. nullopt: any node
  /// answers it.
  virtual std::optional<std::string> boundary(const http::Route& /*route*/) const { return std::nullopt; }
  /// Called once, when the node answers commands: for work beside it.
  virtual void started() {}
  /// Ends that work; called when no request is under way any more and the node still runs. Also without started().
  virtual Task<void> stop() { co_return; }
  /// For a person after the start: a line about each key that a client needs.
  virtual std::vector<std::string> key_lines() const { return {}; }
  /// Shell commands that work when pasted; `url` is the domain's surface. Two at most.
  virtual std::vector<std::string> commands_to_try(const std::string& /*url*/) const { return {}; }
};

/// What a domain promises, for documents: without services, so no handler may be called.
struct DomainTables {
  runtime::Domain domain;
  std::vector<http::Surface> surfaces;
};

struct DomainRegistration {
  std::string name;                   ///< also the prefix of its settings: "builds.api_key"
  std::vector<Setting> settings;
  std::vector<std::string> surfaces;  ///< names, for `listen`
  /// Refuses settings that do not fit each other: invalid_argument with the setting's name. May be empty.
  std::function<Result<void>(const Settings& settings)> check;
  /// Reads what it needs, and makes its key files in `keys` (absolute) at a first start.
  std::function<Result<std::unique_ptr<DomainInstance>>(const Settings& settings, const std::string& keys)> open;
  /// With the settings at their defaults. Without it the domain is in no document.
  std::function<DomainTables()> tables;
  /// Rules for comparing it with the old server named, such as "typescript"; null for an unknown name. May be empty.
  std::function<std::unique_ptr<shadow::Rules>(const std::string& primary)> shadow_rules;
  /// Adds subcommands of its own. May be empty.
  std::function<void(CLI::App& program, Chosen& chosen)> add_commands;
};

/// The domains of this program, as given to run_program().
const std::vector<DomainRegistration>& registered_domains();

}  // namespace tidemark::cli
