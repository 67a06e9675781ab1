#pragma once
// The JSON codec of contract types: structs described with BOOST_DESCRIBE_STRUCT, from and to JSON.
//
//   struct SubmitBuild { Text<1, 64> id; Platform platform; std::optional<std::string> note; };
//   BOOST_DESCRIBE_STRUCT(SubmitBuild, (), (id, platform, note))
//   std::vector<FieldError> errors;
//   auto command = from_json<SubmitBuild>(body, Decoding::strict, errors);   // every bad field, with its JSON Pointer
//   std::string data = to_json(*command);
//
// Members may be: bool, integers, double, std::string, described enums (as their names), std::optional (left out when
// empty; null is read as absent), std::vector, std::map<std::string, T>, Time (RFC 3339), described structs, and the kinds
// of fields.hpp (docs/formats/envelope.md says how Personal and Claimed look). A member is required unless it is an
// optional or a Json. An integer is written without fraction or exponent: 1.0 is refused, because a client that sends it
// computes in floating point and would be wrong silently above 2^53.
// A repeated member is an error always; an unknown one only when strict. Decoding does not throw.

#include <concepts>
#include <limits>

#include "core/base/time.hpp"
#include "core/event/described.hpp"
#include "core/event/field_error.hpp"
#include "core/event/json_document.hpp"
#include "core/event/json_writer.hpp"

