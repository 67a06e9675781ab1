"""What monitors inside virtual machines post, of both generations, and what becomes of it: lines, samples, public figures.

usage: telemetry_flow.py <tidemark binary>
"""

import json
import sys
import time

from controller import Controller, check, equal, run

BINARY = sys.argv[1]
NOW = "2026-01-01T00:00:00Z"


class Monitor:
    """Posts as the monitor of a build's virtual machine: with the key and its worker's name, or with a token of its own."""

    def __init__(self, controller, build, headers, key=True):
        self.c, self.path, self.headers, self.key = controller, f"/api/builds/{build}/telemetry", headers, key

    def post(self, kind, data):
        body = {"type": kind, "timestamp": NOW, "data": data}
        reply = self.c.post(self.path, body, headers=self.headers, **({} if self.key else {"key": None}))
        equal((reply.status, reply.text), (200, '{"status":"ok"}'), f"{reply}")

    def beat(self, stage, count, cpu, memory, disk):
        self.post("heartbeat", {"heartbeat_count": count, "stage": stage, "uptime_seconds": 30 * count,
                                "metrics": {"cpu_percent": cpu, "memory_mb": memory, "disk_percent": disk, "processes": 120}})


def lines_of(c, build):
    return [(line["level"], line["message"]) for line in c.get(f"/api/builds/{build}/logs").json()["logs"]
            if line["message"].startswith("[VM]")]


def report_a_life(c, monitor, build):
    equal(c.status(build)["status"], "assigned")
    monitor.post("monitor_started", {"pid": 1})
    equal(c.status(build)["status"], "building", "the first sign of life")
    monitor.beat("initializing", 1, 0, 512, 10)
    monitor.beat("compiling", "2", "87.25", "2048.5", "71")
    monitor.post("cpu_snapshot", {"cpu_percent": 50, "memory_mb": 1024})
    monitor.post("cpu_snapshot", {"cpu_percent": "150.5", "memory_mb": " 2048 "})
    for cpu, memory in ((1000.1, 1), (-0.1, 1), (1, 1_000_000.5), (1, -1), ("many", 1), (None, 1), (1, ""), ("1e999", 1), ([], {})):
        monitor.post("cpu_snapshot", {"cpu_percent": cpu, "memory_mb": memory})
    monitor.post("cpu_snapshot", {})
    monitor.post("something new", {"deep": [{"er": None}]})
    monitor.post("heartbeat", {"stage": "exporting"})
    equal(lines_of(c, build), [
        ("info", "[VM] Monitor started"),
        ("debug", "[VM] Stage: initializing | CPU: 0.0% | Mem: 512MB | Disk: 10% | Beat: 1"),
        ("debug", "[VM] Stage: compiling | CPU: 87.3% | Mem: 2048.5MB | Disk: 71% | Beat: 2"),
        ("debug", "[VM] Stage: exporting | CPU: 0.0% | Mem: 0MB | Disk: 0% | Beat: 0")])


def check_figures(c, snapshots):
    """The figures, asked for the first time: nothing of them has been kept."""
    stats = c.get("/public/stats", key=None)
    for value in stats.json().values():
        check(isinstance(value, (int, float)) and not isinstance(value, bool), f"numbers, never null: {stats}")
    stats = stats.json()
    equal(list(stats), ["nodesOnline", "buildsQueued", "activeBuilds", "buildsToday", "totalBuilds", "totalBuildTimeMs", "totalCpuCycles"])
    mean = sum(snapshots) / len(snapshots)
    check(abs(stats["totalCpuCycles"] - mean / 100 * stats["totalBuildTimeMs"] / 1000) < 1e-9, f"{stats}")
    return stats


