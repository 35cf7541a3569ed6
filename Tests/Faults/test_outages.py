"""A Redis that refuses, stands still or goes away: the worker is never deaf, loses nothing, and says whether it is ready."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis
from bench import Bench, Worker
from proxy import Proxy
from stack.client import wait_for
from stack.run_folder import ROOT

PROMPT = 5.0
"""Seconds within which a worker has found that the server is back: it tries each second at least, on a busy machine too."""


class Outage:
    """A way in which a server does nothing for us, and its end."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def begin(self) -> None:
        """The server is of no use from now on."""

    def end(self) -> None:
        """It is again."""


class Killed(Outage):
    """SIGKILL, and a new process with the same data."""

    def begin(self) -> None:
        """Begins it."""
        self.bench.redis.signal(signal.SIGKILL)

    def end(self) -> None:
        """Ends it."""
        self.bench.redis.start()


class Paused(Outage):
    """SIGSTOP, SIGCONT."""

    def begin(self) -> None:
        """Begins it."""
        self.bench.redis.signal(signal.SIGSTOP)

    def end(self) -> None:
        """Ends it."""
        self.bench.redis.signal(signal.SIGCONT)


class Replica(Outage):
    """READONLY: it is told to follow a master that isn't there."""

    def begin(self) -> None:
        """Begins it."""
        self.bench.redis.client.replicaof("127.0.0.1", 1)

    def end(self) -> None:
        """Ends it."""
        self.bench.redis.client.replicaof("NO", "ONE")


class Full(Outage):
    """OOM: maxmemory is reached, and nothing may be evicted."""

    def begin(self) -> None:
        """Begins it."""
        self.bench.redis.client.config_set("maxmemory", 1)

    def end(self) -> None:
        """Ends it."""
        self.bench.redis.client.config_set("maxmemory", 0)


class Unsaved(Outage):
    """MISCONF: a snapshot has failed, and so writes are refused."""

    def begin(self) -> None:
        """Begins it."""
        client = self.bench.redis.client
        client.config_set("save", "3600 1000000")
        (self.bench.redis.folder / "dump.rdb").mkdir()
        client.bgsave()
        wait_for("writes to be refused", self.refuses, every=0.02)

    def refuses(self) -> bool:
        """Whether a write is refused."""
        try:
            self.bench.redis.client.set("probe", 1)
        except redis.ResponseError as error:
            return "MISCONF" in str(error)
        return False

    def end(self) -> None:
        """Ends it."""
        (self.bench.redis.folder / "dump.rdb").rmdir()
        self.bench.redis.client.bgsave()
        wait_for("writes to be taken", lambda: not self.refuses(), every=0.02)


def job_during(bench: Bench, outage: Outage, worker: Worker) -> str:
    """A job that ends while the server is of no use; answers what the worker said about itself meanwhile."""
    bench.send("faults.wait", "during", seconds=0.5)
    bench.wait_for_note("began", "during")
    outage.begin()
    bench.wait_for_note("ended", "during")
    reason = worker.wait_until_not_ready()
    outage.end()
    return reason


@pytest.mark.parametrize(("kind", "word"), [(Killed, ""), (Paused, ""), (Replica, "READONLY"), (Full, "OOM"), (Unsaved, "MISCONF")])
def test_a_worker_outlasts_an_outage(bench: Bench, kind: type[Outage], word: str) -> None:
    """The end of a job is written late and once; readiness is false while it lasts and true after it; new work is done at once."""
    worker, other = bench.worker("--concurrency", "4"), bench.worker("--concurrency", "1", queue="none")
    reason = job_during(bench, kind(bench), worker)
    assert reason.startswith("not ready: ") and word in reason
    bench.send("faults.wait", "after")
    bench.wait_for_note("ended", "after", seconds=PROMPT)
    assert bench.wait_for_result("during", PROMPT)["status"] == "SUCCESS"
    assert bench.wait_for_result("after", PROMPT)["status"] == "SUCCESS"
    worker.wait_until_ready()
    assert len(bench.notes("during", "began")) == 1
    for each in (worker, other):
        assert "lost its lease" not in each.log.read_text()
    wait_for("nothing to be in flight", lambda: not [key for key in bench.redis.client.keys("apium:flight:*:*")])


def test_a_worker_that_starts_before_redis_waits_for_it(bench: Bench) -> None:
    """It says that it is not ready, and serves once there is a server."""
    bench.redis.signal(signal.SIGKILL)
    worker = bench.worker(ready=False)
    wait_for("the worker to say why", lambda: "not connected to the broker" in worker.health)
    bench.redis.start()
    worker.wait_until_ready()
    bench.send("faults.wait", "job")
    assert bench.wait_for_result("job", PROMPT)["status"] == "SUCCESS"


