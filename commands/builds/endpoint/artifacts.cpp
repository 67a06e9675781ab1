// Files out: results and sources to developers, sources and certificates to the worker in charge.

#include <stdexcept>

#include "commands/builds/endpoint/certs_file.hpp"
#include "commands/builds/endpoint/credentials.hpp"
#include "commands/builds/endpoint/routes.hpp"
#include "core/blob/piece_sums.hpp"
#include "core/blob/private_reader.hpp"
#include "core/http/range.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

using namespace schemas::builds;

constexpr std::string_view kNoCerts = "Certs not found";

std::string attachment(std::string_view filename) { return "attachment; filename=\"" + std::string(filename) + '"'; }

static_assert(blob::kPieceBytes == http::kFilePieceBytes);

/// Streams a blob, or answers `missing` when it is gone or is not what was stored. Wrong bytes are never served: the whole was
/// verified before the answer begins, and each piece is compared with what was verified as it is sent (BlobStore::open_verified);
/// one that differs cuts the connection.
Task<http::Response> send_blob(Api& api, BlobRef ref, std::string content_type, std::string filename, std::string_view missing) {
  if (ref.sha256.empty()) co_return error_answer(404, missing);  // an import that did not find the file
  blob::BlobRef stored{ref.sha256, ref.size};
  auto opened = co_await api.blobs().open_verified(std::move(stored));
  if (!opened.ok()) {
    log_unusable_file(filename, opened.error());
    const Code code = opened.error().code;
    if (code == Code::not_found || code == Code::corrupt) co_return error_answer(404, missing);
    co_return error_answer(500, kInternalText);
  }
  http::Response response;
  response.header("Content-Type", std::move(content_type)).header("Content-Disposition", attachment(filename));
  http::FileBody body{opened->fd, 0, opened->size, '"' + ref.sha256 + '"'};
  body.holds = [holds = std::move(opened->holds), filename = std::move(filename)](std::uint64_t index, std::string_view piece) {
    if (holds(index, piece)) return true;
    log_unusable_file(filename, make_error(Code::corrupt, "piece " + std::to_string(index) + " has changed since it was verified"));
    return false;
  };
  response.body = std::move(body);
  co_return response;
}

/// What of the content is to be sent: all of it unless a single range is asked for.
http::RangeChoice wanted_range(const http::Request& request, std::string_view tag, std::uint64_t size) {
  const http::RangeChoice whole{http::RangeKind::whole, 0, size};
  const auto range = request.header("Range");
  if (!range || request.method() != http::Method::get) return whole;
  if (const auto if_range = request.header("If-Range"); if_range && !http::if_range_holds(*if_range, tag)) return whole;
  const http::RangeChoice choice = http::choose_range(*range, size);
  return choice.kind == http::RangeKind::whole ? whole : choice;
}

/// One piece is in memory at a time. One that cannot be had cuts the connection.
Task<void> send_pieces(std::shared_ptr<const blob::OpenedPrivate> bundle, http::RangeChoice wanted, std::string filename,
                       http::BodyStream& stream) {
  std::uint64_t at = wanted.first;
  const std::uint64_t end = wanted.first + wanted.size;
  while (at < end) {
    auto making = bundle->piece(at / blob::kFramePlainBytes);
    auto piece = co_await std::move(making);
    const std::uint64_t skipped = at % blob::kFramePlainBytes;
    if (!piece.ok() || piece->size() <= skipped) {
      if (!piece.ok()) log_unusable_file(filename, piece.error());
      throw std::runtime_error("a piece of the content cannot be had");
    }
    std::string part = piece->substr(skipped, end - at);
    at += part.size();
    auto writing = stream.write(std::move(part));
    const auto written = co_await std::move(writing);
    if (!written.ok()) throw std::runtime_error("the client does not read");
  }
}

std::string result_name(const BuildRow& build) { return build.id + (build.platform == Platform::ios ? ".ipa" : ".apk"); }

}  // namespace

Task<http::Response> download(Api& api, http::Request& request) {
  std::optional<BuildRow> build;
  if (auto refusal = check_key_or_build_token(api, request, request.param("id"), build)) co_return std::move(*refusal);
  if (!build) co_return build_not_found();
  if (build->status != BuildStatus::completed) co_return error_answer(400, "Build not completed");
  if (!build->result) co_return error_answer(404, "Build result not found");
  auto sending = send_blob(api, *build->result, "application/octet-stream", result_name(*build), "Build result not found");
  co_return co_await std::move(sending);
}

