#include "ops/cli/settings.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "core/base/assert.hpp"

namespace tidemark::cli {
namespace {

Error error_of(std::string_view key, const std::string& where, std::string_view expected, std::string_view got) {
  return make_error(Code::invalid_argument, "setting " + std::string(key) + " (" + where + "): expected " + std::string(expected) +
                                                (got.empty() ? std::string() : ", got " + std::string(got)));
}

/// The value as texts, or nothing when it is of another type than the setting's.
std::optional<std::vector<std::string>> texts_of(const toml::node& node, Kind::Toml type) {
  if (type == Kind::Toml::number) {
    if (const auto number = node.value_exact<std::int64_t>()) return std::vector{std::to_string(*number)};
  } else if (type == Kind::Toml::boolean) {
    if (const auto flag = node.value_exact<bool>()) return std::vector<std::string>{*flag ? "true" : "false"};
  } else if (const auto text = node.value_exact<std::string>()) {
    return std::vector{*text};
  } else if (const auto* array = node.as_array(); array && type == Kind::Toml::texts) {
    std::vector<std::string> texts;
    for (const toml::node& item : *array) {
      const auto text_item = item.value_exact<std::string>();
      if (!text_item) return std::nullopt;
      texts.push_back(*text_item);
    }
    return texts;
  }
  return std::nullopt;
}

using Values = std::map<std::string, Value, std::less<>>;

Result<void> read_table(const toml::table& table, const std::string& prefix, const std::string& path, Values& values) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    const std::string where = "file " + path + " line " + std::to_string(node.source().begin.line);
    const auto& known = all_settings();
    const auto found = std::find_if(known.begin(), known.end(), [&](const Setting& s) { return s.key == key; });
    if (found != known.end()) {
      const auto texts = texts_of(node, found->kind.toml);
      if (!texts) return error_of(key, where, found->kind.expected, "a value of another type");
      values[key] = Value{*texts, Origin::file, where};
      continue;
    }
    const bool is_section = std::any_of(known.begin(), known.end(), [&](const Setting& s) { return s.key.starts_with(key + "."); });
    if (is_section && node.is_table()) {
      if (auto read = read_table(*node.as_table(), key + ".", path, values); !read.ok()) return read;
      continue;
    }
    return error_of(key, where, "a known setting (docs/configuration.md lists them)", is_section ? "a value where a section belongs" : "");
  }
  return {};
}

Result<void> read_config_file(const std::string& path, Values& values) {
  const toml::parse_result parsed = toml::parse_file(path);
  if (!parsed) {
    const auto& error = parsed.error();
    const auto line = error.source().begin.line;
    return error_of("config", path + (line ? " line " + std::to_string(line) : std::string()), "a readable TOML file", error.description());
  }
  return read_table(parsed.table(), "", path, values);
}

Result<void> check(const Setting& known, const Value& value) {
  for (const std::string& text : value.texts) {
    if (known.kind.accepts(text)) continue;
    return error_of(known.key, value.where, known.kind.expected, known.secret ? "something else" : "\"" + text + "\"");
  }
  return {};
}

std::string toml_text(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) out += '?';
    else out += c;
  }
  return out + "\"";
}

std::string toml_value(const Setting& known, const Value& value) {
  if (known.secret) return "\"********\"";
  if (known.kind.toml == Kind::Toml::number || known.kind.toml == Kind::Toml::boolean) return value.texts.front();
  if (known.kind.toml == Kind::Toml::text) return toml_text(value.texts.front());
  std::string out = "[";
  for (const std::string& text : value.texts) out += (out.size() > 1 ? ", " : "") + toml_text(text);
  return out + "]";
}

}  // namespace

Error bad_setting(std::string_view key, const Value& value, std::string_view expected) {
  const bool show = !setting(key).secret && !value.texts.empty();
  return error_of(key, value.where, expected, show ? "\"" + value.texts.front() + "\"" : std::string());
}

Result<Settings> Settings::load(const std::vector<std::string>& keys, const FlagValues& flags, const Environment& environment,
                                const std::optional<std::string>& config_path, const std::map<std::string, std::string>& older_names,
                                const std::map<std::string, std::string>& other_defaults) {
  Values from_file;
  if (config_path) {
    if (auto read = read_config_file(*config_path, from_file); !read.ok()) return read.take_error();
  }
  // A bad value is refused wherever it stands, also when the command does not use it or something above overrides it.
  for (const auto& [key, value] : from_file) {
    if (auto checked = check(setting(key), value); !checked.ok()) return checked.take_error();
  }

  Settings settings;
  settings.keys_ = keys;
  for (const std::string& key : keys) {
    const Setting& known = setting(key);
    const auto other = other_defaults.find(key);
    const std::string& fallback = other == other_defaults.end() ? known.fallback : other->second;
    Value value{{}, Origin::fallback, "default"};
    if (!fallback.empty()) value.texts.push_back(fallback);
    if (const auto found = from_file.find(key); found != from_file.end()) value = found->second;

    std::vector<std::string> names{known.environment};
    if (const auto older = older_names.find(key); older != older_names.end()) names.push_back(older->second);
    for (const std::string& name : names) {
      const auto given = environment(name);
      if (!given || given->empty()) continue;
      value = Value{{}, Origin::environment, "environment " + name};
      if (known.kind.toml != Kind::Toml::texts) {
        value.texts.push_back(*given);
      } else {
        for (std::size_t at = 0; at <= given->size();) {
          const std::size_t comma = std::min(given->find(',', at), given->size());
          value.texts.push_back(given->substr(at, comma - at));
          at = comma + 1;
        }
      }
      if (auto checked = check(known, value); !checked.ok()) return checked.take_error();
      break;
    }
    if (const auto found = flags.find(key); found != flags.end()) {
      value = Value{found->second.texts, Origin::flag, "flag " + found->second.flag};
      if (auto checked = check(known, value); !checked.ok()) return checked.take_error();
    }
    settings.values_[key] = std::move(value);
  }
  return settings;
}

const Value& Settings::value(std::string_view key) const {
  const auto found = values_.find(key);
  TM_ASSERT(found != values_.end(), "a setting that this command does not take");
  return found->second;
}

std::string Settings::text(std::string_view key) const {
  const Value& found = value(key);
  return found.texts.empty() ? std::string() : found.texts.front();
}

std::int64_t Settings::number(std::string_view key) const {
  const std::string value_text = text(key);
  std::int64_t parsed = 0;
  std::from_chars(value_text.data(), value_text.data() + value_text.size(), parsed);
  return parsed;
}

Duration Settings::duration(std::string_view key) const { return parse_duration(text(key)).value_or(Duration(0)); }

std::string Settings::print() const {
  std::string out, section;
  for (const std::string& key : keys_) {
    const Setting& known = setting(key);
    const Value& shown = value(key);
    const std::size_t dot = key.find('.');
    if (dot != key.npos && key.substr(0, dot) != section) {
      section = key.substr(0, dot);
      out += "\n[" + section + "]\n";
    }
    const std::string name = dot == key.npos ? key : key.substr(dot + 1);
    std::string line = shown.texts.empty() ? "# " + name + " is not set" : name + " = " + toml_value(known, shown);
    if (line.size() < 48) line.resize(48, ' ');
    out += line + "  # " + shown.where + "\n";
  }
  return out;
}

}  // namespace tidemark::cli
