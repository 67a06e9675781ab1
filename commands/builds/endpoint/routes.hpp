#pragma once
// The routes of the surface, by who calls them. Each function is one route; surface.cpp says where it is mounted.

#include <string_view>

#include "commands/builds/endpoint/api.hpp"

namespace tidemark::commands::builds::endpoint {

// developer.cpp: what the command line does
Task<http::Response> submit(Api& api, http::Request& request);         ///< POST /api/builds/submit
Task<http::Response> create(Api& api, http::Request& request);         ///< POST /api/builds
Task<http::Response> cancel(Api& api, http::Request& request);
Task<http::Response> retry(Api& api, http::Request& request);

// reads.cpp: what it asks
Task<http::Response> list_builds(Api& api, http::Request& request);
Task<http::Response> active_builds(Api& api, http::Request& request);
Task<http::Response> build_statistics(Api& api, http::Request& request);
Task<http::Response> build_detail(Api& api, http::Request& request);
Task<http::Response> build_status(Api& api, http::Request& request);
Task<http::Response> build_logs(Api& api, http::Request& request);

// artifacts.cpp: files out
Task<http::Response> download(Api& api, http::Request& request);
Task<http::Response> download_type(Api& api, http::Request& request);
Task<http::Response> source(Api& api, http::Request& request);
Task<http::Response> certs(Api& api, http::Request& request);
Task<http::Response> certs_secure(Api& api, http::Request& request);  ///< certs_secure.cpp

// worker.cpp: a worker's life
Task<http::Response> register_worker(Api& api, http::Request& request);
Task<http::Response> poll(Api& api, http::Request& request);
Task<http::Response> unregister_worker(Api& api, http::Request& request);  ///< POST /api/workers/:id/unregister
Task<http::Response> unregister_self(Api& api, http::Request& request);    ///< POST /api/workers/unregister
Task<http::Response> abandon(Api& api, http::Request& request);
Task<http::Response> worker_stats(Api& api, http::Request& request);

// vm.cpp: the handshake of a build's virtual machine
Task<http::Response> authenticate(Api& api, http::Request& request);
Task<http::Response> vm_ready(Api& api, http::Request& request);
Task<http::Response> vm_status(Api& api, http::Request& request);

// progress.cpp: signs of life and log lines
Task<http::Response> build_heartbeat(Api& api, http::Request& request);    ///< POST /api/builds/:id/heartbeat
Task<http::Response> worker_heartbeat(Api& api, http::Request& request);   ///< POST /api/workers/heartbeat
Task<http::Response> append_logs(Api& api, http::Request& request);

// telemetry.cpp: what a virtual machine says of itself
Task<http::Response> telemetry(Api& api, http::Request& request);

// diagnostics.cpp: what workers say of themselves
Task<http::Response> report_diagnostics(Api& api, http::Request& request);
Task<http::Response> list_diagnostics(Api& api, http::Request& request);
Task<http::Response> latest_diagnostics(Api& api, http::Request& request);

// results.cpp: how a build ends
Task<http::Response> upload(Api& api, http::Request& request);             ///< POST /api/workers/upload
Task<http::Response> result(Api& api, http::Request& request);             ///< POST /api/workers/result
Task<http::Response> fail(Api& api, http::Request& request);               ///< POST /api/workers/fail
Task<http::Response> artifact(Api& api, http::Request& request);           ///< POST /api/builds/:id/artifact

// system.cpp, public_stats.cpp, metrics.cpp: without credentials
Task<http::Response> health(Api& api, http::Request& request);
Task<http::Response> public_stats(Api& api, http::Request& request);
Task<http::Response> surface_metrics(Api& api, http::Request& request);

// page.cpp: the status page; status.hpp has what it shows
Task<http::Response> home(Api& api, http::Request& request);
Task<http::Response> page_part(Api& api, http::Request& request);          ///< GET /page/:file

}  // namespace tidemark::commands::builds::endpoint
