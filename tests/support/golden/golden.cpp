#include "tests/support/golden/golden.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace tidemark::golden {

namespace {
std::string folder_of(std::string_view domain) { return std::string(TIDEMARK_SOURCE_DIR "/tests/golden/").append(domain); }
}  // namespace

std::string path_of(std::string_view domain, std::string_view type, int version) {
  return folder_of(domain).append("/").append(type).append(".v").append(std::to_string(version)).append(".json");
}

namespace detail {

std::optional<std::string> read(const std::string& path, std::string& problem) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    problem = path + ": missing; a sample of every version is committed";
    return std::nullopt;
  }
  std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (content.ends_with('\n')) content.pop_back();
  return content;
}

std::string compare(const std::string& path, std::string_view json) {
  const char* write = std::getenv("TIDEMARK_WRITE_GOLDEN");
  if (!std::filesystem::exists(path) && write != nullptr && std::string_view(write) == "1") {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << json << '\n';
  }
  std::string problem;
  const auto content = read(path, problem);
  if (!content) return problem + ": " + std::string(json);
  if (*content == json) return {};
  return path + ": what is written has changed without a new version\n  file: " + *content + "\n  now:  " + std::string(json);
}

std::string describe(const std::string& path, const std::vector<event::FieldError>& errors) {
  std::string out = path + ": does not decode";
  for (const auto& error : errors) out.append("; ").append(error.pointer).append(" ").append(error.message);
  return out;
}

std::string strangers(std::string_view domain, const std::vector<std::string>& expected) {
  std::string out;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder_of(domain), ignored)) {
    const std::string path = entry.path().string();
    if (entry.path().extension() != ".json" || std::find(expected.begin(), expected.end(), path) != expected.end()) continue;
    out += path + ": belongs to no version of a type; what was once written stays readable\n";
  }
  return out;
}

}  // namespace detail

}  // namespace tidemark::golden
