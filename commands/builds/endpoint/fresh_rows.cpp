#include "commands/builds/endpoint/fresh_rows.hpp"

#include <charconv>

namespace tidemark::commands::builds::endpoint {

Task<std::shared_ptr<const RowReader>> fresh_rows(Api& api, std::string_view model) {
  std::shared_ptr<const RowReader> rows;
  const bool shown = co_await api.wait_for_model(model);
  if (shown) rows = api.node().projection_snapshot(model);
  co_return rows;
}

std::optional<std::uint64_t> read_limit(const http::Request& request) {
  const auto text = request.query("limit");
  if (!text) return std::nullopt;
  std::uint64_t limit = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return limit;
}

}  // namespace tidemark::commands::builds::endpoint
