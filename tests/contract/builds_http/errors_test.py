"""The error texts, status codes, reason codes and order of checks of every route of the builds surface.

usage: errors_test.py <tidemark binary>
"""

import os
import re
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "compat", "builds"))

from controller import API_KEY, Controller, check, equal, run  # noqa: E402

from builds_world import UNKNOWN, World, refused  # noqa: E402

BINARY = sys.argv[1]
ISO_MS = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

controller = Controller(BINARY)
world = None


def key_routes():
    b, w = world.active["id"], world.owner
    return [
        ("POST", "/api/builds/submit"), ("POST", "/api/builds"), ("GET", "/api/builds"), ("GET", "/api/builds/active"),
        ("GET", "/api/builds/statistics"), ("GET", "/api/status"), ("GET", "/api/status/stream"), ("POST", f"/api/builds/{b}/cancel"), ("POST", "/api/workers/register"),
        ("GET", "/api/workers/poll"), ("POST", "/api/workers/upload"), ("POST", "/api/workers/result"),
        ("POST", "/api/workers/fail"), ("POST", "/api/workers/heartbeat"), ("POST", f"/api/workers/{w}/unregister"),
        ("GET", f"/api/workers/{w}/stats"), ("GET", f"/api/builds/{b}/source"), ("GET", f"/api/builds/{b}/certs"),
        ("POST", f"/api/builds/{b}/logs"), ("POST", f"/api/builds/{b}/heartbeat"), ("POST", f"/api/builds/{b}/telemetry"),
        ("GET", f"/api/builds/{b}/certs-secure"), ("POST", "/api/diagnostics/report"), ("GET", f"/api/diagnostics/{w}"),
        ("GET", f"/api/diagnostics/{w}/latest"),
    ]


def key_routes_want_the_key():
    """every key route: absent key 401, wrong key 403, before anything else"""
    for method, path in key_routes():
        for target in (path, path.replace(world.active["id"], UNKNOWN).replace(world.owner, UNKNOWN)):
            refused(controller.request(method, target, key=None), 401, "Missing X-API-Key header", "API_KEY_MISSING", target)
            refused(controller.request(method, target, key="wrong-key-0123456789"), 403, "Invalid API key", "API_KEY_INVALID",
                    target)
            refused(controller.request(method, target, key=API_KEY[:-1]), 403, "Invalid API key", "API_KEY_INVALID", target)


def build_token_routes():
    """key or build token: each combination"""
    c = controller
    for method, suffix in (("GET", ""), ("GET", "/status"), ("GET", "/logs"), ("GET", "/download"), ("GET", "/download/result"),
                           ("POST", "/retry")):
        path = f"/api/builds/{world.completed['id']}{suffix}"
        unknown = f"/api/builds/{UNKNOWN}{suffix}"
        token = {"X-Build-Token": world.completed["access_token"]}
        other = {"X-Build-Token": world.failed["access_token"]}
        refused(c.request(method, path, key=None), 401, "Missing X-API-Key or X-Build-Token header", "BUILD_CREDENTIAL_MISSING", path)
        refused(c.request(method, path, key="wrong-key-0123456789"), 403, "Invalid API key", "API_KEY_INVALID", path)
        for key in (None, "wrong-key-0123456789"):
            refused(c.request(method, path, key=key, headers=other), 403, "Invalid or expired build token", "BUILD_TOKEN_INVALID")
            refused(c.request(method, unknown, key=key, headers=token), 403, "Invalid or expired build token",
                    "BUILD_TOKEN_INVALID")
            equal(c.request(method, path, key=key, headers=token).status, 200, f"a valid token suffices: {path}")
        equal(c.request(method, path, headers=other).status, 200, "the key alone is enough")
        not_found = "Build or file not found" if suffix == "/download/result" else "Build not found"
        refused(c.request(method, unknown), 404, not_found, None, unknown)


