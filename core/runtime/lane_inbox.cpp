#include "core/runtime/lane_inbox.hpp"

#include <algorithm>
#include <charconv>

#include "core/base/bytes.hpp"
#include "core/event/record.hpp"
#include "core/runtime/cloudevent_command.hpp"
#include "core/runtime/state_layout.hpp"

namespace tidemark::runtime {
namespace {

constexpr std::size_t kRecordsAtOnce = 256;
constexpr std::size_t kBytesAtOnce = 1u << 20;
constexpr Duration kStartAgain{200};

Rejection bad_event(std::string reason) { return Rejection{dead::kBadCloudEvent, std::move(reason)}; }

/// nullopt: malformed.
std::optional<Time> parse_ms(std::string_view text) {
  std::int64_t ms = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || ms < 0) return std::nullopt;
  return from_ms(ms);
}

/// A command as it came, before it is decoded.
std::variant<ForwardedCommand, Rejection> read_command(const InboxPlace& place, const log::OwnedRecord& record, const event::RecordView& view) {
  if (view.header(kProofHeader)) {
    if (place.proof == nullptr) return Rejection{dead::kBadProof, "no node forwards commands here"};
    return read_forwarded({place.domain, place.log.epoch(), *place.proof}, record);
  }
  auto event = event::decode_record(view);
  if (!event) return bad_event(event.error().message);
  std::vector<event::FieldError> errors;
  auto request = command_of(std::move(*event), errors);
  if (!request) return Rejection{dead::kBadCloudEvent, "the CloudEvent is no command", std::move(errors)};
  return ForwardedCommand{std::move(*request), {}};
}

}  // namespace

InboxContent read_inbox_record(const InboxPlace& place, const log::OwnedRecord& record) {
  const Domain& domain = *place.domain.domain;
  if (const std::size_t size = record.size_bytes(); size > log::kRecordBytesMax) {
    return Rejection{dead::kTooLarge, "the record has " + std::to_string(size) + " bytes, and may have " + std::to_string(log::kRecordBytesMax)};
  }
  for (const auto& [name, value] : record.headers) {
    // What is carried on goes into headers and JSON.
    if (name.starts_with("ce_") && value && !is_utf8(*value)) return bad_event("header " + name + " is not UTF-8");
  }
  std::vector<event::HeaderView> headers;
  const event::RecordView view = view_of(record, headers);
  std::optional<Time> not_after;
  if (const auto said = view.header(kNotAfterHeader)) {
    not_after = parse_ms(*said);
    if (!not_after) return bad_event("header " + std::string(kNotAfterHeader) + " must be milliseconds since 1970, in decimal");
  }
  auto read = read_command(place, record, view);
  if (auto* const why = std::get_if<Rejection>(&read)) return std::move(*why);
  auto& [request, forwarded] = std::get<ForwardedCommand>(read);
  Rejection wrong;
  wrong.command_id = request.command_id;
  wrong.forwarded = forwarded;
  if (request.domain != domain.name) {
    wrong.code = dead::kOtherDomain;
    wrong.reason = "a command of domain " + request.domain + " in the topic of " + domain.name;
    return wrong;
  }
  BadInput bad;
  auto command = domain.decider->decode(request.name, request.data, bad);
  if (!command) {
    wrong.code = bad.errors.empty() ? dead::kUnknownCommand : dead::kBadData;
    wrong.reason = bad.errors.empty() ? "there is no command " + request.name : "the data of " + request.name + " do not fit its schema";
    wrong.errors = std::move(bad.errors);
    return wrong;
  }
  if (command->canonical_data().size() > kCommandBytesMax) {
    wrong.code = dead::kTooLarge;
    wrong.reason = "the data must be at most " + std::to_string(kCommandBytesMax) + " bytes";
    return wrong;
  }
  if (const LaneId whose = lane_of(command->boundary(), place.log.lanes()); whose != place.lane) return InboxMove{whose};
  return InboxCommand{std::move(request), std::move(command), not_after, std::move(forwarded)};
}

LaneInbox::LaneInbox(LaneId lane, Scheduler& scheduler, log::EventLog& log, const std::vector<DomainRuntime>& domains, Hooks hooks)
    : lane_(lane), scheduler_(scheduler), log_(log), domains_(domains), hooks_(std::move(hooks)), sources_(domains.size()) {}

LaneInbox::~LaneInbox() {
  *alive_ = false;
  stop();
}

void LaneInbox::start() {
  stop();
  log::CommandInbox* const inbox = log_.inbox();
  if (inbox == nullptr) return;
  const std::string epoch = to_string(log_.epoch());
  for (std::size_t i = 0; i < domains_.size(); ++i) {
    if (!domains_[i].commands) continue;
    std::optional<std::uint64_t> from;
    if (const auto& read = load_lane_info(*domains_[i].state, lane_).input; read && read->log == epoch) from = read->next;
    auto wake = [this, i, alive = alive_, &scheduler = scheduler_] {
      scheduler.post([this, i, alive] { if (*alive) woken(i); });
    };
    sources_[i].reader = inbox->read(*domains_[i].commands, lane_, from, std::move(wake));
  }
}

void LaneInbox::stop() {
  if (again_ != 0) scheduler_.cancel(std::exchange(again_, 0));
  for (Source& source : sources_) source = Source{};
}

void LaneInbox::start_again() {
  stop();
  again_ = scheduler_.after(kStartAgain, [this] {
    again_ = 0;
    hooks_.start_due();
  });
}

void LaneInbox::woken(std::size_t domain) {
  if (!sources_[domain].reader) return;
  sources_[domain].more = true;
  hooks_.arrived();
}

bool LaneInbox::pending() const {
  return std::any_of(sources_.begin(), sources_.end(), [](const Source& source) { return source.more || source.gap || !source.records.empty(); });
}

std::optional<LaneInbox::Next> LaneInbox::next(std::size_t domain) {
  Source& source = sources_[domain];
  if (source.records.empty() && !source.gap && source.more) {
    log::InboxSlice slice = source.reader->take(kRecordsAtOnce, kBytesAtOnce);
    source.gap = slice.gap;
    source.records.assign(std::make_move_iterator(slice.records.begin()), std::make_move_iterator(slice.records.end()));
    source.more = slice.more;
  }
  if (source.gap) return Next{std::exchange(source.gap, std::nullopt), {}};
  if (source.records.empty()) return std::nullopt;
  Next next{std::nullopt, std::move(source.records.front())};
  source.records.pop_front();
  return next;
}

}  // namespace tidemark::runtime
