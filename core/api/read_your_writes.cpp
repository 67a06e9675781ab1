#include "core/api/read_your_writes.hpp"

#include <algorithm>
#include <charconv>

#include "core/api/routes.hpp"
#include "core/api/token.hpp"

namespace tidemark::api {
namespace {

constexpr Duration kPatience = std::chrono::seconds(2);
constexpr std::uint32_t kPatienceSecondsMax = 30;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Seconds of "wait=<n>" in one preference; nullopt for any other.
std::optional<std::uint32_t> wait_of(std::string_view preference) {
  preference = trimmed(preference.substr(0, preference.find(';')));
  constexpr std::string_view kWait = "wait";
  const std::size_t equals = preference.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  const std::string_view name = trimmed(preference.substr(0, equals)), value = trimmed(preference.substr(equals + 1));
  if (!std::equal(name.begin(), name.end(), kWait.begin(), kWait.end(), [](char a, char b) { return (a | 0x20) == b; })) return std::nullopt;
  std::uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (end != value.data() + value.size() || value.empty()) return std::nullopt;
  return error == std::errc() ? std::min(seconds, kPatienceSecondsMax) : kPatienceSecondsMax;
}

}  // namespace

Duration patience_of(const http::Request& request) {
  auto preferences = request.header("Prefer").value_or(std::string_view());
  while (!preferences.empty()) {
    const std::string_view one = preferences.substr(0, preferences.find(','));
    preferences.remove_prefix(std::min(preferences.size(), one.size() + 1));
    if (const auto seconds = wait_of(one)) return std::chrono::seconds(*seconds);
  }
  return kPatience;
}

std::optional<http::Response> read_at_least(const http::Request& request, const runtime::PositionTag& tag, const Uuid& epoch,
                                            runtime::Position& out) {
  const auto token = request.header("Tidemark-At-Least");
  if (!token) return std::nullopt;
  if (request.header_count("Tidemark-At-Least") > 1) {
    return refuse_token("position", make_error(Code::invalid_argument, "the header may be given once"));
  }
  auto position = runtime::decode_position(*token, tag);
  if (!position.ok()) return refuse_token("position", position.error());
  if (position->log_epoch != epoch) return refuse_other_log("position");
  out = std::move(*position);
  return std::nullopt;
}

Task<std::optional<http::Response>> wait_for_model(runtime::Node& node, std::string projection, runtime::Position position, Duration patience) {
  auto waiting = node.wait_applied(std::move(projection), std::move(position), node.scheduler().now() + patience);
  const auto applied = co_await std::move(waiting);
  if (applied.ok()) co_return std::nullopt;
  http::Response response = problem(503, "read-model-behind", "Read model behind", applied.error().message);
  response.header("Retry-After", "1");
  co_return response;
}

Task<std::optional<http::Response>> honour_at_least(runtime::Node& node, const runtime::PositionTag& tag, const http::Request& request,
                                                    std::string projection) {
  runtime::Position position;
  if (auto refusal = read_at_least(request, tag, node.log().epoch(), position)) co_return refusal;
  if (position.empty()) co_return std::nullopt;
  auto waiting = wait_for_model(node, std::move(projection), std::move(position), patience_of(request));
  co_return co_await std::move(waiting);
}

}  // namespace tidemark::api