def owner_routes():
    """source, certs and posted logs belong to the current owner"""
    c = controller
    for method, suffix, body in (("GET", "source", None), ("GET", "certs", None),
                                 ("POST", "logs", {"level": "info", "message": "x"})):
        path, unknown = f"/api/builds/{world.active['id']}/{suffix}", f"/api/builds/{UNKNOWN}/{suffix}"
        refused(c.request(method, unknown, body), 401, "Missing X-Worker-Id header", "WORKER_ID_MISSING", path)
        refused(c.request(method, unknown, body, headers={"X-Worker-Id": world.other}), 404, "Build not found", "BUILD_NOT_FOUND")
        refused(c.request(method, path, body, headers={"X-Worker-Id": world.other}), 403, "Worker not authorized for this build",
                "NOT_BUILD_OWNER")
        pending = f"/api/builds/{world.pending['id']}/{suffix}"
        refused(c.request(method, pending, body, headers={"X-Worker-Id": world.other}), 403,
                "Worker not authorized for this build", "NOT_BUILD_OWNER")
    refused(c.get(f"/api/builds/{world.active['id']}/certs", headers={"X-Worker-Id": world.owner}), 404, "Certs not found")
    equal(c.get(f"/api/builds/{world.completed['id']}/source", headers={"X-Worker-Id": world.completer}).status, 200)


def log_bodies():
    """posted logs: level and body"""
    c, headers = controller, {"X-Worker-Id": world.owner}
    path = f"/api/builds/{world.active['id']}/logs"
    bad_body = "Invalid body. Expected { level, message } or { logs: [...] }"
    bad_level = "Invalid log level. Must be: info, warn, or error"
    for body, text, reason in (
            ({}, bad_body, "LOG_BODY_INVALID"), ({"level": "info"}, bad_body, "LOG_BODY_INVALID"),
            ({"message": "x"}, bad_body, "LOG_BODY_INVALID"), ({"logs": "x"}, bad_body, "LOG_BODY_INVALID"),
            ([], bad_body, "LOG_BODY_INVALID"), ({"level": "debug", "message": "x"}, bad_level, "LOG_LEVEL_INVALID"),
            ({"level": "INFO", "message": "x"}, bad_level, "LOG_LEVEL_INVALID")):
        refused(c.post(path, body, headers=headers), 400, text, reason, f"{body}")
    equal(c.post(path, '{"level":', headers=headers).status, 400, "malformed JSON")
    equal(c.post(path, {"logs": []}, headers=headers).json(), {"success": True, "count": 0})
    cut = '{"logs":[{"level":"info","message":"cut \\ud83d"},{"level":"info","message":"next"}]}'
    equal(c.post(path, cut, headers=headers).json(), {"success": True, "count": 2}, "a line cut inside an emoji")
    lines = c.get(path).json()["logs"]
    equal([line["message"] for line in lines[-2:]], ["cut \ufffd", "next"])


def submit_order():
    """submit: not multipart, source missing, platform invalid, in this order"""
    c = controller
    for path in ("/api/builds/submit", "/api/builds"):
        source = ("source", b"x", "a.zip", "application/zip")
        refused(c.post(path, {"platform": "ios"}), 400, "Content must be multipart/form-data", "NOT_MULTIPART")
        refused(c.post(path), 400, "Content must be multipart/form-data", "NOT_MULTIPART")
        empty_form = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": "0"}
        refused(c.post(path, b"", headers=empty_form), 400, "Source file required", "SOURCE_MISSING", "a form without parts")
        crowded = [source, ("platform", "ios")] + [(f"extra{i}", "x") for i in range(20)]
        refused(c.form(path, crowded), 400, "Content must be multipart/form-data", "NOT_MULTIPART", "over 20 parts")
        refused(c.form(path, [("platform", "windows")]), 400, "Source file required", "SOURCE_MISSING")
        refused(c.form(path, [("platform", "ios"), ("source", "not a file")]), 400, "Source file required", "SOURCE_MISSING")
        for parts in ([source], [source, ("platform", "windows")], [("platform", ""), source]):
            refused(c.form(path, parts), 400, "Valid platform required (ios|android)", "PLATFORM_INVALID")
        certs = ("certs", b"c" * (10_485_760 + 1), "c.zip", "application/zip")
        refused(c.form(path, [certs]), 413, "Certs file too large", "CERTS_TOO_LARGE")
        equal(c.form(path, [("certs", b"c" * 10_485_760, "c", "d"), source]).status, 400, "the limit is inclusive")
    before = len(c.get("/api/builds").json())
    reply = c.form("/api/builds", [("platform", "android"), ("source", b"x", "a", "b")])
    equal(reply.status, 201)
    equal(list(reply.json()), ["id", "status", "platform", "submitted_at", "access_token"])
    equal(reply.json()["submitted_at"][-1], "Z")
    equal(len(c.get("/api/builds").json()), before + 1)
    equal(c.post(f"/api/builds/{reply.json()['id']}/cancel").status, 200)


