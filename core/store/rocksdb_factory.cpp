#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>

#include "core/store/store.hpp"

namespace tidemark::store {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRemoved = "removed";  // a store is renamed into it, then its files go

class RocksStoreFactory final : public StoreFactory {
 public:
  RocksStoreFactory(std::string root, metrics::Registry* registry) : root_(std::move(root)), registry_(registry) {
    std::error_code ignored;  // what a crash left there costs space only
    fs::remove_all(root_ + "/" + kRemoved, ignored);
  }

  Result<std::unique_ptr<Store>> open(const std::string& name) override {
    if (auto plain = check(name); !plain) return plain.take_error();
    return open_rocksdb_store(root_ + "/" + name, registry_, name);
  }

  Result<std::vector<std::string>> list(const std::string& prefix) override {
    if (auto plain = check(prefix); !plain) return plain.take_error();
    const std::string folder = prefix.substr(0, prefix.find_last_of('/') + 1);
    std::vector<std::string> names;
    std::error_code error;
    fs::directory_iterator at(root_ + "/" + folder, error);
    if (error == std::errc::no_such_file_or_directory) return names;
    for (; !error && at != fs::directory_iterator(); at.increment(error)) {
      std::string name = folder + at->path().filename().string();
      if (name.starts_with(prefix)) names.push_back(std::move(name));
    }
    if (error) return make_error(Code::internal, "listing the stores in " + root_ + "/" + folder + ": " + error.message());
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<void> remove(const std::string& name) override {
    if (auto plain = check(name); !plain) return plain;
    std::error_code error;
    if (!fs::exists(fs::path(root_) / name, error) && !error) return {};
    const fs::path removed = fs::path(root_) / kRemoved / std::to_string(removals_++);  // of its own: others may remove now
    fs::remove_all(removed, error);
    if (!error) fs::create_directories(removed.parent_path(), error);
    if (!error) fs::rename(fs::path(root_) / name, removed, error);
    if (!error) fs::remove_all(removed, error);
    if (error) return make_error(Code::internal, "removing the store " + root_ + "/" + name + ": " + error.message());
    return {};
  }

 private:
  static Result<void> check(const std::string& name) {
    const bool plain = !name.empty() && name.front() != '/' && name.find("..") == std::string::npos &&
                       std::all_of(name.begin(), name.end(), [](char c) {
                         return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                                c == '-' || c == '/';
                       });
    if (!plain) return make_error(Code::invalid_argument, "\"" + name + "\" cannot name a store");
    return {};
  }

  const std::string root_;
  metrics::Registry* const registry_;
  std::atomic<std::uint64_t> removals_{0};
};

}  // namespace

std::unique_ptr<StoreFactory> make_rocksdb_store_factory(std::string root_directory, metrics::Registry* registry) {
  return std::make_unique<RocksStoreFactory>(std::move(root_directory), registry);
}

}  // namespace tidemark::store
