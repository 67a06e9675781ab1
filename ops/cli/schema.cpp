// `tidemark schema`: the contract as files, and whether they and earlier ones still hold.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/api/platform_surface.hpp"
#include "core/schema/compatibility.hpp"
#include "core/schema/documents.hpp"
#include "core/schema/json_text.hpp"
#include "ops/cli/commands.hpp"
#include "ops/cli/domain_registration.hpp"

namespace tidemark::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kOpenApi = "openapi.json", kAsyncApi = "asyncapi.json";

/// "builds/builds.schema.json"
std::string bundle_path(const std::string& domain) { return domain + "/" + domain + ".schema.json"; }

/// The contract of this program; needs no node and no settings.
struct Program {
  std::vector<http::Surface> surfaces;
  schema::Installation installation{.version = TIDEMARK_VERSION, .domains = {}, .surfaces = {}};

  Program() {
    surfaces.push_back(api::platform_surface_table());
    for (http::Route& route : schema::document_routes(nullptr)) surfaces.front().routes.push_back(std::move(route));
    for (const DomainRegistration& registration : registered_domains()) {
      if (!registration.tables) continue;
      DomainTables tables = registration.tables();
      installation.domains.push_back(schema::contract_of(tables.domain));
      std::move(tables.surfaces.begin(), tables.surfaces.end(), std::back_inserter(surfaces));
    }
    for (const http::Surface& surface : surfaces) installation.surfaces.push_back(&surface);
  }
  Program(const Program&) = delete;
};

/// The text of a file; not_found when there is none.
Result<std::string> read_file(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return make_error(Code::not_found, path.string() + " is not there");
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in || fs::is_directory(path, ignored)) return make_error(Code::unavailable, path.string() + " cannot be read");
  return text.str();
}

Result<void> write_file(const fs::path& path, const std::string& text) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.flush();
  if (!out) return make_error(Code::unavailable, path.string() + " cannot be written");
  return {};
}

Error at_file(const fs::path& path, const Error& error) { return make_error(error.code, path.string() + ": " + error.message); }

struct File {
  std::string path;  ///< below the directory
  std::string text;
};

/// What the directory is to hold. What an earlier export there remembers of dropped names is carried over.
Result<std::vector<File>> export_files(const Program& program, const fs::path& directory) {
  std::vector<File> files;
  for (const schema::DomainContract& domain : program.installation.domains) {
    const fs::path path = directory / bundle_path(domain.name);
    auto earlier = read_file(path);
    if (!earlier.ok() && earlier.error().code != Code::not_found) return earlier.take_error();
    auto bundle = schema::make_bundle(domain, earlier.ok() ? *earlier : std::string());
    if (!bundle.ok()) return at_file(path, bundle.error());
    files.push_back({bundle_path(domain.name), std::move(*bundle)});
  }
  files.push_back({std::string(kOpenApi), schema::indented(schema::make_openapi(program.installation))});
  files.push_back({std::string(kAsyncApi), schema::indented(schema::make_asyncapi(program.installation))});
  return files;
}

int export_schemas(const std::string& directory, bool check_only) {
  const Program program;
  const auto files = export_files(program, directory);
  if (!files.ok()) return complain(files.error().message, kExitFailed);
  int exit_code = 0;
  for (const File& file : *files) {
    const fs::path path = fs::path(directory) / file.path;
    if (!check_only) {
      if (auto written = write_file(path, file.text); !written.ok()) return complain(written.error().message, kExitFailed);
      std::printf("%s\n", path.c_str());
      continue;
    }
    const auto present = read_file(path);
    if (!present.ok()) exit_code = complain(present.error().message + "; tidemark schema export writes it", kExitFailed);
    else if (*present != file.text) exit_code = complain(path.string() + " is not what this program exports; tidemark schema export writes it", kExitFailed);
  }
  if (check_only && exit_code == 0) std::printf("%s: as this program exports it\n", directory.c_str());
  return exit_code;
}

