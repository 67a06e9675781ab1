"""Files as hostile or broken clients send them, limits to the byte, and files out: ranges and conditions.

usage: input_test.py <tidemark binary>
"""

import hashlib
import os
import re
import socket
import sys

from store import API_KEY, Store, check, equal, run, until

BINARY = sys.argv[1]
UPLOAD = "/api/workers/upload"
NOT_MULTIPART = (400, '{"error":"Content must be multipart/form-data"}')
FILE = b'Content-Disposition: form-data; name="source"; filename="a.zip"\r\nContent-Type: application/zip\r\n\r\nbytes'
PLATFORM = b'Content-Disposition: form-data; name="platform"\r\n\r\nios'

controller = Store(BINARY, "--builds-source-bytes-max", "300000", "--builds-certs-bytes-max", "70000",
                   "--builds-result-bytes-max", "400000")


class Wire:
    """A connection on which anything can be said."""

    def __init__(self, path="/api/builds/submit", kind="multipart/form-data; boundary=b", *lines):
        self.socket = socket.create_connection(("127.0.0.1", controller.port), timeout=60)
        self.socket.sendall("".join(line + "\r\n" for line in (
            f"POST {path} HTTP/1.1", "Host: x", f"X-API-Key: {API_KEY}", f"Content-Type: {kind}", *lines, "")).encode("latin-1"))

    def send(self, data):
        self.socket.sendall(data)
        return self

    def answer(self):
        """(status, body) of the next final answer; (0, "") when the connection ends without one."""
        got = b""
        while True:
            while b"\r\n\r\n" not in got:
                piece = self.socket.recv(65536)
                if not piece:
                    return 0, ""
                got += piece
            head, _, got = got.partition(b"\r\n\r\n")
            status = int(head.split(b" ", 2)[1])
            if status >= 200:
                break
        length = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
        while len(got) < length:
            piece = self.socket.recv(65536)
            if not piece:
                break
            got += piece
        return status, got[:length].decode()

    def interim(self):
        return self.socket.recv(65536)


def body_of(*parts, boundary=b"b"):
    return b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary + b"--\r\n"


def post(parts, path="/api/builds/submit", kind="multipart/form-data; boundary=b", body=None):
    body = body_of(*parts) if body is None else body
    return Wire(path, kind, f"Content-Length: {len(body)}", "Connection: close").send(body).answer()


def nothing_is_left():
    until(lambda: controller.staging() == [], "nothing is staged")


def anything_is_a_source():
    """archives that are none, and empty files, are taken as they are"""
    c = controller
    for content in (b"", b"\0", b"not an archive", b"PK\x03\x04" + os.urandom(100), b"\r\n--", b"--b--\r\n", os.urandom(5000),
                    b"\r\n------tidemarkformboundary7MA4YWx"):
        build = c.submit(source=content, certs=content)["id"]
        equal(c.get(f"/api/builds/{build}/download/source").body, content)
        worker = c.register()
        while (job := c.poll(worker))["id"] != build:
            c.finish(job["id"], worker, success=False)
        equal(c.get(f"/api/builds/{build}/certs", headers={"X-Worker-Id": worker}).body, content)
        c.finish(build, worker, result=content)
        equal(c.get(f"/api/builds/{build}/download").body, content)