Task<http::Response> download_type(Api& api, http::Request& request) {
  constexpr std::string_view kMissing = "Build or file not found";
  std::optional<BuildRow> build;
  if (auto refusal = check_key_or_build_token(api, request, request.param("id"), build)) co_return std::move(*refusal);
  const std::string_view type = request.param("type");
  if (type != "result" && type != "source") co_return error_answer(400, "Invalid file type");
  if (!build) co_return error_answer(404, kMissing, "BUILD_NOT_FOUND");
  if (type == "source") {
    auto sending = send_blob(api, build->source, "application/octet-stream", build->id + ".zip", kMissing);
    co_return co_await std::move(sending);
  }
  if (!build->result) co_return error_answer(404, kMissing);
  auto sending = send_blob(api, *build->result, "application/octet-stream", result_name(*build), kMissing);
  co_return co_await std::move(sending);
}

Task<http::Response> source(Api& api, http::Request& request) {
  Caller caller;
  BuildRow build;
  if (auto refusal = check_owner_or_vm(api, request, request.param("id"), OwnerRoute::or_worker, caller, build)) co_return std::move(*refusal);
  auto sending = send_blob(api, build.source, "application/zip", build.id + ".zip", "Source not found");
  co_return co_await std::move(sending);
}

Task<std::unique_ptr<CertsFile>> read_certs(Api& api, BuildRow build, std::uint64_t bytes_max, std::string_view failed) {
  auto out = std::make_unique<CertsFile>();
  if (!build.certs) {
    out->refusal = error_answer(404, kNoCerts);
    co_return out;
  }
  auto reading = api.blobs().read_private(build.id, static_cast<std::size_t>(bytes_max));
  auto plain = co_await std::move(reading);
  if (plain.ok()) {
    out->plain = std::move(plain).value();
    co_return out;
  }
  log_unusable_file(build.id + "-certs.zip", plain.error());
  out->refusal = plain.error().code == Code::not_found ? error_answer(404, kNoCerts) : error_answer(500, failed);
  co_return out;
}

Task<http::Response> certs(Api& api, http::Request& request) {
  Caller caller;
  BuildRow build;
  if (auto refusal = check_owner_or_vm(api, request, request.param("id"), OwnerRoute::plain, caller, build)) co_return std::move(*refusal);
  if (!build.certs) co_return error_answer(404, kNoCerts);
  auto opening = blob::private_source(api.blobs()).open_private(build.id, api.settings().certs_bytes_max);
  auto opened = co_await std::move(opening);
  if (!opened.ok()) {
    log_unusable_file(build.id + "-certs.zip", opened.error());
    co_return opened.error().code == Code::not_found ? error_answer(404, kNoCerts) : error_answer(500, kInternalText);
  }
  http::Response response;
  response.header("Content-Type", "application/zip").header("Content-Disposition", attachment(build.id + "-certs.zip"));
  response.header("Cache-Control", "no-store");
  auto bundle = std::make_shared<const blob::OpenedPrivate>(std::move(*opened));
  const std::string tag = '"' + bundle->sha256 + '"';
  response.header("ETag", tag).header("Accept-Ranges", "bytes");
  if (const auto none_match = request.header("If-None-Match"); none_match && http::none_match_fails(*none_match, tag)) {
    response.status = 304;
    co_return response;
  }
  const http::RangeChoice wanted = wanted_range(request, tag, bundle->size);
  if (wanted.kind == http::RangeKind::unsatisfiable) {
    response.status = 416;
    response.header("Content-Range", "bytes */" + std::to_string(bundle->size));
    co_return response;
  }
  if (wanted.kind == http::RangeKind::part) {
    response.status = 206;
    response.header("Content-Range", "bytes " + std::to_string(wanted.first) + '-' + std::to_string(wanted.first + wanted.size - 1) + '/' +
                                         std::to_string(bundle->size));
  }
  response.header("Content-Length", std::to_string(wanted.size));
  http::StreamBody body;
  body.produce = [bundle, wanted, filename = build.id + "-certs.zip"](http::BodyStream& stream) {
    return send_pieces(bundle, wanted, filename, stream);
  };
  response.body = std::move(body);
  co_return response;
}

}  // namespace tidemark::commands::builds::endpoint
