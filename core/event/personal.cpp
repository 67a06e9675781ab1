#include "core/event/personal.hpp"

namespace tidemark::event {
namespace {

/// Copies `json` and lets `replace` append what stands for each wrapper.
template <class Replace>
Result<std::string> splice(std::string_view json, const std::vector<PersonalNode>& found, Replace replace) {
  std::string out;
  out.reserve(json.size() + found.size() * 64);
  std::size_t copied = 0;
  for (const PersonalNode& field : found) {
    const std::size_t at = field.wrapper.offset();
    out.append(json, copied, at - copied);
    if (Result<void> replaced = replace(field, out); !replaced) return replaced.take_error();
    copied = at + field.wrapper.raw().size();
  }
  out.append(json, copied);
  return out;
}

}  // namespace

std::string sealed_wrapper(const SubjectSealer& sealer, const FieldPlace& place, std::string_view plain) {
  std::string out;
  JsonWriter(out).begin_object().member("tmkey", sealer.key_id()).member("cipher", sealer.seal(place, plain)).end_object();
  return out;
}

bool is_sealed_wrapper(JsonNode node) { return node.size() == 2 && node["tmkey"].is_string() && node["cipher"].is_string(); }

Result<std::optional<std::string>> open_wrapper(JsonNode wrapper, const FieldCipher& cipher, const FieldPlace& place) {
  auto opened = cipher.open(*wrapper["tmkey"].as_string(), place, *wrapper["cipher"].as_string());
  if (!opened) {
    Error error = opened.take_error();
    error.message += " (record " + std::string(place.record) + " of type " + std::string(place.type) + ", field " + std::string(place.pointer) + ")";
    return error;
  }
  return opened;
}

std::string seal_fields(std::string_view json, const std::vector<PersonalNode>& found, const SubjectSealer& sealer, std::string_view record,
                        std::string_view type) {
  auto sealed = splice(json, found, [&](const PersonalNode& field, std::string& out) -> Result<void> {
    const JsonNode plain = field.wrapper["plain"];
    TM_ASSERT(static_cast<bool>(plain), "the codec writes the plain form of a Personal");
    out += sealed_wrapper(sealer, {record, type, field.pointer}, plain.raw());
    return {};
  });
  return std::move(*sealed);
}

Result<std::string> open_fields(std::string_view json, const std::vector<PersonalNode>& found, const FieldCipher& cipher, std::string_view record,
                                std::string_view type) {
  return splice(json, found, [&](const PersonalNode& field, std::string& out) -> Result<void> {
    if (!is_sealed_wrapper(field.wrapper)) {
      out += field.wrapper.raw();
      return {};
    }
    auto plain = open_wrapper(field.wrapper, cipher, {record, type, field.pointer});
    if (!plain) return plain.take_error();
    out += *plain ? "{\"plain\":" + **plain + "}" : std::string(kErased);
    return {};
  });
}

std::size_t sealed_size_max(std::string_view json) {
  constexpr std::string_view kPlain = "{\"plain\":";
  constexpr std::size_t kAroundCipher = 128;  // names, key id, nonce and tag in base64
  std::size_t fields = 0;
  for (std::size_t at = json.find(kPlain); at != std::string_view::npos; at = json.find(kPlain, at + 1)) ++fields;
  return fields == 0 ? json.size() : json.size() / 3 * 4 + 4 + fields * kAroundCipher;
}

}  // namespace tidemark::event
