// Files of this node given to other ones.
#include <algorithm>
#include <optional>

#include "core/blob/files.hpp"
#include "core/cluster/blobs/held.hpp"
#include "core/cluster/blobs/peer_copies.hpp"
#include "core/cluster/blobs/said.hpp"

namespace tidemark::cluster {
namespace {

constexpr std::size_t kPieceBytes = 256u << 10;
constexpr std::size_t kHashStepBytes = 8u << 20;
constexpr std::string_view kDiffers = "/problems/copy-differs";  // among the reasons of a 422

Task<Result<std::string>> whole(std::string text) { co_return text; }

Task<Result<void>> add_to(std::string& text, std::string_view bytes) {
  text += bytes;
  co_return Result<void>();
}

}  // namespace

struct PeerCopies::Outgoing {
  std::string target;
  std::shared_ptr<int> fd;
  std::uint64_t size = 0;
  std::string content;  // hash, where the target does not hold it
};

/// What became of a file at one node.
struct PeerCopies::Put {
  enum class Kind {
    taken,
    unreached,   // that node could not be asked, or not now
    refused,     // it will not take this file
    unwanted,    // it knows no need for it, or has one of that name
    differs,     // what is here is not what its name says
    unread       // what is here cannot be read
  } kind = Kind::unreached;
  Error error;
};

struct PeerCopies::Asked {
  Fn<void(Put)> done;  // empty: nobody waits any more
  TimerId watch = 0;
};

Task<Result<std::string>> PeerCopies::read_piece(std::shared_ptr<int> fd, std::uint64_t at, std::size_t size) {
  auto work = [fd = std::move(fd), at, size]() -> Result<std::string> {
    std::string piece(size, '\0');
    auto read = blob::read_some(*fd, at, piece.data(), size, "a blob");
    if (!read.ok()) return read.take_error();
    if (*read != size) return make_error(Code::corrupt, "the file became shorter while it was copied");
    return piece;
  };
  auto running = run_on(parts_.pool, parts_.home, std::move(work));
  co_return co_await running;
}

/// `unread` becomes true when the disk does not give it.
Task<Result<std::string>> PeerCopies::next_piece(std::shared_ptr<int> fd, std::uint64_t at, std::size_t size, bool& unread) {
  auto reading = read_piece(std::move(fd), at, size);
  auto piece = co_await std::move(reading);
  unread = !piece.ok();
  co_return piece;
}

Task<Result<std::string>> PeerCopies::hash_of(std::shared_ptr<int> fd, std::uint64_t size) {
  const auto hash = std::make_shared<blob::Sha256>();
  for (std::uint64_t at = 0; at < size; at += kHashStepBytes) {
    auto work = [hash, fd, at, end = std::min(size, at + kHashStepBytes)]() -> Result<void> {
      std::string piece(kPieceBytes, '\0');
      for (std::uint64_t from = at; from < end;) {
        auto read = blob::read_some(*fd, from, piece.data(), static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), end - from)), "a blob");
        if (!read.ok()) return read.take_error();
        if (*read == 0) return make_error(Code::corrupt, "the file became shorter while it was copied");
        hash->add(std::string_view(piece).substr(0, *read));
        from += *read;
      }
      return {};
    };
    auto running = run_on(parts_.pool, parts_.home, std::move(work));
    auto hashed = co_await running;
    if (!hashed.ok()) co_return hashed.take_error();
  }
  co_return hash->finish_hex();
}

Task<Result<PeerCopies::Outgoing>> PeerCopies::outgoing(blob::StoredFile file) {
  Outgoing out;
  if (!file.is_private) {
    blob::BlobRef ref{file.name, file.size};
    auto opening = parts_.local.open(std::move(ref));
    auto opened = co_await std::move(opening);
    if (!opened.ok()) co_return opened.take_error();
    out.target = blob_target(file.name);
    out.fd = opened->fd;
    out.size = file.size;
    co_return out;
  }
  auto opening = copies_.open_private_copy(file.name);
  auto opened = co_await std::move(opening);
  if (!opened.ok()) co_return opened.take_error();
  auto hashing = hash_of(opened->fd, opened->size);
  auto hash = co_await std::move(hashing);
  if (!hash.ok()) co_return hash.take_error();
  out.target = private_blob_target(file.name);
  out.fd = opened->fd;
  out.size = opened->size;
  out.content = std::move(*hash);
  co_return out;
}

Task<Result<void>> PeerCopies::give(blob::BlobRef ref) {
  blob::StoredFile file{false, std::move(ref.sha256), ref.size};
  return give_file(std::move(file));
}

