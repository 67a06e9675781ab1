#include "core/cluster/blobs/blob_routes.hpp"

#include <charconv>
#include <memory>

#include "core/blob/copies.hpp"
#include "core/blob/files.hpp"
#include "core/blob/piece_sums.hpp"
#include "core/cluster/blobs/held.hpp"
#include "core/observe/log.hpp"

namespace tidemark::cluster {
namespace {

static_assert(blob::kPieceBytes == http::kFilePieceBytes);

struct Place {
  blob::BlobStore& local;
  blob::CopySource& copies;
  NodeKey& key;
  const blob::FileUses& uses;
  const BlobRoutesOptions options;
};
using Shared = std::shared_ptr<const Place>;

http::Response problem(int status, std::string_view name, std::string title, std::string detail) {
  http::Problem document;
  document.status = status;
  document.type = "/problems/" + std::string(name);
  document.title = std::move(title);
  document.detail = std::move(detail);
  return http::problem_response(document);
}

http::Response not_here() { return problem(404, "blob-not-here", "No such file", "This node has no such file"); }

http::Response bad_name() { return problem(400, "name-malformed", "Not a name", "A blob is named by 64 lower-case hex digits, a private one by 1 to 64 of A-Z a-z 0-9 _ -"); }

/// Nothing when a node of this installation asks.
std::optional<http::Response> refuse_stranger(const Place& place, const http::Request& request, NodeKey::Caller& caller) {
  auto checked = place.key.check(request);
  if (checked.ok()) {
    caller = std::move(*checked);
    return std::nullopt;
  }
  const Error error = checked.take_error();
  if (error.code == Code::unavailable) return problem(503, "overloaded", "Too many requests", error.message);
  if (error.code == Code::version_conflict) {
    observe::warning("request of a node refused", {{"address", request.peer_address()}, {"reason", error.message}});
    return problem(401, "node-key-stale", "Node key not valid now", error.message);
  }
  http::Response response = problem(401, "node-key-wrong", "Node key missing or wrong", "Only nodes of this installation may ask for this");
  response.header("WWW-Authenticate", "Tidemark-Node");
  return response;
}

/// Whether the file was stored before and is to have another copy.
bool is_again(const http::Request& request) { return request.query("again").has_value(); }

/// Nothing when this node knows it to be needed.
std::optional<http::Response> refuse_unneeded(const Place& place, const blob::StoredFile& file) {
  const auto use = place.uses.of(file);
  if (use == blob::Use::needed) return std::nullopt;
  if (!use) return problem(503, "not-ready", "Not ready", "This node cannot say now whether the file is needed");
  return problem(409, "not-needed", "Not needed", "This node does not know the file to be needed");
}

http::Response not_taken(const Error& error, bool disk_full) {
  switch (error.code) {
    case Code::corrupt: return problem(422, "copy-differs", "Not what was announced", error.message);
    case Code::not_found:  // the key that it is encrypted under
    case Code::unsupported_version: return problem(422, "copy-unknown", "Not readable by this build", error.message);
    case Code::timed_out: return problem(408, "timed-out", "Too slow", error.message);
    case Code::cancelled:
    case Code::invalid_argument: return problem(400, "body-incomplete", "Body incomplete", error.message);
    case Code::exhausted:
      if (disk_full) return problem(507, "disk-full", "Disk full", error.message);
      return problem(413, "body-too-large", "Body too large", error.message);
    default: return problem(500, "not-stored", "Not stored", error.message);
  }
}

Task<Result<void>> take_piece(blob::Upload& upload, blob::Sha256& hash, std::string_view bytes) {
  hash.add(bytes);
  auto writing = upload.write(bytes);
  co_return co_await std::move(writing);
}

/// Writes the body into the upload, and gives its hash.
Task<Result<std::string>> take_body(http::Request& request, blob::Upload& upload, std::uint64_t size) {
  blob::Sha256 hash;
  std::function<Task<Result<void>>(std::string_view)> consume = [&upload, &hash](std::string_view bytes) { return take_piece(upload, hash, bytes); };
  auto reading = request.read_stream(std::move(consume), size);
  auto read = co_await std::move(reading);
  if (!read.ok()) co_return read.take_error();
  co_return hash.finish_hex();
}

/// The end of a PUT whose sender is known: `content` is the hash that the body is to have.
using Commit = std::function<Task<Result<void>>(std::unique_ptr<blob::Upload>)>;
Task<http::Response> take(Shared place, http::Request& request, NodeKey::Caller caller, std::string content, std::uint64_t bytes_max, bool is_private,
                          Commit commit) {
  if (!request.content_length()) co_return problem(411, "length-required", "Length required", "The body comes with its Content-Length");
  const std::uint64_t size = *request.content_length();
  if (size > bytes_max) co_return problem(413, "body-too-large", "Body too large", "At most " + std::to_string(bytes_max) + " bytes");
  auto staged = is_private ? place->copies.stage_private_copy(size) : place->local.stage(size);
  if (!staged.ok()) co_return not_taken(staged.error(), false);
  std::unique_ptr<blob::Upload> upload = std::move(*staged);
  auto taking = take_body(request, *upload, size);
  auto taken = co_await std::move(taking);
  if (taken.ok() && *taken != content) taken = make_error(Code::corrupt, "the body has the hash " + *taken + ", not " + content);
  if (!taken.ok()) {
    http::Response response = not_taken(taken.error(), upload->disk_full());
    auto discarding = upload->discard();
    co_await std::move(discarding);
    co_return response;
  }
  auto committing = commit(std::move(upload));
  auto committed = co_await std::move(committing);
  if (!committed.ok()) co_return not_taken(committed.error(), committed.error().code == Code::exhausted);
  auto proof = place->key.stored(caller, request.target());
  if (!proof.ok()) co_return problem(500, "not-proven", "Not proven", proof.error().message);
  http::Response response;
  response.status = 201;
  response.header(std::move(proof->first), std::move(proof->second));
  co_return response;
}

Task<http::Response> put_blob(Shared place, http::Request& request) {
  NodeKey::Caller caller;
  if (auto refusal = refuse_stranger(*place, request, caller)) co_return std::move(*refusal);
  blob::BlobRef ref{std::string(request.param("sha256")), request.content_length().value_or(0)};
  if (!blob::is_sha256(ref.sha256)) co_return bad_name();
  if (is_again(request)) {
    if (auto refusal = refuse_unneeded(*place, {false, ref.sha256, ref.size})) co_return std::move(*refusal);
  }
  Commit commit = [place, ref](std::unique_ptr<blob::Upload> upload) { return place->copies.commit_copy(std::move(upload), ref); };
  auto taking = take(place, request, std::move(caller), ref.sha256, place->options.bytes_max, false, std::move(commit));
  co_return co_await std::move(taking);
}

Task<http::Response> put_private(Shared place, http::Request& request) {
  NodeKey::Caller caller;
  if (auto refusal = refuse_stranger(*place, request, caller)) co_return std::move(*refusal);
  std::string name(request.param("name"));
  if (!blob::is_private_name(name)) co_return bad_name();
  const blob::StoredFile file{true, name, 0};
  if (is_again(request)) {
    if (auto refusal = refuse_unneeded(*place, file)) co_return std::move(*refusal);
    std::vector<blob::StoredFile> files{file};
    auto looking = place->copies.are_here(std::move(files));
    const auto here = co_await std::move(looking);
    if (!here.ok()) co_return problem(500, "not-readable", "Not readable", here.error().message);
    if (here->front()) co_return problem(409, "already-here", "Already here", "This node has a file of that name");
  }
  std::string content = caller.content;
  Commit commit = [place, name](std::unique_ptr<blob::Upload> upload) { return place->copies.commit_private_copy(std::move(upload), name); };
  auto taking = take(place, request, std::move(caller), std::move(content), place->options.private_bytes_max, true, std::move(commit));
  http::Response taken = co_await std::move(taking);
  if (!is_again(request) || taken.status != 201 || place->uses.of(file) != blob::Use::gone) co_return taken;
  auto removing = place->local.remove_private(std::move(name));  // its end was recorded on the way
  auto removed = co_await std::move(removing);
  if (!removed.ok()) co_return problem(500, "not-removed", "Not removed", removed.error().message);
  co_return problem(409, "not-needed", "Not needed", "The file has ended while it came");
}

/// The size of the file that is asked for.
std::optional<std::uint64_t> size_of(const http::Request& request) {
  const auto text = request.query("size");
  if (!text) return std::nullopt;
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), size);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return size;
}

