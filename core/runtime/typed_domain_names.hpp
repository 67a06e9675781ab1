#pragma once
#include <string_view>

namespace tidemark::runtime::detail {

/// A command's short name and version (0: the current one).
struct ShortName {
  std::string_view name;
  int version = 0;
};
/// Splits "SubmitBuild", "SubmitBuild.v2" or "tidemark.builds.SubmitBuild.v2".
ShortName split_command_name(std::string_view name);

}  // namespace tidemark::runtime::detail
