// Files of builds that have ended: certificates after a week, sources and results when the settings say so.

#include "commands/builds/files.hpp"
#include "commands/builds/rules.hpp"

namespace tidemark::commands::builds {
namespace {

/// How long such a file is kept after the end of its build; nothing: for ever.
std::optional<std::int64_t> kept_ms(const Settings& settings, BlobKind kind) {
  if (kind == BlobKind::certs) return settings.certs_kept_ms;
  const std::int64_t kept = kind == BlobKind::source ? settings.sources_kept_ms : settings.results_kept_ms;
  if (kept == 0) return std::nullopt;
  return kept;
}

}  // namespace

std::optional<std::int64_t> certs_due_at(const Scene& scene, const BuildRow& build) {
  if (!build.certs) return std::nullopt;
  return scene.now + scene.settings.certs_kept_ms;
}

Outcome decide_purge(const Scene& scene, const PurgeBlob& command) {
  const auto build = scene.build(command.build_id);
  if (!build) return refuse(kBuildNotFound);
  if (!is_terminal(build->status)) return refuse(kBlobStillNeeded);
  const BlobRef* file = file_of(*build, command.kind);
  const PurgedReply no{.build_id = build->id, .kind = command.kind, .purged = false};
  if (file == nullptr) return Nothing<Reply>{no, std::nullopt};
  if (!command.at_once) {
    const auto kept = kept_ms(scene.settings, command.kind);
    if (!kept) return Nothing<Reply>{no, std::nullopt};
    const std::int64_t due = kept_since(*build) + *kept;
    if (scene.now < due) return Nothing<Reply>{no, from_ms(due)};
  }
  Draft draft(scene);
  draft.add(BlobPurged{.pool_id = scene.pool(), .sha256 = file->sha256, .kind = command.kind, .build_id = build->id});
  return std::move(draft).answer(PurgedReply{.build_id = build->id, .kind = command.kind, .purged = true});
}

const BlobRef* file_of(const BuildRow& build, BlobKind kind) {
  switch (kind) {
    case BlobKind::source: return build.source.sha256.empty() ? nullptr : &build.source;
    case BlobKind::certs: return build.certs ? &*build.certs : nullptr;
    case BlobKind::result: return build.result ? &*build.result : nullptr;
  }
  return nullptr;
}

std::vector<DueFile> due_files(const RowReader& state, Time now, const Settings& settings, std::size_t files_max) {
  std::vector<DueFile> due;
  for (const BlobKind kind : {BlobKind::certs, BlobKind::source, BlobKind::result}) {
    const auto kept = kept_ms(settings, kind);
    if (!kept) continue;
    kEndedFiles.scan(state, [&](const auto& key, const IdRow&) {
      if (due.size() == files_max || std::get<1>(key) + *kept > to_ms(now)) return false;
      due.push_back(DueFile{std::get<2>(key), kind});
      return true;
    }, kind);
  }
  return due;
}

CertsUse certs_use(const RowReader& state, std::string_view build_id) {
  const auto build = kBuilds.get(state, std::string(build_id));
  if (!build) return CertsUse::unknown;
  return build->certs ? CertsUse::needed : CertsUse::gone;
}

PurgesRow purge_count(const RowReader& state) { return kPurges.get(state).value_or(PurgesRow{}); }

}  // namespace tidemark::commands::builds
