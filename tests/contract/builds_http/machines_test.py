"""What machines send: telemetry, diagnostics and handshakes; texts, reasons and order of checks.

usage: machines_test.py <tidemark binary>
"""

import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "compat", "builds"))

from controller import Controller, check, equal, run  # noqa: E402

from builds_world import UNKNOWN, World, refused  # noqa: E402

BINARY = sys.argv[1]
UUID4 = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")

controller = Controller(BINARY)
world = None


def telemetry_is_checked():
    """telemetry: credentials, build named twice, body"""
    c, build = controller, world.active["id"]
    path, unknown = f"/api/builds/{build}/telemetry", f"/api/builds/{UNKNOWN}/telemetry"
    good = {"type": "other", "timestamp": "2026-01-01T00:00:00Z", "data": {}}
    own = {"X-Worker-Id": world.owner, "X-Build-Id": build}
    refused(c.post(unknown, good), 401, "Missing X-Worker-Id header", "WORKER_ID_MISSING")
    refused(c.post(unknown, good, headers={"X-Worker-Id": world.other}), 401, "Missing X-Build-Id header", "BUILD_ID_HEADER_MISSING")
    refused(c.post(unknown, good, headers=own), 403, "X-Build-Id header does not match build ID in URL", "BUILD_ID_HEADER_MISMATCH")
    refused(c.post(unknown, good, headers={"X-Worker-Id": world.other, "X-Build-Id": UNKNOWN}), 404, "Build not found", "BUILD_NOT_FOUND")
    refused(c.post(path, good, headers={"X-Worker-Id": world.other, "X-Build-Id": build}), 403, "Worker not assigned to this build",
            "NOT_BUILD_OWNER")
    for missing in good:
        refused(c.post(path, {k: v for k, v in good.items() if k != missing}, headers=own), 400, "Invalid telemetry data", "TELEMETRY_INVALID")
    refused(c.post(path, {**good, "type": ""}, headers=own), 400, "Invalid telemetry data", "TELEMETRY_INVALID")
    refused(c.post(path, {**good, "data": None}, headers=own), 400, "Invalid telemetry data", "TELEMETRY_INVALID")
    refused(c.post(path, headers=own), 400, "Invalid telemetry data", "TELEMETRY_INVALID")
    equal(c.post(path, '{"type":', headers=own).status, 400, "malformed JSON")
    for body in (good, {**good, "data": {"large": "x" * 200_000}}, {**good, "type": "t" * 5000}, {**good, "timestamp": 5}, {**good, "data": [1]}):
        reply = c.post(path, body, headers=own)
        equal((reply.status, reply.text), (200, '{"status":"ok"}'))
    for build, worker, status in ((world.completed, world.completer, 200), (world.failed, world.failer, 409), (world.cancelled, world.failer, 409)):
        reply = c.post(f"/api/builds/{build['id']}/telemetry", good, headers={"X-Worker-Id": worker, "X-Build-Id": build["id"]})
        equal(reply.status, status, "as a heartbeat after the end")


def diagnostics_are_checked():
    """diagnostics: fields, status, worker, checks, in this order; limits of the list"""
    c, report = controller, "/api/diagnostics/report"
    good = {"worker_id": world.other, "status": "healthy", "duration_ms": 0, "checks": []}
    missing = "Missing required fields: worker_id, status, duration_ms, checks"
    for field in good:
        refused(c.post(report, {**{k: v for k, v in good.items() if k != field}}), 400, missing, "DIAGNOSTIC_FIELDS_MISSING", field)
        refused(c.post(report, {**good, field: None}), 400, missing, "DIAGNOSTIC_FIELDS_MISSING", field)
    refused(c.post(report, {**good, "duration_ms": "long"}), 400, missing, "DIAGNOSTIC_FIELDS_MISSING")
    refused(c.post(report), 400, missing, "DIAGNOSTIC_FIELDS_MISSING")
    wrong = {"worker_id": "nobody", "status": "fine", "duration_ms": 1, "checks": {"a": 1}}
    refused(c.post(report, wrong), 400, "Invalid status. Must be: healthy, warning, or critical", "DIAGNOSTIC_STATUS_INVALID")
    wrong["status"] = "critical"
    refused(c.post(report, wrong), 404, "Worker not found", "WORKER_NOT_FOUND")
    wrong["worker_id"] = world.other
    refused(c.post(report, wrong), 400, "checks must be an array", "DIAGNOSTIC_CHECKS_INVALID")
    for suffix in ("", "/latest"):
        refused(c.get(f"/api/diagnostics/nobody{suffix}"), 404, "Worker not found", "WORKER_NOT_FOUND")
    refused(c.get(f"/api/diagnostics/{world.other}/latest"), 404, "No diagnostic reports found")
    equal(c.get(f"/api/diagnostics/{world.other}").json(), {"worker_id": world.other, "reports": []})
    before = time.time() * 1000
    ids = []
    for i in range(12):
        checks = [{"name": "disk", "status": "pass", "message": "cut \ud83d", "duration_ms": i, "auto_fixed": False, "details": {"free": [1, 2.5, None]}}]
        reply = c.post(report, {**good, "duration_ms": str(i), "auto_fixed": i % 2 == 0, "run_at": 5, "checks": checks})
        equal((reply.status, list(reply.json()), reply.json()["status"]), (200, ["id", "status"], "stored"))
        ids.insert(0, reply.json()["id"])
        check(UUID4.match(ids[0]), ids[0])
    for limit, count in (("", 10), ("?limit=3", 3), ("?limit=0", 0), ("?limit=50", 12), ("?limit=x", 10), ("?limit=-1", 10), ("?limit=", 10)):
        listed = c.get(f"/api/diagnostics/{world.other}{limit}").json()["reports"]
        equal([r["id"] for r in listed], ids[:count], f"newest first, limit {limit}")
    latest = c.get(f"/api/diagnostics/{world.other}/latest")
    check(b" " not in latest.body.replace(b"cut ", b""), f"compact: {latest}")
    latest = latest.json()
    equal(list(latest), ["id", "worker_id", "status", "run_at", "duration_ms", "auto_fixed", "checks"])
    equal((latest["id"], latest["duration_ms"], latest["auto_fixed"]), (ids[0], 11, False))
    check(before - 1000 <= latest["run_at"] <= time.time() * 1000 + 1000, "our clock, not the client's")
    equal(latest["checks"], [{"name": "disk", "status": "pass", "message": "cut \ufffd", "duration_ms": 11, "auto_fixed": False,
                              "details": {"free": [1, 2.5, None]}}])


