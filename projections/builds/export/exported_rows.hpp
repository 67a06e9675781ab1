#pragma once
// An exported database held against the read models that it was made from; and the tokens that may go into it.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "projections/builds/builds_model.hpp"
#include "replay/export/export_database.hpp"
#include "replay/export/verify.hpp"

namespace tidemark::projections::builds {

/// Read models that compare_rows() reads.
std::vector<std::string> models_to_compare();

/// Adds what the database says otherwise than the read models: a build's or a worker's row (all columns but the access
/// token), and how many rows there are of the rest. Gives the number of paths that are absent because the file could not be had.
Result<std::uint64_t> compare_rows(replay::ExportDatabase& database, const replay::ModelRows& models, const std::string& root, replay::ExportFindings& findings);

/// The token that a build's owner was given, if it can be had: a guess is taken only when its hash is the one that is known.
using TokenGuess = std::function<std::optional<std::string>(const BuildView& build)>;
/// Puts them into the rows, and says into how many.
Result<std::uint64_t> restore_tokens(replay::ExportDatabase& database, const RowReader& builds, const TokenGuess& guess);

}  // namespace tidemark::projections::builds
