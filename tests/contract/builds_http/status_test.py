"""The status page's files and data: what is open, what wants the key, and the stream as a client reads it.

usage: status_test.py <tidemark binary>
"""

import json
import os
import re
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "compat", "builds"))

from controller import API_KEY, Controller, check, equal, run  # noqa: E402

BINARY = sys.argv[1]
HOSTILE = "<img src=x onerror=alert(1)>\u202e\"'&\n\x01"


class Viewer:
    """A client of GET /api/status/stream, byte by byte."""

    def __init__(self, c, last_event_id=None, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(60)
        self.socket.connect(("127.0.0.1", c.port))
        resume = f"Last-Event-ID: {last_event_id}\r\n" if last_event_id else ""
        self.socket.sendall(f"GET /api/status/stream HTTP/1.0\r\nHost: x\r\nX-API-Key: {API_KEY}\r\n{resume}\r\n".encode())
        self.bytes = b""
        head = self.until(b"\r\n\r\n").decode()
        equal(head.split("\r\n")[0].split(" ")[1], "200", head)
        check("content-type: text/event-stream" in head.lower(), head)
        self.id = None

    def until(self, end):
        while end not in self.bytes:
            more = self.socket.recv(65536)
            if not more:
                raise AssertionError(f"the stream ended: {self.bytes[-200:]!r}")
            self.bytes += more
        taken, self.bytes = self.bytes.split(end, 1)
        return taken

    def event(self):
        """(name, data) of the next event; comments are passed over."""
        while True:
            fields = dict(line.split(": ", 1) for line in self.until(b"\n\n").decode().split("\n") if not line.startswith(":"))
            if "data" in fields:
                self.id = fields["id"]
                return fields["event"], json.loads(fields["data"])

    def until_put(self, section, wanted):
        """Reads changes until one puts such an item into that section; returns it."""
        while True:
            name, data = self.event()
            items = data.get(section, []) if name == "snapshot" else data.get(section, {}).get("put", [])
            for item in items:
                if wanted(item):
                    return item

    def close(self):
        self.socket.close()


def files_of_the_page():
    """the page loads without credentials, from this origin alone, and is not sent twice"""
    c = controller
    page = c.get("/", key=None)
    equal((page.status, page.headers["content-type"]), (200, "text/html; charset=utf-8"))
    names = re.findall(r'(?:src|href)="(page/[^"]+)"', page.text)
    check(len(names) >= 3, names)
    seen, left = set(), list(names)
    while left:
        name = left.pop()
        if name in seen:
            continue
        seen.add(name)
        part = c.get("/" + name, key=None)
        equal(part.status, 200, name)
        kind = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}[name.rsplit(".", 1)[1]]
        equal(part.headers["content-type"], kind, name)
        left += ["page/" + other for other in re.findall(r'from "\./([^"]+)"', part.text)]
        check(not re.search(r"https?://(?!www\.w3\.org/2000/svg)", part.text), f"{name} refers to another place")
    check("page/stream.js" in seen and "page/plot.js" in seen, seen)
    for path in ("/", "/page/page.js", "/page/icon.svg"):
        first = c.get(path, key=None)
        policy = first.headers["content-security-policy"]
        for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
            check(part in policy, policy)
        check("unsafe" not in policy, policy)
        equal(first.headers["x-content-type-options"], "nosniff")
        again = c.get(path, key=None, headers={"If-None-Match": first.headers["etag"]})
        equal((again.status, again.body), (304, b""), path)
        equal(c.get(path, key=None, headers={"If-None-Match": '"other"'}).status, 200, path)
        head = c.request("HEAD", path, key=None)
        equal((head.status, head.body, head.headers["content-length"]), (200, b"", str(len(first.body))), path)
    for path in ("/page/", "/page/none.js", "/page/..%2fpage.cpp", "/page/page.js/x", "/page/%00"):
        check(c.get(path, key=None).status in (400, 404), path)


