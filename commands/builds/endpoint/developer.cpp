// What the developer's command line does: submit, cancel, retry.

#include "commands/builds/endpoint/credentials.hpp"
#include "commands/builds/endpoint/intake.hpp"
#include "commands/builds/endpoint/memory.hpp"
#include "commands/builds/endpoint/replies.hpp"
#include "commands/builds/endpoint/routes.hpp"
#include "core/event/json_writer.hpp"
#include "schemas/builds/commands.hpp"
#include "schemas/builds/refusals.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

using namespace schemas::builds;

constexpr std::string_view kSubmitFailed = "Build submission failed";
constexpr std::string_view kRetryFailed = "Build retry failed";

http::Response refuse(const RefusalSpec& refusal) { return error_answer(refusal.status, refusal.text, refusal.reason); }

BlobRef blob_ref(const blob::BlobRef& stored, BlobKind kind, const StagedFile& file) {
  return BlobRef{stored.sha256, stored.size, kind, file.declared_name, file.declared_type};
}

std::string access_token(Api& api, std::string_view key_id, std::string_view build_id) {
  return api.token(key_id, kAccessTokenPurpose, {build_id});
}

/// Two requests under one Idempotency-Key, at the same time, must not both take themselves for the first.
Task<std::shared_ptr<void>> turn_of(Api& api, const CommandName& name, std::string build_id) {
  if (!name.keyed) co_return nullptr;
  auto taking = api.named_builds.take(std::move(build_id));
  co_return co_await std::move(taking);
}

/// The build that an earlier request under the same Idempotency-Key has made. Its files must not be written again: this
/// request may yet turn out to be another one.
std::optional<BuildRow> find_made(Api& api, std::string_view build_id) {
  std::optional<BuildRow> build;
  api.owner_call([&](const runtime::OwnerView& view) { build = find_build(view.state, build_id); });
  return build;
}
std::optional<BuildRow> made_before(Api& api, const CommandName& name, std::string_view build_id) {
  return name.keyed ? find_made(api, build_id) : std::nullopt;
}

/// Whether the build came of a request with the same content.
bool has_content(const BuildRow& build, const SubmitBuild& command) {
  const auto hash = [](const std::optional<BlobRef>& file) { return file ? file->sha256 : std::string(); };
  return build.platform == command.platform && build.source.sha256 == command.source.sha256 && hash(build.certs) == hash(command.certs);
}

/// The id for other content under a key that has made a build: the same for the same content.
std::string other_build_id(const CommandName& name, const SubmitBuild& command) {
  return derive_build_id(name.id + '/' + command.source.sha256 + '/' + std::string(name_of(command.platform)) + '/' +
                         (command.certs ? command.certs->sha256 : std::string()));
}

/// The answer of the request that made the build, for a repeat that comes when its key is forgotten.
SubmittedReply answer_again(const BuildRow& build) {
  return SubmittedReply{.build_id = build.id, .submitted_at = build.submitted_at, .token_key_id = build.token_key_id,
                        .original_build_id = std::nullopt};
}

/// A build that was submitted, or the answer to send instead.
struct Submitted {
  std::optional<http::Response> refusal;
  SubmittedReply reply;
  Platform platform = Platform::ios;
  std::string access_token;
};

