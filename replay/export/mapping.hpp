#pragma once
// What a domain says about the old system's files, so that the exporter can keep them: tables, folders, and what recorded
// events change in them. The exporter knows no domain, a mapping knows neither SQLite nor the file system.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/rows.hpp"
#include "core/event/envelope.hpp"
#include "core/log/event_log.hpp"
#include "replay/export/sqlite_file.hpp"

namespace tidemark::replay {

struct ExportTable {
  std::string name;
  std::string create;                 ///< CREATE TABLE statement
  std::vector<std::string> columns;   ///< that rows give, in this order
  bool keyed = true;                  ///< a row replaces the one with its first column; else rows are added
  std::vector<std::string> kept{};    ///< of a keyed table: columns that keep the value of the first row
  std::vector<std::string> paths{};   ///< columns that hold paths under the storage root
  bool watched = false;               ///< the old system writes to it whenever it runs
};

struct ExportLayout {
  std::string name;                   ///< "builds"
  int version = 1;                    ///< of the mapping: files of another version are made anew
  std::string database;               ///< file name in the directory
  std::vector<ExportTable> tables;    ///< those that others refer to come first
  std::vector<std::string> indexes;   ///< CREATE INDEX statements
  std::vector<std::string> folders;   ///< of the storage tree, below the directory
  /// What the mapping reads. A record of a topic may concern what records of the topics before it have told: the rows of the read
  /// models know it, the file may not yet.
  std::vector<log::TopicSpec> topics;
  std::vector<std::string> read_models;
};

/// Where the content of a file lies.
struct FileOrigin {
  enum class Kind { shared, secret } kind = Kind::shared;
  std::string name;     ///< shared: the hash; secret: the name of the private blob
  std::string sha256;   ///< of the plain content
  std::uint64_t size = 0;
  bool operator==(const FileOrigin&) const = default;
};

/// A file as it has to be.
struct FileWish {
  std::string path;                   ///< below the directory: "builds/<id>.zip"
  std::optional<FileOrigin> origin;   ///< nullopt: there is none
  /// Table, row and column of this change that become NULL when the content cannot be had any more.
  struct Place {
    std::size_t table, row, column;
  };
  std::optional<Place> if_lost{};
};

struct ExportChanges {
  std::vector<std::vector<Cells>> rows;  ///< by table, in the order of the layout
  std::vector<FileWish> files;
  std::uint64_t left_out = 0;            ///< facts about things that nobody knows
};

struct FollowedEvent {
  std::size_t topic;  ///< in the layout
  event::Event event;
};

using ModelRows = std::function<const RowReader&(std::string_view read_model)>;

/// Pure, but for the values that its maker has handed in.
///   threads  one at a time
class ExportMapping {
 public:
  virtual ~ExportMapping() = default;
  virtual const ExportLayout& layout() const = 0;
  /// What these events change, in the order of the topics and within a lane of the log. The read models have applied at least
  /// all of them, and maybe more: rows say how things are there.
  ///   errors  corrupt: a record does not decode
  virtual Result<ExportChanges> map(const std::vector<FollowedEvent>& events, const ModelRows& models) const = 0;
};

}  // namespace tidemark::replay