def register_and_poll():
    """register and poll: missing values"""
    c = controller
    for body in ({}, {"name": "x"}, {"capabilities": {}}, {"name": "", "capabilities": {}}, {"name": None, "capabilities": {}}):
        refused(c.post("/api/workers/register", body), 400, "Name and capabilities required", "NAME_OR_CAPABILITIES_MISSING",
                f"{body}")
    equal(c.post("/api/workers/register", "{").status, 400)
    reply = c.post("/api/workers/register", {"name": "again", "capabilities": {}, "id": world.other}).json()
    equal((reply["id"], reply["status"]), (world.other, "re-registered"))
    equal(sorted(reply), ["access_token", "baseImageId", "id", "message", "status"])
    reply = c.post("/api/workers/register", {"name": "chosen", "capabilities": {}, "id": "my-own_id"}).json()
    equal((reply["id"], reply["status"]), ("my-own_id", "registered"))
    refused(c.get("/api/workers/poll"), 400, "worker_id required", "WORKER_ID_REQUIRED")
    refused(c.get("/api/workers/poll?worker_id="), 400, "worker_id required", "WORKER_ID_REQUIRED")
    refused(c.get("/api/workers/poll?worker_id=nobody"), 404, "Worker not found", "WORKER_NOT_FOUND")
    refused(c.get("/api/workers/nobody/stats"), 404, "Worker not found")
    refused(c.post("/api/workers/nobody/unregister"), 404, "Worker not found", "WORKER_NOT_FOUND")


def upload_order():
    """upload and result: fields, build, worker, owner, outcome"""
    c = controller
    file = ("result", b"r", "r", "application/octet-stream")
    for path in ("/api/workers/upload", "/api/workers/result"):
        refused(c.post(path, {}), 400, "Content must be multipart/form-data", "NOT_MULTIPART")
        for parts in ([file], [("build_id", UNKNOWN), file], [("worker_id", "w"), file]):
            refused(c.form(path, parts), 400, "build_id and worker_id required", None, path)
        refused(c.form(path, [("build_id", UNKNOWN), ("worker_id", "nobody"), ("success", "true"), file]), 404,
                "Build not found", "BUILD_NOT_FOUND")
        active = ("build_id", world.active["id"])
        refused(c.form(path, [active, ("worker_id", "nobody"), ("success", "true"), file]), 404, "Worker not found",
                "WORKER_NOT_FOUND")
        refused(c.form(path, [active, ("worker_id", world.other), ("success", "true"), file]), 403,
                "Build not assigned to this worker", "NOT_BUILD_OWNER")
        completer = ("worker_id", world.completer)
        failer = ("worker_id", world.failer)
        yes, no = ("success", "true"), ("success", "false")
        refused(c.form(path, [("build_id", world.completed["id"]), completer, no]), 409, "Build already finished",
                "BUILD_ALREADY_FINISHED")
        refused(c.form(path, [("build_id", world.failed["id"]), failer, yes, file]), 409, "Build already finished",
                "BUILD_ALREADY_FINISHED")
        refused(c.form(path, [("build_id", world.cancelled["id"]), failer, yes, file]), 409, "Build already finished",
                "BUILD_ALREADY_FINISHED")
    upload = "/api/workers/upload"
    equal(c.form(upload, [("build_id", world.completed["id"]), completer, yes]).json(), {"status": "success"},
          "completed already: no file is needed")
    equal(c.form(upload, [("build_id", world.failed["id"]), failer, no]).json(), {"status": "failed"})
    equal(c.form(upload, [("build_id", world.cancelled["id"]), failer, no]).json(), {"status": "failed"})
    refused(c.form("/api/workers/result", [active, ("worker_id", world.owner)]), 400, "Missing result file")
    equal(c.get(f"/api/builds/{world.completed['id']}/download").body, b"IPA bytes", "the first artifact wins")
    worker = c.register("without file")
    build = c.poll(worker)
    c.form(upload, [("build_id", build["id"]), ("worker_id", worker), yes, ("error_message", "no archive was made")])
    equal(c.status(build["id"])["error_message"], "no archive was made", "kept although success is true")
    logs = c.get(f"/api/builds/{build['id']}/logs").json()["logs"]
    equal([(l["level"], l["message"]) for l in logs][-1], ("error", "no archive was made"))
    world.pending = c.submit()


