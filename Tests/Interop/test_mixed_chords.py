"""Chords of a thousand jobs on one queue that our worker and Celery's serve together, left alone and with our worker killed on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import matrix_tasks
import pytest
import redis
from celery import Celery, chord
from conftest import PROGRAMS, Worker
from stack.client import wait_for

SIZE = 1_000
PATIENCE = 50
"""Seconds in which a chord has to end; it takes about ten."""
VALUES = [round(0.02 + index / 1e6, 6) for index in range(SIZE)]
"""What the header's jobs sleep and answer: each another value, so that the list shows their order."""
KILLED_AT = (100, 300, 500, 700, 900)
"""Our worker is killed when so many parts are counted."""


@dataclass(frozen=True)
class Sent:
    """A chord that was sent."""

    body: str
    group: str


class Line:
    """A queue that both kinds of worker serve, and what the test sees on the server."""

    def __init__(self, broker: str, folder: Path) -> None:
        self.broker = broker
        self.queue = f"mixed-{uuid.uuid4().hex[:8]}"
        self.app: Celery = matrix_tasks.app
        self.app.conf.update(broker_url=broker, result_backend=broker)
        self.server = redis.Redis.from_url(broker)
        self.log = folder / "swift.log"
        self.celery = self._celery(folder / "celery.log")
        self.ours = self.start()

    def _celery(self, log: Path) -> Worker:
        command = [sys.executable, "-m", "celery", "-A", "matrix_tasks", "worker", "--pool", "threads", "--concurrency", "2"]
        worker = Worker([*command, "--prefetch-multiplier", "1", "-Q", self.queue, "-l", "INFO"], log, {"BROKER": self.broker, "PYTHONWARNINGS": "ignore"})
        wait_for("Celery's worker", lambda: b" ready." in log.read_bytes(), 60)
        return worker

    def start(self) -> Worker:
        """Our worker; four jobs at once, so that a chord lasts for seconds."""
        command = [str(PROGRAMS / "suite-worker"), "--broker", self.broker, "--queues", self.queue, "--concurrency", "4", "--lease", "1"]
        address = redis.connection.parse_url(self.broker)
        environment = {"REDIS_HOST": address["host"], "REDIS_PORT": str(address["port"]), "REDIS_PASSWORD": address.get("password") or ""}
        return Worker([*command, "--result-extended"], self.log, environment)

    def stop(self) -> None:
        """Ends both workers."""
        self.ours.stop()
        self.celery.stop()
        self.server.close()

    @property
    def key(self) -> str:
        """Where the body notes that it ran."""
        return f"note:{self.queue}"

    def send(self, producer: str) -> Sent:
        """Sends a chord."""
        if producer == "swift":
            command = [PROGRAMS / "interop-producer", "--broker", self.broker, "--queue", self.queue, "mixed_chord"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
            assert done.returncode == 0, done.stdout + done.stderr
            return Sent(**json.loads(done.stdout))
        note = self.app.signature("matrix.note", kwargs={"key": self.key}, queue=self.queue)
        header = [self.app.signature("matrix.nap", args=(value,), queue=self.queue) for value in VALUES]
        result = chord(header, self.app.signature("matrix.identity", queue=self.queue, link=[note])).apply_async()
        return Sent(result.id, result.parent.id)

    def parts(self, sent: Sent) -> int:
        """How many parts are counted; all of them once the chord is joined."""
        key = f"celery-taskset-meta-{sent.group}"
        return SIZE if self.server.get(f"{key}.c") == b"done" else self.server.zcard(f"{key}.j")

    def held(self) -> list[str]:
        """The ids of the jobs that our worker has in flight: it is stopped, and holds them until it goes on or is killed."""
        pid = str(self.ours.process.pid).encode()
        mine = [name.decode() for name in self.server.zrange("apium:workers", 0, -1) if self.server.hget(f"apium:worker:{name.decode()}", "pid") == pid]
        lists = [key for name in mine for key in self.server.scan_iter(f"apium:flight:{name}:*")]
        return [json.loads(message)["headers"]["id"] for key in lists for message in self.server.lrange(key, 0, -1)]

    def kill(self, hits: Counter[str]) -> bool:
        """Kills our worker while it holds jobs, none of them for the third time: that would be a poisonous job's quarantine."""
        self.ours.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.ours.process.pid, os.WSTOPPED | os.WNOWAIT)
        held = self.held()
        if not held or any(hits[job] == 2 for job in held):
            self.ours.process.send_signal(signal.SIGCONT)
            return False
        hits.update(set(held))
        self.ours.process.kill()
        self.ours.process.wait()
        return True

    def advance(self, sent: Sent, count: int, hits: Counter[str]) -> bool:
        """Whether the chord has ended, or so many parts were counted and our worker was killed."""
        parts = self.parts(sent)
        return parts == SIZE or (parts >= count and self.kill(hits))

    def expect_end(self, sent: Sent) -> list[bytes]:
        """Requires that the body has run with the right values, and that nothing is left. Answers what it noted."""
        assert self.app.AsyncResult(sent.body).get(timeout=PATIENCE) == VALUES
        wait_for("the queue to be empty", lambda: not self.server.llen(self.queue) and not self.in_flight(), 30)
        wait_for("the note of the body", lambda: self.server.llen(self.key), 30)
        group = f"celery-taskset-meta-{sent.group}"
        assert sorted(self.server.scan_iter(f"{group}*")) == [f"{group}.c".encode()]
        assert self.server.get(f"{group}.c") == b"done"
        assert self.server.ttl(f"{group}.c") > 0
        documents = [json.loads(text) for text in self.server.mget(list(self.server.scan_iter("celery-task-meta-*", 1_000))) if text]
        bodies = [document for document in documents if document.get("name") == "matrix.identity" and document.get("queue") == self.queue]
        assert [document["task_id"] for document in bodies] == [sent.body]
        return self.server.lrange(self.key, 0, -1)

    def in_flight(self) -> list[bytes]:
        """What any worker of either kind holds."""
        ours = [key for key in self.server.scan_iter("apium:flight:*", 1_000) if key.count(b":") == 3]
        return ours + [value for value in self.server.hvals("unacked") if self.queue.encode() in value]


@pytest.fixture
def line(broker: str, tmp_path: Path) -> Iterator[Line]:
    """A queue with both kinds of worker."""
    line = Line(broker, tmp_path)
    try:
        yield line
    finally:
        line.stop()


@pytest.mark.parametrize("producer", ["python", "swift"])
def test_a_thousand_jobs_on_both_kinds_of_worker_are_joined_once(line: Line, producer: str) -> None:
    """Left alone: the body runs once."""
    sent = line.send(producer)
    assert len(line.expect_end(sent)) == 1


@pytest.mark.parametrize("producer", ["python", "swift"])
def test_a_thousand_jobs_are_joined_though_our_worker_is_killed_again_and_again(line: Line, producer: str) -> None:
    """Killed with jobs in its hands and started again, five times: nothing is lost, and the body that runs is the one that was sent."""
    sent = line.send(producer)
    hits: Counter[str] = Counter()
    kills = 0
    for count in KILLED_AT:
        # The last ones can come too late: jobs that were hit twice are let live, and the chord goes on meanwhile.
        wait_for(f"{count} parts, and jobs to kill our worker with", lambda count=count: line.advance(sent, count, hits), PATIENCE, 0.02)
        if line.ours.process.poll() is None:
            break
        kills += 1
        line.ours = line.start()
    line.expect_end(sent)
    assert kills >= 3
