#pragma once
// The builds domain for the exporter: the old controller's SQLite file and storage tree.

#include <functional>
#include <memory>
#include <string>

#include "core/runtime/domain.hpp"
#include "replay/export/mapping.hpp"

namespace tidemark::projections::builds {

/// Files and tables of the old controller.
replay::ExportLayout legacy_layout();

struct LegacyMappingParts {
  std::shared_ptr<const runtime::Decider> decider;  ///< of the builds domain: knows both entities of an event
  std::string root;                                 ///< what stored paths begin with
  std::function<std::string()> new_token;           ///< for the access token of a build that is new to the file
};
std::unique_ptr<replay::ExportMapping> make_legacy_mapping(LegacyMappingParts parts);

}  // namespace tidemark::projections::builds
