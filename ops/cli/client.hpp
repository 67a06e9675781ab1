#pragma once
// A small blocking HTTP client for the commands that speak to a running node.

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.hpp"

namespace tidemark::cli {

struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
};

/// One keep-alive connection to the main port of a node; opened when first used, again when it was closed.
class Client {
 public:
  /// `url` is "http://host:port"; `operator_key` goes with every request.
  Client(std::string url, std::string operator_key);
  ~Client();
  Client(Client&&) noexcept;
  /// unavailable when nobody listens there or the connection breaks before the answer.
  Result<Answer> call(const std::string& method, const std::string& target, std::string body = {},
                      const std::vector<std::pair<std::string, std::string>>& headers = {});

 private:
  struct Connection;
  std::string url_, host_, port_, operator_key_;
  std::unique_ptr<Connection> connection_;
};

/// The operator key in `<keys>/operator.key`.
Result<std::string> read_operator_key(const std::string& keys);

/// What a problem document says, as one sentence; the raw body when it is none.
std::string explain(const Answer& answer);

}  // namespace tidemark::cli
