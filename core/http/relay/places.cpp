#include "core/http/relay/places.hpp"

#include <netdb.h>

#include <algorithm>

namespace tidemark::http {

using boost::asio::ip::tcp;

Result<std::vector<tcp::endpoint>> look_up(const CallUrl& url) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &found); error != 0) {
    return make_error(Code::unavailable, "looking up " + url.host + " failed: " + ::gai_strerror(error));
  }
  std::vector<tcp::endpoint> out;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    tcp::endpoint endpoint;
    if (at->ai_addrlen > endpoint.capacity()) continue;
    std::copy_n(reinterpret_cast<const char*>(at->ai_addr), at->ai_addrlen, reinterpret_cast<char*>(endpoint.data()));
    endpoint.resize(at->ai_addrlen);
    out.push_back(endpoint);
  }
  ::freeaddrinfo(found);
  return out;
}

}  // namespace tidemark::http
