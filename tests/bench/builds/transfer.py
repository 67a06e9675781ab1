#!/usr/bin/env python3
"""Memory growth of a running node while builds go up and come down.

usage: transfer.py --tidemark build/release/tidemark [--mib 1024] [--parallel 1] [--directory build/bench-data]

Starts `tidemark builds serve` on a free port, uploads `parallel` sources of `mib` MiB at once by curl, downloads them
again, and prints the node's resident size before, its peak during each, and the growth per transfer.
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
    parser.add_argument("--tidemark", default="build/release/tidemark")
    parser.add_argument("--mib", type=int, default=500)
    parser.add_argument("--parallel", type=int, default=1)
    parser.add_argument("--directory", default="build/bench-data")
    parser.add_argument("--result", action="store_true", help="upload a build result (limit 1 GiB) instead of a source (limit 500 MiB)")
    options = parser.parse_args()
    directory = os.path.join(options.directory, "transfer")
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    key = "bench-api-key-0123456789"
    node = subprocess.Popen([options.tidemark, "builds", "serve", "--port", str(port), "--storage", os.path.join(directory, "storage"), "--api-key", key],
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
        downloads = [curl(f"{base}/api/builds/{build}/download/{kind}", "-o", os.path.join(directory, f"out-{i}")) for i, (build, _) in enumerate(builds)]
        for download in downloads:
            download.wait()
        download_seconds, download_peak = time.time() - start, peak.stop()
        for i in range(options.parallel):
            check = hashlib.sha256()
            with open(os.path.join(directory, f"out-{i}"), "rb") as file:
                while piece := file.read(1 << 20):
                    check.update(piece)
            assert check.hexdigest() == digest.hexdigest(), "the bytes that came back differ"
        n = options.parallel
        print(json.dumps({"name": f"{n} x {options.mib} MiB {kind}", "resident_before_mib": round(before / 1024, 1),
                          "upload_growth_mib_each": round((upload_peak - before) / 1024 / n, 2), "upload_mib_per_second": round(n * options.mib / upload_seconds),
                          "download_growth_mib_each": round((download_peak - before) / 1024 / n, 2),
                          "download_mib_per_second": round(n * options.mib / download_seconds)}))
    finally:
        node.terminate()
        node.wait()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
