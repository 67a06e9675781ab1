// Prints, for every store of a folder of stores, its name, its number of rows and a digest of all keys and values in order: two
// stores with the same line hold the same bytes.
//
//   rows_digest <data>/stores/projections

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/bytes.hpp"
#include "core/store/store.hpp"

int main(int count, char** arguments) {
  using namespace tidemark;
  if (count != 2) {
    std::fprintf(stderr, "usage: rows_digest <folder of stores>\n");
    return 2;
  }
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(arguments[1])) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  for (const auto& name : names) {
    auto store = store::open_rocksdb_store(std::string(arguments[1]) + "/" + name);
    if (!store) {
      std::fprintf(stderr, "%s\n", describe(store.error()).c_str());
      return 1;
    }
    std::string digest;
    std::size_t rows = 0;
    (*store)->scan({}, {}, [&](std::string_view key, std::string_view value) {
      std::string link = digest;
      put_varint(link, key.size());
      link.append(key);
      link.append(value);
      digest = sha256(link);
      ++rows;
      return true;
    });
    std::printf("%s %zu %s\n", name.c_str(), rows, to_hex(digest).c_str());
  }
  return 0;
}
