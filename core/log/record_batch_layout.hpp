#pragma once
// Where the fields of a record batch are, and how those of its records are read, for who reads batches as they lie
// (https://kafka.apache.org/documentation/#messageformat, magic 2).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tidemark::log::layout {

// Where the fields of the batch header are; integers big-endian.
inline constexpr std::size_t kLengthAt = 8;        // bytes behind this field
inline constexpr std::size_t kLeaderEpochAt = 12;
inline constexpr std::size_t kMagicAt = 16;
inline constexpr std::size_t kCrcAt = 17;
inline constexpr std::size_t kAttributesAt = 21, kCoveredAt = kAttributesAt;  // the CRC covers from here to the end
inline constexpr std::size_t kLastDeltaAt = 23;
inline constexpr std::size_t kBaseTimestampAt = 27;
inline constexpr std::size_t kMaxTimestampAt = 35;
inline constexpr std::size_t kCountAt = 57;
inline constexpr std::size_t kHeaderSize = 61;
inline constexpr std::size_t kLengthFrom = 12;     // what the length field counts begins here
inline constexpr std::uint16_t kOfTransaction = 0x10;

/// Reads the fields of records; every getter is safe on any bytes.
class RecordCursor {
 public:
  explicit RecordCursor(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}
  bool ok() const { return ok_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  std::uint8_t byte() {
    if (at_ == end_) return fail();
    return static_cast<std::uint8_t>(*at_++);
  }
  std::int64_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ == end_) return fail();
      const auto b = static_cast<std::uint8_t>(*at_++);
      if (shift == 63 && b > 1) return fail();
      value |= static_cast<std::uint64_t>(b & 0x7f) << shift;
      if (b < 0x80) return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
    }
    return fail();
  }
  std::string_view take(std::int64_t size) {
    if (size < 0 || static_cast<std::uint64_t>(size) > left()) {
      fail();
      return {};
    }
    std::string_view out(at_, static_cast<std::size_t>(size));
    at_ += size;
    return out;
  }
  std::optional<std::string_view> blob() {
    const std::int64_t size = number();
    if (size == -1) return std::nullopt;
    return take(size);
  }

 private:
  std::uint8_t fail() {
    ok_ = false;
    at_ = end_;
    return 0;
  }
  const char* at_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace tidemark::log::layout
