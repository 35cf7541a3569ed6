"""How long a job waits for its next run after one fault: `python Tests/Faults/recovery.py [ROUNDS] [--lease SECONDS]` prints a table.

Each round has a server and workers of its own; the time runs from the fault to the moment in which the next run begins. The faults of one
kind come at random moments between two renewals, and all kinds are tried beside each other. `docs/internals/faults.md` has a result.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "deploy" / "lib")]

from bench import Bench, Worker  # noqa: E402 - found by the line above
from proxy import Proxy  # noqa: E402
from stack.client import wait_for  # noqa: E402

LIMIT = 10.0
"""Seconds: what the documentation promises with the default lease of 5 s."""


class Round:
    """One server, and a job that is under way on a worker."""

    def __init__(self, folder: Path, lease: float) -> None:
        self.bench = Bench(folder)
        self.lease = ["--lease", str(lease)]
        self.bench.redis.start()

    def worker(self, *options: str, **more: object) -> Worker:
        """A worker with this round's lease."""
        return self.bench.worker(*self.lease, *options, **more)

    def begin(self) -> int:
        """Lets a job begin, at whatever moment between two renewals; answers the process that runs it."""
        self.bench.send("faults.wait", "job", seconds=60, again=0)
        pid = self.bench.wait_for_note("began", "job").pid
        time.sleep(random.uniform(0, 1.5))
        return pid

    def until_next_run(self, since: float, job: str = "job", count: int = 2) -> float:
        """How long it took until the job began again."""
        wait_for("the next run", lambda: len(self.bench.notes(job, "began")) >= count, 60, every=0.005)
        return time.monotonic() - since

    def is_janitor(self, worker: Worker) -> None:
        """Waits until a worker has the shared duties."""
        client = self.bench.redis.client
        wait_for(
            "the worker to be janitor",
            lambda: client.hget(b"apium:worker:" + (client.get("apium:janitor") or b"none"), "pid") == str(worker.process.pid).encode(),
            20,
        )


def worker_killed(case: Round) -> float:
    """SIGKILL of a worker; another one is janitor."""
    case.is_janitor(case.worker(queue="other"))
    worker = case.worker()
    case.begin()
    since = time.monotonic()
    worker.signal(signal.SIGKILL)
    case.worker()
    return case.until_next_run(since)


def janitor_killed(case: Round) -> float:
    """SIGKILL of the worker that is the janitor; another one is there."""
    worker = case.worker()
    case.is_janitor(worker)
    case.begin()
    case.worker()
    since = time.monotonic()
    worker.signal(signal.SIGKILL)
    return case.until_next_run(since)


def only_worker_killed(case: Round) -> float:
    """SIGKILL of the only worker, which is started anew at once."""
    worker = case.worker()
    case.begin()
    since = time.monotonic()
    worker.signal(signal.SIGKILL)
    case.worker()
    return case.until_next_run(since)


def worker_stopped(case: Round) -> float:
    """SIGSTOP of a worker; another one is there."""
    worker = case.worker()
    case.begin()
    case.worker()
    since = time.monotonic()
    worker.signal(signal.SIGSTOP)
    return case.until_next_run(since)


def child_killed(case: Round) -> float:
    """SIGKILL of the child process in which the job runs."""
    case.worker("--pool", "processes")
    pid = case.begin()
    since = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    return case.until_next_run(since)


def worker_terminated(case: Round) -> float:
    """SIGTERM without grace; another one is there."""
    worker = case.worker("--grace", "0")
    case.begin()
    case.worker()
    since = time.monotonic()
    worker.signal(signal.SIGTERM)
    return case.until_next_run(since)


def redis_killed(case: Round) -> float:
    """SIGKILL of Redis for three seconds: from its return to the first run of a job that is sent then."""
    case.worker("--concurrency", "2")
    case.begin()
    case.bench.redis.signal(signal.SIGKILL)
    time.sleep(3)
    case.bench.redis.start()
    since = time.monotonic()
    case.bench.send("faults.wait", "next")
    return case.until_next_run(since, "next", 1)


def connection_dead(case: Round) -> float:
    """Every connection of the only worker is half-open, and a job is moved over one: from there to its run."""
    proxy = Proxy(case.bench.redis.port)
    try:
        case.worker("--concurrency", "2", url=proxy.url)
        case.begin()
        proxy.swallow()
        since = time.monotonic()
        case.bench.send("faults.wait", "next")
        return case.until_next_run(since, "next", 1)
    finally:
        proxy.end()


FAULTS: list[Callable[[Round], float]] = [
    worker_killed,
    janitor_killed,
    only_worker_killed,
    worker_stopped,
    child_killed,
    worker_terminated,
    redis_killed,
    connection_dead,
]


def measure(fault: Callable[[Round], float], lease: float) -> float:
    """One round of one fault."""
    with tempfile.TemporaryDirectory(prefix="recovery-") as folder:
        case = Round(Path(folder), lease)
        try:
            return fault(case)
        finally:
            case.bench.end()


def main() -> int:
    """Tries every fault, and prints a row for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("rounds", type=int, nargs="?", default=10)
    parser.add_argument("--lease", type=float, default=5)
    given = parser.parse_args()
    times: dict[str, list[float]] = {fault.__name__: [] for fault in FAULTS}

    def repeat(fault: Callable[[Round], float]) -> None:
        for _ in range(given.rounds):
            times[fault.__name__].append(measure(fault, given.lease))

    threads = [threading.Thread(target=repeat, args=(fault,)) for fault in FAULTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("| fault | rounds | median | slowest |\n|---|---|---|---|")
    for fault in FAULTS:
        seen = times[fault.__name__]
        what = (fault.__doc__ or "").rstrip(".")
        print(f"| {what} | {len(seen)} | {statistics.median(seen):.2f} s | {max(seen):.2f} s |" if seen else f"| {what} | 0 | - | - |")
    complete = all(len(seen) == given.rounds for seen in times.values())
    slowest = max(max(seen, default=LIMIT + 1) for seen in times.values())
    return 0 if complete and slowest <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