namespace tidemark::event {

/// strict: an unknown member is an error (commands, requests). tolerant: it is ignored (events, settings of a newer build).
enum class Decoding { strict, tolerant };

/// At most so many errors are reported for one document.
inline constexpr std::size_t kFieldErrorsMax = 100;

template <class T>
void encode_json(const T& value, std::string& out);

namespace json_detail {

template <class T>
inline constexpr bool kUnsupported = false;

// Where in the document the decoder is; turned into a JSON Pointer only when something is wrong.
struct Path {
  const Path* above = nullptr;
  std::string_view name;
  std::size_t index = 0;
  bool is_index = false;
};

struct Decoder {
  Decoding mode;
  std::vector<FieldError>* errors;
  std::string_view base;    // pointer of the value that is decoded
  std::size_t failures = 0;
  void fail(const Path* at, std::string message);
  bool strict() const { return mode == Decoding::strict; }
};

void decode_bool(JsonNode node, const Path* at, Decoder& d, bool& out);
void decode_signed(JsonNode node, const Path* at, Decoder& d, std::int64_t min, std::int64_t max, std::int64_t& out);
void decode_unsigned(JsonNode node, const Path* at, Decoder& d, std::uint64_t min, std::uint64_t max, std::uint64_t& out);
void decode_double(JsonNode node, const Path* at, Decoder& d, double& out);
void decode_string(JsonNode node, const Path* at, Decoder& d, std::string& out);
void decode_text(JsonNode node, const Path* at, Decoder& d, std::size_t min, std::size_t max, std::string& out);
void decode_time(JsonNode node, const Path* at, Decoder& d, Time& out);
void decode_claimed(JsonNode node, const Path* at, Decoder& d, Claimed& out);
std::size_t decode_name(JsonNode node, const Path* at, Decoder& d, const std::string_view* names, std::size_t count);
void decode_nothing(JsonNode node, const Path* at, Decoder& d);  // {}
/// The plain value of a Personal wrapper. Missing when there is none; then `out` keeps its default and any error is reported.
JsonNode personal_value(JsonNode node, const Path* at, Decoder& d);
bool expect_kind(JsonNode node, const Path* at, Decoder& d, JsonKind kind);

void encode_claimed(const Claimed& value, std::string& out);
void encode_time(Time value, std::string& out);

template <class T>
void decode_value(JsonNode node, const Path* at, Decoder& d, T& out);

template <class T>
using DecodeMember = void (*)(JsonNode, const Path*, Decoder&, T&);

template <class T, class List = MembersOf<T>>
struct MemberDecoders;
template <class T, template <class...> class List, class... D>
struct MemberDecoders<T, List<D...>> {
  template <class M>
  static void one(JsonNode node, const Path* at, Decoder& d, T& out) { decode_value(node, at, d, out.*M::pointer); }
  static constexpr std::array<DecodeMember<T>, sizeof...(D)> kTable{&one<D>...};
};

// Index of `name`, or count. Writers keep the order of the description, so the member behind the last one is tried first.
inline std::size_t find_name(const std::string_view* names, std::size_t count, std::string_view name, std::size_t hint) {
  if (hint < count && names[hint] == name) return hint;
  for (std::size_t i = 0; i < count; ++i) {
    if (names[i] == name) return i;
  }
  return count;
}

template <class T>
void decode_struct(JsonNode node, const Path* at, Decoder& d, T& out) {
  using F = Fields<T>;
  if (!expect_kind(node, at, d, JsonKind::object)) return;
  std::array<bool, F::kCount + 1> seen{};
  std::size_t hint = 0;
  for (const auto& [name, value] : node.members()) {
    const Path here{at, name};
    const std::size_t index = find_name(F::kNames.data(), F::kCount, name, hint);
    if (index == F::kCount) {
      if (d.strict()) d.fail(&here, "unknown field");
      continue;
    }
    if (seen[index]) {
      d.fail(&here, "duplicate field");
      continue;
    }
    seen[index] = true;
    hint = index + 1;
    if constexpr (F::kCount > 0) MemberDecoders<T>::kTable[index](value, &here, d, out);
  }
  for (std::size_t i = 0; i < F::kCount; ++i) {
    if (seen[i] || !F::kRequired[i]) continue;
    const Path here{at, F::kNames[i]};
    d.fail(&here, "is required");
  }
}

template <class T>
void decode_integer(JsonNode node, const Path* at, Decoder& d, T min, T max, T& out) {
  if constexpr (std::is_signed_v<T>) {
    std::int64_t value = out;
    decode_signed(node, at, d, min, max, value);
    out = static_cast<T>(value);
  } else {
    std::uint64_t value = out;
    decode_unsigned(node, at, d, min, max, value);
    out = static_cast<T>(value);
  }
}

template <class T>
void decode_value(JsonNode node, const Path* at, Decoder& d, T& out) {
  if constexpr (std::is_same_v<T, bool>) {
    decode_bool(node, at, d, out);
  } else if constexpr (std::is_integral_v<T>) {
    decode_integer<T>(node, at, d, std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), out);
  } else if constexpr (std::is_same_v<T, double>) {
    decode_double(node, at, d, out);
  } else if constexpr (std::is_same_v<T, std::string>) {
    decode_string(node, at, d, out);
  } else if constexpr (std::is_same_v<T, Time>) {
    decode_time(node, at, d, out);
  } else if constexpr (std::is_same_v<T, Json>) {
    out.raw.assign(node.raw());
  } else if constexpr (std::is_same_v<T, Claimed>) {
    decode_claimed(node, at, d, out);
  } else if constexpr (std::is_same_v<T, std::monostate>) {
    decode_nothing(node, at, d);
  } else if constexpr (IsText<T>::value) {
    decode_text(node, at, d, T::kMin, T::kMax, out.value);
  } else if constexpr (IsBounded<T>::value) {
    decode_integer<typename IsBounded<T>::Inner>(node, at, d, T::kMin, T::kMax, out.value);
  } else if constexpr (IsSecret<T>::value) {
    decode_value(node, at, d, out.value);
  } else if constexpr (IsPersonal<T>::value) {
    if (const JsonNode plain = personal_value(node, at, d)) {
      const Path here{at, "plain"};
      decode_value(plain, &here, d, out.value);
    }
  } else if constexpr (IsOptional<T>::value) {
    if (node.is_null()) out.reset();
    else decode_value(node, at, d, out.emplace());
  } else if constexpr (IsVector<T>::value) {
    if (!expect_kind(node, at, d, JsonKind::array)) return;
    Path here{at, {}, 0, true};
    for (const JsonNode item : node.items()) {
      typename IsVector<T>::Inner value{};
      decode_value(item, &here, d, value);
      out.push_back(std::move(value));
      ++here.index;
    }
  } else if constexpr (IsMap<T>::value) {
    if (!expect_kind(node, at, d, JsonKind::object)) return;
    for (const auto& [name, value] : node.members()) {
      const Path here{at, name};
      const auto [entry, added] = out.try_emplace(std::string(name));
      if (added) decode_value(value, &here, d, entry->second);
      else d.fail(&here, "duplicate field");
    }
  } else if constexpr (DescribedEnum<T>) {
    using E = Enumerators<T>;
    const std::size_t index = decode_name(node, at, d, E::kNames.data(), E::kNames.size());
    if (index < E::kNames.size()) out = E::kValues[index];
  } else if constexpr (DescribedStruct<T>) {
    decode_struct(node, at, d, out);
  } else {
    static_assert(kUnsupported<T>, "this type has no JSON form: describe it with BOOST_DESCRIBE_STRUCT or BOOST_DESCRIBE_ENUM");
  }
}

// ,"name": as it is appended; without the comma for the first member.
template <class D>
struct Key {
  static constexpr std::string_view kName = json_name(D::name);
  static constexpr auto kBytes = [] {
    std::array<char, kName.size() + 4> bytes{};
    bytes[0] = ',';
    bytes[1] = '"';
    for (std::size_t i = 0; i < kName.size(); ++i) bytes[i + 2] = kName[i];
    bytes[kName.size() + 2] = '"';
    bytes[kName.size() + 3] = ':';
    return bytes;
  }();
};

template <class T>
bool is_absent(const T& value) {
  if constexpr (IsOptional<T>::value) return !value.has_value();
  else if constexpr (std::is_same_v<T, Json>) return value.raw.empty();
  else return false;
}

template <class T, template <class...> class List, class... D>
void encode_struct(const T& value, std::string& out, List<D...>) {
  out.push_back('{');
  [[maybe_unused]] std::size_t skip = 1;
  [[maybe_unused]] const auto member = [&](const auto& bytes, const auto& field) {
    if (is_absent(field)) return;
    out.append(bytes.data() + skip, bytes.size() - skip);
    skip = 0;
    encode_json(field, out);
  };
  (member(Key<D>::kBytes, value.*D::pointer), ...);
  out.push_back('}');
}

}  // namespace json_detail