def names_are_words_only():
    """paths, NUL and bytes that are no UTF-8, in names of parts and files, name nothing on the disk"""
    before = {name for name in os.listdir(os.path.dirname(controller.storage))}
    names = [b"../../../etc/passwd", b"..", b"/etc/passwd", b"..\\..\\x", b"a\0b", b"\xff\xfe", b"%2e%2e%2f", b"a" * 5000, b"",
             "b\u00fcro \U0001f4e6.zip".encode(), b"C:\\dir\\a.zip", b"staging/../../x", b"\x01\x02"]
    for name in names:
        file = b'Content-Disposition: form-data; name="source"; filename="' + name + b'"\r\nContent-Type: ' + name[:100] + b'\r\n\r\nx'
        stranger = b'Content-Disposition: form-data; name="' + name + b'"; filename="' + name + b'"\r\n\r\nx'
        for parts in ([file, PLATFORM], [stranger, FILE, PLATFORM]):
            status, text = post(parts)
            check(status in (200, 400), f"{name!r}: {status} {text}")
            if status == 200:
                build = re.search('"id":"([^"]+)"', text).group(1)
                check(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{20}", build), build)
                equal(controller.get(f"/api/builds/{build}/download/source").headers["content-disposition"],
                      f'attachment; filename="{build}.zip"')
            else:
                check(text.startswith('{"error":"'), text)
    nothing_is_left()
    for path in controller.files(""):
        check(re.search(r"/blobs/(objects/[0-9a-f]{2}/[0-9a-f]{64}|private/[A-Za-z0-9_-]+)$", path), path)
    equal({n for n in os.listdir(os.path.dirname(controller.storage)) if n.startswith("tidemark-builds")} - before, set())
    equal(controller.get("/api/builds").status, 200, "what was recorded can be read")


def forms_that_are_none():
    """a missing boundary, 21 parts, a broken part: 400 and nothing is kept; 20 parts in any order pass"""
    count = len(controller.builds())
    good = body_of(FILE, PLATFORM)
    for kind in ("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + "b" * 71,
                 "multipart/form-data; boundary=b; boundary=c", "multipart/mixed; boundary=b", "text/plain",
                 "multipart/form-data; boundary=other", 'multipart/form-data; boundary="b'):
        equal(post((), kind=kind, body=good), NOT_MULTIPART, kind)
    for body in (good[:-6], good[:40], b"--b\r\n", b"nonsense", b"--b\r\n\r\nno disposition\r\n--b--\r\n",
                 b"--b\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--b--\r\n", b"--bX" + good,
                 b"--b\r\n" + b"X-Long: " + b"l" * 20_000 + b"\r\n" + FILE + b"\r\n--b--\r\n"):
        equal(post((), body=body), NOT_MULTIPART, f"{body[:60]!r}")
    extra = [b'Content-Disposition: form-data; name="extra%d"\r\n\r\nx' % i for i in range(20)]
    equal(post(extra[:19] + [FILE, PLATFORM]), NOT_MULTIPART, "21 parts")
    nothing_is_left()
    equal(len(controller.builds()), count)
    for parts in (extra[:18] + [FILE, PLATFORM], [FILE] + extra[:18] + [PLATFORM], [PLATFORM, FILE] + extra[:18]):
        equal(post(parts)[0], 200, "20 parts in any order")
    equal(post([FILE, PLATFORM], kind='Multipart/Form-Data; charset=x; boundary="b"')[0], 200)
    equal(len(controller.builds()), count + 4)


def the_last_of_a_name_counts():
    """a field or file that comes twice: the later one"""
    second = FILE.replace(b"bytes", b"other bytes")
    status, text = post([FILE, b'Content-Disposition: form-data; name="platform"\r\n\r\nwindows', second, PLATFORM])
    equal(status, 200, text)
    build = re.search('"id":"([^"]+)"', text).group(1)
    equal(controller.get(f"/api/builds/{build}/download/source").body, b"other bytes")
    equal(controller.get(f"/api/builds/{build}").json()["platform"], "ios")
    nothing_is_left()


def what_nobody_asked_for_leaves_no_trace():
    """profile, appleId and applePassword are drained: not stored, not logged"""
    secret = b"hunter2-of-the-apple-account"
    parts = [b'Content-Disposition: form-data; name="appleId"\r\n\r\n' + secret, FILE,
             b'Content-Disposition: form-data; name="applePassword"\r\n\r\n' + secret, PLATFORM,
             b'Content-Disposition: form-data; name="profile"; filename="p"\r\n\r\n' + secret * 1000]
    equal(post(parts)[0], 200)
    for where, _, names in os.walk(controller.storage):
        for name in names:
            with open(os.path.join(where, name), "rb") as file:
                check(secret not in file.read(), os.path.join(where, name))
    check(secret.decode() not in controller.read_output(), "nor in the process log")


def bodies_that_lie_about_their_length():
    """too short, too long, chunked, broken chunks, an early end: a plain answer or none, and nothing stays"""
    count = len(controller.builds())
    good = body_of(FILE, PLATFORM)
    wire = Wire("/api/builds/submit", "multipart/form-data; boundary=b", f"Content-Length: {len(good) + 500}").send(good)
    wire.socket.shutdown(socket.SHUT_WR)
    check(wire.answer()[0] in (0, 400), "longer announced than sent")
    wire = Wire("/api/builds/submit", "multipart/form-data; boundary=b", f"Content-Length: {len(good) - 10}").send(good)
    equal(wire.answer(), NOT_MULTIPART, "shorter announced than sent")
    for value in ("-1", "abc", "1e3", "99999999999999999999999", "5, 6", "+5"):
        status, _ = Wire("/api/builds/submit", "multipart/form-data; boundary=b", f"Content-Length: {value}").send(good).answer()
        check(status in (400, 413), f"{value}: {status}")
    status, _ = Wire("/api/builds/submit", "multipart/form-data; boundary=b", "Content-Length: 5", "Content-Length: 6").send(good).answer()
    equal(status, 400, "two lengths")
    status, _ = Wire("/api/builds/submit", "multipart/form-data; boundary=b", f"Content-Length: {len(good)}",
                     "Transfer-Encoding: chunked").send(good).answer()
    equal(status, 400, "a length and chunks")
    wire = Wire("/api/builds/submit", "multipart/form-data; boundary=b", "Transfer-Encoding: chunked").send(b"zz\r\n" + good)
    equal(wire.answer()[0], 400, "broken chunks")
    wire = Wire("/api/builds/submit", "multipart/form-data; boundary=b", "Transfer-Encoding: chunked")
    wire.send(b"%x\r\n" % len(good) + good)
    wire.socket.shutdown(socket.SHUT_WR)
    check(wire.answer()[0] in (0, 400), "no last chunk")
    nothing_is_left()
    equal(len(controller.builds()), count)
    wire = Wire("/api/builds/submit", "multipart/form-data; boundary=b", "Transfer-Encoding: chunked")
    for i in range(0, len(good), 7):
        wire.send(b"%x\r\n" % len(good[i:i + 7]) + good[i:i + 7] + b"\r\n")
    equal(wire.send(b"0\r\n\r\n").answer()[0], 200, "chunks cut anywhere")
    wire = Wire("/api/builds/submit", "multipart/form-data; boundary=b", f"Content-Length: {len(good)}", "Expect: 100-continue")
    check(wire.interim().startswith(b"HTTP/1.1 100 "), "100 Continue comes before the body")
    equal(wire.send(good).answer()[0], 200)
    over = Wire("/api/builds/submit", "multipart/form-data; boundary=b", "Content-Length: 500000000000", "Expect: 100-continue")
    equal(over.answer()[0], 413, "a length over every limit is refused before it is asked for")


def an_upload_that_stalls_holds_nobody_up():
    """an upload that stops sending costs nobody else anything"""
    wires = [Wire("/api/builds/submit", "multipart/form-data; boundary=b", "Content-Length: 250000").send(b"--b\r\n" + FILE)
             for _ in range(40)]
    equal(post([FILE, PLATFORM])[0], 200)
    equal(controller.get("/health", key=None).status, 200)
    for wire in wires:
        wire.socket.close()
    nothing_is_left()


def text_fields():
    """text fields pass up to 1 MiB; an error message is cut at 256 KiB, never inside a character"""
    c = controller
    mib = 1 << 20

    def report(message, path=UPLOAD):
        worker, build = c.register(), c.submit()["id"]
        while (job := c.poll(worker))["id"] != build:
            c.finish(job["id"], worker, success=False)
        reply = c.form(path, [("build_id", build), ("worker_id", worker), ("success", "false"), ("error_message", message)])
        return reply, build
    reply, _ = report("m" * (mib + 1))
    equal((reply.status, reply.text), (413, '{"error":"Form field too large"}'))
    for message, kept in (("m" * mib, "m" * 262_144), ("m" * 262_144, "m" * 262_144), ("m" * 262_143 + "\u20ac", "m" * 262_143),
                          ("m" * 262_141 + "\u20ac", "m" * 262_141 + "\u20ac"), ("m" * 262_142 + "\U0001f4e6", "m" * 262_142)):
        reply, build = report(message)
        equal(reply.json(), {"status": "failed"})
        check(c.status(build)["error_message"] == kept, f"{len(c.status(build)['error_message'])} characters kept")
    reply, _ = report("broken \ud83d".encode("utf-8", "surrogatepass").decode("latin-1"))
    equal(reply.status, 200)


def limits_to_the_byte():
    """each limit passes exactly and refuses one byte more, with a length and chunked"""
    c = controller
    for kind, limit in (("source", 300_000), ("certs", 70_000)):
        for size, status in ((limit, 200), (limit + 1, 413)):
            parts = [("platform", "ios"), (kind, os.urandom(size), "f", "t")]
            if kind == "certs":
                parts.append(("source", b"s", "f", "t"))
            reply = c.form("/api/builds/submit", parts)
            equal(reply.status, status, f"{size} bytes of {kind}")
            if status == 413:
                equal(reply.json()["error"], f"{kind.capitalize()} file too large")
    worker, build = c.register(), c.submit()["id"]
    while (job := c.poll(worker))["id"] != build:
        c.finish(job["id"], worker, success=False)
    about = [("build_id", build), ("worker_id", worker), ("success", "true")]
    reply = c.form(UPLOAD, about + [("result", b"r" * 400_001, "f", "t")])
    equal((reply.status, reply.json()["error"]), (413, "Result file too large"))
    big = b'Content-Disposition: form-data; name="source"; filename="a"\r\n\r\n' + b"s" * 300_001
    body = body_of(big, PLATFORM)
    wire = Wire("/api/builds/submit", "multipart/form-data; boundary=b", "Transfer-Encoding: chunked")
    equal(wire.send(b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n").answer(), (413, '{"error":"Source file too large"}'))
    nothing_is_left()
    equal(c.form(UPLOAD, about + [("result", b"r" * 400_000, "f", "t")]).json(), {"status": "success"})


def downloads():
    """ETag, ranges and conditions of every file"""
    c = controller
    content = os.urandom(200_000)
    build = c.submit(source=content)["id"]
    path = f"/api/builds/{build}/download/source"
    tag = '"' + hashlib.sha256(content).hexdigest() + '"'

    def get(method="GET", **headers):
        reply = c.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        return reply.status, reply.body, reply.headers
    status, body, headers = get()
    equal((status, body, headers["etag"], headers["accept-ranges"], headers["content-length"]),
          (200, content, tag, "bytes", "200000"))
    for spec, first, last in (("0-0", 0, 0), ("0-99", 0, 99), ("65535-65536", 65535, 65536), ("131000-", 131000, 199_999),
                              ("-1", 199_999, 199_999), ("-70000", 130_000, 199_999), ("-999999", 0, 199_999),
                              ("199999-999999", 199_999, 199_999), ("1000-150000", 1000, 150_000)):
        status, body, headers = get(Range="bytes=" + spec)
        equal((status, headers["content-range"]), (206, f"bytes {first}-{last}/200000"), spec)
        check(body == content[first:last + 1], f"the bytes of {spec}")
        equal(headers["etag"], tag)
    for spec in ("200000-", "200000-200001", "-0"):
        status, body, headers = get(Range="bytes=" + spec)
        equal((status, body, headers["content-range"]), (416, b"", "bytes */200000"), spec)
    for spec in ("bytes=0-1,5-6", "bytes=5-2", "lines=0-1", "bytes=a-b", "bytes=", "bytes"):
        status, body, _ = get(Range=spec)
        check(status == 200 and body == content, f"{spec}: the whole")
    for condition in (tag, "*", f'"other", {tag}', "W/" + tag):
        status, body, headers = get(If_None_Match=condition)
        equal((status, body, headers["etag"]), (304, b"", tag), condition)
    equal(get(If_None_Match='"other"')[0], 200)
    equal(get(If_Range=tag, Range="bytes=0-9")[:2], (206, content[:10]))
    for stale in ('"other"', "W/" + tag, "Sat, 21 Nov 2026 00:00:00 GMT"):
        status, body, _ = get(If_Range=stale, Range="bytes=0-9")
        check(status == 200 and body == content, f"If-Range {stale}: the whole")
    status, body, headers = get("HEAD")
    equal((status, body, headers["content-length"], headers["etag"]), (200, b"", "200000", tag))
    empty = c.submit(source=b"")["id"]
    equal(c.get(f"/api/builds/{empty}/download/source").body, b"")
    equal(c.get(f"/api/builds/{empty}/download/source", headers={"Range": "bytes=0-"}).status, 416)


with controller:
    run([anything_is_a_source, names_are_words_only, forms_that_are_none, the_last_of_a_name_counts,
         what_nobody_asked_for_leaves_no_trace, bodies_that_lie_about_their_length, an_upload_that_stalls_holds_nobody_up, text_fields,
         limits_to_the_byte, downloads], "files in and out")
