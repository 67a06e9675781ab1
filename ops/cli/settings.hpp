#pragma once
// Settings: where each value comes from (flag over environment over file over default), what is allowed, how it is shown.
//
// One table (settings_table.cpp, and what each domain declares) names every setting once. "builds.api_key" is the flag --builds-api-key, the variable
// TIDEMARK_BUILDS_API_KEY, and `api_key` in the [builds] section of the TOML file.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/time.hpp"

namespace tidemark::cli {

/// What a value must look like; the text of `expected` is for messages.
struct Kind {
  enum class Toml { text, number, boolean, texts } toml = Toml::text;  ///< how the file writes it
  std::string expected;
  std::function<bool(std::string_view)> accepts;
};

struct Setting {
  std::string key;            ///< "builds.api_key"
  Kind kind;
  std::string fallback;       ///< shown default; empty: none
  std::string help;
  bool secret = false;
  std::string flag;           ///< "--builds-api-key" unless a command calls it otherwise
  std::string environment;    ///< "TIDEMARK_BUILDS_API_KEY"
};

enum class Origin { fallback, file, environment, flag };

struct Value {
  std::vector<std::string> texts;  ///< one, or several for a repeatable setting; empty: not set
  Origin origin = Origin::fallback;
  std::string where;               ///< "flag --port", "environment TIDEMARK_PORT", "file a.toml line 3", "default"
};

/// Adds the settings of a domain. Before all_settings() is first called.
void declare_settings(std::vector<Setting> settings);
/// All settings of the program, in the order they are shown.
const std::vector<Setting>& all_settings();
const Setting& setting(std::string_view key);

/// What the command line gave: key to texts, with the flag's name as typed.
struct Given {
  std::string flag;
  std::vector<std::string> texts;
};
using FlagValues = std::map<std::string, Given, std::less<>>;
/// Looks up an environment variable.
using Environment = std::function<std::optional<std::string>(const std::string&)>;

/// The effective settings.
class Settings {
 public:
  /// Merges and checks. `keys` are those the command takes; the file may hold others of the table, but nothing unknown.
  ///   older_names  further environment names of a key, asked after its own (the old controller's CONTROLLER_API_KEY)
  ///   errors       invalid_argument naming the setting, where it was given, and what was expected
  static Result<Settings> load(const std::vector<std::string>& keys, const FlagValues& flags, const Environment& environment,
                               const std::optional<std::string>& config_path,
                               const std::map<std::string, std::string>& older_names = {},
                               const std::map<std::string, std::string>& other_defaults = {});

  const Value& value(std::string_view key) const;
  bool is_set(std::string_view key) const { return !value(key).texts.empty(); }
  std::string text(std::string_view key) const;  ///< "" when not set
  const std::vector<std::string>& texts(std::string_view key) const { return value(key).texts; }
  std::int64_t number(std::string_view key) const;
  Duration duration(std::string_view key) const;
  bool flag(std::string_view key) const { return text(key) == "true"; }

  /// The effective settings as a TOML document, each with its origin as a comment; secrets are masked.
  std::string print() const;

 private:
  std::vector<std::string> keys_;
  std::map<std::string, Value, std::less<>> values_;
};

/// "250ms", "30s", "5m", "24h", "7d".
std::optional<Duration> parse_duration(std::string_view text);

/// A bad value, as every check words it.
Error bad_setting(std::string_view key, const Value& value, std::string_view expected);

}  // namespace tidemark::cli
