"""How much faster than Kafka Streams is a keyed projection built from nothing? README.md says what is compared.

usage: run.py <tidemark-bench-streams> [--events 2000000] [--keys 200000] [--rounds 3] [--threads 2] [--passes 2] [--modes fast uncached changelog stock]

Fetches Kafka Streams with Maven, compiles Balances.java, starts a broker (ops/kafka/start), writes the events, and lets both sides read
them in turns. Ends with 1 when their rows differ.
"""

import argparse
import fcntl
import hashlib
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "support", "process"))
from kafka_broker import Broker  # noqa: E402

PREFIX = "bench."
TOPIC = PREFIX + "tally.entries"
JAVA_LIMITS = ["-Xms2g", "-Xmx2g", "-XX:+UseParallelGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"]


def need(*programs):
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        sys.exit(f"{' and '.join(missing)} missing: this benchmark wants a JDK and Maven (apt-get install openjdk-17-jdk-headless maven)")


def jars():
    """The folder with the jars of pom.xml, fetched once, each with the checksum that jars.sha256 says."""
    with open(os.path.join(HERE, "jars.sha256"), encoding="ascii") as lines:
        wanted = {name: digest for digest, name in (line.split() for line in lines)}
    cache = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "tidemark-streams")
    os.makedirs(cache, exist_ok=True)
    with open(os.path.join(HERE, "pom.xml"), "rb") as pom:
        folder = os.path.join(cache, hashlib.sha256(pom.read()).hexdigest()[:16])
    with open(os.path.join(cache, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(folder):
            print("fetching Kafka Streams", file=sys.stderr)
            with tempfile.TemporaryDirectory(dir=cache) as fetched:
                shutil.copy(os.path.join(HERE, "pom.xml"), fetched)
                command = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=jars"]
                done = subprocess.run(command, cwd=fetched, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
                if done.returncode != 0:
                    sys.exit(done.stdout + "\nKafka Streams cannot be fetched")
                os.rename(os.path.join(fetched, "jars"), folder)
    found = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as jar:
            found[name] = hashlib.sha256(jar.read()).hexdigest()
    wrong = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if wrong:
        sys.exit(f"{folder}: not what jars.sha256 says: {', '.join(wrong)}; remove the folder to fetch again")
    return folder


def measured(command):
    """The blocks of name=value lines that it prints (each begins with "events"), and the processor seconds of all its threads."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    blocks = []
    for line in done.stdout.splitlines():
        name, value = line.split("=", 1)
        if name == "events":
            blocks.append({})
        blocks[-1][name] = value
    return blocks, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--keys", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--passes", type=int, default=2, help="of a Java process: the last finds its code compiled")
    parser.add_argument("--modes", nargs="+", default=["fast", "uncached", "changelog", "stock"])
    options = parser.parse_args()
    need("java", "javac", "mvn")
    path = os.path.join(jars(), "*")
    with tempfile.TemporaryDirectory(prefix="tidemark-streams-") as folder, Broker("--heap", "1024") as broker:
        subprocess.run(["javac", "-cp", path, "-d", os.path.join(folder, "classes"), os.path.join(HERE, "Balances.java")], check=True)
        with open(os.path.join(broker.data, "pid"), encoding="ascii") as pid_file:
            broker_pid = int(pid_file.read())
        subprocess.run([options.program, "write", broker.bootstrap, PREFIX, str(options.events), str(options.keys)], check=True)
        streams = ["java", *JAVA_LIMITS, "-cp", os.path.join(folder, "classes") + ":" + path, "Balances", broker.bootstrap, TOPIC]
        sides = {"tidemark": [options.program, "rebuild", broker.bootstrap, PREFIX, os.path.join(folder, "rows")]}
        for mode in options.modes:
            sides[f"streams {mode}"] = [*streams, mode, str(options.threads), str(options.events), os.path.join(folder, "state"), str(options.passes)]
        subprocess.run([options.program, "read", broker.bootstrap, PREFIX], stdout=subprocess.DEVNULL, check=True)  # warms up the broker and the page cache
        rates, costs, rows = {}, {}, set()
        for at in range(1, options.rounds + 1):
            for side, command in sides.items():
                broker_before = processor_seconds(broker_pid)
                blocks, used = measured(command)
                broker_used = processor_seconds(broker_pid) - broker_before
                costs.setdefault(side, []).append((used + broker_used) / len(blocks) / options.events * 1e6)
                for number, block in enumerate(blocks):
                    rows.add((block["events"], block["rows"], block["hash"]))
                    what = side if len(blocks) == 1 else f"{side}, pass {number + 1}"
                    rate = options.events / float(block["fold_seconds"])
                    rate_from_start = options.events / float(block["from_start_seconds"])
                    rates.setdefault(what, []).append((rate, rate_from_start))
                    more = f"; closed {block['close_seconds']} s later" if "close_seconds" in block else ""
                    print(f"round {at}: {what}: {rate:,.0f} events/s from the first to the last, {rate_from_start:,.0f} from its start{more}", flush=True)
                print(f"         processor seconds of the process {used:.1f}, of the broker {broker_used:.1f}", flush=True)
        if len(rows) != 1:
            sys.exit(f"the rows differ: {sorted(rows)}")
        print(f"all stores hold the same {rows.pop()[1]} rows; medians of {options.rounds} rounds:")
        ours = [statistics.median(values) for values in zip(*rates["tidemark"])]
        for what, values in rates.items():
            rate, from_start = (statistics.median(column) for column in zip(*values))
            print(f"{what}: {rate:,.0f} events/s from the first to the last, {from_start:,.0f} from its start: ratio {ours[0] / rate:.2f}, {ours[1] / from_start:.2f}")
        our_cost = statistics.median(costs["tidemark"])
        for side, values in costs.items():
            cost = statistics.median(values)
            print(f"{side}: {cost:.1f} us of processor time for an event, broker and start included: ratio {cost / our_cost:.2f}")


if __name__ == "__main__":
    main()
