#include "ops/cli/domains/builds_import/parity.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <vector>

#include "commands/builds/import.hpp"
#include "core/event/json_document.hpp"
#include "core/event/json_writer.hpp"
#include "ops/cli/client.hpp"
#include "projections/builds/builds_model.hpp"
#include "projections/builds/diagnostics_model.hpp"
#include "projections/builds/endpoint/render.hpp"
#include "projections/builds/endpoint/render_samples.hpp"
#include "projections/builds/endpoint/uptime.hpp"
#include "projections/builds/logs_model.hpp"

namespace tidemark::cli::builds_import {
namespace {

using namespace schemas::builds;
using event::JsonWriter;
namespace model = projections::builds;
namespace render = projections::builds::endpoint;

constexpr std::string_view kRows = "rows", kServer = "server";
constexpr std::uint64_t kReportsMax = 1'000'000;

// --- JSON as values ----------------------------------------------------------------------------------------------

void canonical(event::JsonNode node, std::string& out) {
  if (node.is_object()) {
    std::map<std::string, std::string> members;
    for (const auto& [name, value] : node.members()) {
      std::string text;
      canonical(value, text);
      members[std::string(name)] = std::move(text);
    }
    out += '{';
    for (const auto& [name, value] : members) out += event::escape_json_string(name) + ":" + value + ",";
    out += '}';
  } else if (node.is_array()) {
    out += '[';
    for (const event::JsonNode item : node.items()) {
      canonical(item, out);
      out += ',';
    }
    out += ']';
  } else if (const auto text = node.as_string()) {
    event::write_json_string(out, *text);
  } else if (const auto number = node.as_double()) {
    event::write_json_double(out, *number);
  } else {
    out += node.raw();
  }
}

std::optional<std::string> canonical(std::string_view json) {
  const auto document = event::JsonDocument::parse(json, {.bytes = 1u << 30, .depth = 64, .replace_lone_surrogates = true});
  if (!document.ok()) return std::nullopt;
  std::string out;
  canonical(document->root(), out);
  return out;
}

std::string shortened(std::string_view text) {
  constexpr std::size_t kShown = 400;
  return std::string(text.substr(0, kShown)) + (text.size() > kShown ? "..." : "");
}
std::string both(std::string_view old, std::string_view present) { return "old " + shortened(old) + ", new " + shortened(present); }

// --- the old answers, from the rows ------------------------------------------------------------------------------

template <class T>
void nullable(JsonWriter& json, std::string_view name, const std::optional<T>& value) {
  json.key(name);
  if (value) json.value(*value);
  else json.null();
}

std::string old_status(const legacy::Build& row) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  nullable(json, "id", row.id);
  nullable(json, "status", row.status);
  nullable(json, "platform", row.platform);
  nullable(json, "worker_id", row.worker_id);
  nullable(json, "submitted_at", row.submitted_at);
  nullable(json, "started_at", row.started_at);
  nullable(json, "completed_at", row.completed_at);
  nullable(json, "error_message", row.error_message);
  json.end_object();
  return out;
}
/// The same of a row as the import read it.
std::string old_status(const ImportedBuild& build) {
  std::string out;
  JsonWriter json(out);
  const BuildStatus shown = build.status == BuildStatus::cancelled ? BuildStatus::failed : build.status;
  json.begin_object().member("id", build.id).member("status", name_of(shown)).member("platform", name_of(build.platform));
  nullable(json, "worker_id", build.worker_id);
  json.member("submitted_at", build.submitted_at);
  nullable(json, "started_at", build.started_at);
  nullable(json, "completed_at", build.completed_at);
  nullable(json, "error_message", build.error_message);
  json.end_object();
  return out;
}

std::string list_item(std::string_view id, std::string_view status, std::int64_t submitted_at, const std::optional<std::int64_t>& completed_at) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("id", id).member("status", status).member("createdAt", to_rfc3339(from_ms(submitted_at)));
  if (completed_at) json.member("completedAt", to_rfc3339(from_ms(*completed_at)));
  json.end_object();
  return out;
}

