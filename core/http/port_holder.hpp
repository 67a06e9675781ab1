#pragma once
// Who holds a port, for the message about a port that is taken.

#include <cstdint>
#include <string>

namespace tidemark::http {

/// "pid 123 (nginx)" of the process that listens on `port`, from /proc/net/tcp{,6} and /proc/<pid>/fd; "" when it cannot
/// be found (another user's process, or not Linux). Blocks for as long as reading /proc takes: for start-up only.
std::string port_holder(std::uint16_t port);

}  // namespace tidemark::http
