#include "core/runtime/domain_index.hpp"

#include <algorithm>

#include "core/base/bytes.hpp"
#include "core/base/key_codec.hpp"

namespace tidemark::runtime {
namespace {

constexpr char kDecision = 0x10, kOwn = 0x20, kSecond = 0x21;
constexpr std::size_t kOrderBytes = 16;
constexpr std::uint64_t kForgetEvery = 1024;     // decisions of a lane
constexpr std::size_t kForgetAtOnce = 16 * 1024;  // rows; more than lanes can have added meanwhile

std::uint32_t day_of(Time time) { return static_cast<std::uint32_t>(to_ms(time) / 86'400'000); }

std::string day_prefix(std::uint32_t day) {
  std::string key(1, kDecision);
  put_u32_be(key, day);
  return key;
}

std::string stream_prefix(char area, std::string_view subject) {
  std::string key(1, area);
  append_key_part(key, subject);
  return key;
}

void append_order(std::string& key, const StreamOrder& order) {
  put_u32_be(key, order.lane.value);
  put_u64_be(key, order.decision.decision.value);
  put_u32_be(key, order.decision.index);
}

std::string place_value(std::string_view topic, Tmseq at, const std::optional<std::uint64_t>& sequence) {
  std::string value;
  put_varint(value, at.value);
  if (sequence) put_varint(value, *sequence);
  value.append(topic.substr(topic.find('.') + 1));
  return value;
}

[[noreturn]] void damaged() { throw RowsUnavailable("a row of a domain index is not as it was written"); }

StreamEntry read_entry(bool own, std::string_view domain, std::string_view key, std::string_view value) {
  StreamEntry entry;
  if (key.size() < kOrderBytes) damaged();
  ByteReader order(key.substr(key.size() - kOrderBytes));
  entry.order.lane = entry.place.lane = LaneId{order.u32_be()};
  entry.order.decision.decision = Tmseq{order.u64_be()};
  entry.order.decision.index = order.u32_be();
  ByteReader in(value);
  entry.place.at = Tmseq{in.varint()};
  if (own) entry.sequence = in.varint();
  entry.place.topic = std::string(domain) + '.' + std::string(in.take(in.left()));
  if (!in.ok()) damaged();
  return entry;
}

class DomainIndex final : public Projection {
 public:
  explicit DomainIndex(const Domain& domain)
      : decider_(domain.decider), decisions_(domain.name + ".decisions"),
        days_kept_(static_cast<std::uint32_t>(2 * domain.decisions_retention / std::chrono::hours(24)) + 1) {
    spec_.name = index_name(domain.name);
    spec_.mergeable = true;
    for (const auto& topic : domain.topics) {
      if (topic.topic_class == log::TopicClass::fact) spec_.topics.push_back(topic.name);
    }
    spec_.topics.push_back(decisions_);
  }

  const ProjectionSpec& spec() const override { return spec_; }
  Result<void> apply(const event::Event&, RowWriter&) const override {
    return make_error(Code::internal, "an index needs the topic of an event");
  }

  Result<void> apply_from(const EventSource& source, const event::Event& event, RowWriter& rows) const override {
    const auto& envelope = event.envelope;
    if (source.topic == decisions_) {
      add_decision(source.lane, envelope, rows);
      return {};
    }
    if (!envelope.sequence || !envelope.tmseq || !envelope.tmdecision) return {};
    const StreamOrder order{source.lane, *envelope.tmdecision};
    put_event(rows, kOwn, envelope.subject, order, place_value(source.topic, *envelope.tmseq, envelope.sequence));
    const std::string second = decider_->second_subject(event);
    if (!second.empty() && second != envelope.subject) {
      put_event(rows, kSecond, second, order, place_value(source.topic, *envelope.tmseq, std::nullopt));
    }
    return {};
  }

 private:
  static void put_event(RowWriter& rows, char area, std::string_view subject, const StreamOrder& order, const std::string& value) {
    std::string key = stream_prefix(area, subject);
    append_order(key, order);
    rows.put(key, value);
  }

  void add_decision(LaneId lane, const event::Envelope& envelope, RowWriter& rows) const {
    const auto id = parse_uuid(envelope.commandid);
    if (!id || !envelope.tmseq) return;
    const std::uint32_t today = day_of(envelope.time);
    std::string key = day_prefix(today);
    key.append(id->view());
    std::string value;
    put_varint(value, lane.value);
    put_varint(value, envelope.tmseq->value);
    rows.put(key, value);
    if (envelope.tmseq->value % kForgetEvery == 0 && today > days_kept_) forget_before(today - days_kept_, rows);
  }