std::string line_json(std::int64_t timestamp, std::string_view level, std::string_view message) {
  std::string out;
  JsonWriter(out).begin_object().member("timestamp", timestamp).member("level", level).member("message", message).end_object();
  return out;
}

std::string worker_stats(std::uint64_t completed, std::uint64_t failed, std::string_view name, std::string_view status, std::int64_t registered_at, Time now) {
  std::string out;
  JsonWriter(out).begin_object().member("totalBuilds", completed + failed).member("successfulBuilds", completed).member("failedBuilds", failed)
      .member("workerName", name).member("status", status).member("uptime", render::uptime_text(now - from_ms(registered_at))).end_object();
  return out;
}

std::string report_json(std::string_view id, std::string_view worker_id, std::string_view status, std::int64_t run_at, std::int64_t duration_ms, bool auto_fixed,
                        std::string_view checks) {
  std::string out;
  JsonWriter(out).begin_object().member("id", id).member("worker_id", worker_id).member("status", status).member("run_at", run_at)
      .member("duration_ms", duration_ms).member("auto_fixed", auto_fixed).key("checks").raw(checks).end_object();
  return out;
}
std::string report_json(const ImportedDiagnostic& report) {
  return report_json(report.id, report.worker_id, name_of(report.status), report.run_at, report.duration_ms, report.auto_fixed, canonical(report.checks.raw).value_or(""));
}

std::size_t hash_of(std::string_view text) { return std::hash<std::string_view>{}(text); }

// --- the comparison with rows ------------------------------------------------------------------------------------

class RowComparison {
 public:
  RowComparison(const Source& source, OfflineParts parts, bool fresh, Report& report)
      : source_(source), parts_(parts), fresh_(fresh), report_(report),
        builds_(parts.node.projection_snapshot(model::BuildsModel::kName)), logs_(parts.node.projection_snapshot(model::LogsModel::kName)),
        diagnostics_(parts.node.projection_snapshot(model::DiagnosticsModel::kName)), now_(parts.node.scheduler().wall()) {}

  Result<void> run() {
    for (const auto step : {&RowComparison::builds, &RowComparison::list, &RowComparison::logs, &RowComparison::workers, &RowComparison::diagnostics}) {
      if (auto done = (this->*step)(); !done) return done;
    }
    return {};
  }

 private:
  void say(std::string_view check, std::string_view key, Report::Parity parity, const std::string& detail = {}) {
    report_.parity(kRows, check, key, parity, detail);
  }
  /// The row as the import read it. That was when its worker may have been at work on something else.
  std::optional<ImportedBuild> as_read(const legacy::Build& row, const model::BuildView& view) const {
    const Holder holder = view.status == BuildStatus::pending ? Holder::elsewhere : source_.holder_of(row);
    return map_build(row, {}, holder, {}).value;
  }
  bool untouched(const std::string& id) const {
    bool is = false;
    (void)parts_.node.owner_call(kDomainName, kDefaultPool, [&](const runtime::OwnerView& view) { is = commands::builds::is_untouched(view.state, id); });
    return is;
  }

  Result<void> builds() {
    return replay::scan_rows<legacy::Build>(source_.rows(), {}, [&](legacy::Build&& row, const auto&) {
      const std::string id = row.id.value_or("(no id)");
      const auto view = model::find_build(*builds_, id);
      if (!view) {
        say("status", id, Report::Parity::different, "the build is not here");
        return true;
      }
      const std::string present = render::status_json(*view), old = old_status(row);
      if (present == old) {
        say("status", id, Report::Parity::equal);
        return true;
      }
      const auto mapped = as_read(row, *view);
      if (mapped && present == old_status(*mapped)) say("status", id, Report::Parity::explained, "as the import reads the row: " + both(old, present));
      else if (!fresh_ && !untouched(id)) say("status", id, Report::Parity::explained, "it has gone on here: " + both(old, present));
      else say("status", id, Report::Parity::different, both(old, present));
      return true;
    });
  }