/// Differences of `directory` to this program.
Result<schema::Changes> compare(const Program& program, const fs::path& directory) {
  schema::Changes changes;
  const auto add = [&](schema::Changes more) { std::move(more.begin(), more.end(), std::back_inserter(changes)); };
  std::vector<std::string> known;
  for (const schema::DomainContract& domain : program.installation.domains) {
    known.push_back(domain.name);
    const fs::path path = directory / bundle_path(domain.name);
    const auto text = read_file(path);
    if (!text.ok()) {
      if (text.error().code != Code::not_found) return text.error();
      add({{false, "domain " + domain.name, "is new"}});
      continue;
    }
    const auto earlier = schema::parse_bundle(*text);
    if (!earlier.ok()) return at_file(path, earlier.error());
    if (earlier->domain != domain.name) return make_error(Code::corrupt, path.string() + ": /x-domain must be " + domain.name);
    auto bundle = schema::make_bundle(domain, {});
    TM_ASSERT(bundle.ok(), "a bundle without an earlier one is made");
    const auto present = schema::parse_bundle(*bundle);
    TM_ASSERT(present.ok(), "what is exported is read back");
    add(schema::compare_bundles(*earlier, *present));
  }
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const bool is_domain = fs::exists(directory / bundle_path(name), error);
    if (is_domain && std::find(known.begin(), known.end(), name) == known.end()) add({{true, "domain " + name, "is gone"}});
  }
  const fs::path openapi = directory / kOpenApi;
  const auto text = read_file(openapi);
  if (!text.ok()) return text.error();
  auto routes = schema::compare_openapi(*text, schema::make_openapi(program.installation));
  if (!routes.ok()) return at_file(openapi, routes.error());
  add(std::move(*routes));
  return changes;
}

int check_schemas(const std::string& directory) {
  std::error_code ignored;
  if (!fs::is_directory(directory, ignored)) return complain(directory + " is no directory with an earlier export", kExitUsage);
  const Program program;
  const auto changes = compare(program, directory);
  if (!changes.ok()) return complain(changes.error().message, kExitFailed);
  const auto breaking = std::count_if(changes->begin(), changes->end(), [](const schema::Change& change) { return change.breaking; });
  for (const schema::Change& change : *changes) {
    std::printf("%s  %s: %s\n", change.breaking ? "BREAKING  " : "compatible", change.place.c_str(), change.what.c_str());
  }
  std::printf("%s: %zu changes, %td of them breaking\n", directory.c_str(), changes->size(), breaking);
  return breaking == 0 ? 0 : kExitFailed;
}

}  // namespace

void add_schema(CLI::App& program, Chosen& chosen) {
  CLI::App* group = program.add_subcommand("schema", "The contract: JSON Schema, OpenAPI and AsyncAPI documents\n"
                                                     "Example: tidemark schema export --check; tidemark schema check ../earlier/schemas");
  group->require_subcommand(1);

  CLI::App* exporting = group->add_subcommand(
      "export", "Write <domain>/<domain>.schema.json for every domain, openapi.json and asyncapi.json\n"
                "Example: tidemark schema export --out schemas");
  const auto out = std::make_shared<std::string>("schemas");
  const auto check_only = std::make_shared<bool>(false);
  exporting->add_option("--out", *out, "Directory; what it holds of names dropped earlier is kept [schemas]")->type_name("DIR");
  exporting->add_flag("--check", *check_only, "Write nothing; end with 1 and name each file that is not what would be written");
  exporting->callback([&chosen, out, check_only] {
    chosen = [out, check_only] { return export_schemas(*out, *check_only); };
  });

  CLI::App* checking = group->add_subcommand(
      "check", "Compare an earlier export with this program; ends with 1 when a change breaks what was agreed\n"
               "Example: git worktree add /tmp/v1 v1 && tidemark schema check /tmp/v1/schemas");
  const auto earlier = std::make_shared<std::string>();
  checking->add_option("directory", *earlier, "Directory of the earlier export")->required()->type_name("DIR");
  checking->callback([&chosen, earlier] {
    chosen = [earlier] { return check_schemas(*earlier); };
  });
}

}  // namespace tidemark::cli
