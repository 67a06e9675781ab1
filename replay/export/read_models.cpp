#include "replay/export/read_models.hpp"

#include <algorithm>
#include <map>

#include "core/runtime/domain_runtime.hpp"
#include "core/runtime/projection_fold.hpp"
#include "core/runtime/projection_skip.hpp"
#include "core/runtime/projection_stores.hpp"
#include "core/runtime/state_fold.hpp"

namespace tidemark::replay {
namespace {

class NodeModels final : public ReadModels {
 public:
  explicit NodeModels(runtime::Node& node) : node_(node) {}
  Task<Result<void>> wait(std::string model, runtime::Position needed, Duration patience) override {
    return node_.wait_applied(std::move(model), std::move(needed), node_.scheduler().now() + patience);
  }
  std::shared_ptr<const RowReader> rows(std::string_view model) override { return node_.projection_snapshot(model); }

 private:
  runtime::Node& node_;
};

class StoppedModels final : public ReadModels {
 public:
  Task<Result<void>> wait(std::string, runtime::Position, Duration) override { co_return Result<void>(); }
  std::shared_ptr<const RowReader> rows(std::string_view model) override { return stores_.at(std::string(model)); }

  Result<void> load(const runtime::Projection& projection, const std::shared_ptr<const runtime::Projection>& shared, const runtime::DomainRuntime& domain,
                    log::EventLog& log, store::StoreFactory& factory, const runtime::NodeOptions& options) {
    const auto& spec = projection.spec();
    runtime::ProjectionSource source{shared, {}, log};
    for (const auto& name : spec.topics) source.topics.push_back(domain.topics.at(domain.topic_index(name)));
    runtime::ProjectionStores stores(factory, spec);
    auto current = stores.open_current();
    if (!current) return current.take_error();
    runtime::ProjectionFold fold(source, current->store);
    if (auto opened = fold.open(runtime::load_skips(*domain.state, spec), options.bulk_bytes); !opened) return opened;
    while (true) {
      auto more = fold.bulk_some();
      if (!more) return more.take_error();
      if (!*more) break;
    }
    if (auto finished = fold.finish_bulk(); !finished) return finished;
    for (std::size_t i = 0; i < source.partitions(); ++i) {
      while (true) {
        auto more = fold.apply_some(i);
        if (!more) return more.take_error();
        if (!*more) break;
      }
      if (const auto& fault = fold.fault(i)) {
        return make_error(Code::unavailable, "read model " + spec.name + " stands at " + fault->topic + " lane " + std::to_string(fault->lane.value) + " tmseq " +
                                                 std::to_string(fault->at.value) + ": " + fault->error.message);
      }
    }
    if (auto flushed = current->store->flush(); !flushed) return flushed;
    stores_[spec.name] = current->store;
    return {};
  }

 private:
  std::map<std::string, std::shared_ptr<store::Store>> stores_;
};

}  // namespace

std::unique_ptr<ReadModels> models_of_node(runtime::Node& node) { return std::make_unique<NodeModels>(node); }

Result<std::unique_ptr<ReadModels>> models_of_stopped_node(const runtime::Domain& domain, const std::vector<std::string>& models, log::EventLog& log,
                                                           store::StoreFactory& stores, const runtime::NodeOptions& options) {
  auto runtime = runtime::open_domain(domain, log, stores);
  if (!runtime) return runtime.take_error();
  auto same = runtime::store_matches_log(*runtime->state, runtime->topics, log);
  if (!same) return same.take_error();
  if (!*same) {
    if (auto cleared = runtime->state->clear(); !cleared) return cleared.take_error();
  }
  // The state says which events an operator has left out.
  const std::atomic<bool> abandoned{false};
  auto folded = runtime::fold_all_lanes(*runtime, log, options.idempotency_window, options.bulk_bytes, abandoned);
  if (!folded) return folded.take_error();
  if (auto flushed = runtime->state->flush(); !flushed) return flushed.take_error();
  auto made = std::make_unique<StoppedModels>();
  for (const auto& name : models) {
    const auto found = std::find_if(domain.projections.begin(), domain.projections.end(), [&](const auto& p) { return p->spec().name == name; });
    if (found == domain.projections.end()) return make_error(Code::not_found, "there is no read model " + name);
    if (auto loaded = made->load(**found, *found, *runtime, log, stores, options); !loaded) return loaded.take_error();
  }
  return std::unique_ptr<ReadModels>(std::move(made));
}

}  // namespace tidemark::replay
