#pragma once
// JSON Schema 2020-12 of contract types: what the codec (json.hpp) writes and reads, from the same description.
//
//   json_schema<SubmitBuild>()   {"$ref":"#/$defs/SubmitBuild.v1","$defs":{"BlobRef":{...},...}}
//
// Described structs and enums become definitions, named after the type (or its kSchemaName), with ".v<n>" when it has versions. A struct may say
// what it is:  static constexpr std::string_view kDescription = "A file in the blob store.";
// What JSON Schema cannot say as exactly as the codec:
//   Text       limits are bytes of UTF-8, in the keyword x-bytes; minLength and maxLength count characters and are the nearest
//              that refuse nothing the codec takes
//   integers   have no fraction or exponent in their text, also when it is zero: 1.0 is refused
//   optional   left out when absent; the codec reads null the same way, no writer should rely on it
//   Personal   x-personal on its wrapper

#include <concepts>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.hpp"
#include "core/event/described.hpp"

namespace tidemark::event {

/// Schemas by name, each a JSON text that refers to others as "#/$defs/<name>".
struct SchemaDefinitions {
  std::map<std::string, std::string, std::less<>> schemas;
  std::map<std::string, const void*, std::less<>> types;  ///< whose they are: two types of one name are a mistake, asserted
};

/// open: unknown members pass (events, answers). closed: additionalProperties is false (commands). Of the type itself;
/// the definitions that it shares with others are open.
enum class Openness { open, closed };

/// {"$ref": ..., "$defs": {...}} or a schema without references.
std::string with_definitions(std::string schema, const SchemaDefinitions& definitions);

namespace json_detail {

template <class T>
inline constexpr bool kHasNoSchema = false;

struct PropertySchema {
  std::string_view name;
  bool required;
  std::string schema;
};

std::string schema_of_signed(std::int64_t min, std::int64_t max);
std::string schema_of_unsigned(std::uint64_t min, std::uint64_t max);
std::string schema_of_text(std::size_t min, std::size_t max);
std::string schema_of_enum(const std::string_view* names, std::size_t count);
std::string schema_of_struct(std::string_view description, const std::vector<PropertySchema>& properties, Openness openness);
std::string schema_of_personal(std::string_view inner);
std::string schema_of_secret(std::string_view inner);
std::string schema_of_claimed();
std::string reference_to(std::string_view name);
/// The name behind the last "::" of a type, from __PRETTY_FUNCTION__ of schema_name().
std::string bare_type_name(std::string_view pretty_function);

template <class T>
std::string schema_name() {
  if constexpr (requires { T::kSchemaName; }) return std::string(T::kSchemaName);
  else if constexpr (requires { T::kType; T::kVersion; }) return std::string(T::kType) + ".v" + std::to_string(T::kVersion);
  else return bare_type_name(__PRETTY_FUNCTION__);
}

template <class T>
constexpr std::string_view description_of() {
  if constexpr (requires { { T::kDescription } -> std::convertible_to<std::string_view>; }) return T::kDescription;
  else return {};
}

template <std::integral T>
std::string schema_of_integer(T min, T max) {
  if constexpr (std::is_signed_v<T>) return schema_of_signed(min, max);
  else return schema_of_unsigned(min, max);
}

template <class T>
inline constexpr char kIdentity = 0;
/// False when `name` is there already, as that type.
bool enter(SchemaDefinitions& definitions, const std::string& name, const void* type);

template <class T>
std::string schema_of(SchemaDefinitions& definitions);

template <class T, template <class...> class List, class... D>
std::vector<PropertySchema> properties_of(SchemaDefinitions& definitions, List<D...>) {
  return {PropertySchema{json_name(D::name), !kMayBeAbsent<TypeOfMember<T, D>>, schema_of<TypeOfMember<T, D>>(definitions)}...};
}

template <class T>
std::string define(SchemaDefinitions& definitions, Openness openness) {
  const std::string name = schema_name<T>();
  // Entered before its members are looked at, so that a type which contains itself ends.
  if (enter(definitions, name, &kIdentity<T>)) {
    std::string schema;
    if constexpr (DescribedEnum<T>) schema = schema_of_enum(Enumerators<T>::kNames.data(), Enumerators<T>::kNames.size());
    else schema = schema_of_struct(description_of<T>(), properties_of<T>(definitions, MembersOf<T>{}), openness);
    definitions.schemas[name] = std::move(schema);
  }
  return reference_to(name);
}

template <class T>
std::string schema_of(SchemaDefinitions& definitions) {
  if constexpr (std::is_same_v<T, bool>) return R"({"type":"boolean"})";
  else if constexpr (std::is_integral_v<T>) return schema_of_integer<T>(std::numeric_limits<T>::min(), std::numeric_limits<T>::max());
  else if constexpr (std::is_same_v<T, double>) return R"({"type":"number"})";
  else if constexpr (std::is_same_v<T, std::string>) return R"({"type":"string"})";
  else if constexpr (std::is_same_v<T, Time>) return R"({"type":"string","format":"date-time"})";
  else if constexpr (std::is_same_v<T, Json>) return R"({"description":"Any JSON value, kept byte for byte"})";
  else if constexpr (std::is_same_v<T, Claimed>) return schema_of_claimed();
  else if constexpr (std::is_same_v<T, std::monostate>) return R"({"type":"object"})";
  else if constexpr (IsText<T>::value) return schema_of_text(T::kMin, T::kMax);
  else if constexpr (IsBounded<T>::value) return schema_of_integer<typename IsBounded<T>::Inner>(T::kMin, T::kMax);
  else if constexpr (IsSecret<T>::value) return schema_of_secret(schema_of<typename IsSecret<T>::Inner>(definitions));
  else if constexpr (IsPersonal<T>::value) return schema_of_personal(schema_of<typename IsPersonal<T>::Inner>(definitions));
  else if constexpr (IsOptional<T>::value) return schema_of<typename IsOptional<T>::Inner>(definitions);
  else if constexpr (IsVector<T>::value) return R"({"type":"array","items":)" + schema_of<typename IsVector<T>::Inner>(definitions) + "}";
  else if constexpr (IsMap<T>::value)
    return R"({"type":"object","additionalProperties":)" + schema_of<typename IsMap<T>::Inner>(definitions) + "}";
  else if constexpr (DescribedEnum<T> || DescribedStruct<T>) return define<T>(definitions, Openness::open);
  else static_assert(kHasNoSchema<T>, "this type has no JSON form");
}

}  // namespace json_detail

/// Enters T, and what it refers to, into `definitions`; returns its name there. T is a described struct.
template <DescribedStruct T>
std::string define_schema(SchemaDefinitions& definitions, Openness openness = Openness::open) {
  json_detail::define<T>(definitions, openness);
  return json_detail::schema_name<T>();
}

/// A schema of T that stands alone.
template <class T>
std::string json_schema() {
  SchemaDefinitions definitions;
  std::string schema = json_detail::schema_of<T>(definitions);
  return with_definitions(std::move(schema), definitions);
}

}  // namespace tidemark::event
