#include "schemas/builds/shadow/builds_rules.hpp"

#include <array>

#include "schemas/builds/shadow/rule.hpp"

namespace tidemark::schemas::builds::shadow {
namespace {

using event::JsonNode;

constexpr std::string_view kD13 = "D13-snapshots-log-nothing";
constexpr std::string_view kListWrapper = "elixir-list-wrapper";

unsigned bit_of(Primary primary) {
  switch (primary) {
    case Primary::contract: return kContract;
    case Primary::exact: return kExact;
    case Primary::typescript: return kTypeScript;
    case Primary::elixir: return kElixir;
  }
  return 0;
}

const std::array<std::span<const Rule>, 3>& all_rules() {
  static const std::array<std::span<const Rule>, 3> rules{volatile_rules(), equivalences(), intended_differences()};
  return rules;
}

// A line that the old controller wrote for a CPU snapshot; the lines of the monitor's heartbeats have a stage and a beat.
bool is_snapshot_line(std::string_view message) {
  return message.starts_with("[VM] ") && message.find("CPU") != std::string_view::npos && message.find("Stage:") == std::string_view::npos;
}

class BuildsRules final : public tidemark::shadow::Rules {
 public:
  explicit BuildsRules(Primary primary) : bit_(bit_of(primary)) {}

  std::span<const tidemark::shadow::Route> routes() const override { return all_routes(); }
  std::span<const tidemark::shadow::IdentityPlace> identities() const override { return identity_places(); }
  std::span<const tidemark::shadow::IdentityPlace> generated() const override { return generated_places(); }
  tidemark::shadow::ApiKeyPlace api_key() const override { return api_key_place(); }
  std::span<const std::string_view> headers() const override {
    return bit_ & kLegacy ? std::span<const std::string_view>() : contract_headers();
  }

  JsonNode unwrapped(const Exchange& exchange, JsonNode body) const override {
    const bool wrapped = bit_ & kElixir && exchange.is("GET", "/api/builds") && body["builds"].is_array() && body["total"].as_int64();
    return wrapped ? body["builds"] : body;
  }

  std::string_view left_out(const Exchange& exchange, std::string_view pointer, JsonNode element) const override {
    const bool line = bit_ & kLegacy && pointer == "/logs" && exchange.is("GET", "/api/builds/:id/logs");
    return line && is_snapshot_line(text_of(element["message"])) ? kD13 : std::string_view();
  }

  std::string_view explain(const Exchange& exchange, const Difference& difference) override {
    for (const auto& rules : all_rules()) {
      for (const Rule& rule : rules) {
        if (!(rule.primaries & bit_) || !rule.applies(exchange, difference, memory_)) continue;
        if (rule.parts_states) memory_.part(exchange, rule.name);
        return rule.name;
      }
    }
    return {};
  }

  void seen(const Exchange& exchange) override { memory_.seen(exchange); }

 private:
  const unsigned bit_;
  Memory memory_;
};

}  // namespace

std::unique_ptr<tidemark::shadow::Rules> make_rules(Primary primary) { return std::make_unique<BuildsRules>(primary); }

std::unique_ptr<tidemark::shadow::Rules> make_rules(std::string_view primary) {
  if (primary == "contract") return make_rules(Primary::contract);
  if (primary == "exact") return make_rules(Primary::exact);
  if (primary == "typescript") return make_rules(Primary::typescript);
  if (primary == "elixir") return make_rules(Primary::elixir);
  return nullptr;
}

std::vector<std::pair<std::string_view, std::string_view>> rule_descriptions() {
  std::vector<std::pair<std::string_view, std::string_view>> out;
  for (const auto& rules : all_rules()) {
    for (const Rule& rule : rules) out.emplace_back(rule.name, rule.what);
  }
  out.emplace_back(kD13, "lines that the old controllers logged for CPU snapshots");
  out.emplace_back(kListWrapper, "Elixir wraps the list of builds");
  return out;
}

}  // namespace tidemark::schemas::builds::shadow
