// What a board shows, and what is new of it.

#include <algorithm>
#include <unordered_map>

#include "core/base/assert.hpp"
#include "core/event/json_writer.hpp"
#include "core/http/live_board.hpp"

namespace tidemark::http {

bool Board::update(std::vector<BoardSection> sections) {
  TM_ASSERT(version_ == 0 || sections.size() == sections_.size(), "the sections of a board stay");
  const std::uint64_t next = version_ + 1;
  bool changed = version_ == 0;
  sections_.resize(sections.size());
  for (std::size_t s = 0; s < sections.size(); ++s) {
    Section& shown = sections_[s];
    shown.name = std::move(sections[s].name);
    std::unordered_map<std::string_view, const Shown*> before;
    for (const Shown& old : shown.items) before.emplace(old.item.key, &old);
    std::vector<Shown> after;
    after.reserve(sections[s].items.size());
    for (BoardItem& item : sections[s].items) {
      std::uint64_t since = next;
      if (const auto found = before.find(item.key); found != before.end()) {
        if (found->second->item.json == item.json) since = found->second->since;
        before.erase(found);
      }
      changed |= since == next;
      after.push_back({std::move(item), since});
    }
    for (const Shown& old : shown.items) {
      if (!before.contains(old.item.key)) continue;
      gone_.push_back({next, s, old.item.key});
      changed = true;
    }
    before.clear();  // its keys are views of what goes now
    shown.items = std::move(after);
  }
  while (gone_.size() > gone_max_) {
    complete_from_ = gone_.front().since;
    gone_.pop_front();
  }
  if (changed) version_ = next;
  return changed;
}

std::string Board::snapshot() const {
  std::string out;
  event::JsonWriter json(out);
  json.begin_object();
  for (const Section& section : sections_) {
    json.key(section.name).begin_array();
    for (const Shown& shown : section.items) json.raw(shown.item.json);
    json.end_array();
  }
  json.end_object();
  return out;
}

std::optional<std::string> Board::changes_since(std::uint64_t version) const {
  if (version < complete_from_ || version == 0 || version > version_) return std::nullopt;
  const auto first_gone = std::find_if(gone_.begin(), gone_.end(), [&](const Gone& gone) { return gone.since > version; });
  std::string out;
  event::JsonWriter json(out);
  json.begin_object();
  for (std::size_t s = 0; s < sections_.size(); ++s) {
    const auto& items = sections_[s].items;
    const bool put = std::any_of(items.begin(), items.end(), [&](const Shown& shown) { return shown.since > version; });
    const bool gone = std::any_of(first_gone, gone_.end(), [&](const Gone& one) { return one.section == s; });
    if (!put && !gone) continue;
    json.key(sections_[s].name).begin_object().key("gone").begin_array();
    for (auto one = first_gone; one != gone_.end(); ++one) {
      if (one->section == s) json.value(one->key);
    }
    json.end_array().key("put").begin_array();  // behind "gone": an item that went and came again is there
    for (const Shown& shown : items) {
      if (shown.since > version) json.raw(shown.item.json);
    }
    json.end_array().end_object();
  }
  json.end_object();
  return out;
}

}  // namespace tidemark::http