def the_status_as_json():
    """GET /api/status shows queue, work, workers, ends and failures"""
    c = controller
    worker, other = c.register("Mac one"), c.register(HOSTILE)
    done, failed, active, queued = (c.submit(platform)["id"] for platform in ("ios", "android", "ios", "android"))
    for build, success, message in ((done, True, None), (failed, False, "boom " + HOSTILE)):
        equal(c.poll(worker)["id"], build)
        c.finish(build, worker, success=success, message=message)
    equal(c.poll(other)["id"], active)
    equal(c.post(f"/api/builds/{active}/heartbeat?worker_id={other}", {"progress": 12.5}).status, 200)
    reply = c.get("/api/status")
    equal((reply.status, reply.headers["content-type"]), (200, "application/json; charset=utf-8"))
    shown = reply.json()
    equal(shown["totals"], [{"pending": 1, "assigned": 0, "building": 1, "completed": 1, "failed": 1, "cancelled": 0, "completed_today": 1,
                             "workers_online": 2}])
    equal([build["id"] for build in shown["queue"]], [queued])
    equal([(b["id"], b["status"], b["worker_id"], b["worker"], b["progress"]) for b in shown["active"]],
          [(active, "building", other, HOSTILE, 12.5)])
    equal(sorted((w["name"], w["status"], w["completed"], w["failed"]) for w in shown["workers"]),
          sorted([("Mac one", "idle", 1, 1), (HOSTILE, "building", 0, 0)]))
    equal([(b["id"], b["ending"]) for b in shown["finished"]], [(done, "completed"), (failed, "failed")])
    equal([(b["id"], b["message"]) for b in shown["failures"]], [(failed, "boom " + HOSTILE)])
    check(all(b["submitted_at"] <= b["started_at"] <= b["ended_at"] for b in shown["finished"]), shown["finished"])
    # Telemetry names the stage.
    equal(c.post(f"/api/builds/{active}/telemetry", {"type": "heartbeat", "timestamp": "2026-01-01T00:00:00Z", "data": {
        "heartbeat_count": 1, "stage": "compiling", "metrics": {"cpu_percent": 50, "memory_mb": 10, "disk_percent": 1, "processes": 3}}},
        headers={"X-Worker-Id": other, "X-Build-Id": active}).status, 200)
    equal(c.get("/api/status").json()["active"][0]["stage"], "compiling")
    c.finish(active, other)
    c.post(f"/api/builds/{queued}/cancel")


def the_stream():
    """a snapshot, then what changes; whoever comes back is told what it missed"""
    c = controller
    worker = c.register("streamer")
    viewer = Viewer(c)
    name, first = viewer.event()
    equal(name, "snapshot")
    equal(sorted(first), ["active", "failures", "finished", "queue", "totals", "workers"])
    build = c.submit()["id"]
    viewer.until_put("queue", lambda item: item["id"] == build)
    equal(c.poll(worker)["id"], build)
    viewer.until_put("active", lambda item: item["id"] == build and item["status"] == "assigned")
    for progress in (10, 20, 30):
        c.post(f"/api/builds/{build}/heartbeat?worker_id={worker}", {"progress": progress})
        viewer.until_put("active", lambda item: item["id"] == build and item.get("progress") == progress)
    left_at = viewer.id
    viewer.close()
    c.finish(build, worker, success=False, message="no luck")
    back = Viewer(c, left_at)
    name, missed = back.event()
    equal(name, "change")
    equal(missed["active"], {"gone": [build], "put": []})
    equal([item["id"] for item in missed["failures"]["put"]], [build])
    check("queue" not in missed, missed)
    back.close()
    for foreign in ("nonsense", left_at + "9", "00000000-0000-0000-0000-000000000000-1"):
        other = Viewer(c, foreign)
        equal(other.event()[0], "snapshot", foreign)
        other.close()


def many_viewers():
    """200 viewers are all told, and leave"""
    c = controller
    worker = c.register("crowd")
    viewers = [Viewer(c) for _ in range(200)]
    for viewer in viewers:
        equal(viewer.event()[0], "snapshot")
    build = c.submit()["id"]
    for viewer in viewers:
        viewer.until_put("queue", lambda item: item["id"] == build)
    for viewer in viewers:
        viewer.close()
    equal(c.poll(worker)["id"], build)
    c.finish(build, worker)


def the_model_after_a_restart():
    """a kill and a new process show the same"""
    c = controller

    def shown():
        status = c.get("/api/status").json()
        return {name: status[name] for name in ("queue", "finished", "failures")}

    before = shown()
    check(len(before["finished"]) >= 3, before)
    c.kill()
    c.start()
    equal(shown(), before)


controller = Controller(BINARY)
with controller:
    run([files_of_the_page, the_status_as_json, the_stream, many_viewers, the_model_after_a_restart], "status page data")