  static void forget_before(std::uint32_t day, RowWriter& rows) {
    std::vector<std::string> old;
    rows.scan(std::string(1, kDecision), day_prefix(day), [&](std::string_view key, std::string_view) {
      old.emplace_back(key);
      return old.size() < kForgetAtOnce;
    });
    for (const auto& key : old) rows.erase(key);
  }

  std::shared_ptr<const Decider> decider_;
  const std::string decisions_;
  const std::uint32_t days_kept_;
  ProjectionSpec spec_;
};

/// The day of the last row below `to`; nullopt when there is none.
std::optional<std::uint32_t> last_day(const RowReader& index, const std::string& to) {
  std::optional<std::uint32_t> day;
  index.scan_back(std::string(1, kDecision), to, [&](std::string_view key, std::string_view) {
    day = key.size() < 5 ? 0 : get_u32_be(key.data() + 1);
    return false;
  });
  return day;
}

/// Up to `most` entries of one area behind `after`.
std::vector<StreamEntry> list_area(const RowReader& index, char area, std::string_view domain, std::string_view subject,
                                   const std::optional<StreamOrder>& after, std::size_t most) {
  const std::string prefix = stream_prefix(area, subject);
  std::string from = prefix;
  if (after) {
    append_order(from, *after);
    from.push_back('\0');  // the least key behind it
  }
  std::vector<StreamEntry> entries;
  index.scan(from, prefix_end(prefix), [&](std::string_view key, std::string_view value) {
    entries.push_back(read_entry(area == kOwn, domain, key, value));
    return entries.size() < most;
  });
  return entries;
}

}  // namespace

std::string index_name(std::string_view domain) { return std::string(domain) + ".index"; }

std::shared_ptr<const Projection> make_domain_index(const Domain& domain) { return std::make_shared<DomainIndex>(domain); }

Position index_end(Node& node, std::string_view domain) {
  log::EventLog& log = node.log();
  Position position = node.domain_end(domain);
  const std::string decisions = std::string(domain) + ".decisions";
  for (const log::TopicSpec& spec : log.topics()) {
    if (spec.name != decisions) continue;
    const auto topic = log.open_topic(spec);
    if (!topic) continue;
    for (std::uint32_t lane = 0; lane < log.lanes(); ++lane) {
      const Tmseq end = log.end(*topic, LaneId{lane});
      if (end.value > 0) position.parts.push_back({decisions, LaneId{lane}, Tmseq{end.value - 1}});
    }
  }
  std::sort(position.parts.begin(), position.parts.end());
  return position;
}

std::optional<RecordPlace> find_decision(const RowReader& index, std::string_view domain, const Uuid& command_id) {
  for (auto day = last_day(index, std::string(1, kDecision + 1)); day; day = last_day(index, day_prefix(*day))) {
    std::string key = day_prefix(*day), value;
    key.append(command_id.view());
    if (!index.get(key, value)) continue;
    ByteReader in(value);
    RecordPlace place{std::string(domain) + ".decisions", LaneId{static_cast<std::uint32_t>(in.varint())}, Tmseq{in.varint()}};
    if (!in.ok()) damaged();
    return place;
  }
  return std::nullopt;
}

std::vector<StreamEntry> list_stream(const RowReader& index, std::string_view domain, std::string_view subject,
                                     const std::optional<StreamOrder>& after, std::size_t most) {
  auto own = list_area(index, kOwn, domain, subject, after, most);
  auto second = list_area(index, kSecond, domain, subject, after, most);
  std::vector<StreamEntry> both;
  both.reserve(own.size() + second.size());
  std::merge(std::make_move_iterator(own.begin()), std::make_move_iterator(own.end()), std::make_move_iterator(second.begin()),
             std::make_move_iterator(second.end()), std::back_inserter(both),
             [](const StreamEntry& a, const StreamEntry& b) { return a.order < b.order; });
  if (both.size() > most) both.resize(most);
  return both;
}

std::optional<std::uint64_t> stream_version(const RowReader& index, std::string_view subject) {
  const std::string prefix = stream_prefix(kOwn, subject);
  std::optional<std::uint64_t> version;
  index.scan_back(prefix, prefix_end(prefix), [&](std::string_view key, std::string_view value) {
    version = read_entry(true, {}, key, value).sequence;
    return false;
  });
  return version;
}

}  // namespace tidemark::runtime
