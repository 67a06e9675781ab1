#include "core/log/kafka/kafka_metrics.hpp"

#include <algorithm>

#include "core/event/json_document.hpp"

namespace tidemark::log::kafka {
namespace {

enum Outcome : std::size_t { written, not_written, fenced, unknown };
constexpr std::array<const char*, 4> kOutcomeNames{"written", "not_written", "fenced", "unknown"};
// Members of a broker in librdkafka's statistics, and what they are called here.
constexpr std::array<const char*, 5> kMembers{"txbytes", "txerrs", "txretries", "req_timeouts", "disconnects"};
constexpr std::array<const char*, 5> kMemberNames{"sent_bytes", "request_errors", "request_retries", "request_timeouts", "disconnects"};
constexpr std::array<const char*, 5> kMemberHelp{"Bytes sent to brokers by the producers of lanes", "Requests that could not be sent", "Requests sent again",
                                                 "Requests that a broker did not answer in time", "Connections of producers to brokers that were lost or closed"};
constexpr std::size_t kClientsMax = 256;  // remembered; producers come and go with lanes

Outcome outcome_of(const Result<void>& result) {
  if (result.ok()) return written;
  switch (result.error().code) {
    case Code::fenced: return fenced;
    case Code::outcome_unknown: return unknown;
    default: return not_written;
  }
}

metrics::Description named(const char* name, const char* help, metrics::Labels labels = {}) {
  return {std::string("tidemark_kafka_") + name, help, std::move(labels)};
}

}  // namespace

KafkaMetrics::KafkaMetrics(metrics::Registry* registry)
    : wanted_(registry != nullptr),
      append_seconds_(registry, named("append_seconds", "A transaction, from its begin until its outcome is known or given up"), metrics::time_bounds()),
      take_seconds_(registry, named("take_seconds", "Taking a lane: fencing its owner before, reading what it left"), metrics::time_bounds()),
      read_seconds_(registry, named("history_read_seconds", "A read of records that are no longer in memory"), metrics::time_bounds()),
      request_seconds_(registry, named("request_seconds", "Mean time in which a broker answered a lane's producer, once for every few seconds"), metrics::time_bounds()),
      records_(registry, named("records_total", "Records committed")),
      bytes_(registry, named("written_bytes_total", "Bytes of those records")),
      taken_(registry, named("takes_total", "Attempts to take a lane", {{"outcome", "taken"}})),
      take_failed_(registry, named("takes_total", "Attempts to take a lane", {{"outcome", "failed"}})),
      follow_lag_(registry, named("follow_lag_records", "Records (and markers of transactions) that brokers have shown and this node has not read")) {
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    appends_[i] = metrics::Counter(registry, named("appends_total", "Transactions, by what became of them", {{"outcome", kOutcomeNames[i]}}));
    settled_[i] = metrics::Counter(registry, named("settled_appends_total", "Those of them whose commit was not answered plainly, by what was found",
                                                   {{"outcome", kOutcomeNames[i]}}));
  }
  for (std::size_t i = 0; i < kMembers.size(); ++i) {
    of_clients_[i] = metrics::Counter(registry, named((std::string(kMemberNames[i]) + "_total").c_str(), kMemberHelp[i]));
  }
}

void KafkaMetrics::appended(const Result<void>& result, bool unsure, std::size_t records, std::size_t bytes) const {
  const Outcome outcome = outcome_of(result);
  appends_[outcome].add();
  if (unsure) settled_[outcome].add();
  if (outcome != written) return;
  records_.add(static_cast<double>(records));
  bytes_.add(static_cast<double>(bytes));
}

void KafkaMetrics::client_said(std::string_view json) {
  const auto document = event::JsonDocument::parse(json);
  if (!document.ok()) return;
  const auto client = document->root()["name"].as_string();
  if (!client) return;
  Totals now;
  for (const auto& [name, broker] : document->root()["brokers"].members()) {
    for (std::size_t i = 0; i < kMembers.size(); ++i) now.values[i] += broker[kMembers[i]].as_uint64().value_or(0);
    const auto answers = broker["rtt"]["cnt"].as_uint64().value_or(0);
    const auto mean_us = broker["rtt"]["avg"].as_double();
    if (answers > 0 && mean_us) request_seconds_.observe(*mean_us / 1e6);
  }
  std::lock_guard lock(mutex_);
  if (last_.size() >= kClientsMax && !last_.contains(*client)) {
    last_.erase(std::min_element(last_.begin(), last_.end(), [](const auto& a, const auto& b) { return a.second.report < b.second.report; }));
  }
  Totals& before = last_[std::string(*client)];
  for (std::size_t i = 0; i < kMembers.size(); ++i) {
    if (now.values[i] > before.values[i]) of_clients_[i].add(static_cast<double>(now.values[i] - before.values[i]));
  }
  now.report = ++reports_;
  before = now;
}

}  // namespace tidemark::log::kafka
