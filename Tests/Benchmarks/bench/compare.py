"""Tests/Benchmarks/compare [options] - other job systems and ours, each with its own client, on the same private Redis."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .peers import HERE, process_cpu, process_memory, process_tree
from .server import PrivateRedis

PEERS = HERE / "peers"
PATIENCE = 300


@dataclass(frozen=True)
class System:
    """One job system: how its programs are called, and how many jobs its worker runs at once where speed is measured."""

    name: str
    worker: Callable[[str, int], list[str]]
    enqueue: Callable[[str, str, int], list[str]]
    slots: int
    environment: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def program(name: str, words: list[str], slots: int, **environment: str) -> System:
        """A program of this folder's kind: `worker URL CONCURRENCY`, `enqueue URL JOB COUNT`."""
        return System(
            name,
            lambda url, slots: [*words, "worker", url, str(slots)],
            lambda url, job, count: [*words, "enqueue", url, job, str(count)],
            slots,
            environment,
        )


def systems(arguments: argparse.Namespace) -> list[System]:
    """What can be measured here; what is missing is named."""
    ours = System(
        "apium",
        lambda url, slots: [str(HERE / "worker"), "--broker", url, "--backend", url, "--concurrency", str(slots), "--queue", "bench"],
        lambda url, job, count: [str(HERE / "producer"), "--broker", url, "--job", job, "--count", str(count), "--way", "one"],
        100,
    )
    cores = os.cpu_count() or 1
    python = str(arguments.python)
    found = [
        ours,
        System.program("celery", [sys.executable, str(PEERS / "celery_peer.py")], cores),
        System.program("celery, late acks", [sys.executable, str(PEERS / "celery_peer.py")], cores, PEER_LATE="1"),
        System.program("sidekiq", ["ruby", str(PEERS / "sidekiq.rb")], 10),
        System.program("asynq", [str(arguments.asynq)], 100),
        System.program("dramatiq", [python, str(PEERS / "dramatiq_peer.py")], 16),
        System.program("rq", [python, str(PEERS / "rq_peer.py")], cores),
    ]
    there = {
        "sidekiq": shutil.which("sidekiq") is not None,
        "asynq": arguments.asynq is not None,
        "dramatiq": has(python, "dramatiq"),
        "rq": has(python, "rq"),
    }
    for name, is_there in there.items():
        if not is_there:
            print(f"{name} is not installed (Tests/Benchmarks/peers/README.md): left out", file=sys.stderr)
    return [system for system in found if there.get(system.name, True) and (not arguments.only or system.name in arguments.only)]


def has(python: str, module: str) -> bool:
    """Whether that Python can import it."""
    return subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode == 0