def test_an_enqueue_is_refused_with_the_reason(bench: Bench) -> None:
    """A full server says so to whoever sends, and what was sent before is there."""
    bench.redis.client.config_set("maxmemory", 1)
    words = [str(ROOT / ".build" / "debug" / "apium"), "call", "--broker", bench.redis.url, "interop.add", "--args", "[1, 2]", "--queue", "jobs"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30)
    assert done.returncode == 69
    assert "OOM" in done.stderr
    assert bench.waiting() == []


def test_the_scripts_may_be_forgotten_at_any_time(bench: Bench) -> None:
    """SCRIPT FLUSH again and again, while jobs are claimed and ended."""
    bench.worker("--concurrency", "4")
    over = threading.Event()

    def flush() -> None:
        client = bench.redis.client
        while not over.is_set():
            client.script_flush()

    thread = threading.Thread(target=flush)
    thread.start()
    jobs = [f"job-{number}" for number in range(50)]
    try:
        bench.send("faults.wait", *jobs, seconds=0.01)
        for job in jobs:
            assert bench.wait_for_result(job)["status"] == "SUCCESS"
    finally:
        over.set()
        thread.join()
    assert len(bench.notes(word="began")) == len(jobs)


def connections(bench: Bench) -> dict[str, list[int]]:
    """The workers' connections by what they are for."""
    found: dict[str, list[int]] = {}
    for line in bench.redis.client.client_list():
        name = line["name"]
        role = name.rsplit(":", 1)[1] if name.startswith("apium:") else "subscriber" if int(line["sub"]) else "commands"
        if line["cmd"] != "client|list":
            found.setdefault(role, []).append(int(line["id"]))
    return found


def test_each_connection_may_be_killed(bench: Bench) -> None:
    """One role after another; a job that is under way ends, and one that comes then is run."""
    worker = bench.worker("--concurrency", "4")
    roles = sorted(connections(bench))
    assert {"claim", "wait", "lease", "commands", "subscriber"} <= set(roles)
    for role in roles:
        bench.send("faults.wait", f"under-way-{role}", seconds=0.3)
        bench.wait_for_note("began", f"under-way-{role}")
        client = bench.redis.client
        for number in connections(bench).get(role, []):
            client.execute_command("CLIENT", "KILL", "ID", number)
        bench.send("faults.wait", f"after-{role}")
        for job in (f"under-way-{role}", f"after-{role}"):
            assert bench.wait_for_result(job, PROMPT)["status"] == "SUCCESS"
            assert len(bench.notes(job, "began")) == 1
        worker.wait_until_ready()
    assert "lease was lost" not in worker.log.read_text()


@contextmanager
def proxied(bench: Bench) -> Iterator[Proxy]:
    """A proxy in front of the server."""
    proxy = Proxy(bench.redis.port)
    try:
        yield proxy
    finally:
        proxy.end()


def test_half_open_connections_are_found_out(bench: Bench) -> None:
    """Bytes vanish both ways and nobody hangs up: the lease lives on, a job that the server had moved is run, an end is written."""
    (bench.folder / "apium.yaml").write_text("broker_transport_options: {socket_timeout: 1}\n")
    with proxied(bench) as proxy:
        worker = bench.worker("--config", str(bench.folder / "apium.yaml"), url=proxy.url)
        bench.worker(queue="none")
        bench.send("faults.wait", "under-way", seconds=1)
        bench.wait_for_note("began", "under-way")
        proxy.swallow()
        bench.send("faults.wait", "moved")
        wait_for("the server to move the job into the worker's batch", lambda: bench.waiting() == [])
        for job in ("under-way", "moved"):
            assert bench.wait_for_result(job)["status"] == "SUCCESS"
            assert [note.pid for note in bench.notes(job, "began")] == [worker.process.pid]
        assert proxy.swallowed > 0
        assert "lease was lost" not in worker.log.read_text()
        worker.wait_until_ready()


RIGHTS = ["on", ">pw", "~*", "&*", "+@all", "-@admin", "-@dangerous", "+info"]
"""What a managed Redis lets its users do: no CONFIG, no CLIENT LIST, KILL or UNBLOCK, no ACL."""


def test_a_user_without_rights_over_the_server_loses_nothing(bench: Bench) -> None:
    """Jobs come and go, also when a connection breaks that we may not end ourselves."""
    bench.redis.client.execute_command("ACL", "SETUSER", "limited", *RIGHTS, "-info")
    url = bench.redis.url.replace("redis://", "redis://limited:pw@")
    worker = bench.worker("--concurrency", "2", url=url)
    jobs = [f"job-{number}" for number in range(40)]
    client = bench.redis.client
    for place, job in enumerate(jobs):
        bench.send("faults.wait", job, seconds=0.02)
        if place % 10 == 5:
            for numbers in connections(bench).values():
                for number in numbers:
                    client.execute_command("CLIENT", "KILL", "ID", number)
        time.sleep(0.01)
    for job in jobs:
        assert bench.wait_for_result(job)["status"] == "SUCCESS"
        assert len(bench.notes(job, "began")) == 1
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert bench.waiting() == []
