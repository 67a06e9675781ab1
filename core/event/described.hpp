#pragma once
// What the codec asks of a contract type at compile time: its members, the names they have in JSON, which must be there,
// and whether a Secret or Personal is anywhere inside.

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <boost/describe/enumerators.hpp>
#include <boost/describe/members.hpp>
#include <boost/describe/modifiers.hpp>

#include "core/event/fields.hpp"

namespace tidemark::event {

template <class T>
concept DescribedStruct = std::is_class_v<T> && boost::describe::has_describe_members<T>::value;
template <class T>
concept DescribedEnum = std::is_enum_v<T> && boost::describe::has_describe_enumerators<T>::value;

namespace json_detail {

template <class T>
using MembersOf = boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;

// The name in JSON is the C++ name; one trailing underscore is dropped, for names that C++ keeps to itself (default_).
constexpr std::string_view json_name(std::string_view name) {
  if (name.size() > 1 && name.ends_with('_')) name.remove_suffix(1);
  return name;
}

template <class T> struct IsOptional : std::false_type {};
template <class T> struct IsOptional<std::optional<T>> : std::true_type { using Inner = T; };
template <class T> struct IsVector : std::false_type {};
template <class T, class A> struct IsVector<std::vector<T, A>> : std::true_type { using Inner = T; };
template <class T> struct IsMap : std::false_type {};
template <class T, class C, class A> struct IsMap<std::map<std::string, T, C, A>> : std::true_type { using Inner = T; };
template <class T> struct IsText : std::false_type {};
template <std::size_t Min, std::size_t Max> struct IsText<Text<Min, Max>> : std::true_type {};
template <class T> struct IsBounded : std::false_type {};
template <class Int, Int Min, Int Max> struct IsBounded<Bounded<Int, Min, Max>> : std::true_type { using Inner = Int; };
template <class T> struct IsSecret : std::false_type {};
template <class T> struct IsSecret<Secret<T>> : std::true_type { using Inner = T; };
template <class T> struct IsPersonal : std::false_type {};
template <class T> struct IsPersonal<Personal<T>> : std::true_type { using Inner = T; };

template <class T>
inline constexpr bool kMayBeAbsent = IsOptional<T>::value || std::is_same_v<T, Json>;

template <class T, class D>
using TypeOfMember = std::remove_cvref_t<decltype(std::declval<T&>().*D::pointer)>;

// Names and requirements of the members of T, in the order described.
template <class T, class = MembersOf<T>>
struct Fields;
template <class T, template <class...> class List, class... D>
struct Fields<T, List<D...>> {
  static constexpr std::size_t kCount = sizeof...(D);
  static constexpr std::array<std::string_view, kCount> kNames{json_name(D::name)...};
  static constexpr std::array<bool, kCount> kRequired{!kMayBeAbsent<TypeOfMember<T, D>>...};
};

template <class E, class = boost::describe::describe_enumerators<E>>
struct Enumerators;
template <class E, template <class...> class List, class... D>
struct Enumerators<E, List<D...>> {
  static constexpr std::array<std::string_view, sizeof...(D)> kNames{json_name(D::name)...};
  static constexpr std::array<E, sizeof...(D)> kValues{D::value...};
};

template <template <class> class Kind, class T, class... Above>
constexpr bool contains_kind();

template <template <class> class Kind, class T, class List, class... Above>
struct AnyMember;
template <template <class> class Kind, class T, template <class...> class List, class... D, class... Above>
struct AnyMember<Kind, T, List<D...>, Above...> {
  static constexpr bool value = (contains_kind<Kind, TypeOfMember<T, D>, T, Above...>() || ...);
};
template <class T>
struct IsVariant : std::false_type {};
template <class... T>
struct IsVariant<std::variant<T...>> : std::true_type {};

template <template <class> class Kind, class... Above, class... T>
constexpr bool any_alternative(std::type_identity<std::variant<T...>>) {
  return (contains_kind<Kind, T, Above...>() || ...);
}

// `Above` are the types being looked into, so that a type which contains itself ends.
template <template <class> class Kind, class T, class... Above>
constexpr bool contains_kind() {
  if constexpr (Kind<T>::value) return true;
  else if constexpr ((std::is_same_v<T, Above> || ...)) return false;
  else if constexpr (IsOptional<T>::value) return contains_kind<Kind, typename IsOptional<T>::Inner, Above...>();
  else if constexpr (IsVector<T>::value) return contains_kind<Kind, typename IsVector<T>::Inner, Above...>();
  else if constexpr (IsMap<T>::value) return contains_kind<Kind, typename IsMap<T>::Inner, Above...>();
  else if constexpr (IsSecret<T>::value) return contains_kind<Kind, typename IsSecret<T>::Inner, Above...>();
  else if constexpr (IsPersonal<T>::value) return contains_kind<Kind, typename IsPersonal<T>::Inner, Above...>();
  else if constexpr (IsVariant<T>::value) return any_alternative<Kind, Above...>(std::type_identity<T>{});
  else if constexpr (DescribedStruct<T>) return AnyMember<Kind, T, MembersOf<T>, Above...>::value;
  else return false;
}

}  // namespace json_detail

/// True when a Secret<> is anywhere inside T (or inside an alternative of the variant T). Commands, events, replies and
/// rows are checked with it at compile time.
template <class T>
inline constexpr bool contains_secret = json_detail::contains_kind<json_detail::IsSecret, T>();
/// The same for Personal<>.
template <class T>
inline constexpr bool contains_personal = json_detail::contains_kind<json_detail::IsPersonal, T>();

}  // namespace tidemark::event
