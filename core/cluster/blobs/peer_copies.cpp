#include "core/cluster/blobs/peer_copies.hpp"

#include <algorithm>
#include <optional>

#include "core/cluster/blobs/said.hpp"
#include "core/observe/log.hpp"

namespace tidemark::cluster {
namespace {

/// `kept` becomes false when the disk did not take it.
Task<Result<void>> write_to(blob::Upload& upload, std::string_view bytes, bool& kept) {
  auto writing = upload.write(bytes);
  auto written = co_await std::move(writing);
  kept = written.ok();
  co_return written;
}

}  // namespace

std::string blob_target(const std::string& sha256) { return "/cluster/blobs/" + sha256; }
std::string private_blob_target(const std::string& name) { return "/cluster/private-blobs/" + name; }

struct PeerCopies::Incoming {
  std::string target;
  std::uint64_t bytes_max = 0;
  std::function<Result<std::unique_ptr<blob::Upload>>()> stage;
  std::function<Task<Result<void>>(std::unique_ptr<blob::Upload>)> commit;
};

struct PeerCopies::Got {
  enum class Kind {
    whole,
    none,     // that node has not got it
    failed,   // that node could not be asked, or gave something else
    not_kept  // what it gave cannot be stored here
  } kind = Kind::failed;
  Error error;
  std::uint64_t bytes = 0;
};

struct PeerCopies::UnderWay {
  std::vector<Fn<void(Result<void>)>> waiting;
};

PeerCopies::PeerCopies(PeerCopiesParts parts, PeerCopiesOptions options)
    : parts_(std::move(parts)),
      options_(options),
      copies_(blob::copy_source(parts_.local)),
      given_(parts_.metrics, {"tidemark_blob_copies_given_total", "Files that another node has taken a copy of"}),
      given_bytes_(parts_.metrics, {"tidemark_blob_copies_given_bytes_total", "Content of files that another node has taken a copy of"}),
      fetched_(parts_.metrics, {"tidemark_blob_copies_fetched_total", "Files fetched from another node"}),
      fetched_bytes_(parts_.metrics, {"tidemark_blob_copies_fetched_bytes_total", "Content of files fetched from another node"}),
      alone_(parts_.metrics, {"tidemark_blob_copies_alone_total", "Files stored while there was no other node to take a copy"}),
      refused_(parts_.metrics, {"tidemark_blob_copies_refused_total", "Files not stored because no other node took a copy"}),
      damaged_(parts_.metrics, {"tidemark_blob_copies_damaged_total", "Files that came from another node and were not what was asked for"}) {}

Duration PeerCopies::deadline_of(std::uint64_t bytes) const {
  return options_.deadline_least + std::chrono::seconds(bytes / options_.bytes_per_second_least);
}

std::vector<Peer> PeerCopies::in_order() {
  std::vector<Peer> peers = parts_.peers();
  if (peers.empty()) return peers;
  const auto first = static_cast<std::ptrdiff_t>(parts_.home.random() % peers.size());
  std::rotate(peers.begin(), peers.begin() + first, peers.end());
  const SteadyTime now = parts_.home.now();
  std::erase_if(avoided_, [now](const auto& entry) { return entry.second <= now; });
  std::stable_partition(peers.begin(), peers.end(), [this](const Peer& peer) { return !avoided_.contains(peer.id); });
  return peers;
}

std::vector<std::string> PeerCopies::others() const {
  std::vector<std::string> ids;
  for (Peer& peer : parts_.peers()) ids.push_back(std::move(peer.id));
  std::sort(ids.begin(), ids.end());
  return ids;
}

void PeerCopies::avoid(const Peer& peer) { avoided_[peer.id] = parts_.home.now() + options_.avoided_for; }

void PeerCopies::failed(const Peer& peer, std::string_view what, const std::string& target, const Error& error) {
  observe::warning(what, {{"node", peer.id}, {"url", peer.url}, {"file", target}, {"code", name_of(error.code)}, {"reason", error.message}});
  avoid(peer);
}

Task<Result<void>> PeerCopies::fetch(blob::BlobRef ref) {
  if (!blob::is_sha256(ref.sha256)) co_return make_error(Code::invalid_argument, "a blob is named by 64 lower-case hex digits");
  Incoming file;
  file.target = blob_target(ref.sha256) + "?size=" + std::to_string(ref.size);
  file.bytes_max = ref.size;
  file.stage = [this, size = ref.size] { return parts_.local.stage(size); };
  file.commit = [this, ref](std::unique_ptr<blob::Upload> upload) { return copies_.commit_copy(std::move(upload), ref); };
  auto fetching = fetch_once(std::move(file));
  co_return co_await std::move(fetching);
}

Task<Result<void>> PeerCopies::fetch_private(std::string name) {
  if (!blob::is_private_name(name)) co_return make_error(Code::invalid_argument, "a private blob is named by 1 to 64 of A-Z a-z 0-9 _ -");
  Incoming file;
  file.target = private_blob_target(name);
  file.bytes_max = options_.private_bytes_max;
  file.stage = [this] { return copies_.stage_private_copy(options_.private_bytes_max); };
  file.commit = [this, name](std::unique_ptr<blob::Upload> upload) { return copies_.commit_private_copy(std::move(upload), name); };
  auto fetching = fetch_once(std::move(file));
  co_return co_await std::move(fetching);
}

Task<Result<void>> PeerCopies::fetch_once(Incoming file) {
  const std::string target = file.target;
  if (const auto found = under_way_.find(target); found != under_way_.end()) {
    auto start = [fetch = found->second](Fn<void(Result<void>)> done) { fetch->waiting.push_back(std::move(done)); };
    auto waiting = Callback<Result<void>>(std::move(start));
    co_return co_await waiting;
  }
  if (under_way_.size() >= options_.fetches_max) co_return make_error(Code::unavailable, "too many files are being fetched from other nodes");
  const auto fetch = std::make_shared<UnderWay>();
  under_way_.emplace(target, fetch);
  auto fetching = fetch_file(std::move(file));
  const auto fetched = co_await std::move(fetching);
  under_way_.erase(target);
  for (auto& done : fetch->waiting) {
    parts_.home.post([done = std::move(done), fetched]() mutable { done(std::move(fetched)); });
  }
  co_return fetched;
}

Task<Result<void>> PeerCopies::fetch_file(Incoming file) {
  std::optional<Error> doubt;
  for (const Peer& peer : in_order()) {
    auto getting = get(peer, file);
    auto got = co_await std::move(getting);
    if (got.kind == Got::Kind::whole) {
      fetched_.add();
      fetched_bytes_.add(static_cast<double>(got.bytes));
      observe::info("file fetched from another node", {{"node", peer.id}, {"file", file.target}, {"bytes", got.bytes}});
      co_return Result<void>();
    }
    if (got.kind == Got::Kind::not_kept) co_return got.error;
    if (got.kind == Got::Kind::none) continue;
    if (got.error.code == Code::corrupt) damaged_.add();
    failed(peer, "file not fetched from a node", file.target, got.error);
    doubt = make_error(Code::unavailable, "a node that may have the file cannot be asked; " + peer.id + ": " + got.error.message);
  }
  if (doubt) co_return std::move(*doubt);
  co_return make_error(Code::not_found, "no other node has " + file.target);
}

Task<PeerCopies::Got> PeerCopies::get(Peer peer, Incoming file) {
  Got got;
  if (peer.url.empty()) {
    got.error = make_error(Code::unavailable, "the node does not say where it is reached");
    co_return got;
  }
  auto signature = parts_.key.sign({.method = "GET", .target = file.target, .content = {}}, peer.id);
  if (!signature.ok()) {
    got.error = signature.take_error();
    co_return got;
  }
  auto staged = file.stage();
  if (!staged.ok()) {
    got.kind = Got::Kind::not_kept;
    got.error = staged.take_error();
    co_return got;
  }
  std::unique_ptr<blob::Upload> upload = std::move(*staged);
  bool kept = true;
  http::PeerCall call;
  call.url = peer.url + file.target;
  call.headers = signature->headers;
  call.answer_bytes_max = file.bytes_max;
  call.deadline = deadline_of(file.bytes_max);
  call.take = [into = upload.get(), &kept](std::string_view bytes) { return write_to(*into, bytes, kept); };
  auto calling = parts_.client.call(std::move(call));
  auto answer = co_await std::move(calling);
  got.bytes = upload->size();
  if (!answer.ok()) {
    got.kind = kept ? Got::Kind::failed : Got::Kind::not_kept;
    got.error = answer.take_error();
  } else if (answer->status == 404) {
    got.kind = Got::Kind::none;
  } else if (answer->status != 200) {
    got.error = answered(*answer);
  } else {
    auto committing = file.commit(std::move(upload));
    auto committed = co_await std::move(committing);
    if (committed.ok()) {
      got.kind = Got::Kind::whole;
      co_return got;
    }
    got.error = committed.take_error();
    // Under a key that this ring has not got: not_found.
    const bool of_peer = got.error.code == Code::corrupt || got.error.code == Code::unsupported_version || got.error.code == Code::not_found;
    got.kind = of_peer ? Got::Kind::failed : Got::Kind::not_kept;
    co_return got;
  }
  auto discarding = upload->discard();
  co_await std::move(discarding);
  co_return got;
}

}  // namespace tidemark::cluster
