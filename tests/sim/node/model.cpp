#include "tests/sim/node/model.hpp"

#include <algorithm>

namespace tidemark::sim {
namespace {

std::string domain_of(const std::string& topic) { return topic.substr(0, topic.find('.')); }
bool is_decisions(const std::string& topic) { return topic.ends_with(".decisions"); }
bool is_platform(const std::string& type) { return type.starts_with("tidemark.platform."); }

std::string place(const std::string& topic, std::uint32_t lane, std::uint64_t tmseq) {
  return topic + " lane " + std::to_string(lane) + " tmseq " + std::to_string(tmseq);
}

}  // namespace

std::uint64_t Model::end(const std::string& topic, std::uint32_t lane) const {
  const auto found = partitions_.find({topic, lane});
  return found == partitions_.end() ? 0 : found->second.records.size();
}

void Model::appended(std::uint32_t lane, const std::vector<AppendedTopic>& parts) {
  std::vector<std::pair<std::string, std::uint64_t>> decisions;
  for (const auto& [topic, bytes] : parts) {
    BatchEvidence batch = read_batch(bytes);
    if (!batch.wrong.empty()) return wrong("a stored batch can be read", topic + " lane " + std::to_string(lane) + ": " + batch.wrong);
    const auto same = [&](const auto& one) { return one.first == topic; };
    if (is_decisions(topic) && std::none_of(decisions.begin(), decisions.end(), same)) decisions.emplace_back(topic, end(topic, lane));
    const std::uint64_t known = end(topic, lane);
    for (Evidence& record : batch.records) {
      if (record.tmseq >= known) add(lane, topic, std::move(record));  // a batch may begin earlier than what is new in it
    }
  }
  // The events of a commit are all there before its decisions are looked at: a manifest is whole at every commit.
  for (const auto& [topic, first] : decisions) {
    const auto& partition = partitions_[{topic, lane}];
    for (std::uint64_t at = first; at < partition.records.size(); ++at) decided(lane, domain_of(topic), *partition.records[at]);
  }
}

void Model::add(std::uint32_t lane, const std::string& topic, Evidence record) {
  ++records_;
  Partition& partition = partitions_[{topic, lane}];
  if (record.tmseq != partition.records.size()) {
    return wrong("positions are dense", place(topic, lane, record.tmseq) + " where " + std::to_string(partition.records.size()) + " is due");
  }
  if (record.time_ms < partition.last_ms) wrong("time never goes back in a partition", place(topic, lane, record.tmseq));
  partition.last_ms = record.time_ms;
  if (!event_ids_.insert(topic + ' ' + record.id).second) wrong("an event is in the log once", place(topic, lane, record.tmseq) + " repeats id " + record.id);
  if (!is_decisions(topic)) {
    if (!record.decision) return wrong("an event names its decision", place(topic, lane, record.tmseq));
    const std::pair<std::uint64_t, std::int64_t> order{record.decision->first, record.decision->second};
    if (order <= partition.last_decision && partition.records.size() > 0) wrong("order of events is the order of decision", place(topic, lane, record.tmseq));
    partition.last_decision = order;
  }
  partition.records.push_back(std::make_unique<Evidence>(std::move(record)));
}

void Model::decided(std::uint32_t lane, const std::string& domain, const Evidence& record) {
  const auto json = JsonValue::parse(record.data);
  if (!json) return wrong("a decision can be read", record.data.substr(0, 200));
  auto decision = std::make_unique<DecisionEvidence>();
  decision->lane = lane;
  decision->tmseq = record.tmseq;
  decision->time_ms = record.time_ms;
  decision->command_id = record.command_id;
  decision->actor = record.actor;
  decision->boundary = record.boundary;
  decision->verdict = json->text_of("verdict");
  decision->reason = json->text_of("reason");
  decision->reply = json->text_of("reply");
  decision->keyed = json->find("fingerprint") != nullptr;
  if (const JsonValue* command = json->find("command")) {
    decision->type = command->text_of("type");
    if (const JsonValue* data = command->find("data")) decision->data = *data;
  }
  const std::string here = place(domain + ".decisions", lane, record.tmseq);
  if (const JsonValue* events = json->find("events")) {
    for (std::size_t i = 0; i < events->list.size(); ++i) {
      const JsonValue& line = events->list[i];
      DecisionEvidence::Line one{line.text_of("topic"), line.text_of("type"), line.text_of("subject"), static_cast<std::uint64_t>(line.number_of("tmseq")), {}};
      if (line.find("sequence")) one.sequence = static_cast<std::uint64_t>(line.number_of("sequence"));
      const auto& partition = partitions_[{one.topic, lane}];
      if (one.tmseq >= partition.records.size()) return wrong("a commit is whole", here + " names an event that is not there: " + place(one.topic, lane, one.tmseq));
      const Evidence& event = *partition.records[one.tmseq];
      if (event.type != one.type || event.subject != one.subject || event.command_id != record.command_id || event.sequence != one.sequence ||
          event.decision != std::pair<std::uint64_t, std::uint32_t>{record.tmseq, static_cast<std::uint32_t>(i)}) {
        return wrong("a manifest names its own events", here + " and " + place(one.topic, lane, one.tmseq));
      }
      if (event.sequence) {
        auto& next = streams_[domain + '/' + std::to_string(lane) + '/' + event.subject];
        if (*event.sequence != next) {
          wrong("versions of a stream are dense", place(one.topic, lane, one.tmseq) + ": " + event.subject + " has " + std::to_string(*event.sequence) + " where " +
                                                      std::to_string(next) + " is due");
        }
        next = *event.sequence + 1;
      }
      decision->events.push_back(&event);
      decision->lines.push_back(std::move(one));
    }
  }
  history_.note([&] { return "log: " + here + " " + decision->verdict + " " + decision->type + " " + decision->command_id + " " + decision->reason + decision->data.text.substr(0, 120); });
  if (!is_platform(decision->type)) {
    if (const auto found = domains_.find(domain); found != domains_.end()) {
      if (auto bad = found->second->decided(*decision); !bad.empty()) wrong("a decision follows from the state before it", here + ": " + bad);
    }
  }
  const auto [at, fresh] = by_command_.try_emplace(domain + ' ' + record.command_id, std::move(decision));
  if (!fresh) {
    wrong("a command is decided once", here + " decides " + record.command_id + " again, after " + place(domain + ".decisions", at->second->lane, at->second->tmseq));
  }
}

void Model::recovered(std::uint32_t lane, const std::string& topic, const std::vector<Evidence>& records, std::uint64_t first) {
  const auto found = partitions_.find({topic, lane});
  const std::size_t known = found == partitions_.end() ? 0 : found->second.records.size();
  if (first + records.size() < known) {
    return wrong("what was durable is there after a crash", place(topic, lane, first + records.size()) + " is gone, and " + std::to_string(known) + " records were durable");
  }
  for (std::uint64_t i = first; i < known; ++i) {
    const Evidence& before = *found->second.records[i];
    const Evidence& now = records[i - first];
    if (before.id != now.id || before.data != now.data || before.type != now.type) {
      return wrong("what was durable is as it was", place(topic, lane, i) + " was " + before.id + " and is " + now.id);
    }
  }
}

const DecisionEvidence* Model::decision(const std::string& command_id) const {
  for (const auto& [domain, model] : domains_) {
    const auto found = by_command_.find(domain + ' ' + command_id);
    if (found != by_command_.end()) return found->second.get();
  }
  return nullptr;
}

void Model::answered(const runtime::CommandRequest& request, const runtime::Outcome& outcome) {
  using Kind = runtime::Outcome::Kind;
  if (outcome.kind != Kind::accepted && outcome.kind != Kind::refused && !(outcome.kind == Kind::nothing && outcome.replayed)) return;
  const std::string& id = outcome.command_id;
  const auto found = by_command_.find(request.domain + ' ' + id);
  const std::string what = request.domain + "." + request.name + " " + id;
  if (found == by_command_.end()) {
    if (outcome.kind == Kind::nothing) return;  // in the same batch
    return wrong("what is acknowledged is in the log", what + " was answered " + (outcome.kind == Kind::accepted ? "accepted" : "refused"));
  }
  const DecisionEvidence& decision = *found->second;
  const char* verdict = outcome.kind == Kind::accepted ? "accepted" : outcome.kind == Kind::refused ? "refused" : "nothing";
  if (decision.verdict != verdict) return wrong("the answer is the decision's", what + " was told " + verdict + " and the log has " + decision.verdict);
  if (outcome.kind == Kind::refused && decision.reason != outcome.reason) return wrong("the answer is the decision's", what + " was refused for " + outcome.reason + ", in the log for " + decision.reason);
  if (outcome.kind != Kind::accepted) return;
  if (decision.reply != outcome.reply) return wrong("the answer is the decision's", what + " was told " + outcome.reply + " and the log has " + decision.reply);
  if (decision.events.size() != outcome.events.size()) return wrong("the answer is the decision's", what + " was told of " + std::to_string(outcome.events.size()) + " events");
  for (std::size_t i = 0; i < outcome.events.size(); ++i) {
    const Evidence& event = *decision.events[i];
    const auto& told = outcome.events[i];
    if (event.id != told.id || event.type != told.type || event.subject != told.subject || event.sequence != told.sequence) {
      return wrong("the answer is the decision's", what + " was told of another event " + std::to_string(i));
    }
    const auto& line = decision.lines[i];
    const bool covered = std::any_of(outcome.position.parts.begin(), outcome.position.parts.end(), [&](const auto& part) {
      return part.topic == line.topic && part.lane.value == decision.lane && part.last.value >= line.tmseq;
    });
    if (!covered) return wrong("a position covers its events", what);
  }
}

void Model::never_applied(const std::string& command_id) {
  if (decision(command_id) != nullptr) wrong("what was said not to be applied is not in the log", command_id);
}

}  // namespace tidemark::sim
