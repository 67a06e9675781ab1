#pragma once
// Byte strings (std::string holds bytes, std::string_view looks at them), fixed-width and varint encodings, hex, base64url.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark {

void put_u16_be(std::string& out, std::uint16_t value);
void put_u32_be(std::string& out, std::uint32_t value);
void put_u64_be(std::string& out, std::uint64_t value);
void put_u32_le(std::string& out, std::uint32_t value);
void put_u64_le(std::string& out, std::uint64_t value);
std::uint16_t get_u16_be(const char* at);
std::uint32_t get_u32_be(const char* at);
std::uint64_t get_u64_be(const char* at);
std::uint32_t get_u32_le(const char* at);
std::uint64_t get_u64_le(const char* at);

/// Unsigned LEB128 (as in Protocol Buffers and Kafka), 1 to 10 bytes.
void put_varint(std::string& out, std::uint64_t value);
/// Kafka's signed varint: zigzag, then LEB128.
void put_zigzag(std::string& out, std::int64_t value);

/// Reads forward over bytes it does not own. After a read past the end (or a varint of over 10 bytes) ok() is false and
/// every further read gives zeros and empty views.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}
  bool ok() const { return ok_; }
  std::size_t left() const { return bytes_.size() - at_; }
  std::size_t position() const { return at_; }
  std::uint8_t u8();
  std::uint16_t u16_be();
  std::uint32_t u32_be();
  std::uint64_t u64_be();
  std::uint32_t u32_le();
  std::uint64_t u64_le();
  std::uint64_t varint();
  std::int64_t zigzag();
  std::string_view take(std::size_t size);

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

std::string to_hex(std::string_view bytes);  ///< lower case
std::optional<std::string> from_hex(std::string_view text);
std::string to_base64(std::string_view bytes);     ///< RFC 4648 section 4, padded
std::string to_base64url(std::string_view bytes);  ///< RFC 4648 section 5, unpadded
std::optional<std::string> from_base64(std::string_view text);
std::optional<std::string> from_base64url(std::string_view text);  ///< canonical only: unpadded, zero spare bits

/// True when every byte sequence is well-formed UTF-8 (no surrogates, no overlong forms).
bool is_utf8(std::string_view text);

}  // namespace tidemark
