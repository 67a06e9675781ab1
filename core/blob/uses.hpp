#pragma once
// FileUses: what is known of the use of stored files, for those who copy them. Whoever records references says what it can.

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/blob/blob_store.hpp"
#include "core/blob/stored_file.hpp"

namespace tidemark::blob {

/// Home scheduler.
class FileUses {
 public:
  /// nullopt: it cannot be said now.
  using Ask = std::function<std::optional<Use>(const StoredFile& file)>;
  void add(Ask ask) { asked_.push_back(std::move(ask)); }

  /// needed when somebody needs it, else nullopt when somebody cannot say, else gone when it is to somebody, else unknown.
  std::optional<Use> of(const StoredFile& file) const;

 private:
  std::vector<Ask> asked_;
};

}  // namespace tidemark::blob
