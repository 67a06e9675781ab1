"""Sections 6.2 (diagnostics) and 6.4."""

import re

from . import credentials
from .state import Moment
from .wire import NOT_JSON, Answer, refuse
from .worker_host import malformed

UUID4 = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
CACHE_MS = 10_000
SEEN_MS = 120_000


def report(model, request, seen):
    refused = credentials.key(model, request)
    if refused:
        return refused
    body = request.json()
    if body is NOT_JSON:
        return malformed()
    body = body if isinstance(body, dict) else {}
    if any(body.get(name) is None for name in ("worker_id", "status", "duration_ms", "checks")):
        return refuse(400, "Missing required fields: worker_id, status, duration_ms, checks", "DIAGNOSTIC_FIELDS_MISSING")
    if body["status"] not in ("healthy", "warning", "critical"):
        return refuse(400, "Invalid status. Must be: healthy, warning, or critical", "DIAGNOSTIC_STATUS_INVALID")
    worker = model.pool.workers.get(body["worker_id"])
    if worker is None:
        return refuse(404, "Worker not found", "WORKER_NOT_FOUND")
    if not isinstance(body["checks"], list):
        return refuse(400, "checks must be an array")
    given = seen.value("id")
    if not isinstance(given, str) or not UUID4.match(given) or any(given == one["id"] for one, _ in worker.reports):
        given = "<a new UUID version 4>"
    worker.reports.insert(0, ({"id": given, "worker_id": worker.id, "status": body["status"], "duration_ms": body["duration_ms"],
                               "auto_fixed": body.get("auto_fixed", False), "checks": body["checks"]}, Moment(request)))
    return Answer(200, {"id": given, "status": "stored"})


def shown(one, run_at):
    report_, at = one
    return {**report_, "run_at": at.shown(run_at)}


def reports(model, request, seen, id_):
    refused = credentials.key(model, request)
    if refused:
        return refused
    worker = model.pool.workers.get(id_)
    if worker is None:
        return refuse(404, "Worker not found", "WORKER_NOT_FOUND")
    limit = request.query.get("limit", "10")
    limit = int(limit) if limit.isdigit() else 10
    return Answer(200, {"worker_id": id_, "reports": [
        shown(one, seen.value("reports", i, "run_at")) for i, one in enumerate(worker.reports[:limit])]})


def latest(model, request, seen, id_):
    refused = credentials.key(model, request)
    if refused:
        return refused
    worker = model.pool.workers.get(id_)
    if worker is None:
        return refuse(404, "Worker not found", "WORKER_NOT_FOUND")
    if not worker.reports:
        return refuse(404, "No diagnostic reports found")
    return Answer(200, shown(worker.reports[0], seen.value("run_at")))


def health(model, request, seen):
    builds = model.pool.builds.values()
    pending, active = sum(b.status == "pending" for b in builds), sum(b.is_active() for b in builds)
    path = seen.value("storage", "path")
    label = path if isinstance(path, str) and "/" not in path else "<a label that is no path>"
    return Answer(200, {"status": "ok", "queue": {"pending": pending, "active": active, "total": pending + active},
                        "storage": {"path": label, "exists": True}})


class StatsHistory:
    """What the statistics were in the last 10 s: an answer may be as old as that."""

    def __init__(self):
        self.moments = []  # [until when it held in ms or None, counts, (time low, time high), mean cpu, (online low, high)]
        self.changes = None

    def note(self, model, request):
        if self.changes == model.pool.changes:
            return
        self.changes = model.pool.changes
        counts = {"buildsQueued": 0, "activeBuilds": 0, "buildsToday": 0, "totalBuilds": 0}
        low = high = 0
        for build in model.pool.builds.values():
            if build.status == "pending":
                counts["buildsQueued"] += 1
            elif build.completed is None:
                counts["activeBuilds"] += 1
            else:
                counts["totalBuilds"] += 1
                counts["buildsToday"] += build.status == "completed"
                if build.started is not None:
                    low += max(0, build.completed.low - build.started.high)
                    high += build.completed.high - build.started.low
        cpu = model.pool.snapshots
        mean = sum(cpu) / len(cpu) if cpu else 0
        workers = model.pool.workers.values()
        online = (sum(not w.offline and (w.active is not None or request.ended - w.seen_low < SEEN_MS) for w in workers),
                  sum(not w.offline for w in workers))
        if self.moments:
            self.moments[-1][0] = request.ended
        self.moments.append([None, counts, (low, high), mean, online])
        self.moments = [m for m in self.moments if m[0] is None or m[0] > request.began - CACHE_MS - 2000]

    def answer(self, seen):
        given = seen.json if isinstance(seen.json, dict) else {}
        for _, counts, spent, mean, online in reversed(self.moments):
            time = given.get("totalBuildTimeMs")
            right = (all(given.get(name) == count for name, count in counts.items()) and isinstance(time, int)
                     and spent[0] <= time <= spent[1] and online[0] <= given.get("nodesOnline", -1) <= online[1])
            if right and abs(given.get("totalCpuCycles", -1) - mean / 100 * time / 1000) <= 1e-6 * max(1.0, time * mean / 100_000):
                return given
        _, counts, spent, mean, online = self.moments[-1]
        return {"nodesOnline": online[1], **counts, "totalBuildTimeMs": spent[1], "totalCpuCycles": mean / 100 * spent[1] / 1000}


def stats(model, request, seen):
    model.stats.note(model, request)  # before: the server cannot have seen less
    return Answer(200, model.stats.answer(seen))


def page(model, request, seen):
    kind = seen.headers.get("content-type", "")
    return Answer(200, seen.body, kind if kind.startswith("text/html") else "text/html; charset=utf-8")


def metrics(model, request, seen):
    kind = seen.headers.get("content-type", "")
    return Answer(200, seen.body, kind if kind.startswith("text/plain") else "text/plain")
