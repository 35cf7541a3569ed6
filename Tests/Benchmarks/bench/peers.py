"""The workers that are compared, as processes."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

HERE = Path(__file__).resolve().parents[1]
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Peer:
    """One kind of worker."""

    name: str
    pool: str | None
    """Celery's pool; None: our worker."""

    def command(self, url: str, queue: str, concurrency: int) -> list[str]:
        """The command that starts it."""
        if self.pool is None:
            return [str(HERE / "worker"), "--broker", url, "--backend", url, "--concurrency", str(concurrency), "--queue", queue]
        celery = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--pool", self.pool, "--concurrency", str(concurrency)]
        return [*celery, "-Q", queue, "-l", "ERROR", "--without-gossip", "--without-mingle"]


OURS = Peer("apium", None)
PEERS = [OURS, Peer("celery prefork", "prefork"), Peer("celery threads", "threads")]


class RunningWorker:
    """A worker's process and its children."""

    def __init__(self, peer: Peer, url: str, queue: str, concurrency: int) -> None:
        environment = {**os.environ, "BENCH_BROKER": url, "BENCH_QUEUE": queue, "PYTHONPATH": str(HERE), "C_FORCE_ROOT": "1", "PYTHONWARNINGS": "ignore"}
        self.log = subprocess.DEVNULL if os.environ.get("BENCH_QUIET", "1") == "1" else None
        self.process = subprocess.Popen(peer.command(url, queue, concurrency), env=environment, cwd=HERE, stdout=self.log, stderr=self.log)

    def __enter__(self) -> RunningWorker:
        """The worker is started already."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Asks it to stop, and ends it when it does not."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def cpu_seconds(self) -> float:
        """User and system time of the tree so far; resolution: one clock tick, 10 ms as a rule."""
        return process_cpu(self.process.pid)

    def resident_mib(self) -> float:
        """Proportional resident memory of the tree: pages that forked processes share count once."""
        return process_memory(self.process.pid)


def process_tree(root: int) -> list[int]:
    """The process ids: the root's and its descendants'."""
    found = [root]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return found


def process_cpu(root: int) -> float:
    """User and system time in seconds of a process and its descendants, those that have ended and were waited for among them."""
    total = 0
    for pid in process_tree(root):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += sum(int(ticks) for ticks in fields[11:15])
    return total / TICK


def process_memory(root: int) -> float:
    """Proportional resident memory in MiB of a process and its descendants."""
    total = 0
    for pid in process_tree(root):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024
