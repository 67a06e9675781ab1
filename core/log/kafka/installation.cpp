#include "core/log/kafka/installation.hpp"

#include <librdkafka/rdkafka.h>

#include <charconv>
#include <map>
#include <thread>

#include "core/event/json_document.hpp"
#include "core/log/kafka/topics.hpp"

namespace tidemark::log::kafka {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::string_view kInstallation = "installation";
constexpr std::string_view kTopic = "topic/";
constexpr std::string_view kOrigins = "begin/";
constexpr std::string_view kCopy = "copy";
constexpr std::int64_t kFormat = 1;

std::optional<std::uint32_t> parse_lane(std::string_view text) {
  std::uint32_t lane = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), lane);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return lane;
}

/// {"3":[57,0]}: lane 3 begins with tmseq 57 at offset 0.
std::optional<LaneOrigins> parse_origins(std::string_view value, std::uint32_t lanes) {
  const auto document = event::JsonDocument::parse(value);
  if (!document.ok() || !document->root().is_object()) return std::nullopt;
  LaneOrigins out;
  for (const auto& [name, origin] : document->root().members()) {
    const auto lane = parse_lane(name);
    std::vector<std::uint64_t> numbers;
    for (const auto item : origin.items()) numbers.push_back(item.as_uint64().value_or(UINT64_MAX));
    if (!lane || *lane >= lanes || numbers.size() != 2 || numbers[0] == UINT64_MAX || numbers[1] > INT64_MAX) return std::nullopt;
    out[*lane] = {numbers[0], static_cast<std::int64_t>(numbers[1])};
  }
  return out;
}

std::optional<CopyMark> parse_copy(std::string_view value) {
  const auto document = event::JsonDocument::parse(value);
  if (!document.ok()) return std::nullopt;
  const auto source = parse_uuid(document->root()["source"].as_string().value_or(""));
  const auto complete = document->root()["complete"].as_bool();
  if (!source || !complete) return std::nullopt;
  return CopyMark{*source, *complete};
}

Result<std::optional<Installation>> parse(const std::map<std::string, std::string>& entries, const std::string& name) {
  const auto bad = [&](std::string_view key) { return make_error(Code::corrupt, name + ": the record \"" + std::string(key) + "\" does not decode"); };
  if (entries.empty()) return std::optional<Installation>();
  const auto head = entries.find(std::string(kInstallation));
  if (head == entries.end()) return bad(kInstallation);
  Installation out;
  {
    const auto document = event::JsonDocument::parse(head->second);
    if (!document.ok()) return bad(kInstallation);
    const auto root = document->root();
    if (const auto format = root["format"].as_int64(); format != kFormat) {
      return make_error(Code::unsupported_version, name + ": format " + std::to_string(format.value_or(0)) + " is not " + std::to_string(kFormat));
    }
    const auto epoch = parse_uuid(root["epoch"].as_string().value_or(""));
    const auto lanes = root["lanes"].as_uint64();
    if (!epoch || !lanes || *lanes == 0 || *lanes > 1024) return bad(kInstallation);
    out.epoch = *epoch;
    out.ring = root["ring"].as_string().value_or("");
    out.lanes = static_cast<std::uint32_t>(*lanes);
  }
  std::map<std::uint64_t, TopicSpec> topics;
  for (const auto& [key, value] : entries) {
    if (!key.starts_with(kTopic)) continue;
    const auto document = event::JsonDocument::parse(value);
    if (!document.ok()) return bad(key);
    const auto root = document->root();
    const auto number = root["id"].as_uint64();
    const auto topic_class = parse_topic_class(root["class"].as_string().value_or(""));
    TopicSpec spec{key.substr(kTopic.size()), topic_class.value_or(TopicClass::fact), std::nullopt, root["retention_bytes"].as_uint64()};
    if (const auto kept = root["retention_ms"].as_int64()) spec.retention = Duration(*kept);
    if (!number || !topic_class || !is_topic_name(spec.name) || !topics.emplace(*number, std::move(spec)).second) return bad(key);
  }
  for (const auto& [key, value] : entries) {
    if (!key.starts_with(kOrigins)) continue;
    auto origins = parse_origins(value, out.lanes);
    if (!origins) return bad(key);
    out.origins[key.substr(kOrigins.size())] = std::move(*origins);
  }
  if (const auto copy = entries.find(std::string(kCopy)); copy != entries.end()) {
    out.copy = parse_copy(copy->second);
    if (!out.copy) return bad(kCopy);
  }
  for (auto& [number, spec] : topics) {
    if (number != out.topics.size()) return make_error(Code::corrupt, name + ": topic " + std::to_string(out.topics.size()) + " is missing");
    out.topics.push_back(std::move(spec));
  }
  return std::optional<Installation>(std::move(out));
}

}  // namespace

