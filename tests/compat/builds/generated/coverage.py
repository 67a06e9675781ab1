"""What sections 5 and 6 of the contract say a client can be answered: (route, status, text). "" stands for an answer without one."""

K = [(401, "Missing X-API-Key header"), (403, "Invalid API key")]
KBT = [(401, "Missing X-API-Key or X-Build-Token header"), (403, "Invalid API key"), (403, "Invalid or expired build token"), (404, "Build not found")]
OWN = K + [(401, "Missing X-Worker-Id header"), (404, "Build not found"), (403, "Worker not authorized for this build")]
OWN_B = K + [(401, "Missing X-Worker-Id header"), (401, "Missing X-Build-Id header"), (404, "Build not found"),
             (403, "X-Build-Id header does not match build ID in URL"), (403, "Worker not assigned to this build")]
WT = [(401, "Authentication required")]
VM = [(404, "Build not found"), (403, "VM token not issued. Authenticate first with OTP."), (403, "Invalid VM token")]
SUBMIT = K + [(400, "Content must be multipart/form-data"), (413, "Source file too large"), (413, "Certs file too large"),
              (400, "Source file required"), (400, "Valid platform required (ios|android)")]
OUTCOME = K + WT + [(400, "Content must be multipart/form-data"), (400, "build_id and worker_id required"), (404, "Build not found"),
                    (404, "Worker not found"), (413, "Result file too large"), (409, "Build already finished"),
                    (403, "Build not assigned to this worker")]

REQUIRED = {
    "POST /api/builds/submit": SUBMIT + [(200, "pending")],
    "POST /api/builds": SUBMIT + [(201, "pending")],
    "GET /api/builds": K + [(200, "")],
    "GET /api/builds/active": K + [(200, "")],
    "GET /api/builds/statistics": K + [(200, "")],
    "GET /api/builds/:id": KBT + [(200, s) for s in ("pending", "assigned", "building", "completed", "failed")],
    "GET /api/builds/:id/status": KBT + [(200, s) for s in ("pending", "assigned", "building", "completed", "failed")],
    "GET /api/builds/:id/logs": KBT + [(200, "")],
    "GET /api/builds/:id/download": KBT + [(200, ""), (206, ""), (304, ""), (416, ""), (400, "Build not completed")],
    "GET /api/builds/:id/download/:type": KBT[:3] + [(200, ""), (400, "Invalid file type"), (404, "Build or file not found")],
    "POST /api/builds/:id/cancel": K + [(200, "cancelled"), (404, "Build not found"), (400, "Build already finished")],
    "POST /api/builds/:id/retry": KBT + [(200, "pending")],
    "POST /api/workers/register": K + [(200, ""), (400, "Name and capabilities required")],
    "GET /api/workers/poll": K + WT + [(200, "job"), (200, "no job"), (400, "worker_id required"), (404, "Worker not found")],
    "POST /api/workers/upload": OUTCOME + [(200, "success"), (200, "failed")],
    "POST /api/workers/result": OUTCOME + [(200, "Result uploaded successfully"), (200, "Build marked as failed"), (400, "Missing result file")],
    "POST /api/workers/fail": K + WT + [(200, ""), (404, "Build not found"), (409, "Build already finished"), (403, "Build not assigned to this worker")],
    "POST /api/workers/heartbeat": K + WT + [(200, ""), (404, "Build not found"), (409, "Build already finished"), (403, "Build not assigned to this worker")],
    "POST /api/workers/abandon": WT + [(200, "Build requeued successfully"), (404, "Build not found"), (403, "")],
    "POST /api/workers/unregister": WT + [(200, "Worker unregistered")],
    "POST /api/workers/:id/unregister": K + [(200, "Worker unregistered"), (404, "Worker not found")],
    "GET /api/workers/:id/stats": K + [(200, "idle"), (200, "building"), (200, "offline"), (404, "Worker not found")],
    "GET /api/builds/:id/source": OWN + WT + VM + [(200, "")],
    "GET /api/builds/:id/certs": OWN + VM + [(200, ""), (404, "Certs not found")],
    "GET /api/builds/:id/certs-secure": OWN_B + [(200, ""), (404, "Certs not found"), (500, "Failed to process certs file")],
    "POST /api/builds/:id/logs": OWN + VM + [(200, ""), (400, "Invalid log level. Must be: info, warn, or error"),
                                             (400, "Invalid body. Expected { level, message } or { logs: [...] }")],
    "POST /api/builds/:id/heartbeat": K + [(200, "ok"), (400, "worker_id required"), (404, "Build not found"),
                                           (403, "Build not assigned to this worker"), (409, "Build already finished")],
    "POST /api/builds/:id/telemetry": OWN_B + [(200, "ok"), (400, "Invalid telemetry data")],
    "GET /api/builds/:id/vm-status": [(200, ""), (404, "Build not found")],
    "POST /api/diagnostics/report": K + [(200, "stored"), (400, "Missing required fields: worker_id, status, duration_ms, checks"),
                                         (400, "Invalid status. Must be: healthy, warning, or critical"), (400, "checks must be an array"),
                                         (404, "Worker not found")],
    "GET /api/diagnostics/:worker_id": K + [(200, ""), (404, "Worker not found")],
    "GET /api/diagnostics/:worker_id/latest": K + [(200, ""), (404, "Worker not found"), (404, "No diagnostic reports found")],
    "POST /api/builds/:id/authenticate": [(200, ""), (400, "Missing required parameter: otp"), (404, "Build not found"),
                                          (401, "No OTP configured for this build"), (401, "Invalid OTP")],
    "POST /api/builds/:id/vm-ready": VM + [(200, ""), (401, "")],
    "POST /api/builds/:id/artifact": VM + [(200, ""), (401, ""), (400, "No artifact file provided"), (413, ""), (409, "Build already finished")],
    "GET /health": [(200, "ok")], "GET /api/health": [(200, "ok")], "GET /api/stats": [(200, "")], "GET /public/stats": [(200, "")],
    "GET /metrics": [(200, "")], "GET /": [(200, "")], "(no route)": [(404, "Not found")], "OPTIONS": [(204, "")],
}

# What needs other settings than those of the long run, or time.
REQUIRED_BY_OTHERS = {
    "POST /api/builds/:id/retry": [(400, "Original build source no longer available. Please submit a new build.")],
    "GET /api/builds/:id/certs-secure": [(413, "Certs bundle too large")],
    "POST /api/builds/:id/authenticate": [(401, "OTP expired")],
    "POST /api/builds/:id/vm-ready": [(403, "VM token expired")],
}


def missing(required, reached):
    """Entries nobody reached. A text of "" is met by any answer of that status whose text the contract leaves open."""
    out = []
    for route, answers in required.items():
        for status, text in answers:
            if not any(r == route and s == status and (text == "" or t == text) for r, s, t in reached):
                out.append((route, status, text))
    return out


def table(reached):
    lines = [f"{'route':44} {'status':>6} {'count':>6}  text"]
    for (route, status, text), count in sorted(reached.items()):
        lines.append(f"{route:44} {status:>6} {count:>6}  {text[:70]}")
    return "\n".join(lines)
