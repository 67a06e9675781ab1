#pragma once
// Settings as flags of one subcommand, with --config and --print-config.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ops/cli/settings.hpp"

namespace CLI {
class App;
class Option;
}

namespace tidemark::cli {

struct FlagStyle {
  std::map<std::string, std::string> names;           ///< other flag names: key to "--api-key"
  std::map<std::string, std::string> older_names;     ///< further environment names: key to "CONTROLLER_API_KEY"
  std::map<std::string, std::string> other_defaults;  ///< key to default text
};

/// Lives until the subcommand has run.
class SettingFlags {
 public:
  SettingFlags(CLI::App& command, std::vector<std::string> keys, FlagStyle style = {});

  /// The effective settings; prints them and gives nothing when --print-config was given; prints the reason and sets
  /// `exit_code` when they are bad.
  std::optional<Settings> load(int& exit_code) const;

 private:
  std::vector<std::string> keys_;
  FlagStyle style_;
  std::map<std::string, std::vector<std::string>> texts_;
  std::map<std::string, bool> switches_;
  std::map<std::string, CLI::Option*> options_;
  std::string config_;
  bool print_config_ = false;
};

/// The environment of this process.
std::optional<std::string> process_environment(const std::string& name);

}  // namespace tidemark::cli
