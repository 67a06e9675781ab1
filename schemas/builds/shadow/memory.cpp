#include "schemas/builds/shadow/memory.hpp"

#include "schemas/builds/shadow/rule.hpp"

namespace tidemark::schemas::builds::shadow {

using tidemark::shadow::Exchange;

std::string_view form_field(const tidemark::shadow::Request& request, std::string_view name) {
  const std::string head = "name=\"" + std::string(name) + "\"\r\n\r\n";
  const std::string_view body = request.body.bytes;
  const std::size_t at = body.find(head);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = at + head.size(), end = body.find("\r\n", begin);
  return end == std::string_view::npos ? std::string_view() : body.substr(begin, end - begin);
}

bool form_has_file(const tidemark::shadow::Request& request, std::string_view name) {
  return request.body.bytes.find("name=\"" + std::string(name) + "\"; filename=") != std::string::npos;
}

std::string_view build_of(const Exchange& exchange) {
  if (exchange.route && exchange.route->path.starts_with("/api/builds/:id")) return exchange.path_value();
  if (!exchange.route || !exchange.route->path.starts_with("/api/workers/")) return {};
  if (exchange.request_json) return text_of(exchange.request_json["build_id"]);
  return form_field(exchange.request, "build_id");
}

const BuildNote* Memory::find(std::string_view build) const {
  const auto found = builds_.find(std::string(build));
  return found == builds_.end() ? nullptr : &found->second;
}

BuildNote& Memory::note(std::string_view build) {
  const auto [entry, added] = builds_.try_emplace(std::string(build));
  if (added) {
    order_.emplace_back(build);
    if (order_.size() > builds_max_) {
      builds_.erase(order_.front());
      order_.pop_front();
      return builds_[std::string(build)];
    }
  }
  return entry->second;
}

void Memory::seen(const Exchange& exchange) {
  const bool both = exchange.primary.status == 200 && exchange.shadow.status == 200;
  if (exchange.is("GET", "/api/workers/poll") && exchange.shadow.status == 200) {
    const auto job = text_of(exchange.shadow_json["job"]["id"]);
    if (job.empty()) return;
    BuildNote& build = note(job);
    build.given = true;
    build.worker = query(exchange, "worker_id");
  } else if (exchange.is("POST", "/api/workers/abandon") && both) {
    note(build_of(exchange)).given = false;
  } else if (exchange.is("POST", "/api/builds/:id/cancel") && exchange.shadow.status == 200) {
    BuildNote& build = note(build_of(exchange));
    if (!build.cancelled && !build.given) {
      build.cancelled_unassigned = true;
      ++cancelled_unassigned_;
    }
    build.cancelled = true;
  }
}

void Memory::part(std::string_view build, std::string_view rule) {
  if (build.empty()) return;
  BuildNote& noted = note(build);
  if (!noted.parted_by.empty()) return;
  noted.parted_by = rule;
  ++parted_;
}

void Memory::part(const Exchange& exchange, std::string_view rule) {
  part(build_of(exchange), rule);
  if (!exchange.is("GET", "/api/workers/poll")) return;
  part(text_of(exchange.primary_json["job"]["id"]), rule);
  part(text_of(exchange.shadow_json["job"]["id"]), rule);
}

}  // namespace tidemark::schemas::builds::shadow
