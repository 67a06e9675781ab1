"""A controller whose files can be looked at, whose disk can be made to fail, and whose alarms can be read."""

import hashlib
import os
import re
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "compat", "builds"))

from controller import API_KEY, Controller, check, equal, free_port, run  # noqa: E402,F401


def until(condition, what, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"did not happen: {what}")


def digest_of(content):
    return hashlib.sha256(content).hexdigest()


class Store(Controller):
    """faults: path of the preloaded library (tests/support/disk_faults), for fail()."""

    def __init__(self, binary, *extra, faults=None):
        self.metrics_port = free_port()
        self.control = tempfile.mktemp(prefix="tidemark-faults-")
        environment = {"TIDEMARK_DISK_FAULTS": self.control}
        if faults:
            environment["LD_PRELOAD"] = os.path.abspath(faults)
        super().__init__(binary, "--metrics-listen", f"127.0.0.1:{self.metrics_port}", "--metrics-open", *extra,
                         environment=environment)

    def __exit__(self, *about):
        self.heal()
        return super().__exit__(*about)

    # -- its disk -----------------------------------------------------------------------------------------------------

    def fail(self, *lines):
        """From now on: "<operation> <part of the path> <what>", as disk_faults.cpp says."""
        with open(self.control + ".new", "w") as file:
            file.write("".join(line + "\n" for line in lines))
        os.rename(self.control + ".new", self.control)

    def heal(self):
        if os.path.exists(self.control):
            os.unlink(self.control)

    def ended(self, what="the process ends"):
        until(lambda: self.process.poll() is not None, what)

    def restart(self):
        """After a crash: heals the disk and starts again."""
        self.heal()
        if self.process.poll() is None:
            self.kill()
        self.start()

    # -- its files ----------------------------------------------------------------------------------------------------

    def files(self, folder):
        found = []
        for where, _, names in os.walk(os.path.join(self.storage, "blobs", folder)):
            found += [os.path.join(where, name) for name in names]
        return sorted(found)

    def staging(self):
        return self.files("staging")

    def object_of(self, content):
        digest = digest_of(content)
        return os.path.join(self.storage, "blobs", "objects", digest[:2], digest)

    def certs_file(self, build):
        return os.path.join(self.storage, "blobs", "private", build)

    def orphan(self):
        """A file of content to which nothing refers, as an upload leaves that never became a build; its path."""
        content = os.urandom(20)
        path = self.object_of(content)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def builds(self):
        return [b["id"] for b in self.get("/api/builds").json()]

    # -- its alarms ---------------------------------------------------------------------------------------------------

    def metric(self, name, *labels):
        """The sum of its series that have these labels ('name="value"')."""
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=30).read().decode()
        series = re.findall(rf"^{name}({{[^}}]*}})? (\S+)$", text, re.M)
        values = [float(value) for of, value in series if all(label in of for label in labels)]
        check(values, f"there is a metric {name} {labels}")
        return sum(values)

    def logged(self, *words):
        return any(all(word in line for word in words) for line in self.read_output().splitlines())
