// `tidemark shadow`: is this server the same as the one that it replaces?

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "ops/cli/commands.hpp"
#include "ops/cli/domain_registration.hpp"
#include "ops/cli/shadow_domains.hpp"
#include "replay/shadow/pair_reader.hpp"
#include "replay/shadow/report.hpp"

namespace tidemark::cli {
namespace {

struct CompareArguments {
  std::string domain, pairs, report, generation = "contract";
  bool json = false;
};

// Differences that are printed; the report has all.
constexpr std::uint64_t kPrintedMax = 100;

int compare(const CompareArguments& arguments) {
  const DomainRegistration* domain = find_shadow_domain(arguments.domain);
  if (!domain) return complain("--domain: " + arguments.domain + " has no rules for shadow comparison", kExitUsage);
  const auto rules = domain->shadow_rules(arguments.generation);
  if (!rules) return complain("--generation: the domain knows no primary named " + arguments.generation, kExitUsage);
  shadow::PairReader reader;
  if (const auto opened = reader.open(arguments.pairs); !opened.ok()) return complain(opened.error().message, kExitUsage);
  std::FILE* report = arguments.report.empty() ? nullptr : std::fopen(arguments.report.c_str(), "wb");
  if (!arguments.report.empty() && !report) {
    return complain("cannot write " + arguments.report + ": " + std::strerror(errno), kExitUsage);
  }

  std::uint64_t printed = 0;
  bool written = true;
  shadow::Comparison comparison(*rules, [&](const shadow::Finding& finding) {
    if (report) written = std::fputs((shadow::finding_json(finding) + "\n").c_str(), report) >= 0 && written;
    if (!arguments.json && printed++ < kPrintedMax) std::fputs(shadow::finding_text(finding).c_str(), stdout);
  });
  std::string fault;
  for (;;) {
    const auto pair = reader.next();
    if (!pair.ok()) {
      fault = pair.error().message;
      break;
    }
    if (!*pair) break;
    if (!(*pair)->shadow && !(*pair)->not_replayed.empty()) {
      comparison.pass_over();
      continue;
    }
    if (!(*pair)->shadow) {
      fault = arguments.pairs + " line " + std::to_string(reader.line()) + ": no answer of the shadow; run tidemark shadow replay first";
      break;
    }
    comparison.add(reader.line(), **pair);
  }
  if (report) written = std::fclose(report) == 0 && written;
  if (!fault.empty()) return complain(fault, kExitUsage);
  if (!written) return complain("cannot write " + arguments.report, kExitFailed);
  const shadow::Summary& summary = comparison.summary();
  if (arguments.json) {
    std::printf("%s\n", shadow::summary_json(summary).c_str());
  } else {
    if (printed > kPrintedMax) std::printf("... and %llu more\n", static_cast<unsigned long long>(printed - kPrintedMax));
    std::printf("%s%s", printed > 0 ? "\n" : "", shadow::summary_text(summary).c_str());
  }
  return summary.unexplained == 0 && summary.not_replayed == 0 ? 0 : kExitFailed;
}

void add_compare(CLI::App& group, Chosen& chosen) {
  CLI::App* command = group.add_subcommand(
      "compare", "Compare recorded answers of a primary and its shadow, one pair a line (docs/formats/shadow-pairs.md).\n"
                 "Ends with 1 when a difference is explained by no rule or a request was not replayed, with 2 when the\n"
                 "file cannot be read\n"
                 "Example: tidemark shadow compare --domain builds --generation typescript pairs.ndjson --report differences.ndjson");
  const auto arguments = std::make_shared<CompareArguments>();
  command->add_option("pairs", arguments->pairs, "NDJSON file; - reads standard input")->required();
  command->add_option("--domain", arguments->domain, "Domain whose rules hold, such as builds")->required();
  command->add_option("--generation", arguments->generation,
                      "What the primary is; builds: typescript, elixir, contract (the default: no\nintended difference is allowed), or exact (nor another time or token)");
  command->add_option("--report", arguments->report, "File for every unexplained difference, one JSON object a line");
  command->add_flag("--json", arguments->json, "Print the counts as JSON, and nothing else");
  command->callback([&chosen, arguments] { chosen = [arguments] { return compare(*arguments); }; });
}

}  // namespace

const DomainRegistration* find_shadow_domain(const std::string& name) {
  for (const DomainRegistration& domain : registered_domains()) {
    if (domain.name == name && domain.shadow_rules) return &domain;
  }
  return nullptr;
}

void add_shadow(CLI::App& program, Chosen& chosen) {
  CLI::App* group = program.add_subcommand(
      "shadow", "Compare this server with the one that it replaces\n"
                "Example: tidemark shadow compare --domain builds --generation typescript pairs.ndjson");
  group->require_subcommand(1);
  add_shadow_replay(*group, chosen);
  add_compare(*group, chosen);
}

}  // namespace tidemark::cli
