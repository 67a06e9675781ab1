#include "ops/cli/setting_flags.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "ops/cli/commands.hpp"

namespace tidemark::cli {

std::optional<std::string> process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

SettingFlags::SettingFlags(CLI::App& command, std::vector<std::string> keys, FlagStyle style)
    : keys_(std::move(keys)), style_(std::move(style)) {
  for (const std::string& key : keys_) {
    const Setting& known = setting(key);
    const auto renamed = style_.names.find(key);
    const std::string flag = renamed == style_.names.end() ? known.flag : renamed->second;
    std::string help = known.help;
    const auto other = style_.other_defaults.find(key);
    const std::string& fallback = other == style_.other_defaults.end() ? known.fallback : other->second;
    if (!fallback.empty() && known.kind.toml != Kind::Toml::boolean) help += " [" + fallback + "]";
    help += " (" + known.environment + ")";
    if (known.kind.toml == Kind::Toml::boolean) {
      options_[key] = command.add_flag(flag, switches_[key], help);
      continue;
    }
    CLI::Option* option = command.add_option(flag, texts_[key], help);
    // An empty value reaches our own check, which names the setting and what was expected.
    option->allow_extra_args(false)->type_name(known.kind.toml == Kind::Toml::number ? "N" : "VALUE");
    if (known.kind.toml != Kind::Toml::texts) option->multi_option_policy(CLI::MultiOptionPolicy::Throw)->expected(1);
    else option->expected(1, 64);
    option->allow_extra_args(false);
    options_[key] = option;
  }
  command.add_option("--config", config_, "TOML file with settings (TIDEMARK_CONFIG)")->type_name("FILE");
  command.add_flag("--print-config", print_config_, "Print the effective settings, where each comes from, and end");
}

std::optional<Settings> SettingFlags::load(int& exit_code) const {
  FlagValues flags;
  for (const auto& [key, option] : options_) {
    if (option->count() == 0) continue;
    const auto found = switches_.find(key);
    std::vector<std::string> texts;
    if (found != switches_.end()) texts.push_back(found->second ? "true" : "false");
    else texts = texts_.at(key);
    flags[key] = Given{option->get_name(), std::move(texts)};
  }
  std::optional<std::string> config = config_.empty() ? process_environment("TIDEMARK_CONFIG") : std::optional(config_);
  if (config && config->empty()) config.reset();
  auto settings = Settings::load(keys_, flags, process_environment, config, style_.older_names, style_.other_defaults);
  if (!settings.ok()) {
    exit_code = complain(settings.error().message, kExitUsage);
    return std::nullopt;
  }
  if (print_config_) {
    std::fputs(settings->print().c_str(), stdout);
    exit_code = 0;
    return std::nullopt;
  }
  return std::move(*settings);
}

}  // namespace tidemark::cli
