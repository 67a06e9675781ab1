// `tidemark projections`: how far the read models of a running node are, and what an operator may do to one.

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <thread>

#include "core/event/json_document.hpp"
#include "core/event/json_writer.hpp"
#include "ops/cli/client_settings.hpp"
#include "ops/cli/commands.hpp"
#include "ops/cli/setting_flags.hpp"

namespace tidemark::cli {
namespace {

constexpr auto kPollInterval = std::chrono::milliseconds(200);

std::string text(event::JsonNode value) { return std::string(value.as_string().value_or("")); }
unsigned long long number(event::JsonNode value) { return value.as_uint64().value_or(0); }

void print(event::JsonNode projection) {
  const auto rebuild = projection["rebuild"];
  std::string state = text(projection["state"]);
  if (rebuild.is_object()) state += ", rebuilding: " + std::to_string(number(rebuild["behind"])) + " left";
  std::printf("%-24s v%-3llu %12llu %10llu  %s\n", text(projection["name"]).c_str(), number(projection["version"]), number(projection["applied"]),
              number(projection["behind"]), state.c_str());
  for (const auto fault : projection["faults"].items()) {
    std::printf("  stopped at %s lane %llu, event %s: %s\n", text(fault["topic"]).c_str(), number(fault["lane"]), text(fault["event_id"]).c_str(),
                text(fault["error"]).c_str());
  }
  for (const auto skipped : projection["skipped"].items()) {
    std::printf("  leaves out event %s of %s lane %llu: %s (%s)\n", text(skipped["event_id"]).c_str(), text(skipped["topic"]).c_str(),
                number(skipped["lane"]), text(skipped["reason"]).c_str(), text(skipped["actor"]).c_str());
  }
  if (const auto failure = projection["rebuild_failure"].as_string()) std::printf("  the last rebuild failed: %s\n", std::string(*failure).c_str());
}

/// Asks, prints what comes back, and says whether it could.
int show(Client& client, const std::string& method, const std::string& target, std::string body, bool json) {
  const auto answer = client.call(method, target, std::move(body), {{"Content-Type", "application/json"}});
  if (!answer.ok()) return complain(answer.error().message, kExitFailed);
  if (answer->status >= 300) return complain(explain(*answer), kExitFailed);
  if (json) {
    std::printf("%s\n", answer->body.c_str());
    return 0;
  }
  const auto document = event::JsonDocument::parse(answer->body);
  if (!document.ok()) return complain("the node's answer is not JSON: " + document.error().message, kExitFailed);
  const auto root = document->root();
  std::printf("%-24s %-4s %12s %10s  %s\n", "PROJECTION", "", "APPLIED", "BEHIND", "STATE");
  if (root["projections"].is_array()) {
    for (const auto projection : root["projections"].items()) print(projection);
  } else {
    print(root);
  }
  return 0;
}

/// Waits until a rebuild has ended, well or not.
int await_rebuild(Client& client, const std::string& target) {
  for (;; std::this_thread::sleep_for(kPollInterval)) {
    const auto answer = client.call("GET", target);
    if (!answer.ok()) return complain(answer.error().message, kExitFailed);
    if (answer->status != 200) return complain(explain(*answer), kExitFailed);
    const auto document = event::JsonDocument::parse(answer->body);
    if (!document.ok()) return complain("the node's answer is not JSON: " + document.error().message, kExitFailed);
    if (document->root()["rebuild"].is_object()) continue;
    if (const auto failure = document->root()["rebuild_failure"].as_string()) {
      return complain("the rebuild was given up, the rows are as before: " + std::string(*failure), kExitFailed);
    }
    return 0;
  }
}

struct Wish {
  bool json = false, wait = false;
  std::string name, topic, event_id, reason;
  std::uint32_t lane = 0;
};

int act(const Settings& settings, const std::string& action, const Wish& wish) {
  auto client = make_client(settings);
  if (!client.ok()) return complain(client.error().message, kExitFailed);
  if (action == "list") return show(*client, "GET", "/projections", {}, wish.json);
  std::string body;
  if (action == "skip") {
    event::JsonWriter(body).begin_object().member("topic", wish.topic).member("lane", wish.lane).member("event_id", wish.event_id)
        .member("reason", wish.reason).end_object();
  }
  const std::string target = "/projections/" + wish.name;
  const int shown = show(*client, "POST", target + "/" + action, std::move(body), wish.json);
  return shown == 0 && wish.wait ? await_rebuild(*client, target) : shown;
}

}  // namespace

void add_projections(CLI::App& program, Chosen& chosen) {
  CLI::App* group = program.add_subcommand("projections", "Read models of a running node\nExample: tidemark projections list");
  group->require_subcommand(1);
  const auto add = [&](const std::string& action, const std::string& help) {
    CLI::App* command = group->add_subcommand(action, help);
    const auto wish = std::make_shared<Wish>();
    command->add_flag("--json", wish->json, "Print the node's JSON");
    if (action != "list") command->add_option("name", wish->name, "The projection, as `list` names it")->required();
    const auto flags = std::make_shared<SettingFlags>(*command, client_setting_keys());
    command->callback([&chosen, action, wish, flags] {
      chosen = [action, wish, flags] {
        int exit_code = 0;
        const auto settings = flags->load(exit_code);
        return settings ? act(*settings, action, *wish) : exit_code;
      };
    });
    return std::pair{command, wish};
  };
  add("list", "Show how far each is, where it has stopped, and what it leaves out\nExample: tidemark projections list");
  add("retry", "Try the events again at which it has stopped\nExample: tidemark projections retry builds.builds");
  const auto [rebuild, rebuild_wish] = add("rebuild", "Build its rows anew beside the live ones, which answer until the new ones take over\n"
                                                      "Example: tidemark projections rebuild builds.builds --wait");
  rebuild->add_flag("--wait", rebuild_wish->wait, "Until it has ended; 1 when it was given up");
  const auto [skip, skip_wish] = add("skip", "Leave out the event at which it has stopped; recorded in the log, with the reason\n"
                                             "Example: tidemark projections skip builds.builds --topic builds.ledger --lane 3 --event <id> --reason \"...\"");
  skip->add_option("--topic", skip_wish->topic, "Topic of the fault")->required();
  skip->add_option("--lane", skip_wish->lane, "Its lane")->required();
  skip->add_option("--event", skip_wish->event_id, "Its event id")->required();
  skip->add_option("--reason", skip_wish->reason, "Why, for whoever reads the log later")->required();
}

}  // namespace tidemark::cli