def heartbeats():
    """heartbeat: worker id, build, owner, outcome"""
    c = controller

    def beat(build, worker=None):
        return c.post(f"/api/builds/{build['id']}/heartbeat" + (f"?worker_id={worker}" if worker else ""))
    refused(beat(world.active), 400, "worker_id required", "WORKER_ID_REQUIRED")
    refused(c.post(f"/api/builds/{UNKNOWN}/heartbeat?worker_id=w"), 404, "Build not found", "BUILD_NOT_FOUND")
    refused(beat(world.active, world.other), 403, "Build not assigned to this worker", "NOT_BUILD_OWNER")
    refused(beat(world.pending, world.other), 403, "Build not assigned to this worker", "NOT_BUILD_OWNER")
    equal(beat(world.completed, world.completer).status, 200, "the beat after the artifact")
    refused(beat(world.cancelled, world.failer), 409, "Build already finished", "BUILD_ALREADY_FINISHED")
    refused(beat(world.failed, world.failer), 409, "Build already finished", "BUILD_ALREADY_FINISHED")
    refused(c.post("/api/workers/heartbeat", {"build_id": UNKNOWN}), 404, "Build not found", "BUILD_NOT_FOUND")
    reply = c.post("/api/workers/heartbeat", {"build_id": world.active["id"]}, headers={"X-Worker-Id": world.owner})
    equal((reply.status, reply.json()["success"]), (200, True))


def lists_and_their_filters():
    """the list by status, worker and platform; limits of the log; what is active"""
    c = controller

    def ids(query=""):
        return [b["id"] for b in c.get("/api/builds" + query).json()]
    everything = ids()
    equal(ids("?status=pending&platform=ios&worker_id="), ids("?status=pending"), "an empty filter filters nothing")
    for build, status in ((world.completed, "completed"), (world.failed, "failed"), (world.cancelled, "failed")):
        check(build["id"] in ids(f"?status={status}"), f"{build} in {status}")
        equal(c.status(build["id"])["status"], status)
    equal(ids(f"?worker_id={world.completer}"), [world.completed["id"]])
    for nothing in ("?status=nope", "?platform=windows", "?worker_id=nobody", "?platform=android&status=completed"):
        equal(ids(nothing), [], nothing)
    for listed in c.get("/api/builds").json():
        check(set(listed) in ({"id", "status", "createdAt"}, {"id", "status", "createdAt", "completedAt"}), f"{listed}")
        check(ISO_MS.match(listed["createdAt"]), f"{listed}")
        equal("completedAt" in listed, listed["status"] in ("completed", "failed"), "absent while unfinished")
    created = [b["createdAt"] for b in c.get("/api/builds").json()]
    equal(created, sorted(created, reverse=True), "newest first")
    statistics = c.get("/api/builds/statistics").json()
    equal(statistics["total"], len(everything))
    equal(sum(statistics.values()), 2 * len(everything))
    check(statistics["cancelled"] >= 1, f"counted apart: {statistics}")
    for build in c.get("/api/builds/active").json()["builds"]:
        equal(list(build), ["id", "status", "platform", "worker_id", "started_at"])
        check(build["started_at"] is None or isinstance(build["started_at"], int), f"{build}")
    path = f"/api/builds/{world.completed['id']}/logs"
    lines = c.get(path).json()["logs"]
    for limit, count in (("0", 0), ("2", 2), ("999999", len(lines)), ("", len(lines)), ("x", len(lines)), ("-1", len(lines))):
        equal(c.get(f"{path}?limit={limit}").json()["logs"], lines[:count], f"limit {limit}")
    detail = c.get(f"/api/builds/{world.completed['id']}").json()
    equal(list(detail), ["id", "platform", "status", "worker_id", "worker_name", "submitted_at", "createdAt", "updated_at", "error_message", "has_result"])
    equal((detail["worker_name"], detail["has_result"], detail["error_message"]), ("completer", True, None))
    for member in ("submitted_at", "createdAt", "updated_at"):
        check(ISO_MS.match(detail[member]), f"{detail}")


