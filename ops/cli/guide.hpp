#pragma once
// What a person needs after the first start: addresses, keys, and commands that work when pasted.

#include <string>
#include <vector>

#include "core/http/server.hpp"

namespace tidemark::cli {

struct Guide {
  std::string data, keys;
  std::vector<http::BoundListener> bound;
  std::string builds_api_key;
  std::string builds_api_key_path;   ///< empty: the key was given by a setting
  std::string operator_key_path;
};

/// On standard output.
void print_guide(const Guide& guide);

}  // namespace tidemark::cli
