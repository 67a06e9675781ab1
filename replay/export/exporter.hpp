#pragma once
// Exporter: keeps the old system's database and files up to date with the log, in small transactions. Files are placed before
// the rows that name them and removed after; the position in the log is part of the rows' transaction. So whatever moment a
// process dies in, the database is a whole one of some moment, and the next run goes on from there.

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/blob/blob_store.hpp"
#include "replay/export/export_metrics.hpp"
#include "replay/export/file_tree.hpp"
#include "replay/export/log_follower.hpp"
#include "replay/export/read_models.hpp"

namespace tidemark::replay {

/// Borrowed, and outlive the exporter.
struct ExportParts {
  Scheduler& home;
  Executor& files;  ///< one thread, where it reads the log and writes
  log::EventLog& log;
  ReadModels& models;
  blob::BlobStore& blobs;
  const ExportMapping& mapping;
};

struct ExportOptions {
  std::string directory;                        ///< absolute
  std::string root;                             ///< what stored paths begin with; empty: the directory
  /// Rest between two transactions while it follows, so that few do the work of many and the disk is left to the log.
  Duration pace = std::chrono::seconds(1);
  OtherLog other_log = OtherLog::refuse;        ///< what becomes of a directory that was made from another log
  ExportMetrics metrics{};
  std::function<void(const Error&)> on_failure{};  ///< once when it begins to fail, and when the reason changes
  std::function<void()> on_recovery{};
  std::function<void(const std::string&)> on_note{};
};

/// On the home scheduler.
class Exporter {
 public:
  Exporter(ExportParts parts, ExportOptions options);
  /// After stop() or close().
  ~Exporter();

  /// Begins to follow the log, and goes on through every failure until stop().
  void follow();
  /// Applies what the log holds, for at most so long, and closes the files.
  Task<void> stop(Duration patience);

  // By hand, when it does not follow:

  /// One transaction. False when there was nothing left to apply. After an error the files are opened anew by the next call.
  Task<Result<bool>> step();
  /// Makes the database one file and closes it.
  Task<Result<void>> close();
  std::uint64_t files_lost() const { return lost_; }
  std::uint64_t left_out() const { return left_out_; }

 private:
  struct Plan {
    ExportChanges changes;
    std::vector<FileWish> to_place;
    std::vector<std::string> to_remove;
  };
  Task<Result<bool>> try_step();
  Task<void> loop();
  Result<void> open_files();
  Result<Plan> plan(const std::vector<FollowedEvent>& events, const std::vector<std::shared_ptr<const RowReader>>& rows);
  Result<void> commit(const Plan& plan, const std::vector<ExportPosition>& positions, const std::vector<std::pair<std::string, FileOrigin>>& placed);
  /// Places again what is missing of the tree.
  Task<Result<void>> complete_tree();
  Task<Result<bool>> place(std::string path, FileOrigin origin);
  Callback<bool> rest(Duration longest);
  void resume();
  void wake();
  /// Sets the gauges; says how many records are not exported.
  std::uint64_t measure();

  const ExportParts parts_;
  const ExportOptions options_;

  // On the thread of `files`.
  std::unique_ptr<File> lock_;
  std::unique_ptr<ExportDatabase> database_;
  std::optional<LogFollower> follower_;
  FileTree tree_;
  std::vector<std::pair<std::string, FileOrigin>> missing_;  ///< of the tree, though the database names them

  // Home.
  std::vector<ExportPosition> positions_;  ///< committed
  std::optional<Time> oldest_unread_;
  std::string failure_;                    ///< why the last try failed
  bool open_ = false, following_ = false, idle_ = false, woken_ = false;
  Fn<void(bool)> resume_;
  TimerId timer_ = 0;
  std::uint64_t watch_ = 0;
  SteadyTime stop_by_{};
  Fn<void(bool)> stopped_;
  std::uint64_t lost_ = 0, left_out_ = 0;

  std::atomic<bool> stopping_{false};
  std::atomic<bool> abandon_copies_{false};
  std::atomic<bool> wake_posted_{false};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  ///< home
};

}  // namespace tidemark::replay
