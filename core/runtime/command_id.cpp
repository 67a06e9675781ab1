#include "core/base/ids.hpp"
#include "core/runtime/node.hpp"
#include "core/runtime/typed_domain_names.hpp"

namespace tidemark::runtime {
namespace {

/// Length-prefixed, so that no two lists of parts run together to the same bytes.
std::string joined(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const auto part : parts) {
    out += std::to_string(part.size());
    out += ':';
    out += part;
  }
  return out;
}

}  // namespace

std::string command_id_of_key(std::string_view tenant, std::string_view actor, std::string_view route, std::string_view key) {
  return to_string(derive_uuid(joined({tenant, actor, route, key}), "idempotency-key"));
}

std::string command_id_of_cloudevent(std::string_view source, std::string_view id) {
  return to_string(derive_uuid(joined({source, id}), "cloudevent"));
}

namespace detail {

ShortName split_command_name(std::string_view name) {
  if (const auto full = event::parse_type(name)) return {full->name, full->version};
  const auto dot = name.rfind(".v");
  if (dot == std::string_view::npos || dot + 2 == name.size()) return {name, 0};
  int version = 0;
  for (const char c : name.substr(dot + 2)) {
    if (c < '0' || c > '9' || version > 99'999) return {name, 0};
    version = version * 10 + (c - '0');
  }
  return {name.substr(0, dot), version};
}

}  // namespace detail
}  // namespace tidemark::runtime