  /// Newest first; builds of one time in any order.
  Result<void> list() {
    using Item = std::pair<std::int64_t, std::size_t>;
    std::vector<Item> old, present;
    auto scanned = replay::scan_rows<legacy::Build>(source_.rows(), {}, [&](legacy::Build&& row, const auto&) {
      const auto view = model::find_build(*builds_, row.id.value_or(""));
      const auto mapped = as_read(row, view.value_or(model::BuildView{}));
      if (!mapped) return true;
      const std::string id = mapped->id;
      // What is explained of a build's status is explained of its place in the list.
      const bool as_row = view && (fresh_ || untouched(id));
      const std::string_view status = as_row ? name_of(model::shown_status(mapped->status)) : view ? name_of(model::shown_status(view->status)) : "";
      const auto completed = as_row || !view ? mapped->completed_at : view->completed_at;
      old.emplace_back(mapped->submitted_at, hash_of(list_item(id, status, mapped->submitted_at, completed)));
      return true;
    });
    if (!scanned) return scanned;
    bool in_order = true;
    model::scan_newest(*builds_, {}, [&](const model::ListItem& item) {
      bool imported = false;
      (void)parts_.node.owner_call(kDomainName, kDefaultPool, [&](const runtime::OwnerView& view) { imported = commands::builds::is_imported(view.state, item.id); });
      if (!imported) return true;
      in_order = in_order && (present.empty() || present.back().first >= item.submitted_at);
      present.emplace_back(item.submitted_at, hash_of(list_item(item.id, name_of(model::shown_status(item.status)), item.submitted_at, item.completed_at)));
      return true;
    });
    std::sort(old.begin(), old.end());
    std::sort(present.begin(), present.end());
    if (in_order && old == present) say("list", "all", Report::Parity::equal);
    else say("list", "all", Report::Parity::different, in_order ? std::to_string(old.size()) + " builds there, " + std::to_string(present.size()) + " here, or others" : "not newest first");
    return {};
  }

  Result<void> logs() {
    Result<void> failure;
    auto scanned = replay::scan_rows<legacy::Build>(source_.rows(), {}, [&](legacy::Build&& row, const auto&) {
      const std::string id = row.id.value_or("");
      if (!model::find_build(*builds_, id)) return true;
      failure = logs_of(id);
      return failure.ok();
    });
    return failure.ok() ? scanned : failure;
  }
  Result<void> logs_of(const std::string& id) {
    std::vector<std::size_t> raw, read, present;
    auto scanned = replay::scan_rows<legacy::BuildLog>(source_.rows(), {"timestamp", "id"}, [&](legacy::BuildLog&& row, const auto&) {
      raw.push_back(hash_of(line_json(row.timestamp.value_or(-1), row.level.value_or(""), row.message.value_or(""))));
      if (const auto line = map_line(row).value) read.push_back(hash_of(line_json(line->timestamp, name_of(line->level), line->message)));
      return true;
    }, std::pair{std::string("build_id"), replay::SqliteValue(id)});
    if (!scanned) return scanned;
    model::scan_logs(*logs_, id, 0, [&](std::uint64_t, std::string_view line) {
      present.push_back(hash_of(line));
      return true;
    });
    if (present == raw) {
      say("logs", id, Report::Parity::equal);
      return {};
    }
    const std::string counts = std::to_string(raw.size()) + " lines there, " + std::to_string(present.size()) + " here";
    if (present == read) {
      say("logs", id, Report::Parity::explained, "as the import reads the rows: " + counts);
      return {};
    }
    // Lines that came later stand behind those that were here before.
    std::sort(read.begin(), read.end());
    std::sort(present.begin(), present.end());
    const bool all_here = std::includes(present.begin(), present.end(), read.begin(), read.end());
    if (present == read) say("logs", id, Report::Parity::explained, "all lines, in the order of their coming: " + counts);
    else if (!fresh_ && all_here) say("logs", id, Report::Parity::explained, "the build has gone on here: " + counts);
    else say("logs", id, Report::Parity::different, counts);
    return {};
  }

