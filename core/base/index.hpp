#pragma once
// Secondary indexes kept with a table: IndexedTable puts and erases a row together with its index entries.
//
//   inline constexpr Table<Build, std::string> kBuilds{16};
//   using PoolAndTime = std::tuple<std::string, Descending<Time>>;
//   inline constexpr Index<Build, PoolAndTime> kByPool{
//       17, [](const Build& b) -> std::optional<PoolAndTime> { return PoolAndTime{b.pool, b.submitted_at}; }};
//   inline constexpr IndexedTable kIndexed{kBuilds, kByPool};
//   kIndexed.put(rows, {build.id}, build);
//   kIndexed.scan_by(kByPool, rows, [](const std::tuple<std::string>& key, const Build& build) { return true; }, pool);
//
// Rows of an index: its number, the index parts and (unless unique) the table's key parts, encoded as in key_codec.hpp.
// put() reads the row before to remove entries that no longer hold. A table and its indexes must only be written through
// the IndexedTable, and not by the visitor of a scan over an index that the write changes.

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "core/base/table.hpp"

namespace tidemark {

namespace detail {
template <class Parts>
void append_key_parts(std::string& out, const Parts& parts) {
  std::apply([&](const auto&... part) { (append_key_part(out, part), ...); }, parts);
}
template <class Parts>
void take_key_parts(std::string_view& key, Parts& parts) {
  std::apply([&](auto&... part) { (take_key_part(key, part), ...); }, parts);
}
template <class Parts, class... Leading>
std::string index_prefix(std::uint8_t number, const Leading&... leading) {
  static_assert(sizeof...(Leading) <= std::tuple_size_v<Parts>, "more leading parts than the index has");
  std::string out(1, static_cast<char>(number));
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (append_key_part(out, std::tuple_element_t<I, Parts>(leading)), ...);
  }(std::index_sequence_for<Leading...>{});
  return out;
}
}  // namespace detail

/// Finds rows by `Parts` (a tuple); several rows may have the same. A row for which the function gives nullopt is left out.
template <class Row, class Parts>
class Index {
 public:
  using PartsType = Parts;
  using PartsOf = std::optional<Parts> (*)(const Row&);
  static constexpr bool kUnique = false;
  constexpr Index(std::uint8_t number, PartsOf parts_of) : number_(number), parts_of_(parts_of) {}

  template <class PrimaryKey>
  void add(RowWriter& rows, const PrimaryKey& key, const Row& row) const {
    if (const auto parts = parts_of_(row)) rows.put(entry(*parts, key), {});
  }
  template <class PrimaryKey>
  void replace(RowWriter& rows, const PrimaryKey& key, const Row& before, const Row& after) const {
    const auto old_parts = parts_of_(before), new_parts = parts_of_(after);
    const std::string old_entry = old_parts ? entry(*old_parts, key) : std::string();
    const std::string new_entry = new_parts ? entry(*new_parts, key) : std::string();
    if (old_entry == new_entry) return;  // no write for what stays: most changes leave most indexes alone
    if (old_parts) rows.erase(old_entry);
    if (new_parts) rows.put(new_entry, {});
  }
  template <class PrimaryKey>
  void remove(RowWriter& rows, const PrimaryKey& key, const Row& row) const {
    if (const auto parts = parts_of_(row)) rows.erase(entry(*parts, key));
  }
  template <class PrimaryKey>
  static void take_entry(std::string_view entry, std::string_view, Parts& parts, PrimaryKey& key) {
    entry.remove_prefix(1);
    detail::take_key_parts(entry, parts);
    detail::take_key_parts(entry, key);
  }
  template <class... Leading>
  std::string prefix(const Leading&... leading) const {
    return detail::index_prefix<Parts>(number_, leading...);
  }

 private:
  template <class PrimaryKey>
  std::string entry(const Parts& parts, const PrimaryKey& key) const {
    std::string out(1, static_cast<char>(number_));
    detail::append_key_parts(out, parts);
    detail::append_key_parts(out, key);
    return out;
  }
  std::uint8_t number_;
  PartsOf parts_of_;
};

/// Finds at most one row by `Parts`. Folding believes history, so a second row with the same parts is no error: the entry
/// is then of the row put last, and stays until that one leaves it.
template <class Row, class Parts>
class UniqueIndex {
 public:
  using PartsType = Parts;
  using PartsOf = std::optional<Parts> (*)(const Row&);
  static constexpr bool kUnique = true;
  constexpr UniqueIndex(std::uint8_t number, PartsOf parts_of) : number_(number), parts_of_(parts_of) {}

  template <class PrimaryKey>
  void add(RowWriter& rows, const PrimaryKey& key, const Row& row) const {
    if (const auto parts = parts_of_(row)) rows.put(entry(*parts), encoded(key));
  }
  template <class PrimaryKey>
  void replace(RowWriter& rows, const PrimaryKey& key, const Row& before, const Row& after) const {
    const auto old_parts = parts_of_(before), new_parts = parts_of_(after);
    if (old_parts && (!new_parts || entry(*old_parts) != entry(*new_parts))) erase_own(rows, entry(*old_parts), key);
    if (new_parts) rows.put(entry(*new_parts), encoded(key));
  }
  template <class PrimaryKey>
  void remove(RowWriter& rows, const PrimaryKey& key, const Row& row) const {
    if (const auto parts = parts_of_(row)) erase_own(rows, entry(*parts), key);
  }
  template <class PrimaryKey>
  static void take_entry(std::string_view entry, std::string_view value, Parts& parts, PrimaryKey& key) {
    entry.remove_prefix(1);
    detail::take_key_parts(entry, parts);
    detail::take_key_parts(value, key);
  }
  template <class... Leading>
  std::string prefix(const Leading&... leading) const {
    return detail::index_prefix<Parts>(number_, leading...);
  }

