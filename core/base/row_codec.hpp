#pragma once
// Rows as bytes: pack() and unpack() of structs described with Boost.Describe (docs/formats/rows.md). Key parts are in
// core/base/key_codec.hpp, included here for core/base/table.hpp.
//
// Members follow each other in the order of the description, nothing between them and no field numbers:
//   bool      one byte, 0 or 1
//   integers  varint; signed ones, enums, Time and Duration zigzag (Time and Duration in ms)
//   double    its 8 bytes, little-endian; Uuid its 16 bytes
//   string    varint length and bytes
//   optional  0, or 1 and the value; vector and map: varint count and elements; variant: varint index and the alternative
//   nested described struct, strong id, field kind of core/event/fields.hpp: its members
// A std::string row is stored as it is: JSON to serve.
//
// The layout carries no version. Rows are a cache of the log: a changed struct needs a new state or projection version,
// whose store is built beside the old one from the log. unpack() of bytes of another layout throws or gives wrong values.

#include <boost/describe/members.hpp>
#include <boost/describe/modifiers.hpp>
#include <boost/mp11/algorithm.hpp>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "core/base/bytes.hpp"
#include "core/base/key_codec.hpp"
#include "core/base/rows.hpp"

namespace tidemark::event {
template <class T>
struct Secret;
}