  Result<void> workers() {
    return replay::scan_rows<legacy::Worker>(source_.rows(), {}, [&](legacy::Worker&& row, const auto&) {
      const std::string id = row.id.value_or("(no id)");
      const auto view = model::find_worker(*builds_, id);
      if (!view) {
        say("worker stats", id, Report::Parity::different, "the worker is not here");
        return true;
      }
      const auto count = [](const std::optional<std::int64_t>& value) { return static_cast<std::uint64_t>(value.value_or(0)); };
      const std::string present = render::worker_stats_json(*view, now_);
      const std::string old = worker_stats(count(row.builds_completed), count(row.builds_failed), row.name.value_or(""), row.status.value_or(""), row.registered_at.value_or(0), now_);
      if (present == old) {
        say("worker stats", id, Report::Parity::equal);
        return true;
      }
      const auto mapped = map_worker(row).value;
      if (mapped) {
        // Who is at work is said by the builds that it has.
        const std::string read = worker_stats(mapped->builds_completed, mapped->builds_failed, mapped->name, name_of(view->status), mapped->registered_at, now_);
        if (present == read) {
          say("worker stats", id, Report::Parity::explained, "as the import reads the row: " + both(old, present));
          return true;
        }
        if (!fresh_ && view->builds_completed >= mapped->builds_completed && view->registered_at <= mapped->registered_at) {
          say("worker stats", id, Report::Parity::explained, "it has gone on here: " + both(old, present));
          return true;
        }
      }
      say("worker stats", id, Report::Parity::different, both(old, present));
      return true;
    });
  }

  Result<void> diagnostics() {
    Result<void> failure;
    auto scanned = replay::scan_rows<legacy::Worker>(source_.rows(), {}, [&](legacy::Worker&& row, const auto&) {
      if (row.id && model::find_worker(*builds_, *row.id)) failure = diagnostics_of(*row.id);
      return failure.ok();
    });
    return failure.ok() ? scanned : failure;
  }
  /// Newest first; reports of one time in any order.
  Result<void> diagnostics_of(const std::string& id) {
    using Item = std::pair<std::int64_t, std::size_t>;
    std::vector<Item> raw, read, present;
    const std::int64_t oldest = to_ms(now_ - kSamplesShown);
    auto scanned = replay::scan_rows<legacy::Diagnostic>(source_.rows(), {}, [&](legacy::Diagnostic&& row, const auto&) {
      if (row.run_at.value_or(0) >= oldest) {
        const auto checks = canonical(row.checks.value_or(""));
        raw.emplace_back(row.run_at.value_or(0), hash_of(report_json(row.id.value_or(""), id, row.status.value_or(""), row.run_at.value_or(0), row.duration_ms.value_or(0),
                                                                     row.auto_fixed.value_or(0) != 0, checks.value_or("(no JSON)"))));
      }
      const auto mapped = map_diagnostic(row).value;
      if (mapped && mapped->run_at >= oldest) read.emplace_back(mapped->run_at, hash_of(report_json(*mapped)));
      return true;
    }, std::pair{std::string("worker_id"), replay::SqliteValue(id)});
    if (!scanned) return scanned;
    bool in_order = true;
    model::scan_diagnostics(*diagnostics_, id, now_, [&](const model::DiagnosticView& view) {
      in_order = in_order && (present.empty() || present.back().first >= view.run_at);
      present.emplace_back(view.run_at, hash_of(report_json({view.id, view.worker_id, view.status, view.run_at, view.duration_ms, view.auto_fixed, {view.checks}})));
      return true;
    });
    for (auto* items : {&raw, &read, &present}) std::sort(items->begin(), items->end());
    const std::string counts = std::to_string(raw.size()) + " reports there, " + std::to_string(present.size()) + " here";
    if (!in_order) say("diagnostics", id, Report::Parity::different, "not newest first");
    else if (present == raw) say("diagnostics", id, Report::Parity::equal);
    else if (present == read) say("diagnostics", id, Report::Parity::explained, "as the import reads the rows: " + counts);
    else if (!fresh_ && std::includes(present.begin(), present.end(), read.begin(), read.end())) say("diagnostics", id, Report::Parity::explained, "the worker has gone on here: " + counts);
    else say("diagnostics", id, Report::Parity::different, counts);
    return {};
  }

