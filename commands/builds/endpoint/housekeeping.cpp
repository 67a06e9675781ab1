#include "commands/builds/endpoint/housekeeping.hpp"

#include <utility>
#include <vector>

#include "commands/builds/endpoint/file_uses.hpp"
#include "commands/builds/files.hpp"
#include "commands/builds/queries.hpp"
#include "core/event/json.hpp"
#include "core/observe/log.hpp"
#include "core/runtime/followed_state.hpp"
#include "schemas/builds/commands.hpp"
#include "schemas/builds/topics.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

using namespace schemas::builds;

constexpr std::size_t kPurgesPerPass = 1000;
constexpr Duration kNotReady = std::chrono::milliseconds(500);
constexpr Duration kLongestWait = std::chrono::seconds(30);  // a wait for the state cannot be cancelled

/// Shared with the coroutine, which may outlive the handle.
struct House {
  runtime::Node& node;
  blob::BlobStore& blobs;
  const Settings settings;
  const HousekeepingOptions options;
  bool ended = false;
  PurgesRow purges_seen;                   // whose files have been looked for
  std::optional<SteadyTime> listed;

  /// By the owner of the state, which is another node.
  bool purged_elsewhere() {
    bool purged = false;
    const bool asked = node.ready() && runtime::followed_state(node).state_call(kDomainName, kDefaultPool, [&](const RowReader& state) {
      purged = purge_count(state).count != purges_seen.count;
    }).ok();
    return asked && purged;
  }

  bool owner_call(FnRef<void(const runtime::OwnerView&)> read) {
    return node.ready() && node.owner_call(kDomainName, kDefaultPool, read).ok();
  }
  /// The state to ask about files. What is not heard of there is left alone until it is old.
  bool state_call(FnRef<void(const RowReader& state)> read) { return read_state(node, read); }
};

void warn(std::string_view what, const Error& error) {
  observe::warning(what, {{"code", name_of(error.code)}, {"reason", error.message}});
}

Task<void> purge_due(House& house) {
  std::vector<DueFile> due;
  house.owner_call([&](const runtime::OwnerView& view) { due = due_files(view.state, view.now, house.settings, kPurgesPerPass); });
  for (DueFile& file : due) {
    if (house.ended || !house.node.ready()) co_return;
    const PurgeBlob command{.build_id = std::move(file.build_id), .kind = file.kind, .at_once = false, .pool_id = std::nullopt};
    runtime::CommandRequest request{.domain = std::string(kDomainName), .name = std::string(PurgeBlob::kType),
                                    .data = event::to_json(command), .actor = "system:retention", .tenant = {}, .command_id = {},
                                    .keyed = false, .correlation_id = {}, .causation_id = {}, .traceparent = {}};
    auto deciding = house.node.execute(std::move(request));
    const auto outcome = co_await std::move(deciding);
    if (outcome.kind == runtime::Outcome::Kind::failed) co_return;  // the next pass asks again
  }
}

/// Deletes certificates that were purged, and those of builds that never came to be.
Task<void> clear_certificates(House& house) {
  std::function<blob::Use(std::string_view)> use_of = [&house](std::string_view name) {
    const blob::StoredFile file{true, std::string(name), 0};
    return file_use(house.node, file).value_or(blob::Use::needed);  // unless the state says otherwise
  };
  auto collecting = house.blobs.collect_private(house.options.orphan_age, std::move(use_of));
  const auto removed = co_await std::move(collecting);
  if (!removed.ok()) warn("certificates not cleared", removed.error());
  else if (*removed > 0) observe::info("certificates deleted", {{"files", *removed}});
}

Task<void> clear_objects(House& house) {
  std::function<bool(std::string_view)> is_referenced = [&house](std::string_view sha256) {
    bool used = true;  // unless the state says otherwise
    house.state_call([&](const RowReader& state) { used = is_blob_used(state, sha256); });
    return used;
  };
  auto collecting = house.blobs.collect(house.options.orphan_age, std::move(is_referenced));
  const auto removed = co_await std::move(collecting);
  if (!removed.ok()) warn("unreferenced files not cleared", removed.error());
  else if (*removed > 0) observe::info("unreferenced files deleted", {{"files", *removed}});
}

Task<void> pass(House& house) {
  auto purging = purge_due(house);
  co_await std::move(purging);
  PurgesRow purges = house.purges_seen;
  const bool asked = house.state_call([&](const RowReader& state) { purges = purge_count(state); });
  if (!asked || house.ended) co_return;
  const SteadyTime now = house.node.scheduler().now();
  const bool list = purges.shared != house.purges_seen.shared || !house.listed || now - *house.listed >= house.options.listing_interval;
  auto certificates = clear_certificates(house);
  co_await std::move(certificates);
  if (list && !house.ended) {
    auto objects = clear_objects(house);
    co_await std::move(objects);
    house.listed = now;
  }
  house.purges_seen = purges;
}

/// Until the interval is over or something was purged.
Task<void> wait(House& house) {
  Scheduler& scheduler = house.node.scheduler();
  const SteadyTime until = scheduler.now() + house.options.interval;
  while (!house.ended && scheduler.now() < until) {
    if (house.node.ready()) {
      std::function<bool(const runtime::OwnerView&)> wanted = [&house](const runtime::OwnerView& view) {
        return purge_count(view.state).count != house.purges_seen.count;
      };
      auto waiting = house.node.wait_owner(std::string(kDomainName), std::string(kDefaultPool), std::min(until, scheduler.now() + kLongestWait),
                                           std::move(wanted));
      const auto waited = co_await std::move(waiting);
      if (waited.ok()) co_return;
      if (waited.error().code == Code::timed_out) continue;
    }
    auto pausing = sleep_for(scheduler, kNotReady);
    co_await pausing;
    if (house.purged_elsewhere()) co_return;
  }
}

Task<void> run(std::shared_ptr<House> house) {
  while (!house->ended) {
    if (house->node.ready()) {
      auto passing = pass(*house);
      co_await std::move(passing);
    }
    if (house->ended) co_return;
    auto waiting = wait(*house);
    co_await std::move(waiting);
  }
}

class KeptHouse final : public Housekeeping {
 public:
  explicit KeptHouse(std::shared_ptr<House> house) : house_(std::move(house)) {}
  ~KeptHouse() override { house_->ended = true; }

 private:
  const std::shared_ptr<House> house_;
};

}  // namespace

std::unique_ptr<Housekeeping> keep_house(runtime::Node& node, blob::BlobStore& blobs, Settings settings, HousekeepingOptions options) {
  auto house = std::make_shared<House>(House{node, blobs, settings, options, false, PurgesRow{}, std::nullopt});
  node.scheduler().post([house] { spawn(run(house)); });
  return std::make_unique<KeptHouse>(house);
}

}  // namespace tidemark::commands::builds::endpoint
