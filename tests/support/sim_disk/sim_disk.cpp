#include "sim_disk.hpp"

#include <algorithm>

namespace tidemark::test {
namespace {
constexpr std::uint64_t kSector = 512;
Error off() { return make_error(Code::internal, "the power is off"); }
}  // namespace

struct SimDisk::Inode {
  std::string content;  // as programs see it
  std::string durable;
  std::map<std::uint64_t, std::vector<std::string>> dirty;  // by sector: what it held since the last sync, oldest first
  bool size_dirty = false;
  bool locked = false;

  std::string sector(std::uint64_t index) const {
    std::string out = index * kSector < content.size() ? content.substr(index * kSector, kSector) : std::string();
    out.resize(kSector, '\0');
    return out;
  }
  void write(std::uint64_t offset, std::string_view bytes) {
    if (bytes.empty()) return;
    if (offset + bytes.size() > content.size()) {
      content.resize(offset + bytes.size(), '\0');
      size_dirty = true;
    }
    std::copy(bytes.begin(), bytes.end(), content.begin() + static_cast<std::ptrdiff_t>(offset));
    for (auto i = offset / kSector; i <= (offset + bytes.size() - 1) / kSector; ++i) dirty[i].push_back(sector(i));
  }
  void put_durable(std::uint64_t index, const std::string& bytes) {
    if (index * kSector >= durable.size()) return;
    const auto size = std::min<std::uint64_t>(kSector, durable.size() - index * kSector);
    std::copy_n(bytes.begin(), size, durable.begin() + static_cast<std::ptrdiff_t>(index * kSector));
  }
  void sync() {
    durable.resize(content.size(), '\0');
    for (const auto& [index, versions] : dirty) put_durable(index, sector(index));
    dirty.clear();
    size_dirty = false;
  }
  /// Any subset of what is dirty reaches the disk.
  template <class Random>
  void settle(Random&& random) {
    if (size_dirty && (random() & 1) != 0) durable.resize(content.size(), '\0');
    for (const auto& [index, versions] : dirty) {
      const auto pick = random() % (versions.size() + 1);
      if (pick > 0) put_durable(index, versions[pick - 1]);
    }
    dirty.clear();
    size_dirty = false;
  }
};

class SimFile final : public File {
 public:
  SimFile(SimDisk& disk, std::shared_ptr<SimDisk::Inode> inode, std::string path, bool writable)
      : disk_(&disk), inode_(std::move(inode)), path_(std::move(path)), generation_(disk.generation_), writable_(writable) {}
  ~SimFile() override {
    if (locked_) inode_->locked = false;
  }

  Result<void> pwrite(std::uint64_t offset, std::string_view bytes) override {
    if (auto bad = gone()) return *bad;
    if (!writable_) return make_error(Code::internal, "writing " + path_ + ": opened for reading");
    auto turn = disk_->turn("writing " + path_);
    const std::uint64_t grows = offset + bytes.size() > inode_->content.size() ? offset + bytes.size() - inode_->content.size() : 0;
    if (!turn.error && disk_->capacity_ && grows > 0 && disk_->used() + grows > *disk_->capacity_) {
      turn = {SimDisk::Effect::partial, make_error(Code::exhausted, "writing " + path_ + ": No space left on device")};
    }
    if (turn.effect == SimDisk::Effect::partial) bytes = bytes.substr(0, disk_->random() % (bytes.size() + 1));
    if (turn.effect != SimDisk::Effect::none) inode_->write(offset, bytes);
    if (turn.error) return *turn.error;
    return {};
  }
  Result<std::string> pread(std::uint64_t offset, std::size_t size) const override {
    if (auto bad = gone()) return *bad;
    return offset < inode_->content.size() ? inode_->content.substr(offset, size) : std::string();
  }
  Result<void> sync() override {
    if (auto bad = gone()) return *bad;
    auto turn = disk_->turn("syncing " + path_);
    if (turn.effect == SimDisk::Effect::full) inode_->sync();
    // Pages of a failed sync count as clean afterwards, written or not.
    else if (!disk_->off_) inode_->settle([this] { return disk_->random(); });
    if (turn.error) return *turn.error;
    return {};
  }
  Result<std::uint64_t> size() const override {
    if (auto bad = gone()) return *bad;
    return inode_->content.size();
  }
  Result<void> truncate(std::uint64_t size) override {
    if (auto bad = gone()) return *bad;
    auto turn = disk_->turn("truncating " + path_);
    if (turn.effect == SimDisk::Effect::full && size != inode_->content.size()) {
      inode_->content.resize(size, '\0');
      inode_->size_dirty = true;
    }
    if (turn.error) return *turn.error;
    return {};
  }
  Result<void> lock_exclusive() override {
    if (auto bad = gone()) return *bad;
    if (inode_->locked && !locked_) return make_error(Code::unavailable, "locking " + path_ + ": in use");
    inode_->locked = locked_ = true;
    return {};
  }