  const Source& source_;
  const OfflineParts parts_;
  const bool fresh_;
  Report& report_;
  const std::shared_ptr<const RowReader> builds_, logs_, diagnostics_;
  const Time now_;
};

// --- the comparison with the old server --------------------------------------------------------------------------

class ServerComparison {
 public:
  ServerComparison(const Source& source, OfflineParts parts, const std::string& url, const std::string& api_key, Report& report)
      : source_(source), parts_(parts), client_(url, ""), api_key_(api_key), report_(report),
        builds_(parts.node.projection_snapshot(model::BuildsModel::kName)), logs_(parts.node.projection_snapshot(model::LogsModel::kName)),
        diagnostics_(parts.node.projection_snapshot(model::DiagnosticsModel::kName)) {}

  Result<void> run() {
    auto reached = client_.call("GET", "/health");
    if (!reached) return reached.take_error();
    compare("list", "all", "/api/builds", {render::list_json(*builds_, {})});
    auto scanned = replay::scan_rows<legacy::Build>(source_.rows(), {"submitted_at", "id"}, [&](legacy::Build&& row, const auto&) {
      const std::string id = row.id.value_or("");
      const auto view = model::find_build(*builds_, id);
      if (!view) {
        report_.parity(kServer, "status", id, Report::Parity::different, "the build is not here");
        return true;
      }
      compare("status", id, "/api/builds/" + id + "/status", {render::status_json(*view)});
      compare("logs", id, "/api/builds/" + id + "/logs", {render::logs_json(*logs_, id, std::nullopt)});
      return true;
    });
    if (!scanned) return scanned;
    return replay::scan_rows<legacy::Worker>(source_.rows(), {}, [&](legacy::Worker&& row, const auto&) {
      const std::string id = row.id.value_or("");
      const auto view = model::find_worker(*builds_, id);
      if (!view) {
        report_.parity(kServer, "worker stats", id, Report::Parity::different, "the worker is not here");
        return true;
      }
      // Its clock is another one, and time passes meanwhile.
      std::vector<std::string> answers;
      const Time now = parts_.node.scheduler().wall();
      for (int seconds = -2; seconds <= 5; ++seconds) answers.push_back(render::worker_stats_json(*view, now + std::chrono::seconds(seconds)));
      compare("worker stats", id, "/api/workers/" + id + "/stats", answers);
      compare("diagnostics", id, "/api/diagnostics/" + id + "?limit=" + std::to_string(kReportsMax), {render::diagnostics_json(*diagnostics_, id, kReportsMax, now)});
      return true;
    });
  }

 private:
  /// Any of `present` will do.
  void compare(std::string_view check, const std::string& key, const std::string& target, const std::vector<std::string>& present) {
    const auto answer = client_.call("GET", target, {}, {{"X-API-Key", api_key_}});
    if (!answer) return report_.parity(kServer, check, key, Report::Parity::different, answer.error().message);
    if (answer->status != 200) {
      return report_.parity(kServer, check, key, Report::Parity::different, "the old server answers " + std::to_string(answer->status) + " " + shortened(answer->body));
    }
    for (const std::string& candidate : present) {
      if (same_json(answer->body, candidate)) return report_.parity(kServer, check, key, Report::Parity::equal);
    }
    report_.parity(kServer, check, key, Report::Parity::different, both(answer->body, present.front()));
  }

  const Source& source_;
  const OfflineParts parts_;
  Client client_;
  const std::string api_key_;
  Report& report_;
  const std::shared_ptr<const RowReader> builds_, logs_, diagnostics_;
};

}  // namespace

bool same_json(std::string_view left, std::string_view right) {
  if (left == right) return true;
  const auto first = canonical(left), second = canonical(right);
  return first && second && *first == *second;
}

Result<void> compare_with_rows(const Source& source, OfflineParts parts, bool fresh, Report& report) {
  return RowComparison(source, parts, fresh, report).run();
}

Result<void> compare_with_server(const Source& source, OfflineParts parts, const std::string& url, const std::string& api_key, Report& report) {
  return ServerComparison(source, parts, url, api_key, report).run();
}

}  // namespace tidemark::cli::builds_import
