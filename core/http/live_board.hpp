#pragma once
// A little JSON that many clients look at while it changes: keyed items in named sections. It is read and compared once for all
// of them, and each is told what is new since what it has seen, over Server-Sent Events:
//
//   "snapshot"  {"<section>":[item,...],...}                                     everything
//   "change"    {"<section>":{"gone":["<key>",...],"put":[item,...]},...}        of the sections that changed
//
// The id of either is what a client that comes back sends as Last-Event-ID: it gets a change when the board still knows what lies
// between, else a snapshot. A viewer is a version number and no queue: who reads slowly gets fewer and larger changes, who
// reads nothing is disconnected (live.hpp).

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/scheduler.hpp"
#include "core/base/task.hpp"
#include "core/http/http.hpp"

namespace tidemark::http {

struct BoardItem {
  std::string key;   ///< unique within its section
  std::string json;  ///< one value
};
struct BoardSection {
  std::string name;
  std::vector<BoardItem> items;  ///< a snapshot has them in this order; a change does not say where an item stands
};

/// What is shown, and since which version. Pure.
class Board {
 public:
  /// `gone_max`: so many removals are remembered; whoever has missed more gets a snapshot.
  explicit Board(std::size_t gone_max = 4096) : gone_max_(gone_max) {}

  /// Takes over what is to be shown now. False when nothing differs. The sections are the same at each call.
  bool update(std::vector<BoardSection> sections);
  std::uint64_t version() const { return version_; }  ///< 0: nothing was shown yet
  std::string snapshot() const;
  /// What has changed since that version; nothing when it is not known any more, or lies ahead.
  std::optional<std::string> changes_since(std::uint64_t version) const;

 private:
  struct Shown {
    BoardItem item;
    std::uint64_t since;
  };
  struct Section {
    std::string name;
    std::vector<Shown> items;
  };
  struct Gone {
    std::uint64_t since;
    std::size_t section;
    std::string key;
  };

  const std::size_t gone_max_;
  std::uint64_t version_ = 0;
  std::uint64_t complete_from_ = 0;  ///< gone_ has every removal after this version
  std::vector<Section> sections_;
  std::deque<Gone> gone_;
};

struct LiveBoardParts {
  Scheduler& scheduler;
  std::string instance;  ///< another one for each board ever made: versions of one mean nothing to another
  /// What is to be shown now. Read at most once in `interval` for all viewers, and not at all without any.
  std::function<Task<Result<std::vector<BoardSection>>>()> read;
  /// Ends when something may have changed since the call, and at the latest after `patience`.
  std::function<Task<void>(Duration patience)> changed;
  Duration interval = std::chrono::milliseconds(250);
  Duration patience = std::chrono::seconds(5);
};

/// Everything on the scheduler's thread. What `read` and `changed` borrow outlives every stream.
class LiveBoard : public std::enable_shared_from_this<LiveBoard> {
 public:
  explicit LiveBoard(LiveBoardParts parts) : parts_(std::move(parts)) {}

  /// The snapshot as it is now.
  Task<Result<std::string>> snapshot();
  /// The stream of one viewer. Its error is that of the first read: a viewer is let in only when there is something to show.
  Task<Result<Response>> follow(std::string last_event_id);
  std::size_t viewers() const { return viewers_.size(); }

 private:
  struct Viewer {
    Fn<void(bool)> waiting;
  };

  Task<Result<void>> refresh();
  Task<void> keep_fresh();
  Task<void> view(std::uint64_t seen, BodyStream& stream);
  std::uint64_t seen_by(std::string_view last_event_id) const;
  std::string event_since(std::uint64_t seen);
  void wake_all();

  const LiveBoardParts parts_;
  Board board_;
  std::list<Viewer*> viewers_;
  bool fresh_ = false;  ///< keep_fresh() is at work
  /// The last event made: most viewers have seen the same.
  std::uint64_t made_from_ = 0, made_at_ = 0;
  std::string made_;
};

}  // namespace tidemark::http
