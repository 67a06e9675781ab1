#pragma once
// What the log holds, read from its bytes by code that is not the platform's: docs/formats/envelope.md and decisions.md say what is
// there. Only what the checks ask for.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::sim {

/// A JSON value, as text that is taken apart when it is asked.
class JsonValue {
 public:
  enum class Kind { null, boolean, number, text, list, object };
  /// nullopt: not JSON.
  static std::optional<JsonValue> parse(std::string_view text);

  Kind kind = Kind::null;
  bool boolean = false;
  std::int64_t number = 0;
  std::string text;  ///< of a text; of all others as written
  std::vector<JsonValue> list;
  std::vector<std::pair<std::string, JsonValue>> members;

  const JsonValue* find(std::string_view name) const;
  /// "" and 0 for what is not there or null.
  const std::string& text_of(std::string_view name) const;
  std::int64_t number_of(std::string_view name) const;
};

/// One record of an owner.
struct Evidence {
  std::string id, type, subject, key, boundary, command_id, actor;
  std::string data;
  std::int64_t time_ms = 0;
  std::uint64_t tmseq = 0;
  std::optional<std::uint64_t> sequence;
  std::optional<std::pair<std::uint64_t, std::uint32_t>> decision;
};

/// The records of a record batch v2, or what is wrong with it.
struct BatchEvidence {
  std::vector<Evidence> records;
  std::string wrong;
};
BatchEvidence read_batch(std::string_view bytes);

}  // namespace tidemark::sim
