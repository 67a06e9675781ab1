// Signing material for a build's virtual machine, taken out of the bundle.

#include <memory>
#include <stdexcept>

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
constexpr std::size_t kSentBytes = 256u << 10;  // at a time

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

struct LargeAnswer {
  std::shared_ptr<Turns::Turn> turn;  // given back when the text is gone
  std::string text;
};

Task<void> send(Scheduler& scheduler, std::shared_ptr<LargeAnswer> answer, http::BodyStream& stream) {
  const SteadyTime until = scheduler.now() + Api::kAnswerDeadline;
  for (std::size_t at = 0; at < answer->text.size(); at += kSentBytes) {
    // An exception, because that is what ends a body before its end.
    if (scheduler.now() >= until) throw std::runtime_error("the client reads too slowly");
    auto writing = stream.write(answer->text.substr(at, kSentBytes));
    const auto written = co_await std::move(writing);
    if (!written.ok()) co_return;
    auto pausing = sleep_for(scheduler, Duration(0));  // a fast reader keeps the scheduler from nobody
    (void)co_await pausing;
  }
}

http::StreamBody keep_until_sent(Scheduler& scheduler, std::string text, std::shared_ptr<Turns::Turn> turn) {
  auto answer = std::make_shared<LargeAnswer>();
  answer->turn = std::move(turn);
  answer->text = std::move(text);
  http::StreamBody body;
  body.produce = [&scheduler, answer](http::BodyStream& stream) { return send(scheduler, answer, stream); };
  return body;
}

Task<http::Response> material(Api& api, http::Request& request) {
  Caller caller;
  BuildRow build;
  if (auto refusal = check_owner_or_vm(api, request, request.param("id"), OwnerRoute::named_twice, caller, build, kUnusable)) co_return std::move(*refusal);
  if (build.certs && build.certs->size > kBundleBytesMax) co_return error_answer(413, "Certs bundle too large", "CERTS_TOO_LARGE");
  auto taking = api.bundles.take();
  Turns::Turn given = co_await std::move(taking);
  auto turn = std::make_shared<Turns::Turn>(std::move(given));
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
  const bool is_large = opened->size() > Api::kKeptAnswerBytes;
  http::Response response = answer(200, is_large ? std::string() : std::move(*opened));
  if (is_large) response.body = keep_until_sent(api.node().scheduler(), std::move(*opened), std::move(turn));
  co_return response;
}

}  // namespace

Task<http::Response> certs_secure(Api& api, http::Request& request) {
  auto making = material(api, request);
  http::Response response = co_await std::move(making);
  response.header("Cache-Control", "no-store");
  co_return response;
}

}  // namespace tidemark::commands::builds::endpoint