def cancel_retry_download():
    """cancel, retry and download of builds in the wrong state"""
    c = controller
    refused(c.post(f"/api/builds/{UNKNOWN}/cancel"), 404, "Build not found", "BUILD_NOT_FOUND")
    for build in (world.completed, world.failed, world.cancelled):
        refused(c.post(f"/api/builds/{build['id']}/cancel"), 400, "Build already finished", "BUILD_ALREADY_FINISHED")
    for build in (world.active, world.failed, world.cancelled, world.pending):
        refused(c.get(f"/api/builds/{build['id']}/download"), 400, "Build not completed")
    refused(c.get(f"/api/builds/{world.completed['id']}/download/certs"), 400, "Invalid file type")
    refused(c.get(f"/api/builds/{world.pending['id']}/download/result"), 404, "Build or file not found")
    equal(c.get(f"/api/builds/{world.pending['id']}/download/source").status, 200)


def source_gone():
    """a source that vanished from the disk, or changed there: retry 400, download 404, never wrong bytes"""
    c = controller
    import hashlib

    def damage(path):
        with open(path, "r+b") as file:  # the same size, another content
            file.write(b"W")

    for source, harm in ((b"will vanish", os.unlink), (b"will change", damage)):
        build = c.submit(source=source)
        digest = hashlib.sha256(source).hexdigest()
        files = [os.path.join(folder, name) for folder, _, names in os.walk(c.storage) for name in names if digest in name]
        equal(len(files), 1, "one file holds it")
        equal(c.get(f"/api/builds/{build['id']}/download/source").body, source)
        harm(files[0])
        refused(c.post(f"/api/builds/{build['id']}/retry"), 400,
                "Original build source no longer available. Please submit a new build.", "SOURCE_GONE")
        refused(c.get(f"/api/builds/{build['id']}/download/source"), 404, "Build or file not found")
        equal(c.post(f"/api/builds/{build['id']}/cancel").status, 200)


