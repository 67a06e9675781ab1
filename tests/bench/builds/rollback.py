#!/usr/bin/env python3
"""How long it takes from "stop" to a valid database of the old controller: warm, and from nothing.

usage: rollback.py --tidemark build/bench/tidemark [--builds 100000] [--lines 1000000] [--directory build/bench-rollback]

Fills a node by batches of commands (a tenth of the builds stays queued, the others are finished with a result; source and
result are small files), lets the export follow, and measures:
  lag        how long after the last answer the warm export is at the end of the log
  stop       SIGTERM until the process has ended, the export closed
  finish     `tidemark export builds` over the warm export, files verified (and with --quick)
  kill       the same after kill -9 under load
  cold       the same into an empty directory
"""
import argparse, hashlib, json, os, shutil, signal, subprocess, sys, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "tests/support/process"))
from tidemark_process import BuildsClient, Node, clean_environment, multipart  # noqa: E402

KINDS = {"source": b"s" * 4096, "result": b"r" * 4096}


def batch(connection, key, commands):
    events = [{"specversion": "1.0", "id": name, "source": "/bench", "type": f"tidemark.builds.{kind}.v1", "data": data} for name, kind, data in commands]
    answer = connection.request("POST", "/commands", json.dumps(events), {"Authorization": "Bearer " + key, "Content-Type": "application/cloudevents-batch+json"})
    assert answer.status == 200, answer.body[:500]
    bad = [item for item in answer.json()["items"] if item["status"] != 200]
    assert not bad, bad[0]


def metric(node, name):
    answer = node.request("GET", "/metrics", headers={"Authorization": "Bearer " + node.read_key("operator.key")})
    return next(float(line.rsplit(" ", 1)[1]) for line in answer.body.decode().splitlines() if line.startswith(name + "{"))


def wait_caught_up(node, what):
    started = time.monotonic()
    while metric(node, "tidemark_export_lag_events") > 0:
        if time.monotonic() - started > 1200:
            raise SystemExit("the export does not catch up: " + what)
        time.sleep(0.02)
    return time.monotonic() - started


def fill(node, builds, lines, first=0):
    client = BuildsClient(node)
    client.register("w1")
    # The files: one build brings both into the blob store.
    content_type, body = multipart([("platform", "ios")], [("source", "a.zip", KINDS["source"])])
    build_id = client.call("POST", "/builds/submit", body, {"Content-Type": content_type}).json()["id"]
    assert client.upload(build_id, "w1", KINDS["result"]).status == 200
    client.close()
    refs = {kind: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "kind": kind, "declared_name": "f", "declared_type": ""}
            for kind, content in KINDS.items()}
    key = node.read_key("operator.key")
    connection = node.connect()
    per_build = max(1, lines // builds - 3)  # three lines are the controller's own
    commands = []
    for i in range(first, first + builds):
        name = f"bench{i:016d}"
        commands.append((f"s{i}", "SubmitBuild", {"platform": "ios", "source": refs["source"], "access_token_sha256": "0" * 64, "token_key_id": "", "build_id": name}))
        if i % 10 != 0:
            commands.append((f"r{i}", "ReportResult", {"build_id": name, "credential": "api_key", "worker_id": "w1", "success": True, "result": refs["result"]}))
            commands.append((f"l{i}", "AppendLogs", {"build_id": name, "credential": "api_key", "worker_id": "w1",
                                                     "entries": [{"level": "info", "message": f"line {j} of build {i}: compiling something of a usual length"} for j in range(per_build)]}))
        if len(commands) > 900:
            batch(connection, key, commands)
            commands = []
    if commands:
        batch(connection, key, commands)
    connection.close()


def export(binary, directory, data, *flags):
    started = time.monotonic()
    done = subprocess.run([binary, "export", "builds", "--to", directory, "--data", data, *flags], env=clean_environment(), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    took = time.monotonic() - started
    print(done.stdout + done.stderr, flush=True)
    assert done.returncode == 0
    return took


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tidemark", required=True)
    parser.add_argument("--builds", type=int, default=100_000)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--directory", default="build/bench-rollback")
    given = parser.parse_args()
    binary = os.path.abspath(given.tidemark)
    directory = os.path.abspath(given.directory)
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    warm, cold = os.path.join(directory, "warm"), os.path.join(directory, "cold")
    node = Node(binary, directory, ["--builds-export-dir", warm])
    try:
        node.start()
        started = time.monotonic()
        fill(node, given.builds, given.lines)
        print(f"filled in {time.monotonic() - started:.1f} s, the export following", flush=True)
        print(f"lag at the end {wait_caught_up(node, 'after the fill'):.2f} s", flush=True)
        fill(node, 1000, 10_000, first=given.builds)
        started = time.monotonic()
        node.stop()
        stop = time.monotonic() - started
        print(f"stop {stop:.2f} s", flush=True)
        quick = export(binary, warm, node.data, "--quick")
        whole = export(binary, warm, node.data)
        print(f"warm: stop to valid database {stop + quick:.2f} s (files by size), {stop + whole:.2f} s (files by content)", flush=True)

        node.start()
        fill(node, 2000, 20_000, first=given.builds + 1000)
        node.process.send_signal(signal.SIGKILL)
        node.process.wait()
        killed = export(binary, warm, node.data)
        print(f"warm, after kill -9: {killed:.2f} s (files by content)", flush=True)
        shutil.rmtree(cold, ignore_errors=True)
        nothing = export(binary, cold, node.data)
        print(f"cold: {nothing:.2f} s (files by content)", flush=True)
    finally:
        node.end()
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
