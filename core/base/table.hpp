#pragma once
// Typed tables over byte rows: Table<Row, Key...> and secondary indexes kept with it.
//
//   struct Build { std::string id; Status status; std::int64_t submitted_at = 0; ... };
//   BOOST_DESCRIBE_STRUCT(Build, (), (id, status, submitted_at, ...))
//   inline constexpr Table<Build, std::string> kBuilds{1};
//   kBuilds.put(rows, build.id, build);   kBuilds.get(rows, id);   kBuilds.scan(rows, [](key, row) { return true; });
//
// A row key is the table's number (one byte) and the key parts, each encoded so that bytes sort as values do
// (core/base/row_codec.hpp). Numbers 0 to 15 belong to the platform; domains use 16 to 255.

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "core/base/row_codec.hpp"
#include "core/base/rows.hpp"

namespace tidemark {

template <class Row, class... KeyParts>
class Table {
 public:
  using Key = std::tuple<KeyParts...>;
  constexpr explicit Table(std::uint8_t number) : number_(number) {}

  std::optional<Row> get(const RowReader& rows, const KeyParts&... key) const {
    std::string value;
    if (!rows.get(row_key(key...), value)) return std::nullopt;
    return unpack<Row>(value);
  }
  bool contains(const RowReader& rows, const KeyParts&... key) const {
    std::string value;
    return rows.get(row_key(key...), value);
  }
  void put(RowWriter& rows, const KeyParts&... key, const Row& row) const { rows.put(row_key(key...), pack(row)); }
  void erase(RowWriter& rows, const KeyParts&... key) const { rows.erase(row_key(key...)); }

  /// Visits every row whose key begins with the given parts, ascending, until visit(const Key&, const Row&) returns false.
  template <class Visit, class... Leading>
  void scan(const RowReader& rows, Visit visit, const Leading&... leading) const {
    const std::string from = prefix(leading...);
    rows.scan(from, prefix_end(from), reader(visit));
  }
  /// The same, descending.
  template <class Visit, class... Leading>
  void scan_back(const RowReader& rows, Visit visit, const Leading&... leading) const {
    const std::string from = prefix(leading...);
    rows.scan_back(from, prefix_end(from), reader(visit));
  }
  /// Ascending from the given key (included) to the end of the table.
  template <class Visit>
  void scan_from(const RowReader& rows, Visit visit, const KeyParts&... first) const {
    rows.scan(row_key(first...), prefix_end(prefix()), reader(visit));
  }
  /// Descending from just below the given key to the start of the table.
  template <class Visit>
  void scan_back_before(const RowReader& rows, Visit visit, const KeyParts&... before) const {
    rows.scan_back(prefix(), row_key(before...), reader(visit));
  }

  std::string row_key(const KeyParts&... key) const {
    std::string out(1, static_cast<char>(number_));
    (append_key_part(out, key), ...);
    return out;
  }

 private:
  template <class... Leading>
  std::string prefix(const Leading&... leading) const {
    static_assert(sizeof...(Leading) <= sizeof...(KeyParts), "more leading parts than the key has");
    std::string out(1, static_cast<char>(number_));
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (append_leading<std::tuple_element_t<I, Key>>(out, leading), ...);
    }(std::index_sequence_for<Leading...>{});
    return out;
  }
  // In the declared type of the part: an int is not encoded as the std::int64_t of a key is.
  template <class Part, class Given>
  static void append_leading(std::string& out, const Given& given) {
    if constexpr (std::is_same_v<Part, Given> || std::is_same_v<Part, std::string>) append_key_part(out, given);
    else append_key_part(out, static_cast<Part>(given));
  }
  template <class Visit>
  static auto reader(Visit& visit) {
    return [&visit](std::string_view key, std::string_view value) -> bool {
      key.remove_prefix(1);
      Key parts;
      std::apply([&](auto&... part) { (take_key_part(key, part), ...); }, parts);
      return visit(parts, unpack<Row>(value));
    };
  }
  std::uint8_t number_;
};

}  // namespace tidemark
