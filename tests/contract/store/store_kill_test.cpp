// kill -9 of a writing process: what its RocksDB store has then.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "core/store/store.hpp"

extern char** environ;

namespace tidemark::store {
namespace {

struct Killed {
  std::uint64_t flushed = 0;  ///< last write that the process had said was flushed
};

Killed write_and_kill(const std::string& directory, int lines) {
  int pipes[2];
  EXPECT_EQ(::pipe2(pipes, O_CLOEXEC), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipes[1], 1);
  std::string program = STORE_WRITER, argument = directory;
  char* argv[] = {program.data(), argument.data(), nullptr};
  pid_t child = 0;
  EXPECT_EQ(::posix_spawn(&child, program.c_str(), &actions, nullptr, argv, environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipes[1]);
  FILE* output = ::fdopen(pipes[0], "r");
  Killed killed;
  char line[64];
  for (int read = 0; read < lines && std::fgets(line, sizeof line, output) != nullptr; ++read) killed.flushed = std::strtoull(line, nullptr, 10);
  ::kill(child, SIGKILL);
  while (std::fgets(line, sizeof line, output) != nullptr) killed.flushed = std::strtoull(line, nullptr, 10);
  std::fclose(output);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself with " << WEXITSTATUS(status);
  return killed;
}

TEST(RocksDbStoreKill, LeavesTheRowsOfOneWriteThatIsNotOlderThanTheFlushedOne) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::string directory = (std::filesystem::temp_directory_path() / "tm-kill-XXXXXX").string();
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  for (int round = 0; round < 4; ++round) {
    const Killed killed = write_and_kill(directory + "/s", 1 + static_cast<int>(random() % 6));
    auto store = open_rocksdb_store(directory + "/s");
    ASSERT_TRUE(store.ok()) << describe(store.error());
    const auto checkpoints = (*store)->checkpoints();
    ASSERT_TRUE(checkpoints.ok());
    const std::uint64_t next = checkpoints->at({"t", LaneId{0}}).next.value;
    EXPECT_GE(next, killed.flushed);
    std::string newest, twin;
    ASSERT_TRUE((*store)->get("newest", newest) && (*store)->get("twin", twin));
    EXPECT_EQ(newest, std::to_string(next));
    EXPECT_EQ(twin, newest);
    std::uint64_t rows = 0;
    (*store)->scan("row", "rox", [&](std::string_view, std::string_view) { return ++rows > 0; });
    EXPECT_EQ(rows, std::min<std::uint64_t>(next, 2000));
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace tidemark::store
