#include "core/blob/file_store.hpp"

#include <utility>

#include "core/blob/collect.hpp"

namespace tidemark::blob {
namespace {

constexpr std::size_t kNamesPerTurn = 256;  // of files in use that a collection asks about before others get their turn

/// Goes on after what is ready on `home`.
Callback<bool> next_turn(Executor& home) {
  auto start = [&home](Fn<void(bool)> done) {
    home.post([done = std::move(done)]() mutable { done(true); });
  };
  return Callback<bool>(std::move(start));
}

}  // namespace

Task<Result<std::uint64_t>> FileBlobStore::collect(Duration age, std::function<bool(std::string_view sha256)> is_referenced) {
  const Collection collection(parts_.area);
  const Time limit = parts_.home->wall() - age;
  auto list = [area = parts_.area, limit] { return older_objects(*area, limit); };
  auto listing = run_on(*parts_.pool, *parts_.home, std::move(list));
  Result<std::vector<std::string>> older = co_await listing;
  if (!older) co_return older.take_error();
  std::uint64_t removed = 0;
  std::size_t asked = 0;
  for (const std::string& sha256 : *older) {
    if (++asked % kNamesPerTurn == 0) {
      auto turn = next_turn(*parts_.home);
      (void)co_await turn;
    }
    if (is_referenced(sha256)) continue;  // asked as late as possible: a reference may have come meanwhile
    auto remove = [area = parts_.area, sha256, limit]() -> bool { return remove_older_object(*area, sha256, limit); };
    auto removing = run_on(*parts_.pool, *parts_.home, std::move(remove));
    const bool gone = co_await removing;
    if (gone) ++removed;
  }
  parts_.metrics.collected(removed);
  parts_.metrics.passed_public();
  co_return removed;
}

Task<Result<std::uint64_t>> FileBlobStore::collect_private(Duration age, std::function<Use(std::string_view name)> use_of) {
  const Collection collection(parts_.area);
  const Time limit = parts_.home->wall() - age;
  auto erase = [area = parts_.area] { return erase_removed(*area); };
  auto erasing = run_on(*parts_.pool, *parts_.home, std::move(erase));
  Result<void> erased = co_await erasing;
  auto list = [area = parts_.area, limit] { return private_files(*area, limit); };
  auto listing = run_on(*parts_.pool, *parts_.home, std::move(list));
  Result<std::vector<Found>> found = co_await listing;
  if (!found) co_return found.take_error();
  std::uint64_t removed = 0;
  std::size_t asked = 0;
  for (const Found& file : *found) {
    if (++asked % kNamesPerTurn == 0) {
      auto turn = next_turn(*parts_.home);
      (void)co_await turn;
    }
    const Use use = use_of(file.name);
    if (use == Use::needed || (use == Use::unknown && !file.is_older)) continue;
    std::optional<Time> older;
    if (use == Use::unknown) older = limit;
    auto remove = [area = parts_.area, name = file.name, older]() -> bool { return remove_unused_private(*area, name, older); };
    auto removing = run_on(*parts_.pool, *parts_.home, std::move(remove));
    const bool gone = co_await removing;
    if (gone) ++removed;
  }
  parts_.metrics.collected(removed);
  parts_.metrics.passed_private();
  if (!erased) co_return erased.take_error();  // last: one bad file keeps no other
  co_return removed;
}

}  // namespace tidemark::blob
