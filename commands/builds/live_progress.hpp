#pragma once
// How far a build under way is, in the owner's memory (Volatile): shown to people, never decided upon. A value knows its
// attempt, so that what an earlier attempt said is not taken for the present one's.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark::commands::builds {

std::string progress_key(std::string_view build_id);
/// Nothing when `percent` is no number from 0 to 100.
std::optional<std::int64_t> progress_value(std::uint32_t attempt, std::string_view percent);
/// Tenths of a percent; nothing when the value is of another attempt.
std::optional<std::int64_t> known_progress(std::optional<std::int64_t> value, std::uint32_t attempt);

std::string stage_key(std::string_view build_id);
/// Nothing when `stage` is none of those that virtual machines name.
std::optional<std::int64_t> stage_value(std::uint32_t attempt, std::string_view stage);
/// Its name; nothing when the value is of another attempt.
std::optional<std::string_view> known_stage(std::optional<std::int64_t> value, std::uint32_t attempt);

}  // namespace tidemark::commands::builds
