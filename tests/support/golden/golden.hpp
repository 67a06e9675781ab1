#pragma once
// Golden samples: one committed file per version of every contract type, tests/golden/<domain>/<Type>.v<n>.json, holding
// the JSON of a sample value in one line. What is written may not change within a version, and what was written must
// decode for ever: a failure here means that recorded history would be read differently.
//
//   EXPECT_EQ(golden::check("builds", sample_build_submitted()), "");               // for each type
//   EXPECT_EQ((golden::check_all<Command, Event>("builds")), "");                    // once per domain
//
// With TIDEMARK_WRITE_GOLDEN=1 in the environment a missing file is written (an existing one never): look at it, commit it.

#include <string>
#include <string_view>
#include <vector>

#include "core/event/versioned.hpp"

namespace tidemark::golden {

/// <source>/tests/golden/<domain>/<type>.v<version>.json
std::string path_of(std::string_view domain, std::string_view type, int version);

namespace detail {
std::string compare(const std::string& path, std::string_view json);
/// Content without the final newline; nullopt and `problem` when it cannot be read.
std::optional<std::string> read(const std::string& path, std::string& problem);
std::string describe(const std::string& path, const std::vector<event::FieldError>& errors);
/// Names of the files of a domain that are in none of `expected`.
std::string strangers(std::string_view domain, const std::vector<std::string>& expected);
}  // namespace detail

/// Compares to_json(sample) with its file, and the file decoded and written again with itself. "" or what is wrong.
template <event::Versioned T>
std::string check(std::string_view domain, const T& sample) {
  const std::string path = path_of(domain, T::kType, T::kVersion);
  const std::string json = event::to_json(sample);
  if (std::string problem = detail::compare(path, json); !problem.empty()) return problem;
  std::vector<event::FieldError> errors;
  const auto decoded = event::from_json<T>(json, event::Decoding::strict, errors);
  if (!decoded) return detail::describe(path, errors);
  if (event::to_json(*decoded) != json) return path + ": decoded and written again it differs: " + event::to_json(*decoded);
  return {};
}

/// Checks that every version of every alternative of the variants has a file that decodes to the current version, and that
/// the folder holds no other file. "" or everything that is wrong, a line each.
template <class... Variants>
std::string check_all(std::string_view domain) {
  std::string problems;
  std::vector<std::string> expected;
  const auto variant = [&]<class Variant>(std::type_identity<Variant>) {
    event::for_each_alternative<Variant>([&]<class T>(std::type_identity<T>) {
      if constexpr (event::Versioned<T>) {
        for (int version = event::oldest_version<T>(); version <= T::kVersion; ++version) {
          const std::string path = path_of(domain, T::kType, version);
          expected.push_back(path);
          std::string problem;
          const auto json = detail::read(path, problem);
          if (json) {
            bool known = false;
            std::vector<event::FieldError> errors;
            const auto value = event::decode_variant<Variant>(T::kType, version, *json, event::Decoding::tolerant, errors, known);
            if (!known) problem = path + ": no such version";
            else if (!value) problem = detail::describe(path, errors);
          }
          if (!problem.empty()) problems += problem + "\n";
        }
      }
    });
  };
  (variant(std::type_identity<Variants>{}), ...);
  return problems + detail::strangers(domain, expected);
}

}  // namespace tidemark::golden
