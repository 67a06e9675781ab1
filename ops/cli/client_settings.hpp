#pragma once
// The settings that every client command takes: which node, and where the operator key lies.

#include "ops/cli/client.hpp"
#include "ops/cli/settings.hpp"

namespace tidemark::cli {

/// {"server", "data", "keys"} and `more`.
std::vector<std::string> client_setting_keys(std::vector<std::string> more = {});

/// A client that speaks for the operator. not_found when there is no key to read.
Result<Client> make_client(const Settings& settings);

}  // namespace tidemark::cli
