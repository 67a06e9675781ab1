"""Requests drawn from the contract's tables: routes, credentials, states and bodies, well made and not."""

import io
import json
import random
import string
import zipfile

ALPHABET = string.ascii_letters + string.digits + "_-"
BOUNDARY = "----generated7MA4YWxkTrZu0gW"
STAGES = "initializing|running|building|compiling|linking|archiving|exporting".split("|")
MALFORMED = (b'{"a":', b"[1,2", b"not json", b'{"a":1}}')


class Drawn:
    """One request. `after` is told the answer."""

    def __init__(self, method, target, headers=None, body=b"", after=None):
        self.method, self.target, self.headers, self.body, self.after = method, target, headers or {}, body, after


def bundle(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


def form(parts):
    out = b""
    for name, value in parts:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
        if isinstance(value, bytes):
            out += head.encode() + b'; filename="a file.bin"\r\nContent-Type: application/octet-stream\r\n\r\n' + value + b"\r\n"
        else:
            out += head.encode() + b"\r\n\r\n" + value.encode() + b"\r\n"
    return out + f"--{BOUNDARY}--\r\n".encode()


FORM_TYPE = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
JSON_TYPE = {"Content-Type": "application/json"}


class Draw:
    """Draws by the model's state, so that most requests mean something. `careful`: no request whose effect on a timer is open."""

    def __init__(self, model, seed, careful=False):
        self.model, self.pool, self.rng, self.careful = model, model.pool, random.Random(seed), careful
        self.key_value = model.settings.api_key
        self.asked = {}  # (what, build) -> how often: some routes are throttled per build

    # -- small choices ------------------------------------------------------------------------------------------------

    def chance(self, part):
        return self.rng.random() < part

    def one(self, *choices):
        return self.rng.choice(choices)

    def text(self, size=12):
        return "".join(self.rng.choice(ALPHABET) for _ in range(size))

    def blob(self, most=1500):
        return self.rng.randbytes(self.rng.randrange(1, most))

    def often(self, what, build_id, most):
        count = self.asked[(what, build_id)] = self.asked.get((what, build_id), 0) + 1
        return count > most

    def build(self, fits=lambda b: True, right=0.88):
        """An id: of a build that fits, of any, or of none."""
        dice = self.rng.random()
        builds = list(self.pool.builds.values())
        if dice < right:
            fitting = [b for b in builds if fits(b)]
            if fitting:
                return self.rng.choice(fitting[-60:])
        if builds and dice < right + (1 - right) * 0.7:
            return self.rng.choice(builds)
        return None

    def id_of(self, build):
        if build is not None:
            return build.id
        return self.one("a.b", "%2e%2e", "x%00y") if self.chance(0.04) else "z" + self.text(20)

    def worker(self, fits=lambda w: True, right=0.9):
        workers = list(self.pool.workers.values())
        fitting = [w for w in workers if fits(w)] if self.chance(right) else workers
        return self.rng.choice(fitting or workers) if workers else None

    # -- credentials --------------------------------------------------------------------------------------------------

    def key(self, wrong=0.05):
        dice = self.rng.random()
        if dice < 1 - wrong:
            return {"X-API-Key": self.key_value}
        return {} if dice < 1 - wrong / 2 else {"X-API-Key": self.one("wrong-key-0123456789", self.key_value[:-1], "x")}

    def reader(self, build):
        """K/BT, every way of it."""
        token = build.token if build else self.text(43)
        dice = self.rng.random()
        if dice < 0.5:
            return {"X-API-Key": self.key_value}
        if dice < 0.72:
            return {"X-Build-Token": token}
        if dice < 0.78:
            return {"X-API-Key": "stale-key-0123456789", "X-Build-Token": token}
        if dice < 0.84:
            return {"X-API-Key": self.key_value, "X-Build-Token": token}
        if dice < 0.88:
            return {"X-Build-Token": self.one(self.text(43), "short", token[:-1])}
        if dice < 0.91:
            return {"X-API-Key": self.key_value, "X-Build-Token": self.text(43)}
        if dice < 0.94:
            return {"X-API-Key": "stale-key-0123456789", "X-Build-Token": self.text(43)}
        return {"X-API-Key": "wrong-key-0123456789"} if dice < 0.97 else {}

    def owner(self, build, with_build_id=False, worker_token=False):
        """OWN, OWN+B or VM of the build."""
        dice = self.rng.random()
        if build and build.vm_token and dice < 0.4:
            return {"X-VM-Token": self.vm_token(build)}
        if dice > 0.97:
            return {"X-VM-Token": self.text(43)}
        if worker_token and dice < 0.6:
            holder = build.worker if build and build.worker and self.chance(0.85) else self.worker()
            if holder:
                return {"X-Worker-Token": self.worker_token(holder)}
        headers = self.key(0.04)
        holder = build.worker if build and build.worker and self.chance(0.92) else self.worker()
        if holder and self.chance(0.97):
            headers["X-Worker-Id"] = holder.id
        if with_build_id and self.chance(0.95):
            headers["X-Build-Id"] = self.id_of(build) if self.chance(0.95) else "z" + self.text(20)
        return headers

    def vm_token(self, build):
        return self.text(43) if self.chance(0.05) or not build or not build.vm_token else build.vm_token.text

    def worker_token(self, worker):
        return self.text(43) if self.chance(0.04) or not worker.tokens else worker.tokens[-1].text

    def caller(self, worker, token_part=0.4):
        """K or WT."""
        if worker and self.chance(token_part):
            return {"X-Worker-Token": self.worker_token(worker)}
        return self.key()

    def json_body(self, body, may_break=True):
        if may_break and not self.careful and self.chance(0.03):
            return self.one(*MALFORMED)
        return json.dumps(body, separators=self.one((",", ":"), (", ", ": "))).encode()

    # -- developers ---------------------------------------------------------------------------------------------------

    def submission(self, path):
        settings = self.model.settings
        parts = [("source", self.blob()), ("platform", self.one("ios", "android"))]
        if self.chance(0.4):
            parts.append(("certs", self.certs()))
        if self.chance(0.2):
            parts += [("profile", b"profile"), ("appleId", "someone@example.org"), ("applePassword", "secret")]
        dice = self.rng.random()
        if dice < 0.04:
            parts[0] = ("source", "text, no file") if self.chance(0.5) else ("other", b"x")
        elif dice < 0.08:
            parts[1] = ("platform", self.one("windows", "", "IOS")) if self.chance(0.7) else ("other", "x")
        elif dice < 0.10 and settings.source_max < 100_000:
            parts[0] = ("source", self.rng.randbytes(settings.source_max + self.one(0, 1, 500)))
        elif dice < 0.12 and settings.certs_max < 100_000:
            parts.append(("certs", self.rng.randbytes(settings.certs_max + self.one(1, 500))))
            parts = [p for i, p in enumerate(parts) if p[0] != "certs" or i == len(parts) - 1]
        self.rng.shuffle(parts)
        if dice > 0.97:
            return Drawn("POST", path, {**self.key(), **JSON_TYPE}, self.json_body({"platform": "ios"}, False))
        return Drawn("POST", path, {**self.key(), **FORM_TYPE}, form(parts))

    def certs(self):
        dice = self.rng.random()
        files = [("dist.p12", b"key"), ("password.txt", b" secret \n"), ("a.mobileprovision", b"one"), ("b.mobileprovision", b"two")]
        if dice < 0.5:
            return bundle(files)
        if dice < 0.6:
            return bundle(files[:1])
        if dice < 0.7:
            return bundle(files[1:])
        if dice < 0.78:
            return bundle([self.one(("../x.p12", b"k"), ("/x.p12", b"k"), ("a\\x.p12", b"k"))] + files)
        return bundle(files)[:-9] if dice < 0.86 else self.blob(300)

    def submit(self):
        return self.submission("/api/builds/submit")

    def create(self):
        return self.submission(self.one("/api/builds", "/api/builds/"))

    def list(self):
        query = []
        if self.chance(0.8):
            query.append("status=" + self.one("pending", "assigned", "building", "completed", "failed"))
        if self.chance(0.3):
            query.append("platform=" + self.one("ios", "android"))
        if self.chance(0.6) and self.pool.workers:
            query.append("worker_id=" + self.worker().id)
        return Drawn("GET", self.one("/api/builds", "/api/builds/") + ("?" + "&".join(query) if query else ""), self.key())

    def active(self):
        return Drawn("GET", "/api/builds/active", self.key())

    def statistics(self):
        return Drawn("GET", "/api/builds/statistics", self.key())

    def reading(self, suffix, fits=lambda b: True):
        build = self.build(fits)
        return Drawn("GET", f"/api/builds/{self.id_of(build)}{suffix}", self.reader(build))

    def show(self):
        return self.reading("")

    def status(self):
        return self.reading("/status")

    def logs(self):
        return self.reading("/logs" + self.one("", "", "", "?limit=2", "?limit=0", "?limit=500"))

    def ranged(self, drawn):
        dice = self.rng.random()
        if dice < 0.15:
            drawn.headers["Range"] = self.one("bytes=0-0", "bytes=2-9", "bytes=-3", "bytes=1-", "bytes=900000-", "bytes=5-2")
        elif dice < 0.2:
            drawn.headers["If-None-Match"] = self.one("*", '"0000"')
        return drawn

    def download(self):
        return self.ranged(self.reading("/download", lambda b: b.result is not None))

    def typed(self):
        return self.ranged(self.reading("/download/" + self.one("result", "result", "source", "source", "certs", "x"), lambda b: b.result is not None))

    def cancel(self):
        build = self.build(lambda b: b.status == "pending" or (b.is_active() and self.chance(0.3)), 0.8)
        body, headers = self.one((b"", {}), (b"", JSON_TYPE), (b"{}", JSON_TYPE))
        return Drawn("POST", f"/api/builds/{self.id_of(build)}/cancel", {**self.key(), **headers}, body)

    def retry(self):
        build = self.build()
        return Drawn("POST", f"/api/builds/{self.id_of(build)}/retry", self.reader(build), b"")

    # -- worker hosts -------------------------------------------------------------------------------------------------

    def register(self):
        body = {"name": "Mac " + self.text(4), "capabilities": {"platforms": ["ios"], "xcode_version": "16.0"}}
        known = self.worker()
        if known and (self.chance(0.5) or len(self.pool.workers) > 25):
            body["id"] = known.id
            # Without the count it is open what an active build's worker says; the contract has it sent.
            body["active_build_count"] = self.one(0, 1) if known.active else 0
        elif self.chance(0.3):
            body["id"] = self.one("mac-mini_" + self.text(5), self.text(8).replace("-", "m"))
        if self.chance(0.3):
            body["publicIdentifier"], body["apiKey"] = "public", self.key_value
        if self.chance(0.06):
            body.pop(self.one("name", "capabilities"))
        elif self.chance(0.03):
            body["id"] = self.one("a b", "../x", "a.b", "ü")
        return Drawn("POST", "/api/workers/register", {**self.key(), **JSON_TYPE}, self.json_body(body))

    def poll(self):
        worker = self.worker(lambda w: w.active is None, 0.7)
        if worker is None or self.chance(0.03):
            return Drawn("GET", "/api/workers/poll" + self.one("", "?worker_id=nobody"), self.key())
        if self.chance(0.5):
            return Drawn("GET", "/api/workers/poll", {"X-Worker-Token": self.worker_token(worker)})
        return Drawn("GET", f"/api/workers/poll?worker_id={worker.id}", self.key())

    def outcome(self, route):
        build = self.build(lambda b: b.is_active() and (b.life != "no" or self.chance(0.3)), 0.8)
        worker = build.worker or build.last_worker if build else None
        if worker is None or self.chance(0.04):
            worker = self.worker()
        success = self.one("true", "true", "true", "false", "TRUE", None)
        parts = [("build_id", self.id_of(build)), ("worker_id", worker.id if worker else "nobody")]
        if success is not None:
            parts.append(("success", success))
        wanted = self.careful or self.chance(0.75)
        if wanted if success in ("true", None) else self.chance(0.2):
            size = self.model.settings.result_max
            over = size < 100_000 and not self.careful and self.chance(0.03)
            parts.append(("result", self.rng.randbytes(size + 1) if over else self.blob()))
        if self.chance(0.4):
            parts.append(("error_message", "xcodebuild: error " + self.text(5)))
        dice = self.rng.random()
        if dice < 0.03:
            parts = [p for p in parts if p[0] != self.one("build_id", "worker_id")]
        elif dice < 0.05:
            parts[1] = ("worker_id", "nobody")
        self.rng.shuffle(parts)
        headers = self.caller(worker)
        if dice > 0.98:
            return Drawn("POST", route, {**headers, **JSON_TYPE}, b"{}")
        return Drawn("POST", route, {**headers, **FORM_TYPE}, form(parts))

    def upload(self):
        return self.outcome("/api/workers/upload")

    def result(self):
        return self.outcome("/api/workers/result")

    def about(self, route, more, fits, token_only=False):
        build = self.build(fits, 0.85)
        worker = build.worker if build and build.worker and self.chance(0.93) else self.worker()
        body = {"build_id": self.id_of(build), **more}
        if self.chance(0.04):
            body.pop("build_id")
        if token_only:
            headers = {"X-Worker-Token": self.worker_token(worker)} if worker and self.chance(0.97) else self.one({}, self.key(0))
        else:
            headers = self.caller(worker, 0.6)
        return Drawn("POST", route, {**headers, **JSON_TYPE}, self.json_body(body))

    def fail(self):
        more = {"error": "VM died: " + self.text(4)} if self.chance(0.8) else {}
        return self.about("/api/workers/fail", more, lambda b: b.is_active() and b.life != "no")

    def worker_heartbeat(self):
        return self.about("/api/workers/heartbeat", {}, lambda b: b.is_active())

    def abandon(self):
        return self.about("/api/workers/abandon", {"reason": "disk is full " + self.text(3)}, lambda b: b.is_active(), True)

    def unregister(self):
        worker = self.worker()
        if worker is None or self.chance(0.1):
            return Drawn("POST", "/api/workers/unregister", self.one({}, {"X-Worker-Token": self.text(43)}))
        return Drawn("POST", "/api/workers/unregister", {"X-Worker-Token": self.worker_token(worker)})

    def unregister_named(self):
        worker = self.worker()
        name = worker.id if worker and self.chance(0.8) else "nobody"
        return Drawn("POST", f"/api/workers/{name}/unregister", self.key())

    def worker_stats(self):
        worker = self.worker()
        return Drawn("GET", f"/api/workers/{worker.id if worker and self.chance(0.9) else 'nobody'}/stats", self.key())

    def source(self):
        build = self.build(lambda b: b.is_active() or self.chance(0.1))
        return self.ranged(Drawn("GET", f"/api/builds/{self.id_of(build)}/source", self.owner(build, worker_token=True)))

    def certs_of(self):
        build = self.build(lambda b: b.is_active() and (b.certs is not None or self.chance(0.3)))
        return Drawn("GET", f"/api/builds/{self.id_of(build)}/certs", self.owner(build, worker_token=self.chance(0.1)))

    def certs_secure(self):
        build = self.build(lambda b: b.is_active() and (b.certs is not None or self.chance(0.3)))
        return Drawn("GET", f"/api/builds/{self.id_of(build)}/certs-secure", self.owner(build, with_build_id=True))

    def append_logs(self):
        build = self.build(lambda b: b.worker is not None)
        entry = {"level": self.one("info", "warn", "error"), "message": "line " + self.text(6) + self.one("", " ünïcode", ' "quoted"')}
        body, dice = entry, self.rng.random()
        if dice < 0.35:
            body = {"logs": [entry, {"level": "debug", "message": "skipped"}, {"message": "skipped"}, {**entry, "message": "next"}][:self.rng.randrange(0, 5)]}
        elif dice < 0.5 and not self.careful:
            body = self.one({"level": "debug", "message": "x"}, {"level": "loud", "message": "x"}, {"level": "info"}, {"message": "x"},
                            {"logs": "x"}, {}, [])
        return Drawn("POST", f"/api/builds/{self.id_of(build)}/logs", {**self.owner(build), **JSON_TYPE}, self.json_body(body))

    def heartbeat(self):
        build = self.build(lambda b: b.is_active() or (b.worker is not None and self.chance(0.15)))
        target = f"/api/builds/{self.id_of(build)}/heartbeat"
        worker = build.worker if build and build.worker and self.chance(0.95) else self.worker()
        if worker and self.chance(0.96):
            target += f"?worker_id={worker.id}"
        body = self.one(b"", b"{}", b'{"progress":%d}' % self.rng.randrange(0, 101))
        if not self.careful and self.chance(0.03):
            body = self.one(*MALFORMED)
        if build and build.vm_token and "?" in target and self.chance(0.3):
            return Drawn("POST", target, {"X-VM-Token": self.vm_token(build), **JSON_TYPE}, body)
        return Drawn("POST", target, {**self.key(), **JSON_TYPE}, body)

    def telemetry(self):
        build = self.build(lambda b: b.is_active() or (b.worker is not None and self.chance(0.1)))
        kind = self.one("monitor_started", "heartbeat", "cpu_snapshot", "cpu_snapshot", "other")
        data = {"anything": 1}
        if kind == "heartbeat":
            data = {"heartbeat_count": self.rng.randrange(1, 99), "stage": self.one(*STAGES), "uptime_seconds": 5,
                    "metrics": {"cpu_percent": self.one(0, 12.3, 99.9, 250), "memory_mb": self.rng.randrange(1, 9999),
                                "disk_percent": self.rng.randrange(0, 100), "processes": 80}}
        elif kind == "cpu_snapshot":
            data = {"cpu_percent": self.one(0, 55.5, "12.5", 1000, 1000.5, -1), "memory_mb": self.one(0, 2048, "512", 1_000_000, 1_000_001)}
        body = {"type": kind, "timestamp": "2026-01-02T03:04:05Z", "data": data}
        if not self.careful and self.chance(0.06):
            body.pop(self.one("type", "timestamp", "data"))
        return Drawn("POST", f"/api/builds/{self.id_of(build)}/telemetry", {**self.owner(build, with_build_id=True), **JSON_TYPE}, self.json_body(body))

    def report(self):
        worker = self.worker()
        body = {"worker_id": worker.id if worker and self.chance(0.93) else "nobody", "status": self.one("healthy", "warning", "critical"),
                "duration_ms": self.one(0, 1234, 99), "checks": [{"name": "disk", "status": "pass", "message": "ok", "duration_ms": 1, "auto_fixed": False}]}
        if self.chance(0.4):
            body["auto_fixed"] = self.one(True, False)
        if self.chance(0.3):
            body["run_at"] = self.one(1, "2020-01-01T00:00:00Z")
        dice = self.rng.random()
        if dice < 0.08:
            body.pop(self.one("worker_id", "status", "duration_ms", "checks"))
        elif dice < 0.13:
            body["status"] = "splendid"
        elif dice < 0.18:
            body["checks"] = self.one({}, "x", 5)
        return Drawn("POST", "/api/diagnostics/report", {**self.key(), **JSON_TYPE}, self.json_body(body))

    def reports(self):
        worker = self.worker()
        query = self.one("", "", "?limit=2", "?limit=0", "?limit=x", "?limit=50")
        return Drawn("GET", f"/api/diagnostics/{worker.id if worker and self.chance(0.9) else 'nobody'}{query}", self.key())

    def latest(self):
        worker = self.worker()
        return Drawn("GET", f"/api/diagnostics/{worker.id if worker and self.chance(0.9) else 'nobody'}/latest", self.key())

    # -- build VMs ----------------------------------------------------------------------------------------------------

    def authenticate(self):
        build = self.build(lambda b: b.is_active() and b.otp is not None and b.otp.value and b.vm_ready is None, 0.93)
        body, dice = {"otp": "wrong-otp"}, self.rng.random()
        if build and build.otp is not None and build.otp.value and dice < 0.9:
            body = {"otp": build.otp.value}
        elif dice > 0.97:
            body = self.one({}, {"otp": ""}, {"otp": None})
        sure = build and build.otp is not None and body.get("otp") == build.otp.value and build.vm_ready is None
        if not sure and self.often("otp", self.id_of(build), 3):
            return self.status()
        return Drawn("POST", f"/api/builds/{self.id_of(build)}/authenticate", JSON_TYPE, self.json_body(body))

    def vm_ready(self):
        build = self.build(lambda b: b.is_active() and b.vm_token is not None)
        headers = {"X-VM-Token": self.vm_token(build)} if self.chance(0.95) else {}
        return Drawn("POST", f"/api/builds/{self.id_of(build)}/vm-ready", {**headers, **JSON_TYPE}, b"")

    def artifact(self):
        build = self.build(lambda b: b.vm_token is not None and (b.is_active() or self.chance(0.15)))
        headers = {"X-VM-Token": self.vm_token(build)} if self.chance(0.95) else {}
        parts, size = [("artifact", self.blob())], self.model.settings.result_max
        if not self.careful:
            if size < 100_000 and self.chance(0.04):
                parts = [("artifact", self.rng.randbytes(size + 1))]
            elif self.chance(0.05):
                parts = self.one([("artifact", "text")], [("other", b"x")])
            elif self.chance(0.03):
                return Drawn("POST", f"/api/builds/{self.id_of(build)}/artifact", {**headers, **JSON_TYPE}, b"{}")
        return Drawn("POST", f"/api/builds/{self.id_of(build)}/artifact", {**headers, **FORM_TYPE}, form(parts))

    def vm_status(self):
        build = self.build(lambda b: b.vm_ready is not None)
        if self.often("vm-status", self.id_of(build), 3):
            return self.status()
        return Drawn("GET", f"/api/builds/{self.id_of(build)}/vm-status")

    # -- the rest -----------------------------------------------------------------------------------------------------

    def health(self):
        return Drawn("GET", self.one("/health", "/api/health"))

    def stats(self):
        return Drawn("GET", self.one("/api/stats", "/api/stats/", "/public/stats"))

    def page(self):
        return Drawn("GET", "/")

    def metrics(self):
        return Drawn("GET", "/metrics")

    def unknown(self):
        return Drawn(*self.one(("GET", "/api/nothing"), ("DELETE", "/api/builds/x"), ("PUT", "/api/builds"), ("GET", "/api/builds/x/y/z"),
                               ("POST", "/health"), ("GET", "/api/workers/register"), ("GET", "/api"), ("PATCH", "/api/stats")))

    def preflight(self):
        return Drawn("OPTIONS", self.one("/api/stats", "/api/builds/submit"),
                     {"Origin": "https://example.org", "Access-Control-Request-Method": "GET"})


WEIGHTS = {
    "submit": 80, "create": 30, "list": 8, "active": 8, "statistics": 8, "show": 25, "status": 45, "logs": 30, "download": 30, "typed": 30,
    "cancel": 30, "retry": 15, "register": 25, "poll": 150, "upload": 75, "result": 40, "fail": 20, "worker_heartbeat": 20, "abandon": 15,
    "unregister": 5, "unregister_named": 5, "worker_stats": 15, "source": 35, "certs_of": 25, "certs_secure": 25, "append_logs": 45,
    "heartbeat": 55, "telemetry": 55, "report": 15, "reports": 10, "latest": 10, "authenticate": 60, "vm_ready": 30, "artifact": 35,
    "vm_status": 15, "health": 10, "stats": 12, "page": 2, "metrics": 2, "unknown": 6, "preflight": 3,
}