http::Response file_answer(blob::Opened opened) {
  http::Response response;
  response.header("Content-Type", "application/octet-stream").header("Cache-Control", "no-store");
  response.body = http::FileBody{std::move(opened.fd), 0, opened.size, {}, std::move(opened.holds)};
  return response;
}

http::Response not_readable(const Error& error) {
  if (error.code == Code::not_found || error.code == Code::corrupt) return not_here();
  return problem(500, "not-readable", "Not readable", error.message);
}

Task<http::Response> get_blob(Shared place, http::Request& request) {
  NodeKey::Caller caller;
  if (auto refusal = refuse_stranger(*place, request, caller)) co_return std::move(*refusal);
  const auto size = size_of(request);
  if (!size) co_return problem(400, "size-missing", "Size missing", "size=n says how long the file is");
  blob::BlobRef ref{std::string(request.param("sha256")), *size};
  if (!blob::is_sha256(ref.sha256)) co_return bad_name();
  auto looking = place->local.exists(ref);  // what is not here is not missing here
  const auto here = co_await std::move(looking);
  if (!here.ok()) co_return not_readable(here.error());
  if (!*here) co_return not_here();
  auto opening = place->local.open_verified(std::move(ref));
  auto opened = co_await std::move(opening);
  if (!opened.ok()) co_return not_readable(opened.error());
  co_return file_answer(std::move(*opened));
}

