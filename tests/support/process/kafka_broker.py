"""A real Kafka broker for a test, by ops/kafka/start: the release of $KAFKA_VERSION. It ends with the test's process at the latest."""

import os
import shutil
import subprocess
import tempfile

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "ops", "kafka")


class Broker:
    """Use as a context manager."""

    def __init__(self, *more):
        self.more = list(more)
        self.data = tempfile.mkdtemp(prefix="tidemark-broker-")
        self.bootstrap = self.version = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, error, trace):
        subprocess.run([os.path.join(SCRIPTS, "stop"), "--kill", "--data", self.data], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(self.data, ignore_errors=True)
        return False

    def start(self):
        done = subprocess.run([os.path.join(SCRIPTS, "start"), "--data", self.data, "--with", str(os.getpid()), *self.more],
                              stdout=subprocess.PIPE, check=True, text=True)
        said = dict(line.split("=", 1) for line in done.stdout.splitlines())
        self.bootstrap, self.version = said["bootstrap"], said["version"]

    def kill(self):
        """SIGKILL; start() goes on with the same data and port."""
        subprocess.run([os.path.join(SCRIPTS, "stop"), "--kill", "--data", self.data], check=True)
