#include "commands/builds/live_progress.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

namespace tidemark::commands::builds {
namespace {

constexpr std::int64_t kParts = 2'000;  // above the 1,000 tenths of a percent, and above any stage
constexpr std::string_view kStages[] = {"initializing", "running", "building", "compiling", "linking", "archiving", "exporting"};

std::optional<std::int64_t> part_of(std::optional<std::int64_t> value, std::uint32_t attempt) {
  if (!value || *value < 0 || *value / kParts != attempt) return std::nullopt;
  return *value % kParts;
}

}  // namespace

std::string progress_key(std::string_view build_id) { return "progress/" + std::string(build_id); }

std::optional<std::int64_t> progress_value(std::uint32_t attempt, std::string_view percent) {
  double number = 0;
  const char* const end = percent.data() + percent.size();
  const auto [at, error] = std::from_chars(percent.data(), end, number);
  if (error != std::errc() || at != end || !(number >= 0 && number <= 100)) return std::nullopt;
  return std::int64_t{attempt} * kParts + std::llround(number * 10);
}

std::optional<std::int64_t> known_progress(std::optional<std::int64_t> value, std::uint32_t attempt) { return part_of(value, attempt); }

std::string stage_key(std::string_view build_id) { return "stage/" + std::string(build_id); }

std::optional<std::int64_t> stage_value(std::uint32_t attempt, std::string_view stage) {
  const auto found = std::find(std::begin(kStages), std::end(kStages), stage);
  if (found == std::end(kStages)) return std::nullopt;
  return std::int64_t{attempt} * kParts + (found - std::begin(kStages));
}

std::optional<std::string_view> known_stage(std::optional<std::int64_t> value, std::uint32_t attempt) {
  const auto part = part_of(value, attempt);
  if (!part || static_cast<std::size_t>(*part) >= std::size(kStages)) return std::nullopt;
  return kStages[*part];
}

}  // namespace tidemark::commands::builds
