#pragma once
// The question of one node to another, which of these files it has:
//
//   POST /cluster/held-blobs    a line per file, "<sha256> <size>" or "private <name>"; the answer is a line of '1' and '0', one
//                               each in that order, with a proof that it is that node's answer to that question

#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/blob/stored_file.hpp"

namespace tidemark::cluster {

inline constexpr std::string_view kHeldTarget = "/cluster/held-blobs";
inline constexpr std::size_t kHeldFilesMax = 1024;
inline constexpr std::size_t kHeldBytesMax = kHeldFilesMax * 96;  ///< of a question

std::string held_question(const std::vector<blob::StoredFile>& files);
/// invalid_argument: not such lines, none, or more than kHeldFilesMax.
Result<std::vector<blob::StoredFile>> parse_held_question(std::string_view text);

std::string held_answer(const std::vector<bool>& held);
/// corrupt: not the answer to a question about so many files.
Result<std::vector<bool>> parse_held_answer(std::string_view text, std::size_t files);

/// What NodeKey::stored() proves of it.
std::string held_statement(std::string_view answer);

}  // namespace tidemark::cluster
