#pragma once
// Finds the Personal<> fields of a contract type in its JSON, and replaces them: {"plain": ...} by {"tmkey", "cipher"} before
// a record is written, and the reverse, or {"erased": true}, before it is decoded (docs/formats/envelope.md).

#include <string>
#include <string_view>
#include <vector>

#include "core/event/field_cipher.hpp"
#include "core/event/json.hpp"
#include "core/event/versioned.hpp"

namespace tidemark::event {

struct PersonalNode {
  JsonNode wrapper;
  std::string pointer;
};

/// Appends the Personal wrappers in `node`, the JSON of a T, in the order of the text. A Personal inside another is part of it.
template <class T>
void find_personal(JsonNode node, const std::string& pointer, std::vector<PersonalNode>& found) {
  using namespace json_detail;
  if constexpr (!contains_personal<T>) {
    return;
  } else if constexpr (IsPersonal<T>::value) {
    if (node.is_object()) found.push_back({node, pointer});
  } else if constexpr (IsOptional<T>::value) {
    find_personal<typename IsOptional<T>::Inner>(node, pointer, found);
  } else if constexpr (IsVector<T>::value) {
    std::size_t index = 0;
    for (const JsonNode item : node.items()) find_personal<typename IsVector<T>::Inner>(item, pointer + '/' + std::to_string(index++), found);
  } else if constexpr (IsMap<T>::value) {
    for (const auto& [name, value] : node.members()) {
      std::string below = pointer;
      append_pointer(below, name);
      find_personal<typename IsMap<T>::Inner>(value, below, found);
    }
  } else {
    for (const auto& [name, value] : node.members()) {
      const auto member = [&, &name = name, &value = value]<class D>(std::type_identity<D>) {
        if (name != json_name(D::name)) return;
        std::string below = pointer;
        append_pointer(below, name);
        find_personal<TypeOfMember<T, D>>(value, below, found);
      };
      [&]<template <class...> class List, class... D>(List<D...>) { (member(std::type_identity<D>{}), ...); }(MembersOf<T>{});
    }
  }
}

/// Whether T, or an older version of it that is still read, holds a Personal<>.
template <class T>
constexpr bool ever_personal() {
  if constexpr (contains_personal<T>) return true;
  else if constexpr (HasPrevious<T>) return ever_personal<typename T::Previous>();
  else return false;
}

/// The same for any alternative of a variant.
template <class Variant>
constexpr bool any_personal() {
  return []<class... T>(std::type_identity<std::variant<T...>>) { return (ever_personal<T>() || ...); }(std::type_identity<Variant>{});
}

/// find_personal() in data written as `version` of T.
template <class T>
void find_personal_in_version(int version, JsonNode data, std::vector<PersonalNode>& found) {
  if constexpr (Versioned<T>) {
    if (version == T::kVersion) find_personal<T>(data, {}, found);
    else if constexpr (HasPrevious<T>) find_personal_in_version<typename T::Previous>(version, data, found);
  }
}

/// find_personal() in data of the alternative named `name`. False when the variant has none of that name.
template <class Variant>
bool find_personal_in_variant(std::string_view name, int version, JsonNode data, std::vector<PersonalNode>& found) {
  bool known = false;
  for_each_alternative<Variant>([&]<class T>(std::type_identity<T>) {
    if constexpr (Versioned<T>) {
      if (known || name != std::string_view(T::kType)) return;
      known = true;
      find_personal_in_version<T>(version, data, found);
    }
  });
  return known;
}

/// `json`, whose Personal wrappers are `found`, with each plain value sealed.
std::string seal_fields(std::string_view json, const std::vector<PersonalNode>& found, const SubjectSealer& sealer, std::string_view record,
                        std::string_view type);
/// The reverse. Wrappers that are not sealed stay as they are.
Result<std::string> open_fields(std::string_view json, const std::vector<PersonalNode>& found, const FieldCipher& cipher, std::string_view record,
                                std::string_view type);

/// {"tmkey": ..., "cipher": ...}
std::string sealed_wrapper(const SubjectSealer& sealer, const FieldPlace& place, std::string_view plain);
/// True when `node` has that form.
bool is_sealed_wrapper(JsonNode node);
/// {"erased":true}, what stands for a sealed value whose key was destroyed.
inline constexpr std::string_view kErased = "{\"erased\":true}";
inline bool is_erased(std::string_view json) { return json == kErased; }
/// What was sealed, or nullopt when its key was destroyed.
Result<std::optional<std::string>> open_wrapper(JsonNode wrapper, const FieldCipher& cipher, const FieldPlace& place);

/// No sealed form of this JSON is larger.
std::size_t sealed_size_max(std::string_view json);

}  // namespace tidemark::event