 private:
  std::optional<Error> gone() const {
    if (disk_->off_ || generation_ != disk_->generation_) return off();
    return std::nullopt;
  }
  SimDisk* disk_;
  std::shared_ptr<SimDisk::Inode> inode_;
  std::string path_;
  std::uint64_t generation_;
  bool writable_;
  bool locked_ = false;
};

SimDisk::SimDisk(std::uint64_t seed) : state_(seed) {}
SimDisk::~SimDisk() = default;

std::uint64_t SimDisk::random() {  // splitmix64
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

std::uint64_t SimDisk::used() const {
  std::uint64_t bytes = 0;
  for (const auto& [name, inode] : names_) bytes += inode->content.size();
  return bytes;
}

SimDisk::Turn SimDisk::turn(const std::string& what) {
  const std::uint64_t number = operations_++;
  if (power_cut_at_ == number) {
    off_ = true;
    return {coin() ? Effect::partial : Effect::none, off()};
  }
  if (fail_at_ == number) {
    return {coin() ? Effect::partial : Effect::none,
            make_error(fail_code_, what + (fail_code_ == Code::exhausted ? ": No space left on device" : ": Input/output error"))};
  }
  return {};
}

Result<std::unique_ptr<File>> SimDisk::open(const std::string& path, bool create) {
  if (off_) return off();
  auto at = names_.find(path);
  if (at == names_.end()) {
    if (!create) return make_error(Code::not_found, "opening " + path + ": No such file or directory");
    auto turn = this->turn("creating " + path);
    if (turn.effect == Effect::none || turn.error) return turn.error ? *turn.error : off();
    at = names_.emplace(path, std::make_shared<Inode>()).first;
    name_changes_.push_back({path, at->second, {}});
  }
  return std::unique_ptr<File>(std::make_unique<SimFile>(*this, at->second, path, true));
}

Result<std::unique_ptr<File>> SimDisk::open_read(const std::string& path) {
  if (off_) return off();
  const auto at = names_.find(path);
  if (at == names_.end()) return make_error(Code::not_found, "opening " + path + ": No such file or directory");
  return std::unique_ptr<File>(std::make_unique<SimFile>(*this, at->second, path, false));
}

Result<void> SimDisk::rename(const std::string& from, const std::string& to) {
  if (off_) return off();
  const auto at = names_.find(from);
  if (at == names_.end()) return make_error(Code::not_found, "renaming " + from + ": No such file or directory");
  auto turn = this->turn("renaming " + from);
  if (!turn.error || (off_ && turn.effect == Effect::partial)) {
    auto inode = at->second;
    names_.erase(at);
    names_[to] = inode;
    name_changes_.push_back({to, inode, from});
  }
  if (turn.error) return *turn.error;
  return {};
}

Result<void> SimDisk::remove(const std::string& path) {
  if (off_) return off();
  if (names_.find(path) == names_.end()) return make_error(Code::not_found, "removing " + path + ": No such file or directory");
  auto turn = this->turn("removing " + path);
  if (!turn.error || (off_ && turn.effect == Effect::partial)) {
    names_.erase(path);
    name_changes_.push_back({path, nullptr, {}});
  }
  if (turn.error) return *turn.error;
  return {};
}

Result<void> SimDisk::make_directories(const std::string&) {
  if (off_) return off();
  return {};
}

Result<void> SimDisk::sync_directory(const std::string&) {
  if (off_) return off();
  auto turn = this->turn("syncing a directory");
  if (turn.error) return *turn.error;
  durable_names_ = names_;
  name_changes_.clear();
  return {};
}

Result<std::vector<std::string>> SimDisk::list(const std::string& directory) {
  if (off_) return off();
  std::vector<std::string> out;
  for (const auto& [name, inode] : names_) {
    if (name.starts_with(directory + "/") && name.find('/', directory.size() + 1) == std::string::npos) out.push_back(name.substr(directory.size() + 1));
  }
  return out;
}

Result<bool> SimDisk::exists(const std::string& path) {
  if (off_) return off();
  return names_.find(path) != names_.end();
}

void SimDisk::crash() {
  // Names change in order, as a journalling file system has it: some first ones are there.
  const auto kept = random() % (name_changes_.size() + 1);
  for (std::size_t i = 0; i < kept; ++i) {
    const NameChange& change = name_changes_[i];
    if (!change.removed.empty()) durable_names_.erase(change.removed);
    if (change.inode) durable_names_[change.path] = change.inode;
    else durable_names_.erase(change.path);
  }
  name_changes_.clear();
  names_ = durable_names_;
  for (auto& [name, inode] : names_) {
    // Whoever still holds the old file sees nothing of the new life.
    inode->settle([this] { return random(); });
    auto fresh = std::make_shared<Inode>();
    fresh->durable = fresh->content = inode->durable;
    inode = fresh;
  }
  durable_names_ = names_;
  ++generation_;
  off_ = false;
  power_cut_at_.reset();
  fail_at_.reset();
}

std::map<std::string, std::string> SimDisk::image() const {
  std::map<std::string, std::string> out;
  for (const auto& [name, inode] : names_) out[name] = inode->content;
  return out;
}

void SimDisk::load(const std::map<std::string, std::string>& image) {
  names_.clear();
  for (const auto& [name, content] : image) {
    auto inode = std::make_shared<Inode>();
    inode->content = inode->durable = content;
    names_[name] = inode;
  }
  durable_names_ = names_;
  name_changes_.clear();
  ++generation_;
}

}  // namespace tidemark::test
