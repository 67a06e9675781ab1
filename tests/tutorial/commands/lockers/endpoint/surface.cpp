#include "commands/lockers/endpoint/registration.hpp"
#include "core/api/read_your_writes.hpp"
#include "core/event/json_writer.hpp"
#include "projections/lockers/contents.hpp"

namespace tidemark::commands::lockers::endpoint {
namespace {

std::string contents_json(const RowReader& rows, const std::string& locker) {
  std::string json;
  event::JsonWriter writer(json);
  writer.begin_object().member("locker", locker).key("parcels").begin_array();
  for (const auto& occupied : projections::lockers::contents_of(rows, locker)) {
    writer.begin_object().member("compartment", occupied.compartment).member("parcel", occupied.parcel)
        .member("keep_until", occupied.keep_until).end_object();
  }
  writer.end_array().end_object();
  return json;
}

}  // namespace

http::Surface make_lockers_surface(runtime::Node* node, runtime::PositionTag position_tag) {
  http::Surface surface;
  surface.name = "lockers";
  surface.fault = http::problem_fault;
  http::Route contents;
  contents.pattern = "/lockers/:locker";
  contents.doc.summary = "What lies in a locker";
  contents.handler = [node, position_tag](http::Request& request) -> Task<http::Response> {
    auto waiting = api::honour_at_least(*node, position_tag, request, std::string(projections::lockers::Contents::kName));
    auto refusal = co_await std::move(waiting);
    if (refusal) co_return std::move(*refusal);
    const auto rows = node->projection_snapshot(projections::lockers::Contents::kName);
    co_return http::json_response(200, contents_json(*rows, std::string(request.param("locker"))));
  };
  surface.routes.push_back(std::move(contents));
  return surface;
}

}  // namespace tidemark::commands::lockers::endpoint
