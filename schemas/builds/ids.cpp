#include "schemas/builds/ids.hpp"

#include "core/base/bytes.hpp"
#include "core/base/ids.hpp"

namespace tidemark::schemas::builds {
namespace {

std::string derive_id(std::string_view command_id, std::string_view purpose) {
  constexpr std::string_view kFirst = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const std::string digest = sha256(std::string(purpose) + '\n' + std::string(command_id));
  std::string id = to_base64url(digest).substr(0, 21);
  if (id.front() == '-' || id.front() == '_')
    id.front() = kFirst[static_cast<unsigned char>(digest.back()) % kFirst.size()];
  return id;
}

}  // namespace

std::string derive_build_id(std::string_view command_id) { return derive_id(command_id, "tidemark.builds.build-id"); }
std::string derive_worker_id(std::string_view command_id) { return derive_id(command_id, "tidemark.builds.worker-id"); }

bool is_valid_id(std::string_view id) {
  if (id.empty() || id.size() > 128) return false;
  for (const char c : id) {
    const bool ok = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!ok) return false;
  }
  return true;
}

std::string token_hash(std::string_view token) { return to_hex(sha256(token)); }

}  // namespace tidemark::schemas::builds
