#pragma once
// What each route promises (contract, section 6), under the name of its handler in routes.hpp.

#include "core/http/route_doc.hpp"

namespace tidemark::commands::builds::endpoint::docs {

http::SurfaceDoc surface();

http::RouteDoc submit();
http::RouteDoc create();
http::RouteDoc cancel();
http::RouteDoc retry();

http::RouteDoc list_builds();
http::RouteDoc active_builds();
http::RouteDoc build_statistics();
http::RouteDoc build_detail();
http::RouteDoc build_status();
http::RouteDoc build_logs();

http::RouteDoc download();
http::RouteDoc download_type();
http::RouteDoc source();
http::RouteDoc certs();
http::RouteDoc certs_secure();

http::RouteDoc register_worker();
http::RouteDoc poll();
http::RouteDoc unregister_worker();
http::RouteDoc unregister_self();
http::RouteDoc abandon();
http::RouteDoc worker_stats();

http::RouteDoc authenticate();
http::RouteDoc vm_ready();
http::RouteDoc vm_status();

http::RouteDoc build_heartbeat();
http::RouteDoc worker_heartbeat();
http::RouteDoc append_logs();

http::RouteDoc telemetry();

http::RouteDoc report_diagnostics();
http::RouteDoc list_diagnostics();
http::RouteDoc latest_diagnostics();

http::RouteDoc upload();
http::RouteDoc result();
http::RouteDoc fail();
http::RouteDoc artifact();

http::RouteDoc health();
http::RouteDoc public_stats();
http::RouteDoc surface_metrics();
http::RouteDoc home();
http::RouteDoc page_part();
http::RouteDoc status();
http::RouteDoc status_stream();

}  // namespace tidemark::commands::builds::endpoint::docs