def first_generation():
    """a monitor with the key, its worker and its build in headers"""
    with Controller(BINARY) as c:
        worker, build = c.register(), c.submit()["id"]
        c.poll(worker)
        own = {"X-Worker-Id": worker, "X-Build-Id": build}
        report_a_life(c, Monitor(c, build, own), build)
        # The monitor on the host knows no key: it is refused, and proves nothing.
        equal(c.post(f"/api/builds/{build}/telemetry", {"type": "heartbeat", "timestamp": NOW, "data": {}}, key=None, headers=own).status, 401)
        time.sleep(0.05)  # a build that takes no time at all makes no figures
        c.finish(build, worker)
        Monitor(c, build, own).beat("exporting", 9, 1, 1, 1)
        equal(len(lines_of(c, build)), 4, "after the end nothing is added")
        status = c.status(build)
        stats = check_figures(c, [50, 150.5])
        equal(stats["totalBuildTimeMs"], status["completed_at"] - status["started_at"])
        equal([stats[k] for k in ("nodesOnline", "buildsQueued", "activeBuilds", "buildsToday", "totalBuilds")], [1, 0, 0, 1, 1])
        check(stats["totalCpuCycles"] > 0, f"{stats}")


def second_generation():
    """a monitor with the token of its virtual machine"""
    with Controller(BINARY) as c:
        token = c.post("/api/workers/register", {"name": "w", "capabilities": {}}).json()["access_token"]
        build = c.submit()["id"]
        job = c.get("/api/workers/poll", key=None, headers={"X-Worker-Token": token}).json()["job"]
        vm = c.post(f"/api/builds/{build}/authenticate", {"otp": job["otp"]}, key=None).json()["vm_token"]
        report_a_life(c, Monitor(c, build, {"X-VM-Token": vm}, key=False), build)
        equal(c.get("/api/workers/poll", key=None, headers={"X-Worker-Token": token}).json()["job"], None, "it lives")


def samples_survive():
    """lines, samples and reports are there after a kill"""
    with Controller(BINARY) as c:
        worker, build = c.register(), c.submit()["id"]
        c.poll(worker)
        monitor = Monitor(c, build, {"X-Worker-Id": worker, "X-Build-Id": build})
        monitor.post("monitor_started", {"pid": 1})
        for percent in (10, 20, 30):
            monitor.post("cpu_snapshot", {"cpu_percent": percent, "memory_mb": 1})
        report = c.post("/api/diagnostics/report", {"worker_id": worker, "status": "warning", "duration_ms": 7, "checks": [{"name": "x"}]}).json()["id"]
        time.sleep(0.05)
        c.kill()
        c.start()
        equal(lines_of(c, build), [("info", "[VM] Monitor started")])
        equal(c.get(f"/api/diagnostics/{worker}/latest").json()["id"], report)
        c.finish(build, worker)
        check_figures(c, [10, 20, 30])


def figures_are_kept_for_a_while():
    """public figures are made at most every ten seconds, and do change"""
    with Controller(BINARY) as c:
        first = c.get("/public/stats", key=None)
        c.submit()
        second = c.get("/api/stats", key=None)
        made = time.monotonic()
        if second.body != first.body:  # this machine was stopped in between
            equal(second.json()["buildsQueued"], 1)
        while c.get("/api/stats/", key=None).json()["buildsQueued"] != 1:
            check(time.monotonic() - made < 60, "the figures do not change")
            time.sleep(0.2)


def a_silent_monitor_keeps_nothing_alive():
    """telemetry is a sign of life, and its absence is none"""
    with Controller(BINARY, "--builds-building-silence", "3s", "--builds-assigned-silence", "3s") as c:
        worker, build = c.register(), c.submit()["id"]
        c.poll(worker)
        monitor = Monitor(c, build, {"X-Worker-Id": worker, "X-Build-Id": build})
        deadline = time.monotonic() + 8
        count = 0
        while time.monotonic() < deadline:
            count += 1
            monitor.post("something", {"n": count})
            time.sleep(0.2)
        equal(c.status(build)["status"], "building")
        deadline = time.monotonic() + 60
        while c.status(build)["status"] != "failed":
            check(time.monotonic() < deadline, "it is not given up")
            time.sleep(0.2)
        metrics = c.get("/metrics", key=None).text
        check("\ntidemark_builds_timeouts_total 1\n" in metrics, metrics)
        check(json.dumps(c.status(build)).find("Build timeout - no heartbeat from worker") > 0, "says why")


run([first_generation, second_generation, samples_survive, figures_are_kept_for_a_while, a_silent_monitor_keeps_nothing_alive], "telemetry")
