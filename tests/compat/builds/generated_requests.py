"""Requests generated from the contract's tables, answered by the real server and by an independent model of the contract, and
compared by `tidemark shadow compare` with no difference allowed.

usage: generated_requests.py <tidemark binary> <requests> [--seed N] [--keep FILE] [--no-timers]
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

from controller import API_KEY, Controller
from generated import coverage, scenarios
from generated.requests import WEIGHTS, Draw
from generated.session import OpenMoment, Session
from model.state import Settings

LIMITS = {"source_max": 20_000, "certs_max": 3_000, "result_max": 30_000}


def flags(settings):
    """The server's flags for settings of the model that are not the default."""
    names = {"source_max": "source-bytes-max", "certs_max": "certs-bytes-max", "result_max": "result-bytes-max", "attempts_max": "attempts-max",
             "assigned_silence": "assigned-silence", "building_silence": "building-silence", "late_success": "late-success",
             "worker_offline": "worker-offline", "worker_token": "worker-token", "worker_token_rotate": "worker-token-rotate",
             "otp": "otp", "vm_token": "vm-token", "vm_token_max": "vm-token-max"}
    out = []
    for name, flag in names.items():
        value = getattr(settings, name)
        if value != getattr(Settings(API_KEY), name):
            out += [f"--builds-{flag}", str(value) if name.endswith("max") and name != "vm_token_max" else f"{value}ms"]
    if settings.open_registration:
        out.append("--builds-open-registration")
    if settings.base_image_configured:
        out += ["--base-image-id", settings.base_image]
    return out


SHORT_TIMES = {"assigned_silence": 3000, "building_silence": 2000, "late_success": 3000, "worker_offline": 4000, "worker_token": 4000,
               "worker_token_rotate": 2000, "otp": 2000, "vm_token": 2000, "vm_token_max": 4000}


DRAWS_MAX = 3  # until everything was reached that has to be: some of it is drawn a few times in thousands
RUNS_MAX = 8  # of a section that meets a moment that nobody can judge


@dataclasses.dataclass
class Section:
    """Stories spread among drawn requests, against a server of their own."""

    name: str
    settings: Settings
    stories: list
    requests: int
    careful: bool = False
    pause: float = 0.0
    restart: bool = False
    extra: tuple = ()

    def run(self, binary, seed, pairs):
        """(requests that were sent, what was reached, a line about it)"""
        began = time.monotonic()
        with Controller(binary, *flags(self.settings), *self.extra) as controller, open(pairs, "w", encoding="utf-8") as out:
            session = Session(controller, self.settings, out)
            draw = Draw(session.model, f"{seed} {self.name}", self.careful)
            rng = random.Random(f"{seed} {self.name} order")
            told = sorted(rng.randrange(max(1, self.requests)) for _ in self.stories)
            stories, names, parts = list(self.stories), list(WEIGHTS), list(WEIGHTS.values())
            rng.shuffle(stories)
            for i in range(self.requests):
                while told and told[0] <= i:
                    told.pop(0)
                    stories.pop()(scenarios.Story(session, draw))
                if self.restart and i == self.requests // 2:
                    controller.kill()
                    session.model.pool.forget_signs()
                    controller.start()
                drawn = getattr(draw, rng.choices(names, parts)[0])()
                if drawn.method == "GET" and rng.random() < 0.03 and "certs-secure" not in drawn.target:
                    drawn.method = "HEAD"
                session.send(drawn)
                if self.pause and rng.random() < 0.1:
                    time.sleep(rng.random() * self.pause)
            for story in stories:
                story(scenarios.Story(session, draw))
            builds = collections.Counter(b.status for b in session.model.pool.builds.values())
            about = (f"{self.name}: {session.count} requests in {time.monotonic() - began:.1f} s, {len(session.model.pool.workers)} workers, "
                     f"builds {dict(builds)}")
            return session.count, session.reached, about