Task<Result<void>> PeerCopies::give_private(std::string name) {
  blob::StoredFile file{true, std::move(name), 0};
  return give_file(std::move(file));
}

Task<Result<void>> PeerCopies::give_file(blob::StoredFile stored) {
  auto opening = outgoing(std::move(stored));
  auto file = co_await std::move(opening);
  if (!file.ok()) co_return file.take_error();
  const SteadyTime until = parts_.home.now() + options_.patience;
  std::set<std::string> told;     // ids of nodes whose failure was logged
  std::set<std::string> refused;  // of those that need not be asked again
  std::string last;
  while (true) {
    const std::vector<Peer> peers = in_order();
    if (peers.empty()) {
      alone_.add();
      co_return Result<void>();
    }
    bool may_change = false;
    for (const Peer& peer : peers) {
      if (refused.contains(peer.id)) continue;
      auto putting = put_while_there(peer, *file);
      auto put = co_await std::move(putting);
      if (put.kind == Put::Kind::taken) {
        given_.add();
        given_bytes_.add(static_cast<double>(file->size));
        co_return Result<void>();
      }
      if (put.kind == Put::Kind::unread) co_return put.error;
      if (put.kind == Put::Kind::unreached) may_change = true;
      else refused.insert(peer.id);
      if (told.insert(peer.id).second) failed(peer, "copy not taken by a node", file->target, put.error);
      else avoid(peer);
      last = peer.id + ": " + put.error.message;
    }
    if (!may_change || parts_.home.now() >= until) break;
    auto pausing = sleep_for(parts_.home, options_.look_every);
    co_await pausing;
  }
  refused_.add();
  co_return make_error(Code::unavailable, "no other node took a copy; " + last);
}

Task<PeerCopies::GivenAgain> PeerCopies::give_again(blob::StoredFile stored) {
  GivenAgain out;
  auto opening = outgoing(std::move(stored));
  auto file = co_await std::move(opening);
  if (!file.ok()) {
    out.became = file.error().code == Code::not_found ? Again::gone : Again::damaged;
    co_return out;
  }
  file->target += "?again";
  out.became = Again::unwanted;
  for (const Peer& peer : in_order()) {
    auto putting = put_while_there(peer, *file);
    auto put = co_await std::move(putting);
    switch (put.kind) {
      case Put::Kind::taken:
        given_.add();
        given_bytes_.add(static_cast<double>(file->size));
        out.became = Again::given;
        out.bytes = file->size;
        co_return out;
      case Put::Kind::differs:
      case Put::Kind::unread:
        failed(peer, "file not fit to be copied", file->target, put.error);
        out.became = Again::damaged;
        co_return out;
      case Put::Kind::unwanted: break;
      case Put::Kind::unreached:
      case Put::Kind::refused:
        out.became = Again::refused;
        failed(peer, "copy not taken by a node", file->target, put.error);
        break;
    }
  }
  co_return out;
}

/// A node that hangs is waited for as long as it is one of the group. What is under way then goes on by itself, to its deadlines.
Task<PeerCopies::Put> PeerCopies::put_while_there(Peer peer, Outgoing file) {
  const auto asked = std::make_shared<Asked>();
  auto start = [this, asked, peer = std::move(peer), file = std::move(file)](Fn<void(Put)> done) mutable {
    asked->done = std::move(done);
    watch(asked, peer.id);
    spawn(put_for(asked, std::move(peer), std::move(file)));
  };
  auto waiting = Callback<Put>(std::move(start));
  co_return co_await waiting;
}

Task<void> PeerCopies::put_for(std::shared_ptr<Asked> asked, Peer peer, Outgoing file) {
  auto putting = put(std::move(peer), std::move(file));
  auto became = co_await std::move(putting);
  tell(*asked, std::move(became));
}

void PeerCopies::tell(Asked& asked, Put put) {
  if (asked.watch != 0) parts_.home.cancel(std::exchange(asked.watch, 0));
  if (!asked.done) return;
  auto done = std::exchange(asked.done, nullptr);
  done(std::move(put));
}

void PeerCopies::watch(std::shared_ptr<Asked> asked, std::string peer) {
  Asked& kept = *asked;
  kept.watch = parts_.home.after(options_.look_every, [this, asked = std::move(asked), peer = std::move(peer)]() mutable {
    asked->watch = 0;
    const auto ids = others();
    if (std::binary_search(ids.begin(), ids.end(), peer)) return watch(std::move(asked), std::move(peer));
    tell(*asked, Put{Put::Kind::unreached, make_error(Code::unavailable, "the node has left the group")});
  });
}

