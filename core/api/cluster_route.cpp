// GET /cluster: the nodes that share the log, and what this one has to do with each lane.

#include <algorithm>

#include "core/api/routes.hpp"
#include "core/event/json_writer.hpp"

namespace tidemark::api {
namespace {

constexpr const char* kCluster =
    R"({"type":"object","properties":{"epoch":{"type":"string","description":"Of the log"},)"
    R"("seen":{"type":["string","null"],"format":"date-time","description":"When this node last saw who the nodes are; null: not yet"},)"
    R"("nodes":{"type":"array","items":{"type":"object","properties":{"id":{"type":"string"},"url":{"type":["string","null"],"description":"Of its main port"},)"
    R"("self":{"type":"boolean"},"lanes":{"type":"integer","description":"Lanes that it is proposed"}},"required":["id","url","self","lanes"]}},)"
    R"("lanes":{"type":"array","items":{"type":"object","properties":{"lane":{"type":"integer"},"owner":{"type":["string","null"],)"
    R"("description":"Node that owns it, as this one knows; null: none is known"},"owner_url":{"type":["string","null"]},)"
    R"("role":{"enum":["serving","taking","following"],"description":"Of this node"},"epoch":{"type":["integer","null"],"description":"Fencing epoch, while it is owned here"},)"
    R"("queued":{"type":"integer","description":"Commands waiting here"},"behind":{"type":["integer","null"],)"
    R"("description":"Records of the lane that its states here have not folded; null: they cannot be read"}},)"
    R"("required":["lane","owner","owner_url","role","epoch","queued","behind"]}}},"required":["epoch","seen","nodes","lanes"]})";

std::string_view word_for(runtime::LaneStanding::Role role) {
  using Role = runtime::LaneStanding::Role;
  return role == Role::serving ? "serving" : role == Role::taking ? "taking" : "following";
}

void write_text(event::JsonWriter& writer, std::string_view name, const std::string* text) {
  writer.key(name);
  if (text == nullptr || text->empty()) writer.null();
  else writer.value(*text);
}

/// A node knows of itself what it serves; of the others what they are proposed.
const cluster::Member* owner_of(const cluster::Sight& sight, const runtime::LaneStanding& lane) {
  const bool here = lane.role == runtime::LaneStanding::Role::serving;
  const auto owner = std::find_if(sight.members.begin(), sight.members.end(), [&](const cluster::Member& member) {
    return here ? member.is_self : std::find(member.lanes.begin(), member.lanes.end(), lane.lane) != member.lanes.end();
  });
  return owner == sight.members.end() ? nullptr : &*owner;
}

Task<http::Response> describe_cluster(Shared services, http::Request& request) {
  if (auto refusal = refuse_stranger(*services, request)) co_return std::move(*refusal);
  const auto sight = services->directory->sight();
  std::string json;
  event::JsonWriter writer(json);
  writer.begin_object().member("epoch", to_string(services->node.log().epoch())).key("seen");
  if (sight->seen) writer.value(to_rfc3339(*sight->seen));
  else writer.null();
  writer.key("nodes").begin_array();
  for (const cluster::Member& member : sight->members) {
    writer.begin_object().member("id", member.node_id);
    write_text(writer, "url", &member.url);
    writer.member("self", member.is_self).member("lanes", member.lanes.size()).end_object();
  }
  writer.end_array().key("lanes").begin_array();
  for (const runtime::LaneStanding& lane : services->node.lane_standings()) {
    const cluster::Member* owner = owner_of(*sight, lane);
    writer.begin_object().member("lane", lane.lane.value);
    write_text(writer, "owner", owner != nullptr ? &owner->node_id : nullptr);
    write_text(writer, "owner_url", owner != nullptr ? &owner->url : nullptr);
    writer.member("role", word_for(lane.role)).key("epoch");
    if (lane.epoch != 0) writer.value(lane.epoch);
    else writer.null();
    writer.member("queued", lane.queued).key("behind");
    if (lane.behind) writer.value(*lane.behind);
    else writer.null();
    writer.end_object();
  }
  writer.end_array().end_object();
  http::Response response = http::json_response(200, std::move(json));
  response.header("Cache-Control", "no-store");
  co_return response;
}

http::RouteDoc cluster_doc() {
  http::RouteDoc doc;
  doc.summary = "Nodes and lanes";
  doc.description = "The nodes that share the log, as this one last saw them, and every lane: its owner, and what this node has to do with it. A node on an embedded log is alone "
                    "and owns all lanes.";
  doc.tags = {"health"};
  doc.answers = {{200, "As this node knows it", {{"application/json", kCluster, {}}}}};
  doc.credentials = {"operator"};
  return doc;
}

}  // namespace

http::Route cluster_route(Shared services) {
  http::Route route;
  route.pattern = "/cluster";
  route.handler = [services](http::Request& request) { return describe_cluster(services, request); };
  route.doc = cluster_doc();
  return route;
}

}  // namespace tidemark::api
