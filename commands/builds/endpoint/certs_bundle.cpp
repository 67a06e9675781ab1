#include "commands/builds/endpoint/certs_bundle.hpp"

#include "core/zip/archive.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

constexpr std::string_view kPassword = "password.txt";
constexpr std::string_view kP12 = ".p12";
constexpr std::string_view kProfile = ".mobileprovision";

bool is_wanted(std::string_view name) { return name == kPassword || name.ends_with(kP12) || name.ends_with(kProfile); }

std::string trimmed(const std::string& text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

Result<CertsBundle> open_certs_bundle(std::string_view archive) {
  CertsBundle bundle;
  bool has_p12 = false;
  const zip::Limits limits{.content_bytes_max = kBundleBytesMax};
  const auto wants = [](std::string_view name) { return is_wanted(name); };
  auto read = zip::read_archive(archive, limits, wants, [&](std::string_view name, std::string content) {
    if (name.ends_with(kP12)) {
      bundle.p12 = std::move(content);
      has_p12 = true;
    } else if (name.ends_with(kProfile)) {
      bundle.profiles.push_back(std::move(content));
    } else {
      bundle.password = trimmed(content);
    }
  });
  if (!read.ok()) return read.take_error();
  if (!has_p12) return make_error(Code::not_found, "it holds no .p12");
  return bundle;
}

}  // namespace tidemark::commands::builds::endpoint
