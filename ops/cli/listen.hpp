#pragma once
// Listen addresses as people write them.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/http/server.hpp"
#include "ops/cli/settings.hpp"

namespace tidemark::cli {

inline constexpr std::string_view kListenExpected =
    "[surface=][https://|http://]address:port with a surface of this build such as builds; for instance 127.0.0.1:8080, [::1]:8080, "
    ":8080 (loopback), *:8080 (every interface), builds=:3000 or https://*:8443; or main=off";

struct ListenEntry {
  http::Listener listener;
  bool main_off = false;  ///< "main=off": no main port
  std::optional<bool> tls;  ///< as a scheme says; without one, whether there is a certificate decides
};
/// Makes the name of a surface known. Before the first parse.
void declare_surface(std::string name);
/// nullopt when `text` is none.
std::optional<ListenEntry> parse_listen(std::string_view text);

/// What the setting `port` stands for: the main port of `serve`, the builds port of `builds serve`.
struct PortMeaning {
  std::string surface;
  std::string address = "127.0.0.1";
};
/// The listeners that `listen` and `port` ask for together: whichever was given with more force names the port's surface.
///   errors  invalid_argument when both name it at the same place, or nothing is left to listen on
Result<std::vector<http::Listener>> effective_listeners(const Settings& settings, const PortMeaning& meaning);

/// "http://127.0.0.1:8080", or https; every interface is shown as loopback.
std::string url_of(const http::Listener& listener);

}  // namespace tidemark::cli
