// Signing material for a build's virtual machine, taken out of the bundle.

#include "commands/builds/endpoint/certs_bundle.hpp"
#include "commands/builds/endpoint/certs_file.hpp"
#include "commands/builds/endpoint/credentials.hpp"
#include "commands/builds/endpoint/routes.hpp"
#include "core/base/bytes.hpp"
#include "core/event/json_writer.hpp"
#include "core/keys/crypto.hpp"
#include "core/observe/log.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

constexpr std::string_view kUnusable = "Failed to process certs file";
constexpr std::size_t kKeychainPasswordBytes = 24;

std::string render(const CertsBundle& bundle) {
  std::string out;
  event::JsonWriter json(out);
  json.begin_object().member("p12", to_base64(bundle.p12)).member("p12Password", bundle.password);
  json.member("keychainPassword", to_base64(keys::random_bytes(kKeychainPasswordBytes)));
  json.key("provisioningProfiles").begin_array();
  for (const std::string& profile : bundle.profiles) json.value(to_base64(profile));
  json.end_array().end_object();
  return out;
}

Result<std::string> open_and_render(std::string_view archive) {
  auto bundle = open_certs_bundle(archive);
  if (!bundle.ok()) return bundle.take_error();
  return render(*bundle);
}

Task<http::Response> material(Api& api, http::Request& request) {
  Caller caller;
  BuildRow build;
  if (auto refusal = check_owner_or_vm(api, request, request.param("id"), OwnerRoute::named_twice, caller, build, kUnusable)) co_return std::move(*refusal);
  if (build.certs && build.certs->size > kBundleBytesMax) co_return error_answer(413, "Certs bundle too large", "CERTS_TOO_LARGE");
  const auto turn = co_await api.bundles.take();
  auto reading = read_certs(api, build, kBundleBytesMax, kUnusable);
  auto file = co_await std::move(reading);
  if (file->refusal) co_return std::move(*file->refusal);
  auto work = [archive = std::move(file->plain)] { return open_and_render(archive); };
  auto opening = run_on(api.services.blocking, api.node().scheduler(), std::move(work));
  auto opened = co_await opening;
  if (!opened.ok()) {
    // A stranger's archive: nothing here is damaged, and what it says of itself may be anything.
    observe::warning("certificate bundle cannot be opened", {{"build_id", build.id}, {"code", name_of(opened.error().code)}, {"reason", opened.error().message}});
    co_return error_answer(500, kUnusable);
  }
  co_return answer(200, std::move(*opened));
}

}  // namespace

Task<http::Response> certs_secure(Api& api, http::Request& request) {
  auto making = material(api, request);
  http::Response response = co_await std::move(making);
  response.header("Cache-Control", "no-store");
  co_return response;
}

}  // namespace tidemark::commands::builds::endpoint
