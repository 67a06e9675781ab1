"""The check bites: differences planted into pairs that are equal are all found, each where it was planted.

usage: planted_differences.py <tidemark binary>
"""

import json
import os
import random
import subprocess
import sys
import tempfile

from controller import API_KEY, check, equal, run
from generated import scenarios
from generated_requests import LIMITS, Section
from model.state import Settings

BINARY = sys.argv[1]
SEED = str(random.SystemRandom().randrange(1 << 32))


def a_pending_build(story):
    story.look(story.submit())
    story.submit()
    story.send("GET", "/api/builds", story.key)


def made():
    path = os.path.join(FOLDER.name, "equal.ndjson")
    section = Section("planted", Settings(API_KEY, **LIMITS), [a_pending_build, scenarios.a_vm_from_password_to_artifact, scenarios.failed_builds, scenarios.cancelled_builds], 300)
    section.run(BINARY, SEED, path)
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def compared(pairs, generation="exact"):
    """(exit code, findings)"""
    path, report = os.path.join(FOLDER.name, "pairs.ndjson"), os.path.join(FOLDER.name, "report.ndjson")
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(json.dumps(pair) + "\n" for pair in pairs)
    done = subprocess.run([BINARY, "shadow", "compare", "--domain", "builds", "--generation", generation, "--report", report, "--json", path],
                          stdout=subprocess.PIPE, text=True)
    with open(report, encoding="utf-8") as lines:
        findings = [json.loads(line) for line in lines]
    check(json.loads(done.stdout)["unexplained"] >= len(findings), "a long list is cut in the report, not in the count")
    return done.returncode, findings


def answers(fits):
    """(index, JSON answer) of the pairs whose shadow answers a document that fits."""
    for i, pair in enumerate(PAIRS):
        text = (pair["shadow"]["body"] or {}).get("text")
        if text and "json" in pair["shadow"]["headers"].get("content-type", "") and fits(pair["request"], json.loads(text)):
            yield i, json.loads(text)


def plant(change, fits, where, generation="exact", found=True):
    """Changes one answer of those that fit, and wants it to be found there and nowhere else."""
    index, body = next(answers(fits))
    pairs = list(PAIRS)
    pair = pairs[index] = json.loads(json.dumps(PAIRS[index]))
    change(pair["shadow"], body)
    if pair["shadow"]["body"] == PAIRS[index]["shadow"]["body"]:
        pair["shadow"]["body"] = {"text": json.dumps(body)}
    code, findings = compared(pairs, generation)
    equal((code, {finding["line"] for finding in findings}), (1, {index + 1}) if found else (0, set()))
    if found:
        check(where in [finding["at"] or finding["where"] for finding in findings], f"{where} is not in {findings}")


def holds(body, **members):
    return isinstance(body, dict) and all(name in body and body[name] == value for name, value in members.items())


def is_status(request, body):
    return request["method"] == "GET" and request["target"].endswith("/status") and "submitted_at" in body


def equal_pairs_are_equal():
    """what the model and the server agree on has no difference"""
    equal(compared(PAIRS), (0, []))


def values_are_found():
    """a changed text, another type, a member too few or too many, null for nothing, 1 for true"""
    plant(lambda _, b: b.update(error="Build not found."), lambda _, b: holds(b, error="Build not found"), "/error")
    plant(lambda _, b: b.update(submitted_at=str(b["submitted_at"])), is_status, "/submitted_at")
    plant(lambda _, b: b.update(submitted_at=b["submitted_at"] + 1), is_status, "/submitted_at")
    plant(lambda _, b: b.pop("platform"), is_status, "/platform")
    plant(lambda _, b: b.update(more=None), is_status, "/more")
    plant(lambda _, b: b.update(completed_at=5), lambda r, b: is_status(r, b) and b["completed_at"] is None, "/completed_at")
    plant(lambda _, b: b.update(success=1), lambda _, b: holds(b, success=True), "/success")
    plant(lambda _, b: b.update(access_token=b["access_token"][:-1] + "!"), lambda _, b: "access_token" in b, "/access_token")


def answers_are_found():
    """another status, content type, header or body"""
    plant(lambda a, _: a.update(status=a["status"] + 1), is_status, "status")
    plant(lambda a, _: a["headers"].update({"content-type": "application/json"}), is_status, "content-type")
    plant(lambda a, _: a["headers"].update({"x-reason-code": "OTHER"}), lambda _, b: holds(b, error="Build not found"), "x-reason-code")
    plant(lambda a, _: a.update(body={"text": '{"status":'}), is_status, "body")
    plant(lambda a, _: a.update(body=None), is_status, "body")
    index = next(i for i, p in enumerate(PAIRS) if p["request"]["target"].endswith("/download") and p["shadow"]["status"] == 200)
    pairs = list(PAIRS)
    pairs[index] = json.loads(json.dumps(PAIRS[index]))
    pairs[index]["shadow"]["body"] = {"sha256": "0" * 64, "size": 7}
    code, findings = compared(pairs)
    equal((code, [finding["line"] for finding in findings]), (1, [index + 1]))


def order_is_found():
    """the wrong build first, a list in another order, a log line that is missing"""
    jobs = [body["job"]["id"] for _, body in answers(lambda _, b: isinstance(b.get("job") if isinstance(b, dict) else None, dict))]
    other = next(job for job in jobs if job != jobs[0])
    plant(lambda _, b: b["job"].update(id=other), lambda _, b: isinstance(b, dict) and b.get("job"), "/job/id")
    plant(lambda _, b: b.reverse(), lambda _, b: isinstance(b, list) and len(b) > 1, "/0/id")
    plant(lambda _, b: b["logs"].pop(0), lambda _, b: isinstance(b, dict) and len(b.get("logs") or []) > 1 and "build_id" in b, "/logs/0/message")


def volatile_values_are_compared_by_format():
    """against a server with values of its own, another time is none, a time in another form is one"""
    plant(lambda _, b: b.update(submitted_at=b["submitted_at"] + 1), is_status, "", "contract", found=False)
    plant(lambda _, b: b.update(submitted_at="2026-01-02T03:04:05.678Z"), is_status, "/submitted_at", "contract")
    plant(lambda _, b: b.update(submitted_at=None), is_status, "/submitted_at", "contract")


def unreadable_input_is_named():
    """a line that is no pair ends with 2 and its number"""
    path = os.path.join(FOLDER.name, "broken.ndjson")
    for broken, what in (('{"request":', "line 2"), ('{"request":{"method":"GET","target":"/"},"primary":{"status":"200"}}', "/primary/status")):
        with open(path, "w", encoding="utf-8") as out:
            out.write(json.dumps(PAIRS[0]) + "\n" + broken + "\n")
        done = subprocess.run([BINARY, "shadow", "compare", "--domain", "builds", path], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        equal(done.returncode, 2)
        check("line 2" in done.stderr and what in done.stderr, done.stderr)
    done = subprocess.run([BINARY, "shadow", "compare", "--domain", "builds", path + ".none"], stderr=subprocess.PIPE, text=True)
    equal(done.returncode, 2)


print(f"seed {SEED}", flush=True)
with tempfile.TemporaryDirectory(prefix="tidemark-planted-") as folder_name:
    class FOLDER:
        name = folder_name
    PAIRS = made()
    run([equal_pairs_are_equal, values_are_found, answers_are_found, order_is_found, volatile_values_are_compared_by_format,
         unreadable_input_is_named], "planted differences")
