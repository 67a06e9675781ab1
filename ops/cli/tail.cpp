// `tidemark tail`: prints events of a running node, once or as they arrive.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "core/event/json_document.hpp"
#include "ops/cli/client_settings.hpp"
#include "ops/cli/commands.hpp"
#include "ops/cli/setting_flags.hpp"

namespace tidemark::cli {
namespace {

constexpr auto kPollInterval = std::chrono::milliseconds(250);

/// One topic and lane being printed.
struct Cursor {
  std::string topic;
  std::uint32_t lane = 0;
  std::uint64_t next = 0, end = 0;
};

struct Line {
  std::string time;  ///< RFC 3339, so it sorts as text
  std::string text;
};

std::string text_of(event::JsonNode node) { return std::string(node.as_string().value_or("")); }

std::string human(const Cursor& cursor, const event::JsonNode& root) {
  std::string line = text_of(root["time"]) + "  " + cursor.topic + "/" + std::to_string(cursor.lane);
  if (const auto sequence = text_of(root["tmseq"]); !sequence.empty()) line += "@" + sequence;
  else if (const auto number = root["tmseq"].as_uint64()) line += "@" + std::to_string(*number);
  line += "  " + text_of(root["type"]) + "  " + text_of(root["subject"]) + "  ";
  line += root["data"].raw();
  return line;
}

/// The cursors that `settings` ask for, by what the node lists now; keeps the places of those already there.
Result<void> refresh(Client& client, const Settings& settings, std::vector<Cursor>& cursors, bool first) {
  const auto answer = client.call("GET", "/topics");
  if (!answer.ok()) return answer.error();
  if (answer->status != 200) return make_error(Code::unavailable, explain(*answer));
  const auto document = event::JsonDocument::parse(answer->body);
  if (!document.ok()) return document.error();
  std::vector<std::string> wanted = settings.texts("tail.topics");
  for (const auto topic : document->root()["topics"].items()) {
    const std::string name = text_of(topic["name"]), topic_class = text_of(topic["class"]);
    const auto asked = std::find(wanted.begin(), wanted.end(), name);
    if (settings.texts("tail.topics").empty() ? topic_class != "fact" && topic_class != "ephemeral" : asked == wanted.end()) continue;
    if (asked != wanted.end()) wanted.erase(asked);
    std::uint32_t number = 0;
    for (const auto lane : topic["lanes"].items()) {
      const std::uint32_t this_lane = number++;
      if (settings.is_set("tail.lane") && settings.number("tail.lane") != this_lane) continue;
      const auto begin = lane["begin"].as_uint64().value_or(0), end = lane["end"].as_uint64().value_or(0);
      auto found = std::find_if(cursors.begin(), cursors.end(), [&](const Cursor& c) { return c.topic == name && c.lane == this_lane; });
      if (found == cursors.end()) {
        const std::string from = settings.text("tail.from");
        const std::uint64_t start = from == "begin" ? begin : from == "end" ? (first ? end : begin) : std::max<std::uint64_t>(begin, std::stoull(from));
        found = cursors.insert(cursors.end(), Cursor{name, this_lane, start, end});
      }
      found->end = end;
      found->next = std::max(found->next, begin);  // retention may have cut what was not printed yet
    }
  }
  if (first && !wanted.empty()) return make_error(Code::not_found, "there is no topic " + wanted.front() + "; tidemark topics list shows them");
  return {};
}

/// Reads one page of each cursor that has more. False when none had.
Result<bool> read_round(Client& client, bool json, std::vector<Cursor>& cursors, std::vector<Line>& lines) {
  bool any = false;
  for (Cursor& cursor : cursors) {
    if (cursor.next >= cursor.end) continue;
    any = true;
    const auto answer = client.call("GET", "/topics/" + cursor.topic + "/lanes/" + std::to_string(cursor.lane) +
                                               "/records?limit=500&from=" + std::to_string(cursor.next));
    if (!answer.ok()) return answer.error();
    if (answer->status != 200) return make_error(Code::unavailable, explain(*answer));
    const auto next = answer->headers.find("tidemark-next");
    const std::uint64_t reached = next == answer->headers.end() ? cursor.next : std::stoull(next->second);
    if (reached <= cursor.next) return make_error(Code::internal, "the node gave no record at " + cursor.topic + " " + std::to_string(cursor.next));
    cursor.next = reached;
    for (std::size_t at = 0; at < answer->body.size();) {
      const std::size_t end = std::min(answer->body.find('\n', at), answer->body.size());
      const std::string_view text = std::string_view(answer->body).substr(at, end - at);
      at = end + 1;
      const auto document = event::JsonDocument::parse(text);
      if (!document.ok()) return document.error();
      lines.push_back({text_of(document->root()["time"]), json ? std::string(text) : human(cursor, document->root())});
    }
  }
  return any;
}

int tail(const Settings& settings) {
  auto client = make_client(settings);
  if (!client.ok()) return complain(client.error().message, kExitFailed);
  std::vector<Cursor> cursors;
  for (bool first = true;; first = false) {
    if (auto refreshed = refresh(*client, settings, cursors, first); !refreshed.ok()) return complain(refreshed.error().message, kExitFailed);
    for (;;) {
      std::vector<Line> lines;
      const auto more = read_round(*client, settings.flag("tail.json"), cursors, lines);
      if (!more.ok()) return complain(more.error().message, kExitFailed);
      // Order is promised per lane; by time is how a person wants to read the rest.
      std::stable_sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) { return a.time < b.time; });
      for (const Line& line : lines) std::printf("%s\n", line.text.c_str());
      if (std::fflush(stdout) != 0) return kExitFailed;
      if (!*more) break;
    }
    if (!settings.flag("tail.follow")) return 0;
    std::this_thread::sleep_for(kPollInterval);
  }
}

}  // namespace

void add_tail(CLI::App& program, Chosen& chosen) {
  CLI::App* command = program.add_subcommand("tail", "Print events of a running node, for people or as NDJSON (structured CloudEvents)\n"
                                                     "Example: tidemark tail --topic builds.ledger --json --follow");
  FlagStyle style;
  style.names = {{"tail.topics", "--topic"}, {"tail.lane", "--lane"}, {"tail.from", "--from"}, {"tail.json", "--json"},
                 {"tail.follow", "--follow"}};
  const auto flags = std::make_shared<SettingFlags>(
      *command, client_setting_keys({"tail.topics", "tail.lane", "tail.from", "tail.json", "tail.follow"}), style);
  command->callback([&chosen, flags] {
    chosen = [flags] {
      int exit_code = 0;
      const auto settings = flags->load(exit_code);
      return settings ? tail(*settings) : exit_code;
    };
  });
}

}  // namespace tidemark::cli
