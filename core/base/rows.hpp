#pragma once
// Ordered byte rows: what deciders and projections read and write, whatever keeps them (RocksDB, memory, an overlay).

#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tidemark {

/// The store behind the rows failed (I/O, corruption). Thrown through the pure layer, caught by its runner, which stops
/// the lane or the projection; a decider or projection never catches it.
class RowsUnavailable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A non-owning reference to a callable; valid for the call it is passed to.
template <class Signature>
class FnRef;
template <class R, class... Args>
class FnRef<R(Args...)> {
 public:
  template <class F, class = std::enable_if_t<!std::is_same_v<std::remove_cvref_t<F>, FnRef>>>
  FnRef(F&& callable)
      : object_(const_cast<void*>(static_cast<const void*>(&callable))),
        call_([](void* object, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(object))(std::forward<Args>(args)...);
        }) {}
  R operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

/// Read side. Keys are compared as unsigned bytes.
///   errors   throws RowsUnavailable
class RowReader {
 public:
  virtual ~RowReader() = default;
  /// Fills `value` and returns true when the key exists.
  virtual bool get(std::string_view key, std::string& value) const = 0;
  /// Visits rows with from <= key < to (an empty `to` means no end), ascending, until `visit(key, value)` returns false.
  /// The views live for that call only. What is written during a scan may or may not be visited.
  virtual void scan(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const = 0;
  /// The same rows in descending order.
  virtual void scan_back(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const = 0;
};

/// Read and write; reads see the writes made before.
class RowWriter : public RowReader {
 public:
  virtual void put(std::string_view key, std::string_view value) = 0;
  virtual void erase(std::string_view key) = 0;
};

/// The least key greater than every key that begins with `prefix`; empty when there is none (all 0xff).
std::string prefix_end(std::string_view prefix);

/// Rows seen through a fixed key prefix: how a decider is confined to its boundary key. Borrowed base, must outlive this.
class PrefixedRows final : public RowWriter {
 public:
  PrefixedRows(RowWriter& base, std::string prefix) : base_(&base), prefix_(std::move(prefix)) {}
  bool get(std::string_view key, std::string& value) const override;
  void scan(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const override;
  void scan_back(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const override;
  void put(std::string_view key, std::string_view value) override;
  void erase(std::string_view key) override;

 private:
  RowWriter* base_;
  std::string prefix_;
};

/// The read-only form.
class PrefixedReader final : public RowReader {
 public:
  PrefixedReader(const RowReader& base, std::string prefix) : base_(&base), prefix_(std::move(prefix)) {}
  bool get(std::string_view key, std::string& value) const override;
  void scan(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const override;
  void scan_back(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const override;

 private:
  const RowReader* base_;
  std::string prefix_;
};

}  // namespace tidemark
