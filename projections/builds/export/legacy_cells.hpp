#pragma once
// Rows of the old controller's tables as cells, column by column.

#include <algorithm>
#include <boost/describe/members.hpp>
#include <boost/describe/modifiers.hpp>
#include <boost/mp11/algorithm.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "replay/export/sqlite_file.hpp"

namespace tidemark::projections::builds {

template <class Row>
using Members = boost::describe::describe_members<Row, boost::describe::mod_public>;

/// Numbered rows get their number from SQLite.
template <class Row>
inline constexpr bool kNumbered = std::is_same_v<decltype(Row::id), std::optional<std::int64_t>>;

template <class Row>
std::vector<std::string> columns_of() {
  std::vector<std::string> names;
  boost::mp11::mp_for_each<Members<Row>>([&](auto member) {
    if (!kNumbered<Row> || std::string_view(member.name) != "id") names.emplace_back(member.name);
  });
  return names;
}

template <class Row>
std::size_t column_index(std::string_view name) {
  const auto names = columns_of<Row>();
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

template <class Row>
replay::Cells cells_of(Row&& row) {
  using Plain = std::remove_cvref_t<Row>;
  replay::Cells cells;
  boost::mp11::mp_for_each<Members<Plain>>([&](auto member) {
    if (kNumbered<Plain> && std::string_view(member.name) == "id") return;
    auto& value = row.*member.pointer;
    if (value) cells.emplace_back(std::move(*value));
    else cells.emplace_back();
  });
  return cells;
}

}  // namespace tidemark::projections::builds