namespace tidemark {
namespace detail {

template <class T>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;
template <class T>
inline constexpr bool kIsMap = false;
template <class K, class V, class C>
inline constexpr bool kIsMap<std::map<K, V, C>> = true;
template <class T>
inline constexpr bool kIsVariant = false;
template <class... T>
inline constexpr bool kIsVariant<std::variant<T...>> = true;
template <class T>
inline constexpr bool kIsDuration = false;
template <class R, class P>
inline constexpr bool kIsDuration<std::chrono::duration<R, P>> = true;
template <class T>
inline constexpr bool kIsSecret = false;
template <class T>
inline constexpr bool kIsSecret<event::Secret<T>> = true;

template <class T>
using MembersOf = boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;
template <class T>
concept Described = boost::describe::has_describe_members<T>::value;
template <class T>
concept HasRawMember = requires(T& t) { t.raw; };
template <class T>
concept IsClaimed = requires(T& t) { t.inline_bytes; t.sha256; t.size; };

template <class T>
void pack_value(std::string& out, const T& value) {
  static_assert(!kIsSecret<T>, "a secret may not be stored in a row");
  if constexpr (std::is_same_v<T, std::string>) {
    put_varint(out, value.size());
    out.append(value);
  } else if constexpr (std::is_same_v<T, bool>) {
    out.push_back(value ? '\x01' : '\0');
  } else if constexpr (std::is_enum_v<T>) {
    put_zigzag(out, static_cast<std::int64_t>(value));
  } else if constexpr (std::is_integral_v<T>) {
    if constexpr (std::is_signed_v<T>) put_zigzag(out, value);
    else put_varint(out, value);
  } else if constexpr (std::is_same_v<T, double>) {
    std::uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    put_u64_le(out, bits);
  } else if constexpr (std::is_same_v<T, Uuid>) {
    out.append(value.view());
  } else if constexpr (std::is_same_v<T, Time>) {
    put_zigzag(out, to_ms(value));
  } else if constexpr (kIsDuration<T>) {
    put_zigzag(out, value.count());
  } else if constexpr (std::is_same_v<T, std::monostate>) {
  } else if constexpr (kIsOptional<T>) {
    out.push_back(value ? '\x01' : '\0');
    if (value) pack_value(out, *value);
  } else if constexpr (kIsVector<T>) {
    put_varint(out, value.size());
    for (const typename T::value_type& item : value) pack_value(out, item);
  } else if constexpr (kIsMap<T>) {
    put_varint(out, value.size());
    for (const auto& [key, item] : value) {
      pack_value(out, key);
      pack_value(out, item);
    }
  } else if constexpr (kIsVariant<T>) {
    put_varint(out, value.index());
    std::visit([&](const auto& alternative) { pack_value(out, alternative); }, value);
  } else if constexpr (Described<T>) {
    boost::mp11::mp_for_each<MembersOf<T>>([&](auto member) { pack_value(out, value.*member.pointer); });
  } else if constexpr (HasValueMember<T>) {
    pack_value(out, value.value);
  } else if constexpr (HasRawMember<T>) {
    pack_value(out, value.raw);
  } else {
    static_assert(IsClaimed<T>, "this type cannot be stored in a row: describe it with BOOST_DESCRIBE_STRUCT");
    pack_value(out, value.inline_bytes);
    pack_value(out, value.sha256);
    pack_value(out, value.size);
  }
}

[[noreturn]] inline void bad_row(const char* why) { throw RowsUnavailable(std::string("a stored row cannot be read: ") + why); }

inline bool take_flag(ByteReader& in) {
  const std::uint8_t flag = in.u8();
  if (!in.ok() || flag > 1) bad_row("a flag is neither 0 nor 1");
  return flag == 1;
}

// Every element takes at least a byte, so a count beyond what is left is corrupt, and no memory is taken for it.
inline std::size_t take_count(ByteReader& in) {
  const std::uint64_t count = in.varint();
  if (!in.ok() || count > in.left()) bad_row("a count exceeds its bytes");
  return static_cast<std::size_t>(count);
}

template <class T>
T take_signed(ByteReader& in) {
  const std::int64_t value = in.zigzag();
  if (value < static_cast<std::int64_t>(std::numeric_limits<T>::min()) ||
      value > static_cast<std::int64_t>(std::numeric_limits<T>::max())) {
    bad_row("an integer is out of range");
  }
  return static_cast<T>(value);
}

template <class Variant, std::size_t I = 0>
void unpack_alternative(ByteReader& in, std::uint64_t index, Variant& value);

template <class T>
void unpack_value(ByteReader& in, T& value) {
  static_assert(!kIsSecret<T>, "a secret may not be stored in a row");
  if constexpr (std::is_same_v<T, std::string>) {
    const std::size_t size = take_count(in);
    value.assign(in.take(size));
  } else if constexpr (std::is_same_v<T, bool>) {
    value = take_flag(in);
  } else if constexpr (std::is_enum_v<T>) {
    using Int = std::underlying_type_t<T>;
    if constexpr (sizeof(Int) < 8) value = static_cast<T>(take_signed<std::conditional_t<std::is_signed_v<Int>, Int, std::int64_t>>(in));
    else value = static_cast<T>(in.zigzag());
  } else if constexpr (std::is_integral_v<T>) {
    if constexpr (std::is_signed_v<T>) {
      value = take_signed<T>(in);
    } else {
      const std::uint64_t bits = in.varint();
      if (bits > std::numeric_limits<T>::max()) bad_row("an integer is out of range");
      value = static_cast<T>(bits);
    }
  } else if constexpr (std::is_same_v<T, double>) {
    const std::uint64_t bits = in.u64_le();
    std::memcpy(&value, &bits, sizeof bits);
  } else if constexpr (std::is_same_v<T, Uuid>) {
    const std::string_view bytes = in.take(16);
    if (bytes.size() == 16) value = uuid_from_bytes(bytes);
  } else if constexpr (std::is_same_v<T, Time>) {
    value = from_ms(in.zigzag());
  } else if constexpr (kIsDuration<T>) {
    value = T(static_cast<typename T::rep>(in.zigzag()));
  } else if constexpr (std::is_same_v<T, std::monostate>) {
  } else if constexpr (kIsOptional<T>) {
    value.reset();
    if (take_flag(in)) unpack_value(in, value.emplace());
  } else if constexpr (kIsVector<T>) {
    static_assert(!std::is_empty_v<typename T::value_type>, "elements must take space");
    value.clear();
    for (std::size_t left = take_count(in); left > 0; --left) {
      typename T::value_type item{};
      unpack_value(in, item);
      value.push_back(std::move(item));
    }
  } else if constexpr (kIsMap<T>) {
    value.clear();
    for (std::size_t left = take_count(in); left > 0; --left) {
      typename T::key_type key{};
      typename T::mapped_type item{};
      unpack_value(in, key);
      unpack_value(in, item);
      value.emplace_hint(value.end(), std::move(key), std::move(item));
    }
  } else if constexpr (kIsVariant<T>) {
    const std::uint64_t index = in.varint();
    unpack_alternative(in, index, value);
  } else if constexpr (Described<T>) {
    boost::mp11::mp_for_each<MembersOf<T>>([&](auto member) { unpack_value(in, value.*member.pointer); });
  } else if constexpr (HasValueMember<T>) {
    unpack_value(in, value.value);
  } else if constexpr (HasRawMember<T>) {
    unpack_value(in, value.raw);
  } else {
    static_assert(IsClaimed<T>, "this type cannot be stored in a row: describe it with BOOST_DESCRIBE_STRUCT");
    unpack_value(in, value.inline_bytes);
    unpack_value(in, value.sha256);
    unpack_value(in, value.size);
  }
  if (!in.ok()) bad_row("it ends too early");
}

template <class Variant, std::size_t I>
void unpack_alternative(ByteReader& in, std::uint64_t index, Variant& value) {
  if constexpr (I == std::variant_size_v<Variant>) {
    bad_row("an alternative is unknown");
  } else if (index == I) {
    unpack_value(in, value.template emplace<I>());
  } else {
    unpack_alternative<Variant, I + 1>(in, index, value);
  }
}

}  // namespace detail

/// The bytes of a row.
template <class Row>
std::string pack(const Row& row) {
  if constexpr (std::is_same_v<Row, std::string>) {
    return row;
  } else {
    std::string out;
    detail::pack_value(out, row);
    return out;
  }
}

/// The row of such bytes; all of them must be used.
///   errors   throws RowsUnavailable when they are not a row of that type
template <class Row>
Row unpack(std::string_view bytes) {
  if constexpr (std::is_same_v<Row, std::string>) {
    return std::string(bytes);
  } else {
    Row row{};
    ByteReader in(bytes);
    detail::unpack_value(in, row);
    if (in.left() != 0) detail::bad_row("bytes are left over");
    return row;
  }
}

}  // namespace tidemark