Task<Submitted> take_submission(Api& api, http::Request& request, std::string_view route) {
  Submitted out;
  if (auto refusal = check_key(api, request)) {
    out.refusal = std::move(refusal);
    co_return out;
  }
  const Settings& settings = api.settings();
  FormSpec spec;
  spec.files = {WantedFile{"source", settings.source_bytes_max, kSourceTooLarge.text, false},
                WantedFile{"certs", settings.certs_bytes_max, kCertsTooLarge.text, true}};
  spec.fields = {"platform"};
  spec.failed = kSubmitFailed;
  Form form;
  auto reading = read_form(request, api.blobs(), std::move(spec), form);
  out.refusal = co_await std::move(reading);
  if (out.refusal) co_return out;

  StagedFile* source = form.file("source");
  StagedFile* certs = form.file("certs");
  const std::string* wanted = form.field("platform");
  const auto platform = wanted ? parse_platform(*wanted) : std::nullopt;
  if (source == nullptr) out.refusal = refuse(kSourceMissing);
  else if (!platform) out.refusal = error_answer(400, "Valid platform required (ios|android)", "PLATFORM_INVALID");
  if (out.refusal) {
    co_await form.discard_files();
    co_return out;
  }

  CommandName name = name_command(api, request, route);
  const std::string build_id = derive_build_id(name.id);
  auto taking = turn_of(api, name, build_id);
  const auto turn = co_await std::move(taking);
  const auto before = made_before(api, name, build_id);
  SubmitBuild command;
  command.platform = *platform;
  command.build_id = build_id;
  command.token_key_id = before ? before->token_key_id : api.keys().current_mac_key();
  command.access_token_sha256 = token_hash(access_token(api, command.token_key_id, build_id));
  auto stored = co_await source->upload->commit();
  if (!stored.ok()) {
    log_unstored_file("source", stored.error());
    out.refusal = error_answer(500, kSubmitFailed);
    co_return out;
  }
  command.source = blob_ref(*stored, BlobKind::source, *source);
  const auto held_certs = api.blobs().hold(build_id);
  std::string private_name = before ? build_id + "-again" : build_id;
  if (certs != nullptr) {
    auto kept = co_await api.blobs().commit_private(std::move(certs->upload), private_name);
    if (!kept.ok()) {
      log_unstored_file("certs", kept.error());
      out.refusal = error_answer(500, kSubmitFailed);
      co_return out;
    }
    command.certs = blob_ref(*kept, BlobKind::certs, *certs);
  }
  // While the key is remembered, other content is refused; afterwards it is another build.
  auto made = before;
  std::shared_ptr<void> held_others;
  if (before && !has_content(*before, command)) {
    command.build_id = other_build_id(name, command);
    made = find_made(api, *command.build_id);
    command.token_key_id = made ? made->token_key_id : api.keys().current_mac_key();
    command.access_token_sha256 = token_hash(access_token(api, command.token_key_id, *command.build_id));
    held_others = api.blobs().hold(*command.build_id);
    if (command.certs && !made) {
      auto copied = co_await api.blobs().copy_private(private_name, *command.build_id);
      if (!copied.ok()) {
        log_unstored_file("certs", copied.error());
        out.refusal = error_answer(500, kSubmitFailed);
      }
    }
  }
  if (before && command.certs) (void)co_await api.blobs().remove_private(private_name);
  if (out.refusal) co_return out;
  const auto outcome = co_await api.execute(request, command, "api-key", std::move(name));
  auto reply = reply_of<SubmittedReply>(outcome);
  if (!reply && made && outcome.reason == kBuildIdTaken.reason) reply = answer_again(*made);
  if (!reply) {
    const bool copied_for_nothing = held_others && !made && command.certs && outcome.kind != runtime::Outcome::Kind::failed &&
                                    !find_made(api, *command.build_id);
    if (copied_for_nothing) (void)co_await api.blobs().remove_private(*command.build_id);
    out.refusal = answer_for(outcome, kSubmitFailed);
    co_return out;
  }
  out.reply = std::move(*reply);
  out.platform = *platform;
  out.access_token = access_token(api, out.reply.token_key_id, out.reply.build_id);
  co_return out;
}

}  // namespace

Task<http::Response> submit(Api& api, http::Request& request) {
  auto submitted = co_await take_submission(api, request, "submit");
  if (submitted.refusal) co_return std::move(*submitted.refusal);
  std::string out;
  event::JsonWriter(out).begin_object().member("id", submitted.reply.build_id).member("status", "pending")
      .member("submitted_at", submitted.reply.submitted_at).member("access_token", submitted.access_token).end_object();
  co_return answer(200, std::move(out));
}

Task<http::Response> create(Api& api, http::Request& request) {
  auto submitted = co_await take_submission(api, request, "submit");
  if (submitted.refusal) co_return std::move(*submitted.refusal);
  std::string out;
  event::JsonWriter(out).begin_object().member("id", submitted.reply.build_id).member("status", "pending")
      .member("platform", name_of(submitted.platform)).member("submitted_at", to_rfc3339(from_ms(submitted.reply.submitted_at)))
      .member("access_token", submitted.access_token).end_object();
  co_return answer(201, std::move(out));
}

