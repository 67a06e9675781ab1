#include "schemas/builds/types.hpp"

#include "schemas/builds/samples.hpp"

#include <boost/describe/enumerators.hpp>
#include <boost/mp11/algorithm.hpp>

namespace tidemark::schemas::builds {
namespace {

template <class E>
std::string_view enum_name(E value) {
  std::string_view name;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&](auto d) {
    if (d.value == value) name = d.name;
  });
  return name;
}

template <class E>
std::optional<E> parse_enum(std::string_view text) {
  std::optional<E> found;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&](auto d) {
    if (text == d.name) found = d.value;
  });
  return found;
}

}  // namespace

std::string_view name_of(BuildStatus status) { return enum_name(status); }
std::string_view name_of(Platform platform) { return enum_name(platform); }
std::string_view name_of(WorkerStatus status) { return enum_name(status); }
std::string_view name_of(LogLevel level) { return enum_name(level); }
std::string_view name_of(DiagnosticStatus status) { return enum_name(status); }
std::optional<Platform> parse_platform(std::string_view text) { return parse_enum<Platform>(text); }
std::optional<BuildStatus> parse_status(std::string_view text) { return parse_enum<BuildStatus>(text); }

std::optional<DiagnosticStatus> parse_diagnostic_status(std::string_view text) {
  return parse_enum<DiagnosticStatus>(text);
}

std::optional<LogLevel> parse_client_level(std::string_view text) {
  const auto level = parse_enum<LogLevel>(text);
  return level == LogLevel::debug ? std::nullopt : level;
}

std::string timeout_message(std::int64_t silent_ms) {
  return "Build timeout - no heartbeat from worker for " + std::to_string(silent_ms / 1000) + "s";
}

}  // namespace tidemark::schemas::builds
