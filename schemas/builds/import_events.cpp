#include "schemas/builds/import_events.hpp"

#include "core/base/bytes.hpp"
#include "core/base/ids.hpp"

namespace tidemark::schemas::builds {

std::string imported_event_id(std::string_view database, std::string_view table, std::string_view key, std::uint32_t revision) {
  const auto bytes = from_hex(database);
  const Uuid space = bytes && bytes->size() >= 16 ? uuid_from_bytes(std::string_view(*bytes).substr(0, 16)) : Uuid{};
  std::string name = std::string(table) + '/' + std::string(key);
  if (revision > 0) name += '#' + std::to_string(revision);
  return to_string(make_uuid_v5(space, name));
}

}  // namespace tidemark::schemas::builds
