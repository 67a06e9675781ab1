#include "tests/sim/node/tally_model.hpp"

#include <algorithm>

namespace tidemark::sim {
namespace {

constexpr std::int64_t kGroupLimit = 1000;

std::string quoted(const std::string& text) { return '"' + text + '"'; }
std::string balance_json(std::int64_t balance) { return "{\"balance\":" + std::to_string(balance) + "}"; }

}  // namespace

std::string TallyModel::Seen::text() const {
  std::string out = std::to_string(total);
  for (const auto& [name, account] : accounts) out += ' ' + name + '=' + std::to_string(account.first) + '/' + std::to_string(account.second);
  return out;
}

std::string TallyModel::decided(const DecisionEvidence& decision) {
  const JsonValue& command = decision.data;
  const std::string& name = command.text_of("group");
  const std::string& account_name = command.text_of("account");
  Group& group = groups_[name];
  const auto found = group.accounts.find(account_name);
  const bool open = found != group.accounts.end() && found->second.open;
  if (decision.boundary != name) return "its boundary is " + decision.boundary + ", not " + name;
  const std::string who = "\"group\":" + quoted(name) + ",\"account\":" + quoted(account_name);
  Expected expected;
  if (decision.type == "tidemark.tally.Open.v1") {
    if (open) {
      expected = {"refused", "ACCOUNT_EXISTS", {}, {}};
    } else {
      expected = {"accepted", "", balance_json(0), {"tally.entries tidemark.tally.Opened.v1 {" + who + ",\"expires_in_ms\":" + std::to_string(command.number_of("expires_in_ms")) + "}"}};
    }
  } else if (decision.type == "tidemark.tally.Add.v1") {
    const std::int64_t amount = command.number_of("amount");
    const std::string& note = command.text_of("note");
    if (!open) {
      expected = {"refused", "NO_SUCH_ACCOUNT", {}, {}};
    } else if (amount == 0 && note.empty()) {
      if (decision.verdict != "nothing") return "a command that changes nothing is recorded as " + decision.verdict;  // one from the log, which has no other answer
      expected = {"nothing", "", balance_json(found->second.balance), {}};
    } else if (group.total + amount > kGroupLimit) {
      expected = {"refused", "GROUP_LIMIT", {}, {}};
    } else {
      expected = {"accepted", "", balance_json(found->second.balance + amount), {}};
      if (amount != 0) expected.events.push_back("tally.entries tidemark.tally.Added.v1 {" + who + ",\"amount\":" + std::to_string(amount) + "}");
      if (!note.empty()) expected.events.push_back("tally.notes tidemark.tally.Noted.v1 {" + who + ",\"text\":" + quoted(note) + "}");
      if (note == "ping") expected.events.push_back("tally.pings tidemark.tally.Pinged.v1 {" + who + "}");
    }
  } else if (decision.type == "tidemark.tally.Expire.v1") {
    if (!open) return "an account that is not open expires";
    const Account& account = found->second;
    if (decision.actor != "system:timer") return "an account is expired by " + decision.actor;
    if (account.expires_in_ms <= 0) return "a timer fires that was never set, of " + account_name;
    if (decision.time_ms < account.opened_ms + account.expires_in_ms) {
      return "the timer of " + account_name + " fires " + std::to_string(account.opened_ms + account.expires_in_ms - decision.time_ms) + " ms early";
    }
    expected = {"accepted", "", balance_json(0), {"tally.entries tidemark.tally.Expired.v1 {" + who + "}"}};
    ++expired_;
  } else if (decision.type == "tidemark.tally.Move.v1") {
    const auto opened = [&](const std::string& which) {
      const auto at = group.accounts.find(which);
      return at != group.accounts.end() && at->second.open;
    };
    const std::string &from = command.text_of("from"), &to = command.text_of("to");
    if (!opened(from) || !opened(to)) {
      expected = {"refused", "NO_SUCH_ACCOUNT", {}, {}};
    } else {
      const std::int64_t amount = command.number_of("amount");
      expected = {"accepted", "", balance_json(group.accounts[from].balance - amount),
                  {"tally.entries tidemark.tally.Moved.v1 {\"group\":" + quoted(name) + ",\"from\":" + quoted(from) + ",\"to\":" + quoted(to) +
                   ",\"amount\":" + std::to_string(amount) + "}"}};
    }
  } else {
    return "there is no command " + decision.type;
  }
  if (auto bad = compare(decision, expected); !bad.empty()) return bad;
  for (std::size_t i = 0; i < decision.events.size(); ++i) fold(group, *decision.events[i], decision.lines[i].topic, decision.lines[i].tmseq);
  if (!decision.events.empty()) {
    Seen seen;
    seen.total = group.total;
    for (const auto& [who_else, account] : group.accounts) {
      if (account.open) seen.accounts[who_else] = {account.balance, account.notes};
    }
    group.versions.push_back(seen.text());
    version_after_[decision.command_id] = group.versions.size() - 1;
  }
  return {};
}

std::string TallyModel::compare(const DecisionEvidence& decision, const Expected& expected) {
  const std::string what = decision.type + " " + decision.data.text.substr(0, 200);
  if (decision.verdict != expected.verdict || decision.reason != expected.reason) {
    return what + " is " + decision.verdict + " " + decision.reason + " where " + expected.verdict + " " + expected.reason + " follows";
  }
  if (expected.reply && decision.reply != *expected.reply) return what + " replies " + decision.reply + " where " + *expected.reply + " follows";
  if (decision.events.size() != expected.events.size()) return what + " has " + std::to_string(decision.events.size()) + " events where " + std::to_string(expected.events.size()) + " follow";
  for (std::size_t i = 0; i < expected.events.size(); ++i) {
    const std::string is = decision.lines[i].topic + ' ' + decision.events[i]->type + ' ' + decision.events[i]->data;
    if (is != expected.events[i]) return what + " has " + is.substr(0, 300) + " where " + expected.events[i].substr(0, 300) + " follows";
  }
  return {};
}

void TallyModel::fold(Group& group, const Evidence& event, const std::string& topic, std::uint64_t tmseq) {
  const auto data = JsonValue::parse(event.data);
  if (!data) return;
  const std::string& name = data->text_of("group");
  const std::string& account_name = data->text_of("account");
  Account* const account = account_name.empty() ? nullptr : &group.accounts[account_name];
  const std::int64_t amount = data->number_of("amount");
  if (event.type == "tidemark.tally.Opened.v1") {
    *account = Account{true, 0, 0, event.time_ms, data->number_of("expires_in_ms")};
  } else if (event.type == "tidemark.tally.Added.v1") {
    account->balance += amount;
    group.total += amount;
  } else if (event.type == "tidemark.tally.Expired.v1") {
    group.total -= account->balance;
    account->open = false;
  } else if (event.type == "tidemark.tally.Noted.v1") {
    ++account->notes;
  } else if (event.type == "tidemark.tally.Moved.v1") {
    group.accounts[data->text_of("from")].balance -= amount;
    group.accounts[data->text_of("to")].balance += amount;
  }
  if (topic != "tally.entries" || account == nullptr) return;
  RowHistory& rows = rows_[{name, account_name}];
  Row row = rows.rows.empty() ? Row{} : rows.rows.back();
  ++row.events;
  if (event.type == "tidemark.tally.Added.v1") row.balance += amount;
  if (event.type == "tidemark.tally.Opened.v1") row.open = true;
  if (event.type == "tidemark.tally.Expired.v1") row.open = false;
  rows.rows.push_back(row);
  rows.tmseqs.push_back(tmseq);
}

const TallyModel::Row* TallyModel::row(const std::string& group, const std::string& account, std::int64_t events) const {
  const auto found = rows_.find({group, account});
  if (found == rows_.end() || events < 1 || static_cast<std::size_t>(events) > found->second.rows.size()) return nullptr;
  return &found->second.rows[static_cast<std::size_t>(events) - 1];
}

const TallyModel::Row* TallyModel::last_row(const std::string& group, const std::string& account) const {
  const auto found = rows_.find({group, account});
  return found == rows_.end() ? nullptr : &found->second.rows.back();
}

std::int64_t TallyModel::events_until(const std::string& group, const std::string& account, std::uint64_t tmseq) const {
  const auto found = rows_.find({group, account});
  if (found == rows_.end()) return 0;
  const auto& tmseqs = found->second.tmseqs;
  return std::upper_bound(tmseqs.begin(), tmseqs.end(), tmseq) - tmseqs.begin();
}

std::vector<std::pair<std::string, std::string>> TallyModel::accounts() const {
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& [key, rows] : rows_) all.push_back(key);
  return all;
}