def sections(requests, timers):
    parts = [Section("by default", Settings(API_KEY, **LIMITS), scenarios.MAIN, requests * (8 if timers else 9) // 10, restart=True),
             Section("other settings", Settings(API_KEY, attempts_max=2, open_registration=True, base_image="registry.example/base:9",
                                                base_image_configured=True, certs_max=60 << 20), scenarios.OTHER_SETTINGS, requests // 10)]
    if timers:
        parts.append(Section("short timers", Settings(API_KEY, **SHORT_TIMES, **LIMITS), scenarios.TIMERS, requests // 10, careful=True,
                             pause=0.1, extra=("--builds-activity-mark", "1s")))
    return parts


def run_section(part):
    section, binary, seed, pairs = part
    for attempt in range(RUNS_MAX):
        try:
            return section.run(binary, seed, pairs)
        except OpenMoment as moment:
            print(f"{section.name}: told again, as {moment} and a timer came due meanwhile", flush=True)
    raise AssertionError(f"{section.name}: {RUNS_MAX} runs met a moment that nobody can judge: this machine is too slow for timers of 2 s")


def compare(binary, pairs):
    done = subprocess.run([binary, "shadow", "compare", "--domain", "builds", "--generation", "exact", pairs], stdout=subprocess.PIPE, text=True)
    return done.returncode, done.stdout


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("binary")
    arguments.add_argument("requests", type=int)
    arguments.add_argument("--seed", default=str(random.SystemRandom().randrange(1 << 32)))
    arguments.add_argument("--keep", help="file for the pairs")
    arguments.add_argument("--no-timers", action="store_true", help="leave out what takes its time")
    given = arguments.parse_args()
    print(f"seed {given.seed}", flush=True)
    timers = not given.no_timers
    with tempfile.TemporaryDirectory(prefix="tidemark-pairs-") as folder:
        pairs = given.keep or os.path.join(folder, "pairs.ndjson")
        with open(pairs, "wb"):
            pass
        results = []
        for number in range(DRAWS_MAX if timers else 1):
            seed = f"{given.seed} {number}" if number else given.seed
            results += draw(given, seed, timers, folder, pairs)
            lacking = missing(results)
            if not lacking:
                break
            if timers and number + 1 < DRAWS_MAX:
                print(f"as many are drawn again, since none was {lacking[0]}", flush=True)
        sys.exit(judge(given, pairs, results, timers))


def draw(given, seed, timers, folder, pairs):
    """Results of all sections; what they said is appended to `pairs`."""
    parts = [(section, given.binary, seed, os.path.join(folder, f"{i}.ndjson")) for i, section in enumerate(sections(given.requests, timers))]
    with concurrent.futures.ProcessPoolExecutor(len(parts)) as pool:
        results = list(pool.map(run_section, parts))
    with open(pairs, "ab") as out:
        for _, _, _, path in parts:
            with open(path, "rb") as one:
                shutil.copyfileobj(one, out)
    return results


def missing(results):
    """What was to be reached and was not."""
    reached = collections.Counter()
    for _, there, _ in results:
        reached.update(there)
    return [entry for required in (coverage.REQUIRED, coverage.REQUIRED_BY_OTHERS) for entry in coverage.missing(required, reached)]


def judge(given, pairs, results, timers):
    count, reached = 0, collections.Counter()
    for sent, there, about in results:
        print(about)
        count += sent
        reached.update(there)
    code, told = compare(given.binary, pairs)
    print(told)
    failed = code != 0
    if timers:  # the short run is too short for all of it
        print(coverage.table(reached))
        for entry in missing(results):
            failed = True
            print("NOT REACHED:", *entry)
    print(json.dumps({"seed": given.seed, "requests": count, "ok": not failed}))
    if failed and not given.keep:
        print(f"to look closer: generated_requests.py <binary> {given.requests} --seed {given.seed} --keep pairs.ndjson")
    return 1 if failed else 0


if __name__ == "__main__":
    main()
