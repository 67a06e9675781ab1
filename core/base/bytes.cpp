#include "core/base/bytes.hpp"

#include <array>

namespace tidemark {
namespace {

template <class T>
void put_be(std::string& out, T value) {
  char bytes[sizeof(T)];
  for (std::size_t i = 0; i < sizeof(T); ++i) bytes[i] = static_cast<char>(value >> (8 * (sizeof(T) - 1 - i)));
  out.append(bytes, sizeof(T));
}
template <class T>
void put_le(std::string& out, T value) {
  char bytes[sizeof(T)];
  for (std::size_t i = 0; i < sizeof(T); ++i) bytes[i] = static_cast<char>(value >> (8 * i));
  out.append(bytes, sizeof(T));
}
template <class T>
T get_be(const char* at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>((value << 8) | static_cast<unsigned char>(at[i]));
  return value;
}
template <class T>
T get_le(const char* at) {
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;) value = static_cast<T>((value << 8) | static_cast<unsigned char>(at[i]));
  return value;
}

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string encode64(std::string_view bytes, std::string_view alphabet, bool pad) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = (group << 8) | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) {
      if (k <= n) out.push_back(alphabet[(group >> (18 - 6 * k)) & 63]);
      else if (pad) out.push_back('=');
    }
  }
  return out;
}

std::optional<std::string> decode64(std::string_view text, std::string_view alphabet, bool padded) {
  if (padded) {
    if (text.size() % 4 != 0) return std::nullopt;
    for (int i = 0; i < 2 && !text.empty() && text.back() == '='; ++i) text.remove_suffix(1);
  }
  if (text.size() % 4 == 1) return std::nullopt;
  std::array<std::int8_t, 256> value;
  value.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i) value[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t group = 0;
  int bits = 0;
  for (char c : text) {
    const int v = value[static_cast<unsigned char>(c)];
    if (v < 0) return std::nullopt;
    group = (group << 6) | static_cast<std::uint32_t>(v);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<char>(group >> bits));
      group &= (1u << bits) - 1;
    }
  }
  if (group != 0) return std::nullopt;  // spare bits must be zero: one text per value
  return out;
}

}  // namespace

void put_u16_be(std::string& out, std::uint16_t value) { put_be(out, value); }
void put_u32_be(std::string& out, std::uint32_t value) { put_be(out, value); }
void put_u64_be(std::string& out, std::uint64_t value) { put_be(out, value); }
void put_u32_le(std::string& out, std::uint32_t value) { put_le(out, value); }
void put_u64_le(std::string& out, std::uint64_t value) { put_le(out, value); }
std::uint16_t get_u16_be(const char* at) { return get_be<std::uint16_t>(at); }
std::uint32_t get_u32_be(const char* at) { return get_be<std::uint32_t>(at); }
std::uint64_t get_u64_be(const char* at) { return get_be<std::uint64_t>(at); }
std::uint32_t get_u32_le(const char* at) { return get_le<std::uint32_t>(at); }
std::uint64_t get_u64_le(const char* at) { return get_le<std::uint64_t>(at); }

void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void put_zigzag(std::string& out, std::int64_t value) {
  put_varint(out, (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
}

std::string_view ByteReader::take(std::size_t size) {
  if (!ok_ || size > left()) {
    ok_ = false;
    return {};
  }
  auto view = bytes_.substr(at_, size);
  at_ += size;
  return view;
}

std::uint8_t ByteReader::u8() {
  auto b = take(1);
  return b.empty() ? 0 : static_cast<std::uint8_t>(b[0]);
}
std::uint16_t ByteReader::u16_be() {
  auto b = take(2);
  return b.empty() ? 0 : get_u16_be(b.data());
}
std::uint32_t ByteReader::u32_be() {
  auto b = take(4);
  return b.empty() ? 0 : get_u32_be(b.data());
}
std::uint64_t ByteReader::u64_be() {
  auto b = take(8);
  return b.empty() ? 0 : get_u64_be(b.data());
}
std::uint32_t ByteReader::u32_le() {
  auto b = take(4);
  return b.empty() ? 0 : get_u32_le(b.data());
}
std::uint64_t ByteReader::u64_le() {
  auto b = take(8);
  return b.empty() ? 0 : get_u64_le(b.data());
}

std::uint64_t ByteReader::varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = u8();
    if (!ok_) return 0;
    if (shift == 63 && byte > 1) break;  // would not fit in 64 bits
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  ok_ = false;
  return 0;
}

std::int64_t ByteReader::zigzag() {
  const std::uint64_t v = varint();
  return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1);
}

std::string to_hex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (unsigned char b : bytes) {
    out.push_back(kHex[b >> 4]);
    out.push_back(kHex[b & 15]);
  }
  return out;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
  }
  return out;
}

std::string to_base64(std::string_view bytes) { return encode64(bytes, kBase64, true); }
std::string to_base64url(std::string_view bytes) { return encode64(bytes, kBase64Url, false); }
std::optional<std::string> from_base64(std::string_view text) { return decode64(text, kBase64, true); }
std::optional<std::string> from_base64url(std::string_view text) { return decode64(text, kBase64Url, false); }

bool is_utf8(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* end = p + text.size();
  while (p < end) {
    if (*p < 0x80) { ++p; continue; }
    int extra;
    std::uint32_t code, least;
    if ((*p & 0xe0) == 0xc0) { extra = 1; code = *p & 0x1f; least = 0x80; }
    else if ((*p & 0xf0) == 0xe0) { extra = 2; code = *p & 0x0f; least = 0x800; }
    else if ((*p & 0xf8) == 0xf0) { extra = 3; code = *p & 0x07; least = 0x10000; }
    else return false;
    if (end - p <= extra) return false;
    for (int i = 1; i <= extra; ++i) {
      if ((p[i] & 0xc0) != 0x80) return false;
      code = (code << 6) | (p[i] & 0x3f);
    }
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return false;
    p += extra + 1;
  }
  return true;
}

}  // namespace tidemark
