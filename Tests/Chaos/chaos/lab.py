"""One run: starts everybody, carries out the plan, lets it run dry."""

from __future__ import annotations

import heapq
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from .ledger import Book, Calls, Tail
from .members import HERE, Member, Proxy, free_ports, nanoseconds, program, wake
from .plan import CUTS, RESTARTS, Cast, Fault

QUEUE = "chaos"
OTHER = "chaos-python"
SLOTS = {"half": 0.5, "odd": 0.7}
"""Schedule entry to period in seconds."""
AT_ONCE = 2
"""How many jobs of a shop may be under way at once."""
PATIENCE = 60
"""Seconds without any progress after which the end is not waited for any more."""


@dataclass
class Options:
    """What a run consists of."""

    cast: Cast
    rate: float
    """Jobs per second of all producers."""
    longest: int
    backlog: int
    concurrency: int
    worker: str
    """`apium` or `celery`."""
    jobs: int
    """The plan ends after so many; 0: it is carried out whole."""
    result_expires: int = 600
    """Seconds that results are kept."""


@dataclass
class Counts:
    """What was done."""

    kills: int = 0
    restarts: int = 0
    cuts: int = 0
    others: dict[str, int] = field(default_factory=dict)
    moments: list[tuple[int, int, str]] = field(default_factory=list)
    """Every fault: from and until, in nanoseconds, and its kind."""


