#include "core/zip/archive.hpp"

#include <minizip/unzip.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

namespace tidemark::zip {
namespace {

/// What minizip sees as a file.
struct Memory {
  std::string_view bytes;
  std::uint64_t at = 0;
  bool ended = false;  ///< less was there than was asked for; minizip itself takes that for zeros
};

Memory& memory(voidpf stream) { return *static_cast<Memory*>(stream); }

voidpf open_memory(voidpf opaque, const void*, int) { return opaque; }
uLong read_memory(voidpf, voidpf stream, void* buffer, uLong size) {
  Memory& file = memory(stream);
  const std::uint64_t taken = std::min<std::uint64_t>(size, file.bytes.size() - file.at);
  std::memcpy(buffer, file.bytes.data() + file.at, taken);
  file.at += taken;
  file.ended = taken < size;
  return static_cast<uLong>(taken);
}
uLong write_nothing(voidpf, voidpf, const void*, uLong) { return 0; }
ZPOS64_T tell_memory(voidpf, voidpf stream) { return memory(stream).at; }
long seek_memory(voidpf, voidpf stream, ZPOS64_T offset, int origin) {
  Memory& file = memory(stream);
  std::uint64_t base = 0;
  if (origin == ZLIB_FILEFUNC_SEEK_CUR) base = file.at;
  else if (origin == ZLIB_FILEFUNC_SEEK_END) base = file.bytes.size();
  const std::uint64_t target = base + offset;  // wraps for a step back
  if (target > file.bytes.size()) return -1;
  file.at = target;
  return 0;
}
int close_memory(voidpf, voidpf) { return 0; }
int test_memory(voidpf, voidpf stream) { return memory(stream).ended ? 1 : 0; }

struct Close {
  void operator()(void* file) const { unzClose(file); }
};
using Archive = std::unique_ptr<void, Close>;

Archive open_archive(Memory& memory) {
  zlib_filefunc64_def functions{open_memory, read_memory, write_nothing, tell_memory, seek_memory, close_memory, test_memory, &memory};
  return Archive(unzOpen2_64("memory", &functions));
}

Error damaged(std::string what) { return make_error(Code::corrupt, std::move(what)); }

struct Entry {
  std::string name;
  std::uint64_t size = 0;  ///< inflated, as declared
};

/// The entry that the directory stands at.
Result<Entry> read_entry(unzFile file) {
  constexpr unsigned kEncrypted = 1u << 0 | 1u << 6 | 1u << 13;
  constexpr unsigned kStored = 0, kDeflated = 8;
  constexpr std::size_t kNameBytesMax = 65'535;
  unz_file_info64 info{};
  std::vector<char> name(kNameBytesMax + 1);
  if (unzGetCurrentFileInfo64(file, &info, name.data(), name.size(), nullptr, 0, nullptr, 0) != UNZ_OK) return damaged("its directory is damaged");
  Entry entry{std::string(name.data(), std::min<std::size_t>(info.size_filename, kNameBytesMax)), info.uncompressed_size};
  const bool plain = !entry.name.empty() && entry.name.front() != '/' && entry.name.find("..") == std::string::npos &&
                     entry.name.find('\\') == std::string::npos && entry.name.find('\0') == std::string::npos;
  if (!plain) return make_error(Code::invalid_argument, "an entry has a name that may not be used");
  if ((info.flag & kEncrypted) != 0) return make_error(Code::invalid_argument, "an entry is encrypted");
  if (info.compression_method != kStored && info.compression_method != kDeflated) {
    return make_error(Code::invalid_argument, "an entry is compressed by method " + std::to_string(info.compression_method));
  }
  if (info.compression_method == kStored && info.compressed_size != info.uncompressed_size) return damaged("a stored entry has two sizes");
  return entry;
}

/// Calls `visit` at each entry, with the directory standing there.
Result<void> walk(unzFile file, FnRef<Result<void>(const Entry&)> visit) {
  unz_global_info64 about{};
  if (unzGetGlobalInfo64(file, &about) != UNZ_OK) return damaged("its directory is damaged");
  if (about.number_entry == 0) return {};
  int at = unzGoToFirstFile(file);
  for (; at == UNZ_OK; at = unzGoToNextFile(file)) {
    auto entry = read_entry(file);
    if (!entry.ok()) return entry.take_error();
    if (auto visited = visit(*entry); !visited.ok()) return visited;
  }
  if (at != UNZ_END_OF_LIST_OF_FILE) return damaged("its directory is damaged");
  return {};
}

std::uint64_t compressed_size(unzFile file) {
  unz_file_info64 info{};
  return unzGetCurrentFileInfo64(file, &info, nullptr, 0, nullptr, 0, nullptr, 0) == UNZ_OK ? info.compressed_size : 0;
}

/// What the directory says of itself, before anything is inflated.
Result<void> check_directory(unzFile file, std::uint64_t archive_bytes, const Limits& limits) {
  std::uint64_t declared = 0, compressed = 0;
  std::size_t entries = 0;
  return walk(file, [&](const Entry& entry) -> Result<void> {
    if (++entries > limits.entries_max) return make_error(Code::exhausted, "it has more than " + std::to_string(limits.entries_max) + " entries");
    if (entry.size > limits.content_bytes_max - declared) return make_error(Code::exhausted, "it says that it holds too much");
    declared += entry.size;
    const std::uint64_t taken = compressed_size(file);
    if (taken > archive_bytes - compressed) return damaged("its entries overlap");
    compressed += taken;
    return {};
  });
}

/// Inflates the entry that the directory stands at; `content` gets it when it is wanted.
Result<void> inflate(unzFile file, const Entry& entry, std::uint64_t& inflated, std::uint64_t bytes_max, std::string* content) {
  if (unzOpenCurrentFile(file) != UNZ_OK) return damaged("the headers of an entry contradict each other");
  std::array<char, 64u << 10> buffer;
  std::uint64_t size = 0;
  int read = 0;
  while ((read = unzReadCurrentFile(file, buffer.data(), buffer.size())) > 0) {
    size += static_cast<std::uint64_t>(read);
    inflated += static_cast<std::uint64_t>(read);
    if (inflated > bytes_max) return make_error(Code::exhausted, "it holds too much");
    if (content != nullptr) content->append(buffer.data(), static_cast<std::size_t>(read));
  }
  const int closed = unzCloseCurrentFile(file);
  if (read < 0 || closed != UNZ_OK || size != entry.size) return damaged("an entry is damaged");
  return {};
}

}  // namespace

Result<void> read_archive(std::string_view archive, const Limits& limits, FnRef<bool(std::string_view name)> wants,
                          FnRef<void(std::string_view name, std::string content)> take) {
  Memory memory{archive};
  const Archive file = open_archive(memory);
  if (!file) return damaged("it is no ZIP archive");
  if (auto checked = check_directory(file.get(), archive.size(), limits); !checked.ok()) return checked;
  std::uint64_t inflated = 0;
  return walk(file.get(), [&](const Entry& entry) -> Result<void> {
    const bool wanted = wants(entry.name);
    std::string content;
    if (auto read = inflate(file.get(), entry, inflated, limits.content_bytes_max, wanted ? &content : nullptr); !read.ok()) return read;
    if (wanted) take(entry.name, std::move(content));
    return {};
  });
}

}  // namespace tidemark::zip
