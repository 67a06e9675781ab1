#pragma once
// Errors of the machine, as values. A domain's "no" is a refusal (decision.hpp), never an Error.

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "core/base/assert.hpp"

namespace tidemark {

/// What a caller can react to. A code exists only when some caller treats it differently.
enum class Code {
  invalid_argument,     ///< the input is wrong; do not retry. HTTP 400
  not_found,            ///< the thing named does not exist. HTTP 404
  version_conflict,     ///< an expected version did not hold. HTTP 412
  fenced,               ///< somebody else owns it now; stop writing. HTTP 503
  unavailable,          ///< not now, nothing was done; retry later. HTTP 503
  timed_out,            ///< the deadline passed, nothing was done. HTTP 503 (408 for a slow client)
  outcome_unknown,      ///< it may have been done; ask again with the same command id. HTTP 503
  corrupt,              ///< stored bytes contradict themselves; a person must look. HTTP 500
  unsupported_version,  ///< written by a newer build. HTTP 500
  exhausted,            ///< a limit in bytes, items or disk space. HTTP 413 or 507
  cancelled,            ///< the caller went away or the node stops. HTTP 503
  internal,             ///< anything else. HTTP 500
  uninitialised,        ///< a Result nobody assigned; seeing it is a bug
};

/// Stable lower-case name, e.g. "outcome_unknown"; used in logs and problem documents.
std::string_view name_of(Code code);

struct Error {
  Code code = Code::uninitialised;
  std::string message;  ///< one sentence for a person, with the facts (file, offset, setting), without a full stop
};

/// "code: message"
std::string describe(const Error& error);

/// A value or an Error. Default-constructed it holds Code::uninitialised.
template <class T>
class [[nodiscard]] Result {
 public:
  Result() : state_(Error{Code::uninitialised, "nobody assigned this result"}) {}
  Result(T value) : state_(std::in_place_index<1>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<0>, std::move(error)) {}

  bool ok() const { return state_.index() == 1; }
  explicit operator bool() const { return ok(); }

  T& value() & { check(); return *std::get_if<1>(&state_); }
  const T& value() const& { check(); return *std::get_if<1>(&state_); }
  T&& value() && { check(); return std::move(*std::get_if<1>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const { TM_ASSERT(!ok(), "error() of a Result that holds a value"); return *std::get_if<0>(&state_); }
  Error take_error() { TM_ASSERT(!ok(), "take_error() of a Result that holds a value"); return std::move(*std::get_if<0>(&state_)); }

 private:
  void check() const { TM_ASSERT(ok(), "value() of a failed Result"); }
  std::variant<Error, T> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;  ///< success: there is nothing to assign
  Result(Error error) : error_(std::move(error)), failed_(true) {}
  bool ok() const { return !failed_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const { TM_ASSERT(failed_, "error() of a Result that succeeded"); return error_; }
  Error take_error() { TM_ASSERT(failed_, "take_error() of a Result that succeeded"); return std::move(error_); }

 private:
  Error error_;
  bool failed_ = false;
};

inline Error make_error(Code code, std::string message) { return Error{code, std::move(message)}; }

}  // namespace tidemark
