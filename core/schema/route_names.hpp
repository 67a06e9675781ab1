#pragma once
// How documents name routes.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "core/http/http.hpp"

namespace tidemark::schema {

/// "/builds/api/builds/{id}" for "/api/builds/:id" on surface "builds".
inline std::string path_template(std::string_view prefix, std::string_view pattern) {
  std::string out(prefix);
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    out += pattern[i];
    if (pattern[i] != '/' || i + 1 == pattern.size() || pattern[i + 1] != ':') continue;
    const auto end = std::min(pattern.find('/', i + 1), pattern.size());
    out.append(1, '{').append(pattern.substr(i + 2, end - i - 2)).append(1, '}');
    i = end - 1;
  }
  return out;
}

inline std::string title_of(const http::Surface& surface) { return surface.doc.title.empty() ? surface.name : surface.doc.title; }

/// Names of the path parameters, in order.
inline std::vector<std::string> path_parameters(std::string_view pattern) {
  std::vector<std::string> names;
  for (auto at = pattern.find("/:"); at != std::string_view::npos; at = pattern.find("/:", at + 1)) {
    names.emplace_back(pattern.substr(at + 2, pattern.find('/', at + 1) - at - 2));
  }
  return names;
}

/// The route by which any command of any domain is sent; documents show it once more for each command.
inline constexpr std::string_view kCommandPattern = "/commands/:domain/:command";

}  // namespace tidemark::schema