Task<PeerCopies::Put> PeerCopies::put(Peer peer, Outgoing file) {
  Put out;
  if (peer.url.empty()) {
    out.error = make_error(Code::unavailable, "the node does not say where it is reached");
    co_return out;
  }
  auto signature = parts_.key.sign({.method = "PUT", .target = file.target, .content = file.content}, peer.id);
  if (!signature.ok()) {
    out.kind = Put::Kind::refused;
    out.error = signature.take_error();
    co_return out;
  }
  bool unread = false;
  http::PeerCall call;
  call.method = "PUT";
  call.url = peer.url + file.target;
  call.headers = signature->headers;
  call.headers.emplace_back("Content-Type", "application/octet-stream");
  call.body_bytes = file.size;
  call.deadline = deadline_of(file.size);
  call.next_piece = [this, &unread, fd = file.fd, size = file.size, at = std::uint64_t{0}]() mutable {
    const std::uint64_t from = at;
    at = std::min<std::uint64_t>(size, at + kPieceBytes);
    return next_piece(fd, from, static_cast<std::size_t>(at - from), unread);
  };
  auto calling = parts_.client.call(std::move(call));
  auto answer = co_await std::move(calling);
  if (!answer.ok()) {
    if (unread) out.kind = Put::Kind::unread;
    out.error = answer.take_error();
    co_return out;
  }
  if (answer->status != 201) {
    out.error = answered(*answer);
    if (answer->status == 409) out.kind = Put::Kind::unwanted;
    else if (answer->status == 422 && answer->text.find(kDiffers) != std::string::npos) out.kind = Put::Kind::differs;
    else if (answer->status != 408 && answer->status != 503) out.kind = Put::Kind::refused;
    co_return out;
  }
  if (parts_.key.proves_stored(answer->headers, *signature, file.target, peer.id)) out.kind = Put::Kind::taken;
  else out.error = make_error(Code::unavailable, "what answers there is not that node");
  co_return out;
}

Task<PeerCopies::Elsewhere> PeerCopies::elsewhere(std::vector<blob::StoredFile> files, std::set<std::string> passed_over) {
  Elsewhere found;
  found.held.assign(files.size(), false);
  for (const Peer& peer : in_order()) {
    if (passed_over.contains(peer.id)) continue;
    std::vector<std::size_t> open;
    std::vector<blob::StoredFile> question;
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (found.held[i]) continue;
      open.push_back(i);
      question.push_back(files[i]);
    }
    if (question.empty()) break;
    auto asking = ask_held(peer, std::move(question));
    auto held = co_await std::move(asking);
    if (!held.ok()) {
      failed(peer, "node not asked for files", std::string(kHeldTarget), held.error());
      found.mute.push_back(peer.id);
      continue;
    }
    found.answered.push_back(peer.id);
    for (std::size_t i = 0; i < open.size(); ++i) found.held[open[i]] = (*held)[i];
  }
  co_return found;
}

Task<Result<std::vector<bool>>> PeerCopies::ask_held(Peer peer, std::vector<blob::StoredFile> files) {
  if (peer.url.empty()) co_return make_error(Code::unavailable, "the node does not say where it is reached");
  const std::string question = held_question(files);
  blob::Sha256 hash;
  hash.add(question);
  const std::string content = hash.finish_hex();
  auto signature = parts_.key.sign({.method = "POST", .target = kHeldTarget, .content = content}, peer.id);
  if (!signature.ok()) co_return signature.take_error();
  std::string text;
  http::PeerCall call;
  call.method = "POST";
  call.url = peer.url + std::string(kHeldTarget);
  call.headers = signature->headers;
  call.headers.emplace_back("Content-Type", "text/plain");
  call.body_bytes = question.size();
  call.deadline = options_.deadline_least;
  call.next_piece = [question] { return whole(question); };
  call.answer_bytes_max = files.size() + 1;
  call.take = [&text](std::string_view bytes) { return add_to(text, bytes); };
  auto calling = parts_.client.call(std::move(call));
  auto answer = co_await std::move(calling);
  if (!answer.ok()) co_return answer.take_error();
  if (answer->status != 200) co_return answered(*answer);
  if (!parts_.key.proves_stored(answer->headers, *signature, held_statement(text), peer.id)) {
    co_return make_error(Code::unavailable, "what answers there is not that node");
  }
  co_return parse_held_answer(text, files.size());
}

}  // namespace tidemark::cluster
