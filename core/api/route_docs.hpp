#pragma once
// What the platform's routes promise, for the OpenAPI document.

#include "core/http/route_doc.hpp"

namespace tidemark::api {

http::RouteDoc command_doc();
http::RouteDoc commands_doc();
http::RouteDoc decision_doc();
http::RouteDoc stream_doc();
http::RouteDoc events_doc();
http::RouteDoc projections_doc();
http::RouteDoc projection_doc();
http::RouteDoc projection_retry_doc();
http::RouteDoc projection_skip_doc(http::SchemaText request);
http::RouteDoc projection_rebuild_doc();
http::RouteDoc health_doc();

}  // namespace tidemark::api
