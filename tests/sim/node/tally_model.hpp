#pragma once
// What "tally" (tests/support/tally) means, written once more and apart: every decision of the log is decided again, and every row
// and every answer of an owner is compared with the history that follows.

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/sim/node/model.hpp"

namespace tidemark::sim {

class TallyModel final : public DomainModel {
 public:
  std::string decided(const DecisionEvidence& decision) override;

  /// A row of tally.balances. Every event of its account counts one, so the number names the state that it must show.
  struct Row {
    std::int64_t balance = 0, events = 0;
    bool open = true;
  };
  /// What a row must be after so many events; nullptr: there were not so many.
  const Row* row(const std::string& group, const std::string& account, std::int64_t events) const;
  /// After all of them; nullptr when there is none.
  const Row* last_row(const std::string& group, const std::string& account) const;
  /// Events of the account at or before a position of tally.entries in its lane.
  std::int64_t events_until(const std::string& group, const std::string& account, std::uint64_t tmseq) const;
  std::vector<std::pair<std::string, std::string>> accounts() const;

  // The owner's state of a group has a version that grows with every decision that changed it.
  struct Seen {
    std::map<std::string, std::pair<std::int64_t, std::int64_t>> accounts;  ///< open ones: balance, notes
    std::int64_t total = 0;
    std::string text() const;
  };
  std::uint64_t version(const std::string& group) const;
  /// Whether the group was so at a version from `least` on; which is told, the greatest.
  std::optional<std::uint64_t> find_version(const std::string& group, const Seen& seen, std::uint64_t least) const;
  std::uint64_t version_after(const std::string& command_id) const;  ///< of an accepted command

  /// Open accounts that are to expire at or before then.
  std::vector<std::string> overdue(std::int64_t ms) const;
  std::size_t expired() const { return expired_; }

 private:
  struct Account {
    bool open = false;
    std::int64_t balance = 0, notes = 0, opened_ms = 0, expires_in_ms = 0;
  };
  struct Group {
    std::map<std::string, Account> accounts;
    std::int64_t total = 0;
    std::vector<std::string> versions{std::string()};
  };
  struct RowHistory {
    std::vector<Row> rows;
    std::vector<std::uint64_t> tmseqs;  ///< of the event that made each
  };
  struct Expected {
    std::string verdict, reason;
    std::optional<std::string> reply;
    std::vector<std::string> events;  ///< topic, type and data
  };
  static std::string compare(const DecisionEvidence& decision, const Expected& expected);
  void fold(Group& group, const Evidence& event, const std::string& topic, std::uint64_t tmseq);

  std::map<std::string, Group> groups_;
  std::map<std::pair<std::string, std::string>, RowHistory> rows_;
  std::unordered_map<std::string, std::uint64_t> version_after_;
  std::size_t expired_ = 0;
};

}  // namespace tidemark::sim
