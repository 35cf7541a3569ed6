"""What the tests of faults work with: a server that can be harmed, workers, messages made by hand, and what runs have noted."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from stack.client import wait_for
from stack.run_folder import ROOT

PROGRAM = ROOT / ".build" / "debug" / "interop-worker"
QUEUE = "jobs"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A Redis process whose data survive it: in an append-only file, or in a snapshot when `aof` is false."""

    def __init__(self, folder: Path, aof: bool = True) -> None:
        self.folder, self.aof = folder, aof
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        """The address as Celery writes it."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def client(self) -> redis.Redis:
        """A new client."""
        return redis.Redis(port=self.port, socket_timeout=5, retry=Retry(NoBackoff(), 0))

    def launch(self, *options: str) -> None:
        """Starts the process."""
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--loglevel", "warning"]
        command += ["--appendonly", "yes", "--save", ""] if self.aof else ["--save", "3600 1000000", "--enable-debug-command", "yes"]
        self.process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self, *options: str) -> None:
        """Starts the process and waits until it answers."""
        self.launch(*options)
        wait_for("Redis", self.answers, 20, every=0.02)

    def answers(self) -> bool:
        """Whether the server does what it is told."""
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def signal(self, number: signal.Signals) -> None:
        """Sends the process a signal."""
        assert self.process
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.process.wait()


class Note(NamedTuple):
    """What a run has said: a word, the job, its fence, the process."""

    word: str
    job: str
    fence: int
    pid: int


class Worker:
    """A worker process, what it says about itself, and its log."""

    def __init__(self, folder: Path, options: list[str], environment: dict[str, str]) -> None:
        self.log, self.health_file = folder.with_suffix(".log"), folder.with_suffix(".health")
        variables = {**os.environ, "INTEROP_HEALTH_FILE": str(self.health_file), **environment}
        with self.log.open("ab") as output:
            self.process = subprocess.Popen([str(PROGRAM), *options], env=variables, stdout=output, stderr=subprocess.STDOUT, cwd=folder.parent)

    @property
    def health(self) -> str:
        """`ready`, or why not."""
        return self.health_file.read_text() if self.health_file.exists() else "not ready: not started"

    def wait_until_ready(self) -> None:
        """Waits until the worker says that it is."""
        wait_for("the worker to be ready", lambda: self.health == "ready", 20, every=0.02)

    def wait_until_not_ready(self) -> str:
        """Waits until the worker says that it isn't; answers why."""
        wait_for("the worker to say that it is not ready", lambda: self.health != "ready", 20, every=0.02)
        return self.health

    def signal(self, number: signal.Signals) -> None:
        """Sends the process a signal."""
        self.process.send_signal(number)

    def wait(self, seconds: float = 20) -> int:
        """Waits for the process' end and answers its exit code."""
        return self.process.wait(seconds)


class Bench:
    """One server, its workers, and a file of notes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.redis = Server(folder / "redis")
        self.servers = [self.redis]
        self.workers: list[Worker] = []
        self.notes_file = folder / "notes"

    # Processes

    def worker(self, *options: str, url: str | None = None, queue: str = QUEUE, ready: bool = True, **environment: str) -> Worker:
        """Starts a worker with a lease of a second."""
        words = ["--broker", url or self.redis.url, "--queues", queue, "--lease", "1", "--hostname", f"w{len(self.workers)}@test", *options]
        worker = Worker(self.folder / f"worker-{len(self.workers)}", words, environment)
        self.workers.append(worker)
        if ready:
            worker.wait_until_ready()
        return worker

    def server(self, name: str, aof: bool = True) -> Server:
        """Another server, not started yet."""
        self.servers.append(Server(self.folder / name, aof))
        return self.servers[-1]

    def end(self) -> None:
        """Ends all processes."""
        for process in [worker.process for worker in self.workers] + [server.process for server in self.servers if server.process]:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()

    # Jobs

    def message(self, task: str, job: str, **kwargs: object) -> dict:
        """A message as kombu writes it."""
        kwargs = {"notes": str(self.notes_file), **kwargs}
        headers = {"lang": "py", "task": task, "id": job, "root_id": job, "parent_id": None, "group": None, "retries": 0, "eta": None, "expires": None}
        properties = {
            "correlation_id": job,
            "reply_to": str(uuid.uuid4()),
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": QUEUE},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
        }
        body = json.dumps([[], kwargs, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}])
        content = {"content-encoding": "utf-8", "content-type": "application/json"}
        return {"body": base64.b64encode(body.encode()).decode(), **content, "headers": headers, "properties": properties}

    def send(self, task: str, *jobs: str, **kwargs: object) -> None:
        """Puts a job on the queue for each id."""
        client = self.redis.client
        for job in jobs:
            client.lpush(QUEUE, json.dumps(self.message(task, job, **kwargs)))

    def notes(self, job: str | None = None, word: str | None = None) -> list[Note]:
        """What runs have noted."""
        if not self.notes_file.exists():
            return []
        lines = [line.split() for line in self.notes_file.read_text().splitlines()]
        found = [Note(word, job, int(fence), int(pid)) for word, job, fence, pid in lines]
        return [note for note in found if job in (None, note.job) and word in (None, note.word)]

    def wait_for_note(self, word: str, job: str, count: int = 1, seconds: float = 20) -> Note:
        """Waits until so many runs of a job have noted a word; answers the last note."""
        wait_for(f"{job} to have {word} {count} times", lambda: len(self.notes(job, word)) >= count, seconds, every=0.01)
        return self.notes(job, word)[-1]

    def result(self, job: str, server: Server | None = None) -> dict | None:
        """The stored result."""
        text = (server or self.redis).client.get(f"celery-task-meta-{job}")
        return json.loads(text) if text else None

    def wait_for_result(self, job: str, seconds: float = 20, server: Server | None = None) -> dict:
        """Waits for a result."""
        found = wait_for(f"the result of {job}", lambda: self.result(job, server), seconds, every=0.02)
        assert isinstance(found, dict)
        return found

    def waiting(self) -> list[str]:
        """The ids of what waits on the queue, the next to be claimed first."""
        return [json.loads(text)["headers"]["id"] for text in reversed(self.redis.client.lrange(QUEUE, 0, -1))]

    def shelf(self, name: str) -> list[dict]:
        """What is on a shelf: `parked`, `dead` or `quarantine`."""
        # Of a long message the record says all but the message, which stands behind a NUL.
        return [json.loads(record.partition(b"\0")[0]) for record in self.redis.client.hvals(f"apium:{name}:messages")]


def last(seconds: float, condition: Callable[[], bool], what: str) -> None:
    """Requires that something stays so for a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert condition(), what
        time.sleep(0.02)
