"""An independent model of the builds contract, sections 4 to 6 and 8: requests in, answers out, nothing else.

It is written from the contract alone. What a server must invent (ids, tokens, times) it takes from the real answer when that
is possible there, and insists on from then on. Where the contract allows several answers, or leaves a text open, the model
says so and takes the server's choice; an open text is learned once.
"""

import urllib.parse

from . import developer, system, virtual_machine, worker_host
from .state import SLACK_MS, Pool
from .wire import JSON_TYPE, Answer, Learned, Open, fits, from_iso, iso, refuse, resolved

ROUTES = [
    ("POST", "/api/builds/submit", developer.submit), ("POST", "/api/builds", developer.create),
    ("GET", "/api/builds", developer.list_builds), ("GET", "/api/builds/active", developer.active),
    ("GET", "/api/builds/statistics", developer.statistics), ("GET", "/api/builds/:id", developer.show),
    ("GET", "/api/builds/:id/status", developer.status), ("GET", "/api/builds/:id/logs", developer.logs),
    ("GET", "/api/builds/:id/download", developer.result), ("GET", "/api/builds/:id/download/:type", developer.typed),
    ("POST", "/api/builds/:id/cancel", developer.cancel), ("POST", "/api/builds/:id/retry", developer.retry),
    ("POST", "/api/workers/register", worker_host.register), ("GET", "/api/workers/poll", worker_host.poll),
    ("POST", "/api/workers/upload", worker_host.upload), ("POST", "/api/workers/result", worker_host.result),
    ("POST", "/api/workers/fail", worker_host.fail), ("POST", "/api/workers/heartbeat", worker_host.heartbeat),
    ("POST", "/api/workers/abandon", worker_host.abandon), ("POST", "/api/workers/unregister", worker_host.unregister),
    ("POST", "/api/workers/:id/unregister", worker_host.unregister_named), ("GET", "/api/workers/:id/stats", worker_host.stats),
    ("GET", "/api/builds/:id/source", virtual_machine.source), ("GET", "/api/builds/:id/certs", virtual_machine.certs),
    ("GET", "/api/builds/:id/certs-secure", virtual_machine.certs_secure), ("POST", "/api/builds/:id/logs", virtual_machine.append_logs),
    ("POST", "/api/builds/:id/heartbeat", virtual_machine.heartbeat), ("POST", "/api/builds/:id/telemetry", virtual_machine.telemetry),
    ("GET", "/api/builds/:id/vm-status", virtual_machine.vm_status), ("POST", "/api/diagnostics/report", system.report),
    ("GET", "/api/diagnostics/:worker_id", system.reports), ("GET", "/api/diagnostics/:worker_id/latest", system.latest),
    ("POST", "/api/builds/:id/authenticate", virtual_machine.authenticate), ("POST", "/api/builds/:id/vm-ready", virtual_machine.vm_ready),
    ("POST", "/api/builds/:id/artifact", virtual_machine.artifact), ("GET", "/health", system.health), ("GET", "/api/health", system.health),
    ("GET", "/api/stats", system.stats), ("GET", "/public/stats", system.stats), ("GET", "/metrics", system.metrics), ("GET", "/", system.page),
]
SLASHED = ("/api/builds", "/api/stats")
BAD_ID = Learned()


class Model:
    def __init__(self, settings):
        self.settings, self.pool = settings, Pool(settings)
        self.stats = system.StatsHistory()
        self.passwords = set()

    def route(self, method, path):
        """(name, function, values); None when there is none."""
        if path.endswith("/") and path[:-1] in SLASHED:
            path = path[:-1]
        method = "GET" if method == "HEAD" else method
        given, best = path.split("/"), None
        for here, template, function in ROUTES:
            wanted = template.split("/")
            if here != method or len(wanted) != len(given):
                continue
            if all((w.startswith(":") and g) or w == g for w, g in zip(wanted, given)):
                values = [g for w, g in zip(wanted, given) if w.startswith(":")]
                if best is None or len(values) < len(best[2]):
                    best = (f"{here} {template}", function, values)
        return best

    def answer(self, request, seen):
        """(route, the answer that the contract demands), ready to be compared with `seen`."""
        if request.method == "OPTIONS":
            return "OPTIONS", Answer(204, None, None)
        found = self.route(request.method, request.path)
        if found is None:
            answer = refuse(404, "Not found")
            return "(no route)", without_body(answer) if request.method == "HEAD" else answer
        name, function, values = found
        escaped = [value for value in values if "%" in value or "." in value]
        answer = function(self, request, seen, *values)
        if escaped:  # no such id can be; 400 or 404, before or after credentials
            answer = [refuse(404, Learned()), refuse(400, Learned())] + ([answer] if isinstance(answer, Answer) else answer)
        answer = self.choose(answer, seen)
        self.stats.note(self, request)
        if request.method == "HEAD":
            answer = without_body(answer)
        return name, answer

    @staticmethod
    def choose(answers, seen):
        """One of those that the contract allows: the server's, else the first."""
        if isinstance(answers, Answer):
            chosen = answers
        else:
            chosen = next((answer for answer in answers if fits(answer, seen)), answers[0])
        if chosen.then:
            chosen.then()
        body = chosen.body if isinstance(chosen.body, bytes) else resolved(chosen.body, seen.json)
        if isinstance(chosen.body, Open):
            body = seen.body
        kind = resolved(chosen.kind, seen.headers.get("content-type"))
        return Answer(chosen.status, body, kind, chosen.headers)

    def free_ms(self, request, shown):
        """A time that is answered once: any while the request was under way."""
        low, high = request.began - SLACK_MS, request.ended + SLACK_MS
        return shown if isinstance(shown, int) and low <= shown <= high else low

    def free_iso(self, request, shown):
        at = from_iso(shown)
        return shown if at is not None and at <= request.ended + SLACK_MS else iso(request.began)

    @staticmethod
    def mirrored(seen, certain):
        """An answer of which the contract says no more than `certain`."""
        return {**seen.json, **certain} if isinstance(seen.json, dict) else certain


def without_body(answer):
    return Answer(answer.status, None, answer.kind, answer.headers)


def quoted(text):
    return urllib.parse.quote(text, safe="")


__all__ = ["JSON_TYPE", "Model", "quoted"]
