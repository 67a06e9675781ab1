#include "core/http/connection.hpp"

#include <algorithm>
#include <cstring>

#include "core/base/trace_context.hpp"
#include "core/http/connection_io.hpp"
#include "core/http/web_socket_handshake.hpp"

namespace tidemark::http {
namespace {

constexpr std::size_t kInitialBuffer = 4096;
constexpr std::size_t kKeptBuffer = 16u << 10;  ///< larger ones are given back between requests
constexpr int kExchangesPerTurn = 16;

}  // namespace

Response MountedSurface::fault(Fault fault, std::string_view detail, std::string_view allow) const {
  try {
    if (surface.fault) return surface.fault(fault, detail, allow);
  } catch (...) {
    // A fault that throws must not take the connection's coroutine with it.
  }
  return problem_fault(fault, detail, allow);
}

MountedSurface* ServerCore::find_surface(std::string_view name) const {
  for (const auto& mounted : surfaces) {
    if (mounted->surface.name == name) return mounted.get();
  }
  return nullptr;
}

void Buffer::reserve_free(std::size_t wanted_free, std::size_t capacity_max) {
  if (begin == end) begin = end = 0;
  if (capacity - end >= wanted_free) return;
  if (capacity - size() >= wanted_free && begin != 0) {
    std::memmove(data.get(), data.get() + begin, size());
  } else {
    const std::size_t doubled = std::min(std::max(capacity * 2, kInitialBuffer), capacity_max);
    const std::size_t grown = std::max(doubled, size() + wanted_free);
    auto larger = std::make_unique_for_overwrite<char[]>(grown);
    if (size() != 0) std::memcpy(larger.get(), data.get() + begin, size());
    data = std::move(larger);
    capacity = grown;
  }
  end = size();
  begin = 0;
}

void Buffer::release() { *this = Buffer(); }

Connection::Connection(std::shared_ptr<ServerCore> core, Transport transport, boost::asio::ip::tcp::endpoint peer,
                       MountedSurface* surface, bool refuse)
    : core_(std::move(core)), transport_(std::move(transport)), peer_(std::move(peer)), listener_surface_(surface),
      refuse_(refuse) {
  next = core_->first;
  if (next != nullptr) next->previous = this;
  core_->first = this;
  ++core_->connections;
  if (refuse_) ++core_->refusals;
  core_->metrics.connected(1);
}

Connection::~Connection() {
  (previous != nullptr ? previous->next : core_->first) = next;
  if (next != nullptr) next->previous = previous;
  --core_->connections;
  if (refuse_) --core_->refusals;
  core_->metrics.connected(-1);
  if (core_->connections == 0 && core_->on_empty) core_->scheduler.post(std::exchange(core_->on_empty, nullptr));
}

void Connection::check_deadline(SteadyTime now) {
  if (live_ != nullptr) live_->sweep(now);
  if (now < deadline_) return;
  // Stays armed: this cancels nothing when what was waited for has just come, and the next sweep tries again.
  expired_ = true;
  transport_.cancel();
}

void Connection::stop_when_idle() {
  if (idle_) transport_.cancel();
  if (live_ != nullptr) live_->drain();
}

void Connection::force_close() { transport_.close(); }

std::string_view Connection::param(std::string_view name) const {
  if (route_ == nullptr) return {};
  for (std::size_t i = 0; i < route_->parameters.size(); ++i) {
    if (route_->parameters[i] == name) return match_.captured[i];
  }
  return {};
}

std::size_t Connection::header_count(std::string_view name) const {
  const auto same = [&](const auto& field) { return same_token(field.first, name); };
  return static_cast<std::size_t>(std::count_if(head_.fields.begin(), head_.fields.end(), same));
}

std::string_view Connection::peer_address() const {
  if (peer_address_.empty()) peer_address_ = peer_.address().to_string();
  return peer_address_;
}

std::string_view Connection::traceparent() const {
  if (traceparent_.empty()) {
    std::optional<TraceContext> parent;
    // Two are as good as none: nobody can say which is meant.
    if (header_count("traceparent") == 1) parent = parse_traceparent(*head_.field("traceparent"));
    Scheduler& random = core_->scheduler;
    traceparent_ = to_traceparent(next_step(parent, random.random(), parent ? 0 : random.random(), parent ? 0 : random.random()));
  }
  return traceparent_;
}

/// Counts and tells what is about to be sent; puts it into its trace.
void Connection::tell_answer(std::string_view failure) {
  const auto took = core_->scheduler.now() - head_complete_;
  const RouteMetrics& counted = route_ != nullptr ? route_->metrics : surface_->unmatched;
  counted.answered(response_.status, took);
  const bool traced = !traceparent_.empty() || head_.field("traceparent");
  if (traced) response_.header("traceresponse", std::string(traceparent()));
  if (!core_->options.on_answer) return;
  Exchange exchange{surface_->surface.name, {}, head_.method_name, response_.status, took, {}, failure};
  if (route_ != nullptr) exchange.route = route_->route.name;
  if (traced) exchange.trace_id = traceparent().substr(3, 32);
  core_->options.on_answer(exchange);
}

Task<void> Connection::run() {
  surface_ = listener_surface_ != nullptr ? listener_surface_ : core_->platform;
  if (refuse_) {
    response_ = surface_->fault(Fault::overloaded, "too many connections");
    response_.header("Retry-After", "1");
    keep_ = false;
    linger_ = true;
    render_response();
    const ErrorCode failed = try_send();
    if (!failed) co_await close_politely();
    co_return;
  }
  if (transport_.offers_tls()) {
    const bool shaken = co_await shake_hands();
    if (!shaken) co_return force_close();
  }
  for (int exchanges = 1;; ++exchanges) {
    const Incoming incoming = co_await read_head();
    if (incoming == Incoming::closed) break;
    route_ = nullptr;
    traceparent_.clear();
    head_complete_ = core_->scheduler.now();
    core_->metrics.in_flight(1);
    std::string failure;
    std::optional<WebSocketHandshake> handshake;
    if (incoming == Incoming::refused) {
      find_surface_of_target();
      response_ = surface_->fault(refusal_.fault, refusal_.detail);
      keep_ = false;
      linger_ = true;
      body_done_ = true;
    } else {
      begin_body();
      route_ = select_route();
      if (route_ != nullptr) {
        try {
          Task<Response> task = route_->route.handler(*this);
          Response answer = co_await std::move(task);
          response_ = std::move(answer);
        } catch (const std::exception& error) {
          failure = std::string("exception: ") + error.what();
        } catch (...) {
          failure = "exception of an unknown type";
        }
        if (!failure.empty()) response_ = surface_->fault(Fault::internal, "the request could not be handled");
      }
      settle_keep_alive();
      if (std::holds_alternative<WebSocketBody>(response_.body)) handshake = check_web_socket();
    }
    core_->metrics.in_flight(-1);
    tell_answer(failure);
    if (handshake) {
      co_await run_web_socket(std::move(*handshake));
      break;
    }
    render_response();
    bool sent = !try_send();
    if (!sent) sent = co_await send_rest();
    if (sent && file_left_ != 0) sent = co_await send_file();
    if (sent && streams_) {
      StreamBody body = std::move(*std::get_if<StreamBody>(&response_.body));
      response_ = Response();
      Task<bool> streaming = run_stream(std::move(body));
      sent = co_await std::move(streaming);
      if (core_->stopping) keep_ = false;
    }
    response_ = Response();
    if (!sent) break;
    if (keep_ && !body_done_) keep_ = co_await drain();
    if (!keep_) {
      co_await close_politely();
      break;
    }
    end_body();
    if (exchanges % kExchangesPerTurn == 0) {
      Turn turn(*this);
      co_await turn;
    }
  }
  force_close();
}

/// Gives back what an exchange needs and a long answer does not.
void Connection::shed_buffers() {
  head_ = Head();
  match_ = RouteMatch();
  decoded_path_ = DecodedPath();
  decoded_ = std::string();
  traceparent_ = std::string();
  path_ = query_ = {};
  out_ = std::string();
  sent_ = 0;
  if (in_.size() == 0) in_.release();
}

/// Looks at what is buffered. True when something came of it: a complete head (refusal_ may say why not).
bool Connection::take_head() {
  if (in_.view() == "\r") return false;  // the first half of an empty line
  const HeadLimits limits{core_->options.header_bytes_max, core_->options.target_bytes_max};
  const auto state = scanner_.scan(in_.view(), limits);
  if (state == HeadScanner::State::need_more) return false;
  head_.clear();
  refusal_.detail = {};
  if (state == HeadScanner::State::refused) {
    refusal_ = scanner_.refusal();
    return true;
  }
  const std::string_view bytes = in_.view().substr(0, scanner_.head_bytes());
  in_.begin += bytes.size();
  if (auto refused = parse_head(bytes, limits, head_)) refusal_ = *refused;
  return true;
}

Task<Connection::Incoming> Connection::read_head() {
  scanner_.reset();
  if (in_.size() == 0 && in_.capacity > kKeptBuffer) in_.release();
  if (out_.capacity() > kKeptBuffer) out_ = std::string();
  bool started = false;
  while (true) {
    // RFC 9112 section 2.2: an empty line before a request is passed over.
    while (scanner_.untouched() && in_.view().starts_with("\r\n")) in_.begin += 2;
    if (in_.size() != 0) {
      if (!std::exchange(started, true)) arm(core_->options.header_deadline);
      if (take_head()) {
        disarm();
        co_return refusal_.detail.empty() ? Incoming::complete : Incoming::refused;
      }
    }
    if (core_->stopping && !started) co_return Incoming::closed;
    in_.reserve_free(1, core_->options.header_bytes_max + 1);
    if (!started) arm(core_->options.idle_timeout);
    idle_ = !started;
    AsyncRead read(*this, in_.data.get() + in_.end, in_.capacity - in_.end);
    const IoResult got = co_await read;
    idle_ = false;
    if (!got.failed) {
      in_.end += got.bytes;
      continue;
    }
    disarm();
    if (!started) co_return Incoming::closed;
    head_.clear();
    if (expired_) {
      refusal_ = {Fault::timed_out, "the request head did not arrive in time"};
    } else if (got.failed == boost::asio::error::eof) {
      refusal_ = {Fault::bad_request, "the connection ended within the request head"};
    } else {
      co_return Incoming::closed;
    }
    co_return Incoming::refused;
  }
}

/// Sets surface_ by listener or first segment; true when that segment is the surface's prefix.
bool Connection::find_surface_of_target() {
  surface_ = listener_surface_ != nullptr ? listener_surface_ : core_->platform;
  if (listener_surface_ != nullptr || !head_.target.starts_with('/')) return false;
  const std::string_view path = split_target(head_.target).path.substr(1);
  const std::string_view segment = path.substr(0, path.find('/'));
  if (segment.empty()) return false;
  MountedSurface* found = core_->find_surface(segment);
  if (found == nullptr || !found->surface.on_main_port) return false;
  surface_ = found;
  return true;
}

void Connection::answer_preflight() {
  response_.status = 204;
  const auto wanted = head_.field("access-control-request-method");
  response_.header("Access-Control-Allow-Methods", std::string(*wanted));
  if (const auto fields = head_.field("access-control-request-headers")) {
    response_.header("Access-Control-Allow-Headers", std::string(*fields));
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(surface_->surface.cors.max_age).count();
  response_.header("Access-Control-Max-Age", std::to_string(seconds));
}

/// The route that is to answer, or null when response_ holds the server's own answer.
const RoutedRoute* Connection::select_route() {
  const bool prefixed = find_surface_of_target();
  const Surface& surface = surface_->surface;
  prefix_bytes_ = prefixed ? surface.name.size() + 1 : 0;
  const TargetParts target = split_target(head_.target);
  query_ = target.query;
  path_ = target.path;
  if (head_.method == Method::options && surface.cors.enabled && head_.field("origin") &&
      head_.field("access-control-request-method")) {
    answer_preflight();
    return nullptr;
  }
  if (head_.target == "*") {
    response_.status = 204;
    return nullptr;
  }
  const PathDecoding decoding = decode_path(target.path, decoded_, decoded_path_);
  if (decoding == PathDecoding::bad_escape) {
    response_ = surface_->fault(Fault::bad_request, "the path has a '%' without two hexadecimal digits");
    return nullptr;
  }
  if (decoding == PathDecoding::forbidden) {
    response_ = surface_->fault(Fault::not_found, "no such path");
    return nullptr;
  }
  path_ = decoded_path_.path;
  if (prefixed) path_.remove_prefix(surface.name.size() + 1);
  if (path_.empty()) path_ = "/";
  if (prefixed && decoded_path_.segments.size() == 1) decoded_path_.trailing_slash = false;
  surface_->router.find(head_.method, decoded_path_, prefixed ? 1 : 0, match_, surface.method_mismatch_is_not_found);
  if (match_.route == nullptr) {
    const std::string allow = allow_header(match_.methods, !surface.options_is_not_found);
    if (!match_.path_known) {
      response_ = surface_->fault(Fault::not_found, "no such path");
    } else if (head_.method == Method::options && !surface.options_is_not_found) {
      response_.status = 204;
      response_.header("Allow", allow);
    } else if (surface.method_mismatch_is_not_found || head_.method == Method::options) {
      response_ = surface_->fault(Fault::not_found, "no such path and method");
    } else {
      response_ = surface_->fault(Fault::method_not_allowed, "the path does not take this method", allow);
    }
    return nullptr;
  }
  const RouteOptions& options = match_.route->route.options;
  if (!options.handler_checks_length && head_.content_length.value_or(0) > options.body_bytes_max) {
    response_ = surface_->fault(Fault::body_too_large, "the request body is larger than this path takes");
    return nullptr;
  }
  return match_.route;
}

}  // namespace tidemark::http
