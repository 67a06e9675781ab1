// `tidemark shadow replay`: sends recorded requests to the server that is tried, and writes its answers beside the recorded ones.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "ops/cli/commands.hpp"
#include "ops/cli/shadow_domains.hpp"
#include "ops/cli/shadow_server.hpp"
#include "replay/shadow/pair_reader.hpp"
#include "replay/shadow/pair_writer.hpp"
#include "replay/shadow/recorded_body.hpp"
#include "replay/shadow/substitution.hpp"

namespace tidemark::cli {
namespace {

struct ReplayArguments {
  std::string domain, recorded, to, out, api_key_file, bodies, ca_file;
  bool resume = false;
};

// Reasons that are printed; the pairs have all.
constexpr std::uint64_t kPrintedMax = 100;

class Replay {
 public:
  Replay(const ReplayArguments& arguments, const shadow::Rules& rules, ShadowServer& server, std::string api_key)
      : arguments_(arguments), rules_(rules), server_(server), api_key_(std::move(api_key)) {}

  /// The exit code, after a sentence for a person.
  int run() {
    if (auto looked = look_through(); !looked.ok()) return complain(looked.error().message, kExitUsage);
    if (auto opened = reader_.open(arguments_.recorded); !opened.ok()) return complain(opened.error().message, kExitUsage);
    if (auto opened = writer_.open(arguments_.out, arguments_.resume); !opened.ok()) return complain(opened.error().message, kExitUsage);
    if (auto resumed = go_behind_last(); !resumed.ok()) return complain(resumed.error().message, kExitUsage);
    auto done = replay();
    const auto closed = writer_.close();
    if (done.ok() && !closed.ok()) done = closed;
    if (!done.ok()) {
      const bool unread = done.error().code == Code::invalid_argument || done.error().code == Code::exhausted;
      return complain(done.error().message + "; " + std::to_string(replayed_) + " pairs were replayed, --resume goes on behind the last",
                      unread ? kExitUsage : kExitFailed);
    }
    std::printf("%llu pairs replayed, %llu not replayable, %zu values of the primary known by the shadow's\n", static_cast<unsigned long long>(replayed_),
                static_cast<unsigned long long>(not_replayable_), table_.size());
    return not_replayable_ == 0 ? 0 : kExitFailed;
  }

 private:
  /// Before anything is sent: every line is a pair, and the primary's key is known from the first request on.
  Result<void> look_through() {
    if (arguments_.recorded == "-") return {};
    shadow::PairReader reader;
    if (auto opened = reader.open(arguments_.recorded); !opened.ok()) return opened;
    for (;;) {
      auto pair = reader.next();
      if (!pair.ok()) return pair.take_error();
      if (!*pair) return {};
      learn_key(**pair);
    }
  }

  void learn_key(const shadow::Pair& pair) {
    if (!api_key_.empty()) table_.learn(shadow::shown_api_key(rules_, pair), api_key_);
  }

  void learn(const shadow::Pair& pair) {
    learn_key(pair);
    shadow::learn_generated(rules_, pair, table_);
  }

  /// The pairs of an earlier run: their values are learned, and their requests passed over.
  Result<void> go_behind_last() {
    if (writer_.kept_bytes() == 0) return {};
    shadow::PairReader written;
    if (auto opened = written.open(arguments_.out); !opened.ok()) return opened;
    for (;;) {
      auto pair = written.next();
      if (!pair.ok()) return pair.take_error();
      if (!*pair) return {};
      auto recorded = reader_.next();
      if (!recorded.ok()) return recorded.take_error();
      const auto& was = (*pair)->request;
      if (!*recorded || (*recorded)->request.method != was.method || (*recorded)->request.target != was.target) {
        return make_error(Code::invalid_argument, arguments_.out + " line " + std::to_string(written.line()) + ": not of this recording");
      }
      learn(**pair);
      if ((*pair)->shadow) ++replayed_;
      else ++not_replayable_;
    }
  }

  Result<void> replay() {
    for (;;) {
      auto pair = reader_.next();
      if (!pair.ok()) return pair.take_error();
      if (!*pair) return {};
      if (server_.interrupted()) return make_error(Code::cancelled, at_line("interrupted before it"));
      learn_key(**pair);
      if (auto answered = answer(**pair); !answered.ok()) return answered;
      if (auto written = writer_.append(**pair); !written.ok()) return written;
      learn(**pair);
    }
  }