 private:
  template <class PrimaryKey>
  static std::string encoded(const PrimaryKey& key) {
    std::string out;
    detail::append_key_parts(out, key);
    return out;
  }
  template <class PrimaryKey>
  static void erase_own(RowWriter& rows, const std::string& entry, const PrimaryKey& key) {
    std::string holder;
    if (rows.get(entry, holder) && holder == encoded(key)) rows.erase(entry);
  }
  std::string entry(const Parts& parts) const {
    std::string out(1, static_cast<char>(number_));
    detail::append_key_parts(out, parts);
    return out;
  }
  std::uint8_t number_;
  PartsOf parts_of_;
};

template <class TableType, class... Indexes>
class IndexedTable;

/// A table with its indexes; keys are tuples of the table's key parts.
template <class Row, class... KeyParts, class... Indexes>
class IndexedTable<Table<Row, KeyParts...>, Indexes...> {
 public:
  using Key = std::tuple<KeyParts...>;
  constexpr explicit IndexedTable(Table<Row, KeyParts...> table, Indexes... indexes) : table_(table), indexes_(indexes...) {}

  /// The table itself, to read by key.
  const Table<Row, KeyParts...>& table() const { return table_; }
  std::optional<Row> get(const RowReader& rows, const KeyParts&... key) const { return table_.get(rows, key...); }

  void put(RowWriter& rows, const Key& key, const Row& row) const {
    const std::optional<Row> before = std::apply([&](const auto&... part) { return table_.get(rows, part...); }, key);
    each([&](const auto& index) {
      if (before) index.replace(rows, key, *before, row);
      else index.add(rows, key, row);
    });
    std::apply([&](const auto&... part) { table_.put(rows, part..., row); }, key);
  }
  void erase(RowWriter& rows, const Key& key) const {
    const std::optional<Row> before = std::apply([&](const auto&... part) { return table_.get(rows, part...); }, key);
    if (!before) return;
    each([&](const auto& index) { index.remove(rows, key, *before); });
    std::apply([&](const auto&... part) { table_.erase(rows, part...); }, key);
  }

  /// The row of a unique index with exactly these parts.
  template <class IndexType, class... Parts>
  std::optional<std::pair<Key, Row>> find_by(const IndexType& index, const RowReader& rows, const Parts&... parts) const {
    static_assert(IndexType::kUnique && sizeof...(Parts) == std::tuple_size_v<typename IndexType::PartsType>, "all parts of a unique index");
    std::string value;
    if (!rows.get(index.prefix(parts...), value)) return std::nullopt;
    Key key;
    std::string_view left = value;
    detail::take_key_parts(left, key);
    return row_of(rows, std::move(key));
  }

  /// Visits rows in the order of the index whose parts begin with the given ones, until visit(const Key&, const Row&) returns false.
  template <class IndexType, class Visit, class... Leading>
  void scan_by(const IndexType& index, const RowReader& rows, Visit visit, const Leading&... leading) const {
    const std::string from = index.prefix(leading...);
    scan_range<IndexType>(rows, visit, [&](auto take) { rows.scan(from, prefix_end(from), take); });
  }
  /// The same, in descending order.
  template <class IndexType, class Visit, class... Leading>
  void scan_back_by(const IndexType& index, const RowReader& rows, Visit visit, const Leading&... leading) const {
    const std::string from = index.prefix(leading...);
    scan_range<IndexType>(rows, visit, [&](auto take) { rows.scan_back(from, prefix_end(from), take); });
  }

 private:
  template <class F>
  void each(F f) const {
    std::apply([&](const auto&... index) { (f(index), ...); }, indexes_);
  }
  std::optional<std::pair<Key, Row>> row_of(const RowReader& rows, Key key) const {
    auto row = std::apply([&](const auto&... part) { return table_.get(rows, part...); }, key);
    if (!row) throw RowsUnavailable("an index names a row that its table does not have");
    return std::pair{std::move(key), std::move(*row)};
  }
  template <class IndexType, class Visit, class Scan>
  void scan_range(const RowReader& rows, Visit& visit, Scan scan) const {
    scan([&](std::string_view entry, std::string_view value) -> bool {
      typename IndexType::PartsType parts;
      Key key;
      IndexType::take_entry(entry, value, parts, key);
      const auto found = row_of(rows, std::move(key));
      return visit(found->first, found->second);
    });
  }

  Table<Row, KeyParts...> table_;
  std::tuple<Indexes...> indexes_;
};

template <class TableType, class... Indexes>
IndexedTable(TableType, Indexes...) -> IndexedTable<TableType, Indexes...>;

}  // namespace tidemark
