#pragma once
// Reads a multipart form: the files wanted go to blob staging while they are hashed, the text fields wanted are kept, all
// else is drained and forgotten (profile, appleId, applePassword must leave no trace). Parts may come in any order.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/blob/blob_store.hpp"
#include "core/http/http.hpp"

namespace tidemark::commands::builds::endpoint {

inline constexpr std::size_t kTextFieldBytesMax = 1u << 20;

struct WantedFile {
  std::string_view name;
  std::uint64_t bytes_max = 0;     ///< inclusive
  std::string_view too_large;      ///< text of the 413
  bool is_private = false;         ///< for BlobStore::commit_private(): encrypted from the first byte on
};

struct FormSpec {
  std::vector<WantedFile> files;
  std::vector<std::string_view> fields;
  std::string_view failed;         ///< the route's 500 text
};

struct StagedFile {
  std::unique_ptr<blob::Upload> upload;  ///< destroying it removes the staging file
  std::string declared_name, declared_type;
};

struct Form {
  std::map<std::string, std::string, std::less<>> fields;
  std::map<std::string, StagedFile, std::less<>> files;

  const std::string* field(std::string_view name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? nullptr : &found->second;
  }
  StagedFile* file(std::string_view name) {
    const auto found = files.find(name);
    return found == files.end() ? nullptr : &found->second;
  }
  /// Removes what was staged and not kept: gone when the task ends, so that a client that learns of a failure and tries again
  /// does not meet a disk that is still full of its first try.
  Task<void> discard_files();
};

/// A line for the operator about an upload that the disk did not take; `part` is the form's name for it.
void log_unstored_file(std::string_view part, const Error& error);

/// Reads the body of `request` into `form`. The answer to send when the form cannot be taken (400, 413, 500), else nothing.
///   progress  called as file bytes arrive, with what is known of the form so far; may be empty
Task<std::optional<http::Response>> read_form(http::Request& request, blob::BlobStore& blobs, FormSpec spec, Form& form,
                                              std::function<void(const Form&)> progress = {});

}  // namespace tidemark::commands::builds::endpoint
