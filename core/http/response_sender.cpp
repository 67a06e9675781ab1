// The response side of a connection: heads, ranges, and bytes to the peer.

#include <netinet/in.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>

#include "core/http/connection_io.hpp"
#include "core/http/head.hpp"
#include "core/http/range.hpp"

namespace tidemark::http {
namespace {

constexpr std::size_t kSendfileBytes = 256u << 10;
constexpr std::size_t kJoinedBytes = 8u << 10;  ///< a body up to this goes into one TLS record with its head
constexpr Duration kLingerTotal = std::chrono::seconds(30);
constexpr Duration kLingerStall = std::chrono::seconds(5);
constexpr Duration kRefusalLinger = std::chrono::seconds(1);

/// What the handler promises of a body that it streams.
std::optional<std::uint64_t> given_length(const Response& response) {
  for (const auto& [name, value] : response.headers) {
    std::uint64_t length = 0;
    if (!same_token(name, "content-length")) continue;
    if (std::from_chars(value.data(), value.data() + value.size(), length).ec == std::errc()) return length;
  }
  return std::nullopt;
}

}  // namespace

void Connection::render_file(const FileBody& file, ResponseHead& head) {
  head.etag = file.etag;
  head.accept_ranges = true;
  head.content_length = file.size;
  file_offset_ = file.offset;
  file_left_ = file.size;
  if (response_.status != 200 || (head_.method != Method::get && head_.method != Method::head)) return;
  if (const auto none_match = head_.field("if-none-match"); none_match && none_match_fails(*none_match, file.etag)) {
    response_.status = 304;
    head.content_length.reset();
    file_left_ = 0;
    return;
  }
  const auto range = head_.field("range");
  if (!range || head_.method != Method::get) return;
  if (const auto if_range = head_.field("if-range"); if_range && !if_range_holds(*if_range, file.etag)) return;
  const RangeChoice choice = choose_range(*range, file.size);
  if (choice.kind == RangeKind::unsatisfiable) {
    response_.status = 416;
    response_.header("Content-Range", "bytes */" + std::to_string(file.size));
    head.content_length = 0;
    file_left_ = 0;
  } else if (choice.kind == RangeKind::part) {
    response_.status = 206;
    const auto last = choice.first + choice.size - 1;
    response_.header("Content-Range", "bytes " + std::to_string(choice.first) + "-" + std::to_string(last) + "/" +
                                          std::to_string(file.size));
    head.content_length = choice.size;
    file_offset_ = file.offset + choice.first;
    file_left_ = choice.size;
  }
}

void Connection::render_response() {
  ResponseHead head;
  head.response = &response_;
  head.http_1_0 = head_.minor_version == 0;
  streams_ = std::holds_alternative<StreamBody>(response_.body);
  sized_ = false;
  if (streams_) {
    head.content_length = given_length(response_);
    sized_ = head.content_length.has_value();
  }
  if (streams_ && head.http_1_0) keep_ = false;
  // A stream reads ahead behind `in_`, where what is left in front of the next head would be missing.
  if (streams_ && (!body_done_ || (!body_in_head_buffer_ && body_.size() != 0))) keep_ = false;
  out_body_ = {};
  file_left_ = 0;
  sent_ = 0;
  if (const auto* file = std::get_if<FileBody>(&response_.body); file != nullptr && !file->fd) {
    response_ = surface_->fault(Fault::internal, "the file cannot be read");
  }
  if (const auto* file = std::get_if<FileBody>(&response_.body)) {
    render_file(*file, head);
  } else if (const auto* text = std::get_if<std::string>(&response_.body)) {
    out_body_ = *text;
    head.content_length = out_body_.size();
  }
  if (response_.status < 200 || response_.status == 204 || response_.status == 304) {
    head.content_length.reset();
    out_body_ = {};
    file_left_ = 0;
    streams_ = false;
  }
  head.streamed = streams_;
  head.keep_alive = keep_;
  std::string cors;
  if (surface_->surface.cors.enabled) {
    if (const auto origin = head_.field("origin")) {
      cors = "Access-Control-Allow-Origin: ";
      cors += *origin;
      cors += "\r\nAccess-Control-Allow-Credentials: true\r\n";
    }
    cors += "Vary: Origin\r\n";
    head.extra = cors;
  }
  out_.clear();
  put_response_head(out_, head);
  if (transport_.is_secure() && out_body_.size() <= kJoinedBytes) {
    if (head_.method != Method::head) out_ += out_body_;
    out_body_ = {};
  }
  if (head_.method == Method::head) {
    out_body_ = {};
    file_left_ = 0;
    streams_ = false;
  }
}

/// Sends as much of head and body as is taken now; would_block when some is left.
ErrorCode Connection::try_send() {
  while (true) {
    iovec pieces[2];
    int count = 0;
    if (sent_ < out_.size()) {
      pieces[count].iov_base = out_.data() + sent_;
      pieces[count++].iov_len = out_.size() - sent_;
    }
    const std::size_t body_sent = sent_ > out_.size() ? sent_ - out_.size() : 0;
    if (body_sent < out_body_.size()) {
      pieces[count].iov_base = const_cast<char*>(out_body_.data()) + body_sent;
      pieces[count++].iov_len = out_body_.size() - body_sent;
    }
    if (count == 0) return {};
    const IoResult sent = transport_.try_write(pieces, count, file_left_ != 0);
    if (sent.failed) return sent.failed;
    core_->metrics.sent(sent.bytes);
    sent_ += sent.bytes;
  }
}

/// Waits until the peer takes bytes; false when it does not within the stall timeout, or is gone.
Task<bool> Connection::wait_writable() {
  arm(core_->options.stall_timeout);
  AsyncReady writable(*this, Transport::Event::writable);
  const ErrorCode failed = co_await writable;
  disarm();
  co_return !failed;
}

Task<bool> Connection::send_rest() {
  while (true) {
    const ErrorCode failed = try_send();
    if (!failed) co_return true;
    if (failed != boost::asio::error::would_block) co_return false;
    const bool writable = co_await wait_writable();
    if (!writable) co_return false;
  }
}

/// One piece of the file: straight from the page cache, or read and encrypted. 0 bytes: the file is shorter than promised.
IoResult Connection::try_send_file(int fd) {
  auto offset = static_cast<off_t>(file_offset_);
  const std::size_t room = transport_.is_secure() ? ServerCore::kScratchBytes : kSendfileBytes;
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(file_left_, room));
  while (true) {
    const auto got = transport_.is_secure() ? ::pread(fd, core_->scratch.get(), wanted, offset)
                                            : ::sendfile(transport_.descriptor(), fd, &offset, wanted);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return {boost::asio::error::would_block, 0};
    if (got < 0) return {ErrorCode(errno, boost::system::system_category()), 0};
    if (!transport_.is_secure() || got == 0) return {{}, static_cast<std::size_t>(got)};
    const iovec piece{core_->scratch.get(), static_cast<std::size_t>(got)};
    return transport_.try_write(&piece, 1, false);
  }
}

