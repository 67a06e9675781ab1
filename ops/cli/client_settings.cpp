#include "ops/cli/client_settings.hpp"

#include "ops/cli/installation.hpp"

namespace tidemark::cli {

std::vector<std::string> client_setting_keys(std::vector<std::string> more) {
  std::vector<std::string> keys{"server", "data", "keys"};
  keys.insert(keys.end(), more.begin(), more.end());
  return keys;
}

Result<Client> make_client(const Settings& settings) {
  const std::string keys = settings.is_set("keys") ? settings.text("keys") : default_keys_directory(settings.text("data"));
  auto key = read_operator_key(keys);
  if (!key.ok()) return key.take_error();
  return Client(settings.text("server"), std::move(*key));
}

}  // namespace tidemark::cli