class Trial:
    """One system on one Redis."""

    def __init__(self, system: System, server: PrivateRedis) -> None:
        self.system, self.server, self.redis = system, server, server.client

    def start(self, slots: int) -> subprocess.Popen[bytes]:
        """A worker in a process group of its own."""
        environment = {**os.environ, **self.system.environment}
        words = self.system.worker(self.server.url, slots)
        return subprocess.Popen(words, env=environment, cwd=PEERS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def send(self, job: str, count: int) -> dict:
        """What the system's own client says of its work."""
        environment = {**os.environ, **self.system.environment}
        words = self.system.enqueue(self.server.url, job, count)
        return json.loads(subprocess.run(words, env=environment, cwd=PEERS, check=True, stdout=subprocess.PIPE, timeout=PATIENCE).stdout)

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """The worker and all of its children at once, without a word."""
        for pid in process_tree(worker.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        worker.wait()

    def wait(self, what: str, key: str, count: int) -> None:
        """Until a list has that many entries."""
        deadline = time.monotonic() + PATIENCE
        while self.redis.llen(key) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.system.name}: {what} did not come within {PATIENCE} s")
            time.sleep(0.002)

    def speed(self, jobs: int, trips: int) -> dict[str, float]:
        """Enqueue, drain, and round trips through an idle worker."""
        self.redis.flushall()
        sent = self.send("noop", jobs)
        self.send_end()
        server = self.server.cpu_seconds()
        began = time.perf_counter()
        worker = self.start(self.system.slots)
        try:
            # The end of the queue: its answer comes after all that were taken before it. The start of the program counts; --jobs makes it small.
            self.wait("the last job", "started", 1)
            seconds = time.perf_counter() - began
            self.rest(worker.pid)
            figures = {
                "enqueue one by one, jobs/s": jobs / sent["seconds"],
                "start and drain, jobs/s": jobs / seconds,
                "worker CPU s per 10,000, start included": process_cpu(worker.pid) * 10_000 / jobs,
                "Redis CPU us per job": (self.server.cpu_seconds() - server) * 1e6 / jobs,
                "memory MiB": process_memory(worker.pid),
            }
            times = sorted(self.send("echo", trips)["trips"])
            return figures | {"round trip p50 ms": statistics.median(times) * 1e3, "round trip p99 ms": times[int(len(times) * 0.99)] * 1e3}
        finally:
            self.kill(worker)

    def send_end(self) -> None:
        """One job behind all others."""
        self.send("step", 1)

    def rest(self, pid: int) -> None:
        """Until the worker rests: what it had begun is ended, results are written."""
        last = -1.0
        deadline = time.monotonic() + PATIENCE
        while (now := process_cpu(pid)) != last and time.monotonic() < deadline:
            last = now
            time.sleep(0.3)

    def crash(self, jobs: int, patience: float) -> dict[str, float]:
        """A worker of ten slots is killed in the middle, and another takes its place at once; what became of the jobs after `patience` seconds."""
        self.redis.flushall()
        self.send("step", jobs)
        worker = self.start(10)
        self.wait("a third of the jobs", "ended", jobs // 3)
        self.kill(worker)
        killed = time.monotonic()
        begun = set(self.redis.lrange("started", 0, -1)) - set(self.redis.lrange("ended", 0, -1))
        if not begun:
            raise RuntimeError(f"{self.system.name}: the kill cut no job: try more --steps")
        worker = self.start(10)
        try:
            recovered = self.watch(jobs, begun, killed, patience)
        finally:
            self.kill(worker)
        started = self.redis.lrange("started", 0, -1)
        ended = set(self.redis.lrange("ended", 0, -1))
        return {
            "killed in the middle of": len(begun),
            f"jobs that never ended within {patience:.0f} s": jobs - len(ended),
            "runs repeated": len(started) - len(set(started)),
            "last of the killed ended after s": recovered,
        }

    def watch(self, jobs: int, begun: set[bytes], killed: float, patience: float) -> float:
        """Seconds from the kill until all jobs that it cut had ended, or NaN when one never did."""
        while time.monotonic() - killed < patience:
            ended = set(self.redis.lrange("ended", 0, -1))
            if begun <= ended and len(ended) == jobs:
                return time.monotonic() - killed
            time.sleep(0.05)
        return float("nan")


def main() -> int:
    """Measures what is asked for."""
    arguments = options()
    results: dict[str, dict[str, float]] = {}
    with PrivateRedis(aof=False) as server:
        for system in systems(arguments):
            trial = Trial(system, server)
            print(f"{system.name} …", file=sys.stderr, flush=True)
            results[system.name] = {}
            if "speed" in arguments.measure:
                results[system.name] |= trial.speed(arguments.jobs, arguments.trips)
            if "crash" in arguments.measure:
                results[system.name] |= trial.crash(arguments.steps, arguments.patience)
            print("".join(f"    {measure}: {cell(value)}\n" for measure, value in results[system.name].items()), file=sys.stderr, flush=True)
    print_table(results)
    print(f"\nload average at the end {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="Tests/Benchmarks/compare", description="Measure other job systems and ours on the same private Redis.")
    parser.add_argument("--jobs", type=int, default=10_000, help="jobs to enqueue and to drain (default: 10000)")
    parser.add_argument("--trips", type=int, default=100, help="round trips through an idle worker (default: 100)")
    parser.add_argument("--steps", type=int, default=1000, help="jobs of 20 ms around the kill (default: 1000)")
    parser.add_argument("--patience", type=float, default=120, help="seconds that a killed worker's jobs are waited for (default: 120)")
    parser.add_argument("--measure", nargs="+", choices=["speed", "crash"], default=["speed", "crash"], help="what to measure (default: both)")
    parser.add_argument("--only", action="append", help="measure this system alone; may be repeated")
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="a Python that has peers/requirements.txt (default: the tests' own)")
    parser.add_argument("--asynq", type=Path, help="the built program of peers/asynq")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    return parser.parse_args()


def print_table(results: dict[str, dict[str, float]]) -> None:
    """One line a measure, one column a system."""
    print(f"{'':44}" + "".join(f"{name:>18}" for name in results))
    for measure in dict.fromkeys(measure for figures in results.values() for measure in figures):
        print(f"{measure:44}" + "".join(f"{cell(figures.get(measure)):>18}" for figures in results.values()), flush=True)


def cell(value: float | None) -> str:
    """A figure; a dash where there is none."""
    if value is None or value != value:
        return "-"
    return f"{value:,.2f}" if isinstance(value, float) and value < 100 else f"{value:,.0f}"


if __name__ == "__main__":
    sys.exit(main())
