#pragma once
// Which addresses outbound calls may reach: public ones, and those that the operator allows. Checked on the resolved address
// that is then connected to, so a name that resolves inwards (or to something else the second time) does not help.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"

namespace tidemark::http {

/// 16 bytes in network order; an IPv4 address is ::ffff:a.b.c.d.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  bool is_v4() const;
  bool operator==(const IpAddress&) const = default;
};
/// Dotted IPv4 (four decimal parts) or IPv6 without zone and brackets.
std::optional<IpAddress> parse_ip(std::string_view text);
std::string to_string(const IpAddress& address);

/// "10.1.0.0/16", "::1", "fd00::/8": an address with or without a prefix length.
struct Network {
  IpAddress base;
  int prefix = 128;  ///< in bits of the 16 bytes
  bool contains(const IpAddress& address) const;
};
std::optional<Network> parse_network(std::string_view text);

/// Globally reachable unicast: not private, shared (CGNAT), loopback, link-local, multicast, reserved or for documentation, and
/// none that carries an IPv4 address inside (mapped ones are judged as IPv4). After the IANA special-purpose registries.
bool is_public(const IpAddress& address);

class AddressPolicy {
 public:
  /// invalid_argument names the entry that is no network.
  static Result<AddressPolicy> parse(const std::vector<std::string>& allowed);
  bool is_listed(const IpAddress& address) const;
  bool allows(const IpAddress& address) const { return is_public(address) || is_listed(address); }

 private:
  std::vector<Network> allowed_;
};

}  // namespace tidemark::http