def handshakes_are_checked():
    """VM routes, worker tokens and the one-time password: each refusal with its reason"""
    c, active, pending = controller, world.active["id"], world.pending["id"]
    vm = {"X-VM-Token": "x" * 43}
    issued = "VM token not issued. Authenticate first with OTP."
    for method, suffix in (("POST", "vm-ready"), ("POST", "artifact"), ("POST", "heartbeat"), ("POST", "logs"), ("POST", "telemetry"),
                           ("GET", "source"), ("GET", "certs"), ("GET", "certs-secure")):
        refused(c.request(method, f"/api/builds/{UNKNOWN}/{suffix}", key=None, headers=vm), 404, "Build not found", "BUILD_NOT_FOUND", suffix)
        refused(c.request(method, f"/api/builds/{active}/{suffix}", headers=vm), 403, issued, "VM_TOKEN_NOT_ISSUED", "the token counts, not the key")
    for suffix in ("vm-ready", "artifact"):
        refused(c.post(f"/api/builds/{UNKNOWN}/{suffix}", key=None), 404, "Build not found", "BUILD_NOT_FOUND")
        refused(c.post(f"/api/builds/{active}/{suffix}"), 401, "Missing X-VM-Token header", "VM_TOKEN_MISSING", "the key is not enough")
    missing = "Missing required parameter: otp"
    for body in ({}, {"otp": ""}, {"otp": None}, {"otp": 5}, [], None):
        refused(c.post(f"/api/builds/{UNKNOWN}/authenticate", body, key=None), 400, missing, "OTP_MISSING", f"{body}")
    refused(c.post(f"/api/builds/{UNKNOWN}/authenticate", {"otp": "x"}, key=None), 404, "Build not found", "BUILD_NOT_FOUND")
    refused(c.post(f"/api/builds/{pending}/authenticate", {"otp": "x"}, key=None), 401, "No OTP configured for this build", "OTP_NOT_CONFIGURED")
    refused(c.post(f"/api/builds/{active}/authenticate", {"otp": "x"}, key=None), 401, "Invalid OTP", "OTP_INVALID")
    refused(c.get(f"/api/builds/{UNKNOWN}/vm-status", key=None), 404, "Build not found", "BUILD_NOT_FOUND")
    equal(c.get(f"/api/builds/{active}/vm-status", key=None).text, '{"vm_ready":false}')
    asked = [c.get(f"/api/builds/{pending}/vm-status", key=None) for _ in range(250)]
    slow = [r for r in asked if r.status != 200]
    check(slow, "who asks too often is told so")
    refused(slow[0], 429, "Too many requests", "RATE_LIMITED")
    equal(slow[0].headers.get("retry-after"), "10")
    equal(c.get(f"/api/builds/{active}/vm-status", key=None).status, 200, "of another build nothing is held back")
    token = {"X-Worker-Token": "z" * 43}
    for method, path in (("GET", "/api/workers/poll"), ("POST", "/api/workers/abandon"), ("POST", "/api/workers/unregister"), ("POST", "/api/workers/fail"),
                         ("POST", "/api/workers/heartbeat"), ("POST", "/api/workers/upload"), ("POST", "/api/workers/result"),
                         ("GET", f"/api/builds/{active}/source")):
        refused(c.request(method, path, headers=token), 401, "Authentication required", "WORKER_TOKEN_INVALID", path)
    for path in ("/api/workers/abandon", "/api/workers/unregister"):
        refused(c.post(path), 401, "Authentication required", "WORKER_TOKEN_INVALID", "the key is not enough")
    held = c.post("/api/workers/register", {"name": "t", "capabilities": {}}).json()
    token = {"X-Worker-Token": held["access_token"]}
    refused(c.post("/api/workers/abandon", {"build_id": UNKNOWN, "reason": "x"}, key=None, headers=token), 404, "Build not found", "BUILD_NOT_FOUND")
    refused(c.post("/api/workers/abandon", {"build_id": active, "reason": "x"}, key=None, headers=token), 403, "Build not assigned to this worker",
            "NOT_BUILD_OWNER")
    equal(c.post("/api/workers/unregister", key=None, headers=token).json(),
          {"success": True, "message": "Worker unregistered", "builds_reassigned": 0})
    refused(c.get("/api/workers/poll", key=None, headers=token), 401, "Authentication required", "WORKER_TOKEN_INVALID", "its token is dead")


with controller:
    world = World(controller)
    run([telemetry_is_checked, diagnostics_are_checked, handshakes_are_checked], "what machines send")
