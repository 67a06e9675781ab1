#include "projections/builds/logs_model.hpp"

#include "core/base/table.hpp"
#include "core/event/json_writer.hpp"

namespace tidemark::projections::builds {
namespace {

constexpr Table<std::string, std::string, std::uint64_t> kLines{16};  // build id, number

}  // namespace

void LogsModel::apply(RowWriter& rows, const Event& event, const EventContext& context) {
  std::uint64_t seq = std::visit([](const auto& e) { return e.first_seq; }, event);
  for_each_line(event, to_ms(context.time), [&](const std::string& build_id, std::int64_t timestamp, schemas::builds::LogLevel level,
                                                const std::string& message) {
    std::string line;
    event::JsonWriter json(line);
    json.begin_object().member("timestamp", timestamp).member("level", schemas::builds::name_of(level));
    json.member("message", message).end_object();
    kLines.put(rows, build_id, seq++, line);
  });
}

void for_each_line(const LogsModel::Event& event, std::int64_t now,
                   FnRef<void(const std::string&, std::int64_t, schemas::builds::LogLevel, const std::string&)> visit) {
  if (const auto* appended = std::get_if<schemas::builds::BuildLogAppended>(&event)) {
    for (const auto& entry : appended->entries) visit(appended->build_id, now, entry.level, entry.message);
  } else if (const auto* imported = std::get_if<schemas::builds::BuildLogImported>(&event)) {
    for (const auto& line : imported->logs.lines) visit(imported->logs.build_id, line.timestamp, line.level, line.message);
  }
}

void scan_logs(const RowReader& rows, std::string_view build_id, std::uint64_t first,
               FnRef<bool(std::uint64_t seq, std::string_view json)> visit) {
  const std::string id(build_id);
  kLines.scan_from(rows, [&](const auto& key, const std::string& line) {
    if (std::get<0>(key) != id) return false;
    return visit(std::get<1>(key), line);
  }, id, first);
}

void append_logs_json(const RowReader& rows, std::string_view build_id, std::optional<std::uint64_t> limit,
                      std::string& out) {
  out.push_back('[');
  std::uint64_t count = 0;
  if (limit != std::uint64_t{0}) {
    scan_logs(rows, build_id, 0, [&](std::uint64_t, std::string_view line) {
      if (count++ > 0) out.push_back(',');
      out.append(line);
      return !limit || count < *limit;
    });
  }
  out.push_back(']');
}

}  // namespace tidemark::projections::builds