/// Appends `value` as JSON: members in the order described, no white space, maps sorted by key. The same value gives the
/// same bytes in every build.
template <class T>
void encode_json(const T& value, std::string& out) {
  using namespace json_detail;
  static_assert(!IsSecret<T>::value, "a Secret is never written: turn it into a verifier first");
  if constexpr (std::is_same_v<T, bool>) {
    out.append(value ? "true" : "false");
  } else if constexpr (std::is_integral_v<T>) {
    if constexpr (std::is_signed_v<T>) write_json_int(out, value);
    else write_json_uint(out, value);
  } else if constexpr (std::is_same_v<T, double>) {
    write_json_double(out, value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    write_json_string(out, value);
  } else if constexpr (std::is_same_v<T, Time>) {
    encode_time(value, out);
  } else if constexpr (std::is_same_v<T, Json>) {
    out.append(value.raw.empty() ? std::string_view("null") : std::string_view(value.raw));
  } else if constexpr (std::is_same_v<T, Claimed>) {
    encode_claimed(value, out);
  } else if constexpr (std::is_same_v<T, std::monostate>) {
    out.append("{}");
  } else if constexpr (IsText<T>::value) {
    write_json_string(out, value.value);
  } else if constexpr (IsBounded<T>::value) {
    encode_json(value.value, out);
  } else if constexpr (IsPersonal<T>::value) {
    out.append("{\"plain\":");
    encode_json(value.value, out);
    out.push_back('}');
  } else if constexpr (IsOptional<T>::value) {
    if (value) encode_json(*value, out);
    else out.append("null");
  } else if constexpr (IsVector<T>::value) {
    out.push_back('[');
    bool comma = false;
    for (const auto& item : value) {
      if (comma) out.push_back(',');
      comma = true;
      encode_json<typename IsVector<T>::Inner>(item, out);
    }
    out.push_back(']');
  } else if constexpr (IsMap<T>::value) {
    out.push_back('{');
    bool comma = false;
    for (const auto& [name, item] : value) {
      if (comma) out.push_back(',');
      comma = true;
      write_json_string(out, name);
      out.push_back(':');
      encode_json(item, out);
    }
    out.push_back('}');
  } else if constexpr (DescribedEnum<T>) {
    using E = Enumerators<T>;
    std::size_t index = 0;
    while (index < E::kValues.size() && E::kValues[index] != value) ++index;
    TM_ASSERT(index < E::kValues.size(), "an enum holds a value that has no name");
    write_json_string(out, E::kNames[index]);
  } else if constexpr (DescribedStruct<T>) {
    encode_struct(value, out, MembersOf<T>{});
  } else {
    static_assert(kUnsupported<T>, "this type has no JSON form: describe it with BOOST_DESCRIBE_STRUCT or BOOST_DESCRIBE_ENUM");
  }
}

template <class T>
std::string to_json(const T& value) {
  std::string out;
  encode_json(value, out);
  return out;
}

/// Decodes one value of a document. `pointer` is where it lies, for the errors; they are appended.
template <class T>
std::optional<T> from_node(JsonNode node, Decoding mode, std::vector<FieldError>& errors, std::string_view pointer = {}) {
  T out{};
  json_detail::Decoder decoder{mode, &errors, pointer};
  json_detail::decode_value(node, nullptr, decoder, out);
  if (decoder.failures > 0) return std::nullopt;
  return std::optional<T>(std::move(out));
}

/// Decodes a document. nullopt when anything is wrong; every fault is appended to `errors` (the first kFieldErrorsMax).
template <class T>
std::optional<T> from_json(std::string_view json, Decoding mode, std::vector<FieldError>& errors) {
  auto document = JsonDocument::parse(json);
  if (!document.ok()) {
    errors.push_back(FieldError{"", document.take_error().message});
    return std::nullopt;
  }
  return from_node<T>(document->root(), mode, errors);
}

/// Appends "/<token>" to a JSON Pointer, with '~' and '/' escaped (RFC 6901).
void append_pointer(std::string& pointer, std::string_view token);

}  // namespace tidemark::event
