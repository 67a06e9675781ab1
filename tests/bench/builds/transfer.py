#!/usr/bin/env python3
"""Memory growth of a running node while builds go up and come down.

usage: transfer.py --tidemark build/release/tidemark [--mib 1024] [--parallel 1] [--result] [--limit-mib 4096] [--directory ...]
       transfer.py --tidemark build/release/tidemark --contract

Starts `tidemark builds serve` on a free port, uploads `parallel` sources (or results) of `mib` MiB at once by curl, downloads
them again, checks every hash, and prints the node's resident size before, its peak during each, and the growth per transfer.
--contract runs the contract's cases: 20 sources of 500 MiB at once, a result of 1 GiB, one of 4 GiB with the limit raised to
that; and ends with 1 when a transfer costs 10 MiB or more. It needs 20 GiB of disk for a while, and leaves nothing.
"""
import argparse, hashlib, json, os, shutil, socket, subprocess, sys, threading, time, urllib.request


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmRSS"):
                return int(line.split()[1])
    return 0


class Peak:
    """Samples a process's resident size until stopped."""

    def __init__(self, pid):
        self.pid, self.peak, self.going = pid, 0, True
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while self.going:
            self.peak = max(self.peak, resident_kib(self.pid))
            time.sleep(0.02)

    def stop(self):
        self.going = False
        self.thread.join()
        return self.peak


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--contract", action="store_true", help="the contract's cases, one after the other")
    parser.add_argument("--limit-mib", type=int, help="raises the limits of sources and results to this")
    parser.add_argument("--tidemark", default="build/release/tidemark")
    parser.add_argument("--mib", type=int, default=500)
    parser.add_argument("--parallel", type=int, default=1)
    parser.add_argument("--directory", default="build/bench-data")
    parser.add_argument("--result", action="store_true", help="upload a build result (limit 1 GiB) instead of a source (limit 500 MiB)")
    options = parser.parse_args()
    if not options.contract:
        measure(options)
        return 0
    worst = 0
    for mib, parallel, result, limit in ((500, 20, False, None), (1024, 1, True, None), (4096, 1, True, 4096)):
        options.mib, options.parallel, options.result, options.limit_mib = mib, parallel, result, limit
        worst = max(worst, measure(options))
    return 0 if worst < 10 else 1


def measure(options):
    """Prints one case; the larger growth per transfer, in MiB."""
    directory = os.path.join(options.directory, "transfer")
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    key = "bench-api-key-0123456789"
    limits = []
    if options.limit_mib:
        for setting in ("--builds-source-bytes-max", "--builds-result-bytes-max"):
            limits += [setting, str(options.limit_mib << 20)]
    node = subprocess.Popen([options.tidemark, "builds", "serve", "--port", str(port), "--storage", os.path.join(directory, "storage"), "--api-key", key, *limits],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(base + "/health").read()
                break
            except OSError:
                time.sleep(0.05)
        archive = os.path.join(directory, "archive")
        block, digest = os.urandom(1 << 20), hashlib.sha256()
        with open(archive, "wb") as out:
            for i in range(options.mib):
                piece = i.to_bytes(8, "big") + block[8:]
                digest.update(piece)
                out.write(piece)

        def curl(*arguments):
            return subprocess.Popen(["curl", "-sS", "-f", "-H", f"X-API-Key: {key}", *arguments], stdout=subprocess.PIPE)

        small = os.path.join(directory, "small")
        with open(small, "wb") as out:
            out.write(b"source")
        before = resident_kib(node.pid)
        uploads, builds = [], []
        if options.result:
            for i in range(options.parallel):
                submit = json.loads(curl("-F", "platform=ios", "-F", f"source=@{small}", base + "/api/builds/submit").communicate()[0])
                worker = json.loads(curl("-H", "Content-Type: application/json", "-d", '{"name":"w","capabilities":{}}', base + "/api/workers/register").communicate()[0])["id"]
                job = json.loads(curl(f"{base}/api/workers/poll?worker_id={worker}").communicate()[0])["job"]
                assert job["id"] == submit["id"]
                builds.append((job["id"], worker))
            before = resident_kib(node.pid)
        peak, start = Peak(node.pid), time.time()
        for i in range(options.parallel):
            if options.result:
                build, worker = builds[i]
                uploads.append(curl("-F", f"build_id={build}", "-F", f"worker_id={worker}", "-F", "success=true", "-F", f"result=@{archive}", base + "/api/workers/upload"))
            else:
                uploads.append(curl("-F", "platform=ios", "-F", f"source=@{archive}", base + "/api/builds/submit"))
        answers = [json.loads(upload.communicate()[0]) for upload in uploads]
        upload_seconds, upload_peak = time.time() - start, peak.stop()
        if not options.result:
            builds = [(answer["id"], None) for answer in answers]
        kind = "result" if options.result else "source"
        peak, start = Peak(node.pid), time.time()
        # Straight into the hash: what comes back needs no disk.
        downloads = [curl(f"{base}/api/builds/{build}/download/{kind}") for build, _ in builds]
        hashes = [subprocess.Popen(["sha256sum"], stdin=download.stdout, stdout=subprocess.PIPE) for download in downloads]
        for download, sum_of in zip(downloads, hashes):
            download.stdout.close()
            assert sum_of.communicate()[0].split()[0].decode() == digest.hexdigest(), "the bytes that came back differ"
            assert download.wait() == 0
        download_seconds, download_peak = time.time() - start, peak.stop()
        n = options.parallel
        print(json.dumps({"name": f"{n} x {options.mib} MiB {kind}", "resident_before_mib": round(before / 1024, 1),
                          "upload_growth_mib_each": round((upload_peak - before) / 1024 / n, 2), "upload_mib_per_second": round(n * options.mib / upload_seconds),
                          "download_growth_mib_each": round((download_peak - before) / 1024 / n, 2),
                          "download_mib_per_second": round(n * options.mib / download_seconds)}), flush=True)
        return max(upload_peak - before, download_peak - before) / 1024 / n
    finally:
        node.terminate()
        node.wait()
        shutil.rmtree(directory, ignore_errors=True)
        shutil.rmtree(os.path.join(directory, "storage") + ".keys", ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
