#include "core/runtime/volatile.hpp"

#include "core/base/bytes.hpp"

namespace tidemark::runtime {
namespace {

constexpr std::string_view kMagic = "TMVOLAT1";

void append_text(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out.append(text);
}

std::string take_text(ByteReader& in) {
  const std::size_t size = in.varint();
  return std::string(in.take(size));
}

}  // namespace

std::optional<std::int64_t> VolatileMemory::get(const std::string& key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) return std::nullopt;
  return found->second.value;
}

void VolatileMemory::set(const std::string& key, std::int64_t value) {
  ++changes_;
  const auto [at, added] = values_.try_emplace(key, Entry{value, {}});
  if (added) {
    at->second.age = by_age_.insert(by_age_.end(), &at->first);
  } else {
    at->second.value = value;
    by_age_.splice(by_age_.end(), by_age_, at->second.age);
  }
  if (values_.size() > values_max_) erase(std::string(*by_age_.front()));
}

void VolatileMemory::erase(const std::string& key) {
  const auto found = values_.find(key);
  if (found == values_.end()) return;
  ++changes_;
  by_age_.erase(found->second.age);
  values_.erase(found);
}

void VolatileMemory::each(FnRef<void(const std::string&, std::int64_t)> visit) const {
  for (const std::string* key : by_age_) visit(*key, values_.at(*key).value);
}

VolatileCheckpoint::VolatileCheckpoint(std::string path, Uuid epoch, std::vector<Part> parts, Disk& disk, Scheduler& home, Executor& files)
    : path_(std::move(path)), epoch_(epoch), parts_(std::move(parts)), disk_(disk), home_(home), files_(files) {}

VolatileCheckpoint::~VolatileCheckpoint() {
  *alive_ = false;
  if (timer_ != 0) home_.cancel(timer_);
}

std::string VolatileCheckpoint::encode() const {
  std::string out(kMagic);
  out.append(epoch_.view());
  for (const Part& part : parts_) {
    std::string values;
    std::size_t count = 0;
    part.memory->each([&](const std::string& key, std::int64_t value) {
      append_text(values, key);
      put_zigzag(values, value);
      ++count;
    });
    if (count == 0 || out.size() + values.size() > kBytesMax) continue;
    append_text(out, part.name);
    put_varint(out, count);
    out.append(values);
  }
  put_u32_be(out, crc32c(out));
  return out;
}

Result<void> VolatileCheckpoint::restore() {
  auto exists = disk_.exists(path_);
  if (!exists) return exists.take_error();
  if (!*exists) return make_error(Code::not_found, path_ + " does not exist");
  auto file = disk_.open_read(path_);
  if (!file) return file.take_error();
  auto size = (*file)->size();
  if (!size) return size.take_error();
  const std::size_t head = kMagic.size() + 16, least = head + 4;
  if (*size < least || *size > kBytesMax + 4096) return make_error(Code::corrupt, path_ + " has a size that was never written");
  auto read = (*file)->pread(0, *size);
  if (!read) return read.take_error();
  const std::string_view bytes = *read;
  if (bytes.size() < least || !bytes.starts_with(kMagic) || get_u32_be(bytes.data() + bytes.size() - 4) != crc32c(bytes.substr(0, bytes.size() - 4))) {
    return make_error(Code::corrupt, path_ + " is damaged");
  }
  if (bytes.substr(kMagic.size(), 16) != epoch_.view()) return make_error(Code::invalid_argument, path_ + " is of another log");
  ByteReader in(bytes.substr(head, bytes.size() - least));
  while (in.ok() && in.left() > 0) {
    const std::string name = take_text(in);
    VolatileMemory* memory = nullptr;
    for (const Part& part : parts_) {
      if (part.name == name) memory = part.memory;
    }
    for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
      const std::string key = take_text(in);
      const std::int64_t value = in.zigzag();
      if (memory != nullptr && in.ok()) memory->set(key, value);
    }
  }
  saved_changes_ = changes();
  return {};
}

std::uint64_t VolatileCheckpoint::changes() const {
  std::uint64_t sum = 0;
  for (const Part& part : parts_) sum += part.memory->changes();
  return sum;
}

void VolatileCheckpoint::start() { tick(); }

void VolatileCheckpoint::tick() {
  timer_ = home_.after(kInterval, [this] {
    timer_ = 0;
    save([this, alive = alive_] { if (*alive && timer_ == 0) tick(); });
  });
}

void VolatileCheckpoint::save(Fn<void()> done) {
  const std::uint64_t now = changes();
  if (saving_ || now == saved_changes_) return done();
  saving_ = true;
  files_.post([&disk = disk_, &home = home_, path = path_, bytes = encode(), this, alive = alive_, now, done = std::move(done)]() mutable {
    // One that cannot be written is tried again with the next change: nobody was promised these values.
    const bool written = replace_file(disk, path, bytes).ok();
    home.post([this, alive = std::move(alive), now, written, done = std::move(done)]() mutable {
      if (!*alive) return;
      saving_ = false;
      if (written) saved_changes_ = now;
      done();
    });
  });
}

void VolatileCheckpoint::stop(Fn<void()> done) {
  if (timer_ != 0) home_.cancel(std::exchange(timer_, 0));
  save(std::move(done));
}

}  // namespace tidemark::runtime