def unknown_paths():
    """unknown paths and methods are 404 before credentials; slashes, HEAD and CORS"""
    c = controller
    for method, path in (("GET", "/nope"), ("GET", "/api/nope"), ("DELETE", f"/api/builds/{world.active['id']}"),
                         ("PUT", "/api/builds"), ("POST", "/health"), ("GET", "/api/builds/submit/x"),
                         ("GET", "/api/builds/submit"), ("HEAD", "/api/builds/submit"), ("GET", "/api/diagnostics/report"), ("GET", "/api/workers/register")):
        reply = c.request(method, path, key=None)
        if method == "HEAD":
            equal((reply.status, reply.body), (404, b""), path)
        else:
            refused(reply, 404, "Not found", None, path)
    for path in ("/api/builds/", "/api/stats/"):
        equal(c.get(path).status, 200, path)
    for path in ("/health", "/api/health", "/api/stats", "/api/stats/", "/public/stats", "/", "/metrics"):
        got = c.get(path, key=None)
        equal(got.status, 200, path)
        head = c.request("HEAD", path, key=None)
        equal((head.status, head.body, head.headers["content-type"]), (200, b"", got.headers["content-type"]), path)
    b, w = world.completed["id"], world.owner
    for path in ("/api/builds", "/api/builds/", "/api/builds/active", "/api/builds/statistics", f"/api/builds/{b}", f"/api/builds/{b}/status",
                 f"/api/builds/{b}/logs", f"/api/builds/{b}/download", f"/api/builds/{b}/download/source", f"/api/builds/{b}/vm-status",
                 f"/api/workers/{w}/stats", f"/api/diagnostics/{w}"):
        got, head = c.get(path), c.request("HEAD", path)
        equal((head.status, head.body), (200, b""), path)
        for header in ("content-type", "content-length", "etag", "content-disposition"):
            equal(head.headers.get(header), got.headers.get(header), f"{header} of {path}")
    refused(c.get("/api/builds", key=None, headers={"X-API-Key": ""}), 401, "Missing X-API-Key header", "API_KEY_MISSING")
    refused(c.get(f"/api/builds?api_key={API_KEY}", key=None), 401, "Missing X-API-Key header", "API_KEY_MISSING")
    equal(c.get("/api/builds", key=None, headers={"x-aPi-kEy": API_KEY}).status, 200, "names of headers have no case")
    head = c.request("HEAD", "/api/builds")
    equal((head.status, head.body), (200, b""))
    check(int(head.headers["content-length"]) > 2, "HEAD tells the length")
    reply = c.get("/public/stats", key=None, headers={"Origin": "https://landing.example"})
    equal((reply.headers.get("access-control-allow-origin"), reply.headers.get("access-control-allow-credentials")),
          ("https://landing.example", "true"))
    for path in ("/api/builds", "/nope"):
        reply = c.get(path, key=None, headers={"Origin": "https://landing.example"})
        equal((reply.headers.get("access-control-allow-origin"), reply.headers.get("vary")), ("https://landing.example", "Origin"), "on refusals too")
    pre = c.request("OPTIONS", "/api/builds", key=None, headers={"Origin": "https://landing.example",
                                                                "Access-Control-Request-Method": "POST",
                                                                "Access-Control-Request-Headers": "x-api-key"})
    equal((pre.status, pre.headers.get("access-control-allow-origin")), (204, "https://landing.example"))


def hostile_ids():
    """ids and types outside their alphabets never reach the disk"""
    c = controller
    for path in ("/api/builds/..%2f..%2fetc/status", "/api/builds/%2e%2e/status", "/api/builds/a%00b/status",
                 "/api/builds/-startswithdash/status", f"/api/builds/{'x' * 5000}/status"):
        reply = c.get(path)
        check(reply.status in (400, 404), f"{path}: {reply}")
    for kind in ("..%2fsource", "source%00", "Source"):
        reply = c.get(f"/api/builds/{world.completed['id']}/download/{kind}")
        check(reply.status in (400, 404), f"{kind}: {reply}")


def credentials_come_before_the_body():
    """without credentials a large upload is refused before its body is asked for"""
    with socket.create_connection(("127.0.0.1", controller.port), timeout=10) as connection:
        connection.sendall(b"POST /api/builds/submit HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5000000\r\n"
                           b"Content-Type: multipart/form-data; boundary=b\r\n\r\n")
        got = connection.recv(4096)
        check(got.startswith(b"HTTP/1.1 401 "), f"{got!r}")


def fail_and_unregister():
    """fail by its owner's report; unregister"""
    c = controller
    refused(c.post("/api/workers/fail", {"build_id": UNKNOWN, "error": "x"}), 404, "Build not found", "BUILD_NOT_FOUND")
    refused(c.post("/api/workers/fail", {"build_id": world.completed["id"], "error": "x"}), 409, "Build already finished",
            "BUILD_ALREADY_FINISHED")
    reply = c.post("/api/workers/fail", {"build_id": world.active["id"], "error": "exploded"}, headers={"X-Worker-Id": world.owner})
    equal((reply.status, reply.json()["success"]), (200, True))
    status = c.status(world.active["id"])
    equal((status["status"], status["error_message"]), ("failed", "exploded"))
    equal(c.post("/api/workers/fail", {"build_id": world.active["id"], "error": "again"}).status, 200, "a repeat")
    equal(c.get(f"/api/workers/{world.owner}/stats").json()["failedBuilds"], 1, "counted once")


with controller:
    world = World(controller)
    run([key_routes_want_the_key, build_token_routes, owner_routes, log_bodies, submit_order, register_and_poll, upload_order,
         heartbeats, lists_and_their_filters, cancel_retry_download, source_gone, unknown_paths, hostile_ids, credentials_come_before_the_body,
         fail_and_unregister], "builds surface errors")