  Result<void> answer(shadow::Pair& pair) {
    pair.shadow.reset();
    pair.not_replayed.clear();
    auto bytes = shadow::bytes_of(pair.request.body, arguments_.bodies);
    if (!bytes.ok()) return cannot(pair, bytes.error().message);
    shadow::Request whole = pair.request;
    whole.body = shadow::Body{.bytes = std::move(*bytes), .hashed = false, .sha256 = {}, .size = 0};
    auto response = server_.ask(table_.in_shadow_words(whole));
    if (response.ok()) {
      pair.shadow = std::move(*response);
      ++replayed_;
      return {};
    }
    const Code code = response.error().code;
    if (code == Code::invalid_argument || code == Code::exhausted) return cannot(pair, response.error().message);
    return make_error(Code::unavailable, at_line("the shadow at " + arguments_.to + " did not answer: " + response.error().message));
  }

  Result<void> cannot(shadow::Pair& pair, const std::string& reason) {
    pair.not_replayed = reason;
    if (not_replayable_++ < kPrintedMax) std::fprintf(stderr, "%s\n", at_line("not replayable: " + reason).c_str());
    return {};
  }

  std::string at_line(const std::string& what) const { return arguments_.recorded + " line " + std::to_string(reader_.line()) + ": " + what; }

  const ReplayArguments& arguments_;
  const shadow::Rules& rules_;
  ShadowServer& server_;
  const std::string api_key_;  // the shadow's; empty: both have the same
  shadow::Substitution table_;
  shadow::PairReader reader_;
  shadow::PairWriter writer_;
  std::uint64_t replayed_ = 0, not_replayable_ = 0;
};

/// The first line of a file, without white space around it.
Result<std::string> secret_in(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  if (!file || !std::getline(file, line)) return make_error(Code::not_found, "--api-key-from: " + path + " cannot be read or is empty");
  const auto begin = line.find_first_not_of(" \t\r"), end = line.find_last_not_of(" \t\r");
  if (begin == std::string::npos) return make_error(Code::invalid_argument, "--api-key-from: the first line of " + path + " is empty");
  return line.substr(begin, end - begin + 1);
}

int replay(const ReplayArguments& arguments) {
  const DomainRegistration* domain = find_shadow_domain(arguments.domain);
  if (!domain) return complain("--domain: " + arguments.domain + " has no rules for shadow comparison", kExitUsage);
  const auto rules = domain->shadow_rules("contract");
  if (!rules) return complain("--domain: " + arguments.domain + " has no rules for a replay", kExitUsage);
  std::string api_key;
  if (!arguments.api_key_file.empty()) {
    auto secret = secret_in(arguments.api_key_file);
    if (!secret.ok()) return complain(secret.error().message, kExitUsage);
    api_key = std::move(*secret);
  }
  auto server = ShadowServer::make(arguments.to, arguments.ca_file);
  if (!server.ok()) return complain("--to: " + server.error().message, kExitUsage);
  return Replay(arguments, *rules, **server, std::move(api_key)).run();
}

}  // namespace

void add_shadow_replay(CLI::App& group, Chosen& chosen) {
  CLI::App* command = group.add_subcommand(
      "replay", "Send recorded requests of a primary to its shadow, one after another, and write both answers of each\n"
                "(docs/formats/shadow-pairs.md). Ids and tokens of the primary are replaced by the shadow's own.\n"
                "Ends with 1 when a request could not be replayed, with 2 when the recording cannot be read\n"
                "Example: tidemark shadow replay --domain builds recorded.ndjson --to http://127.0.0.1:3100 --out pairs.ndjson");
  const auto arguments = std::make_shared<ReplayArguments>();
  command->add_option("recorded", arguments->recorded, "NDJSON file of pairs, whose shadow side is not looked at; - reads standard input")->required();
  command->add_option("--domain", arguments->domain, "Domain whose requests they are, such as builds")->required();
  command->add_option("--to", arguments->to, "URL of the shadow, http or https")->required();
  command->add_option("--out", arguments->out, "File for the complete pairs. It holds credentials, as the recording does")->required();
  command->add_option("--api-key-from", arguments->api_key_file,
                      "File with the shadow's API key, sent in place of the primary's; without it both\nhave the same. The primary's is known by "
                      "requests that it alone opened");
  command->add_option("--bodies", arguments->bodies, "Folder with the request bodies that were recorded by hash; files named by their SHA-256");
  command->add_option("--ca-file", arguments->ca_file, "PEM file of authorities for https; the system's without it");
  command->add_flag("--resume", arguments->resume, "Go on behind the last pair of --out");
  command->callback([&chosen, arguments] { chosen = [arguments] { return replay(*arguments); }; });
}

}  // namespace tidemark::cli
