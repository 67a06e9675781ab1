#pragma once
// A pair of which both sides answered JSON.

#include <string>

#include "replay/shadow/pair.hpp"

namespace tidemark::shadow {

inline Pair json_pair(const std::string& method, const std::string& target, const std::string& primary, const std::string& shadow) {
  Pair pair;
  pair.request.method = method;
  pair.request.target = target;
  pair.primary.status = 200;
  pair.primary.headers = {{"content-type", "application/json; charset=utf-8"}};
  pair.primary.body.bytes = primary;
  pair.shadow = pair.primary;
  pair.shadow->body.bytes = shadow;
  return pair;
}

}  // namespace tidemark::shadow