/// The same of a file that is checked: what is sent are the bytes that were looked at, so they go by the scratch memory.
IoResult Connection::try_send_checked(const FileBody& file) {
  static_assert(kFilePieceBytes <= ServerCore::kScratchBytes);
  const std::uint64_t at = file_offset_ - file.offset, index = at / kFilePieceBytes, start = index * kFilePieceBytes;
  if (at >= file.size) return {};
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(kFilePieceBytes, file.size - start));
  std::size_t filled = 0;
  while (filled < size) {
    const auto got = ::pread(*file.fd, core_->scratch.get() + filled, size - filled, static_cast<off_t>(file.offset + start + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {ErrorCode(errno, boost::system::system_category()), 0};
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  if (!file.holds(index, {core_->scratch.get(), filled}) || filled < size) return {boost::asio::error::operation_aborted, 0};
  const auto skipped = static_cast<std::size_t>(at - start);
  const iovec piece{core_->scratch.get() + skipped, static_cast<std::size_t>(std::min<std::uint64_t>(size - skipped, file_left_))};
  return transport_.try_write(&piece, 1, false);
}

Task<bool> Connection::send_file() {
  const FileBody file = *std::get_if<FileBody>(&response_.body);
  while (file_left_ != 0) {
    const IoResult sent = file.holds ? try_send_checked(file) : try_send_file(*file.fd);
    if (sent.blocked()) {
      const bool writable = co_await wait_writable();
      if (!writable) co_return false;
      continue;
    }
    if (sent.failed || sent.bytes == 0) co_return false;
    core_->metrics.sent(sent.bytes);
    file_offset_ += sent.bytes;
    file_left_ -= sent.bytes;
    Turn turn(*this);  // a fast reader must not keep the loop from everyone else
    co_await turn;
  }
  co_return true;
}

/// Closing a socket with unread bytes resets it, which can take the response away from a peer that is still sending.
Task<void> Connection::close_politely() {
  transport_.shut_sending();
  if (!linger_ || core_->stopping) co_return;
  const SteadyTime until = core_->scheduler.now() + (refuse_ ? kRefusalLinger : kLingerTotal);
  while (true) {
    arm(std::min(core_->options.stall_timeout, kLingerStall));
    deadline_ = std::min(deadline_, until);
    idle_ = true;  // a server that stops need not wait for this
    AsyncRead read(*this, core_->scratch.get(), ServerCore::kScratchBytes);
    const IoResult got = co_await read;
    disarm();
    if (got.failed || core_->stopping || core_->scheduler.now() >= until) co_return;
  }
}

}  // namespace tidemark::http