std::uint64_t TallyModel::version(const std::string& group) const {
  const auto found = groups_.find(group);
  return found == groups_.end() ? 0 : found->second.versions.size() - 1;
}

std::optional<std::uint64_t> TallyModel::find_version(const std::string& group, const Seen& seen, std::uint64_t least) const {
  const std::string text = seen.text();
  const auto found = groups_.find(group);
  if (found == groups_.end()) return text == "0" && least == 0 ? std::optional<std::uint64_t>(0) : std::nullopt;
  const auto& versions = found->second.versions;
  for (std::uint64_t at = versions.size(); at-- > least;) {
    if (versions[at] == text || (at == 0 && text == "0")) return at;
  }
  return std::nullopt;
}

std::uint64_t TallyModel::version_after(const std::string& command_id) const {
  const auto found = version_after_.find(command_id);
  return found == version_after_.end() ? 0 : found->second;
}

std::vector<std::string> TallyModel::overdue(std::int64_t ms) const {
  std::vector<std::string> names;
  for (const auto& [name, group] : groups_) {
    for (const auto& [account_name, account] : group.accounts) {
      if (account.open && account.expires_in_ms > 0 && account.opened_ms + account.expires_in_ms <= ms) names.push_back(name + '/' + account_name);
    }
  }
  return names;
}

}  // namespace tidemark::sim