std::pair<std::string, std::string> InstallationTopic::entry(const Uuid& epoch, std::uint32_t lanes, const std::string& ring) {
  return {std::string(kInstallation), "{\"format\":" + std::to_string(kFormat) + ",\"epoch\":\"" + to_string(epoch) + "\",\"lanes\":" + std::to_string(lanes) +
                                          (ring.empty() ? "" : ",\"ring\":\"" + ring + "\"") + "}"};
}

std::pair<std::string, std::string> InstallationTopic::entry(std::uint16_t number, const TopicSpec& spec) {
  std::string value = "{\"id\":" + std::to_string(number) + ",\"class\":\"" + std::string(name_of(spec.topic_class)) + "\"";
  if (spec.retention) value += ",\"retention_ms\":" + std::to_string(spec.retention->count());
  if (spec.retention_bytes) value += ",\"retention_bytes\":" + std::to_string(*spec.retention_bytes);
  return {std::string(kTopic) + spec.name, value + "}"};
}

std::pair<std::string, std::string> InstallationTopic::entry(const std::string& topic, const LaneOrigins& origins) {
  std::string value;
  for (const auto& [lane, origin] : origins) {
    value += (value.empty() ? "" : ",") + ("\"" + std::to_string(lane)) + "\":[" + std::to_string(origin.tmseq) + "," + std::to_string(origin.offset) + "]";
  }
  return {std::string(kOrigins) + topic, "{" + value + "}"};
}

std::pair<std::string, std::string> InstallationTopic::entry(const CopyMark& mark) {
  return {std::string(kCopy), "{\"source\":\"" + to_string(mark.source) + "\",\"complete\":" + (mark.complete ? "true" : "false") + "}"};
}

Result<std::optional<Installation>> InstallationTopic::read() {
  const PartitionName partition{name(), 0};
  const auto deadline = Clock::now() + patience_;
  Result<std::vector<std::int64_t>> ends;
  for (;;) {
    auto facts = describe_topic(uncommitted_, name(), std::min(patience_, Duration(5000)));
    if (facts.ok()) ends = ask_offsets(uncommitted_, {partition}, Edge::end, std::min(patience_, Duration(5000)));
    else if (facts.error().code == Code::not_found) return std::optional<Installation>();
    else ends = facts.take_error();
    if (ends.ok() || Clock::now() >= deadline) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  if (!ends) return ends.take_error();
  auto firsts = ask_offsets(uncommitted_, {partition}, Edge::first, patience_);
  if (!firsts) return firsts.take_error();
  std::map<std::string, std::string> entries;
  std::uint64_t resume = UINT64_MAX;
  const auto take = [&](const rd_kafka_message_s& message) {
    const std::string key(static_cast<const char*>(message.key), message.key_len);
    if (message.payload == nullptr) entries.erase(key);
    else entries[key].assign(static_cast<const char*>(message.payload), message.len);
    return true;
  };
  if (auto done = history_.read({partition, firsts->front(), ends->front(), patience_}, resume, take); !done) return done.take_error();
  return parse(entries, name());
}

Result<Installation> InstallationTopic::change(FnRef<Result<Entries>(const std::optional<Installation>&)> wanted) {
  const auto deadline = Clock::now() + patience_;
  std::string why = "no answer";
  for (;;) {
    const TopicConfig config{{"cleanup.policy", "compact"}, {"unclean.leader.election.enable", "false"}, {"min.insync.replicas", replication_ >= 3 ? "2" : "1"}};
    if (auto made = create_topic(uncommitted_, name(), 1, replication_, config, patience_); !made) return made.take_error();
    auto producer = make_producer(client_, prefix_ + "tidemark-installation");
    if (!producer) return producer.take_error();
    const auto begun = take_error(rd_kafka_init_transactions(producer->get(), static_cast<int>(patience_.count())));
    if (!begun.failed) {
      auto present = read();
      if (!present) return present.take_error();
      auto entries = wanted(*present);
      if (!entries) return entries.take_error();
      if (entries->empty() && *present) return std::move(**present);
      TopicHandle topic(rd_kafka_topic_new(producer->get(), name().c_str(), nullptr));
      learn_topics(producer->get(), Duration(5000));
      auto error = take_error(rd_kafka_begin_transaction(producer->get()));
      for (const auto& [key, value] : *entries) {
        if (rd_kafka_producev(producer->get(), RD_KAFKA_V_TOPIC(name().c_str()), RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                              RD_KAFKA_V_KEY(key.data(), key.size()), RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()), RD_KAFKA_V_END) != RD_KAFKA_RESP_ERR_NO_ERROR) {
          error.failed = true;
        }
      }
      if (!error.failed) error = take_error(rd_kafka_commit_transaction(producer->get(), -1));
      topic.reset();
      if (!error.failed) {
        producer->reset();
        auto after = read();
        if (!after) return after.take_error();
        if (*after) return std::move(**after);
      }
      why = error.text;
    } else {
      why = begun.text;
    }
    // Another process was faster, or a broker was lost: what is there now decides.
    if (Clock::now() >= deadline) return make_error(Code::unavailable, name() + " cannot be written: " + why);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

}  // namespace tidemark::log::kafka
