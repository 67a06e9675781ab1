"""Builds, workers and the queue: sections 3, 4 and 8 of the contract in memory."""

import dataclasses

from .wire import Learned, from_iso, iso

TERMINAL = ("completed", "failed", "cancelled")
ACTIVE = ("assigned", "building")
CANCELLED_TEXT = "Build cancelled by user"
SLACK_MS = 3


@dataclasses.dataclass
class Settings:
    api_key: str
    base_image: str = "ghcr.io/sethwebster/expo-free-agent-base:0.1.23"
    base_image_configured: bool = False
    open_registration: bool = False
    requeue_on_timeout: bool = False
    attempts_max: int = 10
    assigned_silence: int = 600_000
    building_silence: int = 300_000
    late_success: int = 86_400_000
    worker_offline: int = 300_000
    worker_token: int = 90_000
    worker_token_rotate: int = 30_000
    otp: int = 600_000
    vm_token: int = 7_200_000
    vm_token_max: int = 14_400_000
    source_max: int = 524_288_000
    certs_max: int = 10_485_760
    result_max: int = 1_073_741_824


class Moment:
    """A time that the server chose between two of ours; exact once it has been shown."""

    def __init__(self, request):
        self.low, self.high = request.began - SLACK_MS, request.ended + SLACK_MS

    def shown(self, value):
        """`value` when it may be this moment, else the best guess, which then differs."""
        if isinstance(value, int) and self.low <= value <= self.high:
            self.low = self.high = value
        return self.low

    def shown_iso(self, text):
        return iso(self.shown(from_iso(text)))


class Token:
    def __init__(self, text, request, lifetime):
        self.text = text
        self.expires_low, self.expires_high = request.began - SLACK_MS + lifetime, request.ended + SLACK_MS + lifetime

    def is_over(self, request):
        """True, False, or None when it ended while the request was under way."""
        if request.began >= self.expires_high:
            return True
        return False if request.ended < self.expires_low else None


class Build:
    def __init__(self, id_, platform, source, certs, token, submitted):
        self.id, self.platform, self.source, self.certs, self.token = id_, platform, source, certs, token
        self.submitted = submitted
        self.status = "pending"
        self.worker = None
        self.last_worker = None      # of the last attempt, when it was taken back
        self.attempt = 0
        self.started = self.completed = None
        self.error = None
        self.timed_out = None        # Moment
        self.reported = False        # failed because somebody said so
        self.result = None
        self.logs = []               # (Moment, level, text)
        self.life = "no"             # sign of life in this attempt: no, maybe, yes
        self.active_since = None     # request of the last sign of life
        self.otp = None
        self.otp_token = None        # its lifetime
        self.vm_token = None         # Token
        self.vm_token_cap = None
        self.vm_ready = None         # Moment
        self.source_gone = False

    @property
    def wire_status(self):
        return "failed" if self.status == "cancelled" else self.status

    def is_active(self):
        return self.status in ACTIVE


class Worker:
    def __init__(self, id_, name, request):
        self.id, self.name = id_, name
        self.registered = Moment(request)
        self.tokens = []             # newest last
        self.offline = False
        self.active = None           # Build
        self.reset = False           # re-registered with no active build since the assignment
        self.succeeded = self.failed = 0
        self.seen_low, self.seen_high = request.began, request.ended
        self.reports = []

    def touch(self, request, certain=True):
        """A contact; one that may be none moves the latest moment only."""
        self.seen_high = request.ended
        if certain:
            self.seen_low = request.began

    @property
    def status(self):
        return "building" if self.active else "offline" if self.offline else "idle"


class Pool:
    def __init__(self, settings):
        self.settings = settings
        self.builds = {}             # in the order of submission
        self.workers = {}
        self.snapshots = []          # cpu percents
        self.changes = 0             # of anything that the statistics count
        self.idempotent = {}
        self.requeued_because_unregistered = Learned()

    # -- lines and lives ----------------------------------------------------------------------------------------------

    def line(self, build, request, text, level="info"):
        build.logs.append((Moment(request), level, text))
        self.changes += 1

    def sign_of_life(self, build, request, certain=True):
        if build.worker:
            build.worker.touch(request, certain and build.is_active())
        if not build.is_active():
            return
        build.life = "yes" if certain else ("yes" if build.life == "yes" else "maybe")
        if certain:
            build.active_since = request

    def forget_signs(self):
        """The server was killed: of an attempt it remembers what was recorded, the start and the virtual machine's authentication."""
        for build in self.builds.values():
            if build.life == "yes" and build.status == "assigned" and build.vm_token is None:
                build.life = "maybe"

    def start(self, build):
        if build.status == "assigned":
            build.status = "building"

    # -- transitions --------------------------------------------------------------------------------------------------

    def next_pending(self):
        return next((b for b in self.builds.values() if b.status == "pending"), None)

    def give(self, build, worker, request):
        build.status, build.worker, build.last_worker = "assigned", worker, worker
        build.attempt += 1
        build.started = Moment(request)
        build.life, build.active_since = "no", request
        build.otp, build.vm_token, build.vm_ready = Learned(), None, None
        build.otp_ends = Token("", request, self.settings.otp)
        worker.active, worker.reset, worker.offline = build, False, False
        self.line(build, request, f"Assigned to worker {worker.name}")

    def free(self, build, request, spoke=True):
        """Its worker has no live build from here on; that is a contact when the worker itself said so."""
        if build.worker and build.worker.active is build:
            build.worker.active = None
            if spoke:
                build.worker.touch(request)

    def succeed(self, build, worker, content, request):
        if build.timed_out is not None and worker:
            worker.failed -= 1
        self.free(build, request)
        build.status, build.error, build.timed_out = "completed", None, None
        build.worker = worker
        build.result, build.completed = content, Moment(request)
        if worker:
            worker.succeeded += 1
        self.line(build, request, "Build completed successfully")

    def fail(self, build, worker, text, request, reported=True):
        build.reported = reported
        self.free(build, request)
        build.status, build.error, build.completed, build.worker = "failed", text, Moment(request), worker
        if worker:
            worker.failed += 1
        self.line(build, request, text, "error")

    def cancel(self, build, request):
        self.free(build, request, spoke=False)
        build.status, build.error, build.completed = "cancelled", CANCELLED_TEXT, Moment(request)
        self.line(build, request, "Build cancelled")

    def time_out(self, build, text, request):
        self.free(build, request, spoke=False)
        worker = build.worker
        self.line(build, request, "Build timeout - worker stopped responding", "error")
        if self.settings.requeue_on_timeout:
            raise AssertionError("not modelled")
        build.status, build.error, build.completed = "failed", text, Moment(request)
        build.timed_out = Moment(request)
        worker.failed += 1

    def requeue(self, build, reason, request):
        self.free(build, request)
        if build.attempt >= self.settings.attempts_max:
            self.fail(build, build.worker, Learned(), request, reported=False)
            return
        build.status, build.worker, build.started = "pending", None, None
        build.otp, build.vm_token, build.vm_ready = None, None, None
        build.life = "no"
        self.line(build, request, reason if isinstance(reason, Learned) else f"Build requeued: {reason}")