class Lab:
    """The processes and what is known of them."""

    def __init__(self, options: Options, folder: Path, seed: int) -> None:
        for name in ("chaos-producer", "beat", "apium", *(["chaos-worker"] if options.worker == "apium" else [])):
            program(name)
        self.options = options
        self.folder = folder
        self.chance = random.Random(seed)
        self.book = Book()
        self.neighbours_book = Book()
        self.calls = Calls()
        self.counts = Counts()
        self.waiting: dict[bytes, bytes] = {}
        self.undo: list[tuple[float, int, Callable[[], None]]] = []
        self.ledger = Tail(folder / "ledger")
        self.notes: dict[str, Tail] = {}
        self.hold = folder / "hold"
        self.next_read = self.next_harvest = 0.0
        self.last_progress = time.monotonic()
        cast = options.cast
        self.port, *doors = free_ports(1 + cast.workers + cast.producers + cast.beats)
        self.doors = {"worker": doors[: cast.workers], "producer": doors[cast.workers :][: cast.producers], "beat": doors[cast.workers + cast.producers :]}
        self.admin = Redis(port=self.port, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0))
        (folder / "redis").mkdir()
        self.redis = Member("redis", lambda _: redis_command(self.port, folder / "redis"), folder)
        self.redis.start()
        self.until_answering()
        if options.worker == "apium":
            words = ["limits", "set", "--broker", f"redis://127.0.0.1:{self.port}/0", "--key", "shop", "--concurrency", str(AT_ONCE)]
            subprocess.run([program("apium"), *words], check=True, capture_output=True, timeout=60)
        self.proxy = Proxy(self.port, doors, folder)
        self.workers = [self.make_worker(index) for index in range(cast.workers)]
        self.producers = [self.make_producer(index) for index in range(cast.producers)]
        self.beats = [self.make_beat(index) for index in range(cast.beats)]
        self.neighbours = [self.make_celery(f"c{index}", f"redis://127.0.0.1:{self.port}/0", OTHER) for index in range(cast.neighbours)]

    # MARK: Who takes part

    def url(self, role: str, index: int) -> str:
        """The broker as one of them sees it."""
        return f"redis://127.0.0.1:{self.doors[role][index]}/0"

    def make_worker(self, index: int) -> Member:
        """A worker of ours, or Celery's."""
        url = self.url("worker", index)
        if self.options.worker == "celery":
            return self.make_celery(f"w{index}", url, QUEUE)

        def ours(start: int) -> list[str]:
            # A job that the lab kills three times with its worker is no poison.
            settings = ["--setting", f"result_expires={self.options.result_expires}", "--setting", "worker_crash_limit=1000000"]
            words = [program("chaos-worker"), "--broker", url, "--queues", QUEUE, "--concurrency", str(self.options.concurrency), "--grace", "5"]
            return [*words, "--hostname", f"w{index}-{start}@chaos", *settings]

        return Member(f"w{index}", ours, self.folder, {"CHAOS_LEDGER": str(self.ledger.path)})

    def make_celery(self, name: str, url: str, queue: str) -> Member:
        """A worker of Celery's."""
        environment = {"CHAOS_LEDGER": str(self.ledger.path), "CHAOS_BROKER": url, "PYTHONPATH": str(HERE), "PYTHONWARNINGS": "ignore", "C_FORCE_ROOT": "1"}
        slots = str(min(self.options.concurrency, 4))
        words = [python(), "-m", "celery", "-A", "chaos.tasks", "worker", "-P", "prefork", "-c", slots, "-Q", queue, "-l", "WARNING"]
        return Member(name, lambda start: [*words, "-n", f"{name}-{start}@chaos", "--without-gossip", "--without-mingle"], self.folder, environment)

    def make_producer(self, index: int) -> Member:
        """Every other one is Celery's client, which gets a tenth of the work.

        Before Celery's workers all are: ours keeps what is for later where they don't look.
        """
        count = self.options.cast.producers
        swift = (count + 1) // 2
        is_python = index % 2 == 1 or self.options.worker == "celery"
        share = 1 / count if self.options.worker == "celery" else 0.1 / (count - swift) if is_python else (0.9 if count > 1 else 1) / swift
        rate = self.options.rate * share
        name = f"{'p' if is_python else 's'}{index}"

        def command(start: int) -> list[str]:
            label = f"{name}-{start}"
            notes = self.folder / f"{label}.notes"
            self.notes[label] = Tail(notes)
            words = ["--broker", self.url("producer", index), "--queue", QUEUE, "--name", label, "--log", str(notes), "--hold", str(self.hold)]
            words += ["--rate", str(rate), "--seed", str(self.chance.getrandbits(40)), "--longest", str(self.options.longest)]
            if is_python and self.options.cast.neighbours:
                words += ["--other", OTHER]
            return [*([python(), "-m", "chaos.producer"] if is_python else [program("chaos-producer")]), *words]

        return Member(name, command, self.folder, {"PYTHONPATH": str(HERE), "PYTHONWARNINGS": "ignore"})

    def make_beat(self, index: int) -> Member:
        """A beat of the one schedule."""
        path = self.folder / "schedule.yaml"
        catch_up = {"policy": "all", "max": 10_000}
        entries = {
            name: {"task": "chaos.slot", "every": f"{period * 1000:.0f}ms", "kwargs": {"key": name}, "options": {"queue": QUEUE}, "catch_up": catch_up}
            for name, period in SLOTS.items()
        }
        path.write_text(json.dumps({"entries": entries}))
        return Member(f"b{index}", lambda _: [program("beat"), "--broker", self.url("beat", index), "--schedule", str(path)], self.folder)

    @property
    def members(self) -> list[Member]:
        """All but Redis and the proxy."""
        return [*self.workers, *self.producers, *self.beats, *self.neighbours]

    # MARK: The run

    def run(self, plan: list[Fault]) -> None:
        """Carries out the plan in real time."""
        began = time.monotonic()
        for fault in plan:
            while (now := time.monotonic()) < began + fault.at:
                self.tick(now)
                if self.options.jobs and len(self.book.jobs) >= self.options.jobs:
                    return
            self.carry_out(fault, now)

    def pass_time(self, seconds: float) -> None:
        """Lets everybody work."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            self.tick(now)

    def tick(self, now: float) -> None:
        """What is always to be done: wake who was stopped, start who is due, read what was written."""
        while self.undo and self.undo[0][0] <= now:
            heapq.heappop(self.undo)[2]()
        for member in [self.redis, *self.members]:
            member.tend(now)
        if now >= self.next_read:
            self.next_read = now + 0.2
            self.read()
        if now >= self.next_harvest:
            self.next_harvest = now + 1
            self.harvest()
            self.throttle()
        time.sleep(0.01)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Something that ends a fault."""
        heapq.heappush(self.undo, (time.monotonic() + seconds, len(self.undo) + nanoseconds(), action))

    def read(self) -> None:
        """Takes in what workers and producers wrote."""
        for words in self.ledger.lines():
            book = self.neighbours_book if len(words) == 7 and words[3].endswith(b".other") else self.book
            book.read(words)
            self.last_progress = time.monotonic()
        for label, tail in list(self.notes.items()):
            for words in tail.lines():
                self.calls.read(label, words)

    def harvest(self) -> None:
        """Reads the results of jobs whose effect is there: the token of the run whose end was accepted."""
        self.waiting.update(self.book.take_fresh())
        keys = list(self.waiting)
        try:
            for first in range(0, len(keys), 500):
                some = keys[first : first + 500]
                documents = self.admin.mget([b"celery-task-meta-" + self.waiting[key] for key in some])
                for key, document in zip(some, documents):
                    if document and (found := json.loads(document))["status"] == "SUCCESS":
                        self.book.succeeded(key, found["result"])
                        del self.waiting[key]
        except RedisError:
            return

    def throttle(self) -> None:
        """Producers hold when more is queued than the workers can do soon."""
        try:
            queued = self.admin.llen(QUEUE)
        except RedisError:
            return
        if queued > self.options.backlog:
            self.hold.touch()
        elif queued < self.options.backlog / 2:
            self.hold.unlink(missing_ok=True)

    def until_answering(self) -> None:
        """Waits until Redis has loaded."""
        deadline = time.monotonic() + 60
        while True:
            try:
                self.admin.ping()
                return
            except RedisError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    # MARK: Faults

    def carry_out(self, fault: Fault, now: float) -> None:
        """Does one fault; what it does is written down."""
        begun = nanoseconds()
        deed, _, role = fault.kind.partition(" ")
        if role == "Redis":
            done = self.harm_redis(deed, fault, now)
        elif deed == "kill" and role == "client":
            done = self.kill_client(fault)
        elif deed == "flush":
            done = self.flush_scripts()
        elif deed == "end":
            done = self.workers[fault.victim].ask(now)
        elif deed in ("kill", "stop"):
            done = self.harm(deed, {"worker": self.workers, "producer": self.producers, "beat": self.beats}[role], fault, now)
        else:
            done = self.harm_connections(deed, role, fault)
        if not done:
            return
        self.counts.moments.append((begun, begun + int(fault.seconds * 1e9), fault.kind))
        self.counts.others[fault.kind] = self.counts.others.get(fault.kind, 0) + 1
        self.counts.kills += fault.kind == "kill worker"
        self.counts.restarts += fault.kind in RESTARTS
        self.counts.cuts += fault.kind in CUTS

    def harm(self, deed: str, group: list[Member], fault: Fault, now: float) -> bool:
        """Kills or stops a process."""
        if not group:
            return False
        member = group[fault.victim]
        if deed == "stop":
            process = member.stop()
            if process:
                self.later(fault.seconds, lambda: wake(process))
            return process is not None
        label = member.label
        if not member.kill(now + fault.seconds):
            return False
        if member in self.workers:
            killed = nanoseconds()
            self.read()
            self.book.killed(label.encode(), killed)
        return True

    def harm_redis(self, deed: str, fault: Fault, now: float) -> bool:
        """Kills, restarts or stops the server."""
        if deed == "stop":
            process = self.redis.stop()
            if process:
                self.later(fault.seconds, lambda: wake(process))
            return process is not None
        if deed == "kill":
            return self.redis.kill(now + fault.seconds)
        running = self.redis.is_running
        self.redis.terminate(20, now)
        return running

    def harm_connections(self, deed: str, role: str, fault: Fault) -> bool:
        """Cuts, tears, swallows or holds what passes a door."""
        doors = self.doors["worker" if role in ("reply", "request") else role]
        if not doors:
            return False
        door = doors[fault.victim]
        if deed == "tear":
            return self.proxy.tell(f"tear-{role}", door, fault.amount) > 0
        return self.proxy.tell(deed, door, *([] if deed == "cut" else [fault.seconds])) > 0

    def kill_client(self, fault: Fault) -> bool:
        """CLIENT KILL of any connection but our own."""
        try:
            own = self.admin.client_id()
            clients = [client["id"] for client in self.admin.client_list() if int(client["id"]) != own]
            return bool(clients) and self.admin.client_kill_filter(_id=clients[fault.amount % len(clients)]) == 1
        except RedisError:
            return False

    def flush_scripts(self) -> bool:
        """SCRIPT FLUSH."""
        try:
            self.admin.script_flush()
            return True
        except RedisError:
            return False

    # MARK: The end

    def heal(self) -> None:
        """Ends all faults; producers end, and what is there goes on."""
        self.hold.touch()
        for producer in self.producers:
            producer.kill(None)
            producer.due = None
        while self.undo:
            heapq.heappop(self.undo)[2]()
        self.proxy.tell("free")
        if not self.redis.is_running:
            self.redis.due = 0
            self.redis.tend(time.monotonic())
        self.until_answering()

    def run_dry(self) -> bool:
        """Waits until nothing is left to do; False: nothing moved any more although something is left."""
        for beat in self.beats:
            beat.terminate(20)
        self.last_progress = time.monotonic()
        while time.monotonic() < self.last_progress + PATIENCE:
            self.pass_time(0.5)
            if not self.left_to_do():
                return True
        return False

    def left_to_do(self) -> list[str]:
        """What is still to be done, in words: by what holds jobs and, for they may move while that is looked at, by the jobs themselves."""
        return self.held() or [f"{count} {name}" for name, count in self.unfinished().items() if count]

    def unfinished(self) -> dict[str, int]:
        """Jobs that were asked for, or begun, and have had no effect."""
        jobs = self.book.jobs
        asked = sum(key not in jobs for key in self.calls.asked())
        return {"jobs that have not begun": asked, "jobs that have not ended": sum(not job.done for job in jobs.values())}

    def held(self) -> list[str]:
        """What holds jobs, in words."""
        try:
            left = {"queued": self.admin.llen(QUEUE), "scheduled": self.admin.zcard("apium:scheduled"), "results to come": len(self.waiting)}
            if self.options.worker == "celery":
                left["unacked"] = self.admin.hlen("unacked")
            else:
                left["waiting for a permit"] = sum(self.admin.llen(key) for key in self.admin.scan_iter("apium:waiting:*", 1000))
                left["dead workers in the register"] = max(0, self.admin.zcard("apium:workers") - len(self.workers))
            left["in flight"] = sum(self.admin.llen(key) for key in self.admin.scan_iter("apium:flight:*:*", 1000) if self.admin.type(key) == b"list")
        except RedisError as error:
            return [repr(error)]
        return [f"{count} {name}" for name, count in left.items() if count]

    def stop_workers(self) -> None:
        """SIGTERM to all."""
        for worker in [*self.workers, *self.neighbours]:
            if (code := worker.terminate(30)) not in (0, None, -signal.SIGTERM):
                worker.ended.append(f"{worker.label} answered SIGTERM with exit code {code}")
        self.read()
        self.harvest()

    def patient(self) -> None:
        """From now on Redis may take its time: nothing is done to it any more."""
        self.admin.close()
        self.admin = Redis(port=self.port, socket_timeout=60)

    def end(self) -> None:
        """Ends every process."""
        for member in [*self.members, self.redis]:
            member.kill(None)
            member.due = None
        self.proxy.end()
        self.admin.close()


def redis_command(port: int, folder: Path) -> list[str]:
    """A server that has on disk what it has answered."""
    words = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--appendonly", "yes"]
    return [*words, "--appendfsync", "always", "--maxmemory-policy", "noeviction"]


def python() -> str:
    """The environment with Celery."""
    return sys.executable
