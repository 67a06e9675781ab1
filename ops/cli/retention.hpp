#pragma once
// Retention as people write it: "builds.activity=12h", "builds.activity=7d/1073741824".

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/time.hpp"
#include "ops/cli/settings.hpp"

namespace tidemark::runtime {
struct Domain;
}

namespace tidemark::cli {

inline constexpr std::string_view kRetentionExpected =
    "<topic>=<age>, or <topic>=<age>/<bytes>, with an age such as 12h, 7d or forever";

struct RetentionEntry {
  std::string topic;
  std::optional<Duration> age;
  std::optional<std::uint64_t> bytes;
};
/// nullopt when `text` is none.
std::optional<RetentionEntry> parse_retention(std::string_view text);

/// Applies the setting `retention` to the domains that have the topics it names: ephemeral ones, and decisions.
///   errors   invalid_argument: a topic that is kept for ever or that no domain has, or decisions cut by size
Result<void> apply_retention(const Settings& settings, std::vector<runtime::Domain>& domains);

}  // namespace tidemark::cli
