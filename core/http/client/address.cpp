#include "core/http/client/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace tidemark::http {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::vector<Network> networks(std::initializer_list<std::string_view> texts) {
  std::vector<Network> all;
  for (const auto text : texts) all.push_back(*parse_network(text));
  return all;
}

bool any_contains(const std::vector<Network>& all, const IpAddress& address) {
  return std::any_of(all.begin(), all.end(), [&](const Network& network) { return network.contains(address); });
}

}  // namespace

bool IpAddress::is_v4() const { return std::equal(kMapped.begin(), kMapped.end(), bytes.begin()); }

std::optional<IpAddress> parse_ip(std::string_view text) {
  const std::string name(text);
  IpAddress address;
  if (name.find('\0') != name.npos) return std::nullopt;
  if (::inet_pton(AF_INET6, name.c_str(), address.bytes.data()) == 1) return address;
  std::copy(kMapped.begin(), kMapped.end(), address.bytes.begin());
  if (::inet_pton(AF_INET, name.c_str(), address.bytes.data() + kMapped.size()) == 1) return address;
  return std::nullopt;
}

std::string to_string(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN];
  const bool v4 = address.is_v4();
  ::inet_ntop(v4 ? AF_INET : AF_INET6, address.bytes.data() + (v4 ? kMapped.size() : 0), text, sizeof(text));
  return text;
}

bool Network::contains(const IpAddress& address) const {
  for (int bit = 0; bit < prefix; bit += 8) {
    const int left = std::min(8, prefix - bit);
    const auto mask = static_cast<std::uint8_t>(0xff << (8 - left));
    if ((address.bytes[bit / 8] & mask) != (base.bytes[bit / 8] & mask)) return false;
  }
  return true;
}

std::optional<Network> parse_network(std::string_view text) {
  const auto slash = text.find('/');
  const auto base = parse_ip(text.substr(0, slash));
  if (!base) return std::nullopt;
  if (slash == text.npos) return Network{*base, 128};
  const std::string_view digits = text.substr(slash + 1);
  int bits = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  const bool v4 = text.substr(0, slash).find(':') == text.npos;
  if (error != std::errc() || end != digits.data() + digits.size() || bits < 0 || bits > (v4 ? 32 : 128)) return std::nullopt;
  return Network{*base, v4 ? 96 + bits : bits};
}

bool is_public(const IpAddress& address) {
  static const auto kReservedV4 = networks({"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
                                            "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
                                            "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"});
  // Within 2000::/3, all that is global unicast: protocol assignments with Teredo, documentation, 6to4.
  static const auto kGlobalV6 = networks({"2000::/3"});
  static const auto kReservedV6 = networks({"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"});
  if (address.is_v4()) return !any_contains(kReservedV4, address);
  return any_contains(kGlobalV6, address) && !any_contains(kReservedV6, address);
}

Result<AddressPolicy> AddressPolicy::parse(const std::vector<std::string>& allowed) {
  AddressPolicy policy;
  for (const auto& text : allowed) {
    const auto network = parse_network(text);
    if (!network) return make_error(Code::invalid_argument, "'" + text + "' is no address and no network such as 10.1.0.0/16");
    policy.allowed_.push_back(*network);
  }
  return policy;
}

bool AddressPolicy::is_listed(const IpAddress& address) const { return any_contains(allowed_, address); }

}  // namespace tidemark::http