Task<http::Response> cancel(Api& api, http::Request& request) {
  if (auto refusal = check_key(api, request)) co_return std::move(*refusal);
  auto body = co_await read_json(request);
  if (body->refusal) co_return std::move(*body->refusal);
  CancelBuild command;
  command.build_id = request.param("id");
  const auto outcome = co_await api.execute(request, command, "api-key");
  if (!was_done(outcome)) {
    // Elsewhere the same reason is a conflict; old command lines know it here as a bad request.
    if (outcome.reason == kCancelFinished.reason) co_return refuse(kCancelFinished);
    co_return answer_for(outcome);
  }
  api.owner_call([&](const runtime::OwnerView& view) { forget_life(view, command.build_id); });
  co_return answer(200, R"({"status":"cancelled"})");
}

Task<http::Response> retry(Api& api, http::Request& request) {
  const std::string original(request.param("id"));
  std::optional<BuildRow> build;
  if (auto refusal = check_key_or_build_token(api, request, original, build, kRetryFailed)) co_return std::move(*refusal);
  if (!build) co_return build_not_found();
  auto body = co_await read_json(request);
  if (body->refusal) co_return std::move(*body->refusal);

  if (build->source.sha256.empty()) co_return refuse(kSourceGone);  // an import that did not find the file
  blob::BlobRef source{build->source.sha256, build->source.size};
  auto found = co_await api.blobs().open_verified(std::move(source));
  if (!found.ok()) {
    log_unusable_file(original + ".zip", found.error());
    const Code code = found.error().code;
    if (code == Code::not_found || code == Code::corrupt) co_return refuse(kSourceGone);
    co_return error_answer(500, kRetryFailed);
  }

  CommandName name = name_command(api, request, "retry/" + original);
  const std::string build_id = derive_build_id(name.id);
  auto taking = turn_of(api, name, build_id);
  const auto turn = co_await std::move(taking);
  // Until the new build refers to them nobody else may.
  const auto held_source = api.blobs().hold(build->source.sha256), held_certs = api.blobs().hold(build_id);
  const auto before = made_before(api, name, build_id);
  RetryBuild command;
  command.original_build_id = original;
  command.source_available = true;
  command.build_id = build_id;
  command.token_key_id = before ? before->token_key_id : api.keys().current_mac_key();
  command.access_token_sha256 = token_hash(access_token(api, command.token_key_id, build_id));
  if (before) {
    command.keep_certs = before->certs.has_value();
  } else if (build->certs) {
    auto copied = co_await api.blobs().copy_private(original, build_id);
    if (!copied.ok()) log_unusable_file(original + "-certs.zip", copied.error());
    // Certificates that are gone or no longer open do not stand in the way: the new build has none.
    const bool unusable = !copied.ok() && (copied.error().code == Code::not_found || copied.error().code == Code::corrupt);
    if (!copied.ok() && !unusable) co_return error_answer(500, kRetryFailed);
    command.keep_certs = copied.ok();
  }
  const auto outcome = co_await api.execute(request, command, "api-key", std::move(name));
  auto reply = reply_of<SubmittedReply>(outcome);
  if (!reply && before && outcome.reason == kBuildIdTaken.reason) reply = answer_again(*before);
  if (!reply) {
    if (command.keep_certs && !before && outcome.kind == runtime::Outcome::Kind::refused) {
      (void)co_await api.blobs().remove_private(build_id);
    }
    co_return answer_for(outcome, kRetryFailed);
  }
  std::string out;
  event::JsonWriter(out).begin_object().member("id", reply->build_id).member("status", "pending")
      .member("submitted_at", reply->submitted_at).member("access_token", access_token(api, reply->token_key_id, reply->build_id))
      .member("original_build_id", original).end_object();
  co_return answer(200, std::move(out));
}

}  // namespace tidemark::commands::builds::endpoint