Task<http::Response> get_private(Shared place, http::Request& request) {
  NodeKey::Caller caller;
  if (auto refusal = refuse_stranger(*place, request, caller)) co_return std::move(*refusal);
  std::string name(request.param("name"));
  if (!blob::is_private_name(name)) co_return bad_name();
  auto opening = place->copies.open_private_copy(std::move(name));
  auto opened = co_await std::move(opening);
  if (!opened.ok()) co_return not_readable(opened.error());
  co_return file_answer(std::move(*opened));
}

Task<http::Response> tell_held(Shared place, http::Request& request) {
  NodeKey::Caller caller;
  if (auto refusal = refuse_stranger(*place, request, caller)) co_return std::move(*refusal);
  auto reading = request.read_body(kHeldBytesMax);
  auto question = co_await std::move(reading);
  if (!question.ok()) co_return not_taken(question.error(), false);
  blob::Sha256 hash;
  hash.add(*question);
  if (hash.finish_hex() != caller.content) co_return problem(422, "copy-differs", "Not what was announced", "The body has another hash than the node key says");
  auto files = parse_held_question(*question);
  if (!files.ok()) co_return problem(400, "question-malformed", "Not a question", files.error().message);
  auto looking = place->copies.are_here(std::move(*files));
  auto here = co_await std::move(looking);
  if (!here.ok()) co_return problem(500, "not-readable", "Not readable", here.error().message);
  std::string answer = held_answer(*here);
  auto proof = place->key.stored(caller, held_statement(answer));
  if (!proof.ok()) co_return problem(500, "not-proven", "Not proven", proof.error().message);
  http::Response response;
  response.header("Content-Type", "text/plain").header("Cache-Control", "no-store");
  response.header(std::move(proof->first), std::move(proof->second));
  response.body = std::move(answer);
  co_return response;
}

http::Route route_of(http::Method method, std::string pattern, Shared place, Task<http::Response> (*answer)(Shared, http::Request&)) {
  http::Route route;
  route.method = method;
  route.pattern = std::move(pattern);
  route.handler = [place = std::move(place), answer](http::Request& request) { return answer(place, request); };
  route.options.handler_checks_length = true;   // strangers are refused first
  route.options.body_deadline = Duration(0);    // as long as bytes come; the sender has a deadline of its own
  return route;
}

}  // namespace

std::vector<http::Route> blob_routes(blob::BlobStore& local, NodeKey& key, const blob::FileUses& uses, BlobRoutesOptions options) {
  const auto place = std::make_shared<const Place>(Place{local, blob::copy_source(local), key, uses, options});
  std::vector<http::Route> routes;
  routes.push_back(route_of(http::Method::put, "/cluster/blobs/:sha256", place, put_blob));
  routes.push_back(route_of(http::Method::get, "/cluster/blobs/:sha256", place, get_blob));
  routes.push_back(route_of(http::Method::put, "/cluster/private-blobs/:name", place, put_private));
  routes.push_back(route_of(http::Method::get, "/cluster/private-blobs/:name", place, get_private));
  routes.push_back(route_of(http::Method::post, "/cluster/held-blobs", place, tell_held));
  return routes;
}

}  // namespace tidemark::cluster
