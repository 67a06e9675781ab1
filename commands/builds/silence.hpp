#pragma once
// What the absence of signs of life is told apart from.

#include <string_view>

namespace tidemark::commands::builds {

/// Reason of a requeue by silence: it ends the work of a worker that did not speak.
inline constexpr std::string_view kStoppedResponding = "worker stopped responding";

/// In the owner's memory (Volatile): ms when bytes last came of a result that has not said yet whose it is. It may be any build's,
/// so none ends by silence meanwhile.
inline constexpr std::string_view kUnnamedUploadKey = "unnamed-upload";

}  // namespace tidemark::commands::builds
