#pragma once
// Versions of contract types. A struct T says kType and kVersion; an older version is a struct of its own:
//
//   struct BuildSubmitted {
//     static constexpr std::string_view kType = "BuildSubmitted";
//     static constexpr int kVersion = 2;
//     using Previous = BuildSubmittedV1;                          // kVersion 1, the same kType
//     static BuildSubmitted from_previous(BuildSubmittedV1 old);  // the upcaster: pure
//     ...
//
// What is stored is never rewritten: data of version n is decoded as version n and lifted step by step when it is read.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/event/json.hpp"

namespace tidemark::event {

template <class T>
concept Versioned = requires {
  { T::kType } -> std::convertible_to<std::string_view>;
  { T::kVersion } -> std::convertible_to<int>;
};
template <class T>
concept HasPrevious = Versioned<T> && requires(typename T::Previous old) {
  { T::from_previous(std::move(old)) } -> std::same_as<T>;
};

/// The oldest version that T can be read from.
template <Versioned T>
constexpr int oldest_version() {
  if constexpr (requires { typename T::Previous; }) return oldest_version<typename T::Previous>();
  else return T::kVersion;
}

/// Decodes `json` written as `version` of T (0: the current one) and lifts it to T. `known` tells whether T has that
/// version; when it has not, nothing is decoded and no error is added.
template <Versioned T>
std::optional<T> decode_versioned(int version, std::string_view json, Decoding mode, std::vector<FieldError>& errors, bool& known) {
  if constexpr (requires { typename T::Previous; }) {
    static_assert(HasPrevious<T>, "a type with Previous needs: static T from_previous(Previous)");
    static_assert(T::Previous::kVersion < T::kVersion, "Previous must be an older version");
    static_assert(std::string_view(T::Previous::kType) == std::string_view(T::kType), "versions share their kType");
  }
  if (version == 0 || version == T::kVersion) {
    known = true;
    return from_json<T>(json, mode, errors);
  }
  if constexpr (HasPrevious<T>) {
    auto old = decode_versioned<typename T::Previous>(version, json, mode, errors, known);
    if (old) return T::from_previous(std::move(*old));
  }
  return std::nullopt;
}

namespace versioned_detail {

template <class T>
struct Alternatives;
template <class... T>
struct Alternatives<std::variant<T...>> {
  template <class One, class Variant>
  static bool try_one(std::string_view name, int version, std::string_view json, Decoding mode,
                      std::vector<FieldError>& errors, bool& known, std::optional<Variant>& out) {
    if constexpr (Versioned<One>) {
      if (name != std::string_view(One::kType)) return false;
      if (auto value = decode_versioned<One>(version, json, mode, errors, known)) {
        out.emplace(std::in_place_type<One>, std::move(*value));
      }
      return true;
    } else {
      return false;  // monostate
    }
  }
  template <class F>
  static void each(F&& f) {
    (f(std::type_identity<T>{}), ...);
  }
};

}  // namespace versioned_detail

/// Decodes into the alternative of `Variant` whose kType is `name`, through its upcasters.
///   version  of the data; 0 for the current one
///   known    set: whether the variant has that name in that version. When false nothing was decoded
///   errors   every bad field is appended; nullopt then
template <class Variant>
std::optional<Variant> decode_variant(std::string_view name, int version, std::string_view json, Decoding mode,
                                      std::vector<FieldError>& errors, bool& known) {
  known = false;
  std::optional<Variant> out;
  [&]<class... T>(std::type_identity<std::variant<T...>>) {
    using A = versioned_detail::Alternatives<Variant>;
    (void)(A::template try_one<T>(name, version, json, mode, errors, known, out) || ...);
  }(std::type_identity<Variant>{});
  return out;
}

/// Calls f(std::type_identity<T>{}) for each alternative T.
template <class Variant, class F>
void for_each_alternative(F&& f) {
  versioned_detail::Alternatives<Variant>::each(std::forward<F>(f));
}

/// kType of the alternative held; "" for monostate.
template <class Variant>
std::string_view type_name_of(const Variant& value) {
  return std::visit([]<class T>(const T&) -> std::string_view {
    if constexpr (Versioned<T>) return T::kType;
    else return {};
  }, value);
}

/// kVersion of the alternative held; 0 for monostate.
template <class Variant>
int version_of(const Variant& value) {
  return std::visit([]<class T>(const T&) -> int {
    if constexpr (Versioned<T>) return T::kVersion;
    else return 0;
  }, value);
}

/// Appends the alternative held as JSON; monostate is {}.
template <class Variant>
void encode_variant(const Variant& value, std::string& out) {
  std::visit([&](const auto& held) { encode_json(held, out); }, value);
}

}  // namespace tidemark::event
