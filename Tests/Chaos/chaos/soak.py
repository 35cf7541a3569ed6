"""Tests/Chaos/soak [options] - one worker runs a million jobs with results, retries, chords and schedules; its memory and the keys are watched."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from .lab import Lab, Options
from .members import NotBuilt
from .plan import Cast
from .verdict import leftovers, shelved

LIMIT = 1.0
"""MiB that resident memory may grow by for 100,000 jobs, after the first so many."""


class Soak(Lab):
    """The lab without faults. Jobs are counted alone: a book of a million of them would be larger than the worker."""

    ended = 0

    def read(self) -> None:
        """Counts effects."""
        ended = sum(words[0] == b"e" for words in self.ledger.lines())
        if ended:
            self.ended += ended
            self.last_progress = time.monotonic()

    def harvest(self) -> None:
        """Results are left to their end."""

    def unfinished(self) -> dict[str, int]:
        """Which jobs there are is not known."""
        return {}

    def resident(self) -> float:
        """MiB that the worker holds."""
        status = Path(f"/proc/{self.workers[0].process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024

    def soak(self, jobs: int, step: int) -> list[tuple[int, float]]:
        """Runs so many jobs, and looks after each step: jobs and MiB."""
        looks = []
        began = time.monotonic()
        while self.ended < jobs and time.monotonic() < self.last_progress + 60:
            self.tick(time.monotonic())
            if self.ended >= (len(looks) + 1) * step:
                looks.append((self.ended, self.resident()))
                memory = self.admin.info("memory")["used_memory"] / 2**20
                line = f"{self.ended:9,} jobs  {time.monotonic() - began:7.1f} s  worker {looks[-1][1]:7.2f} MiB"
                print(f"{line}  Redis {memory:7.1f} MiB, {self.admin.dbsize():,} keys", flush=True)
        return looks


def growth(looks: list[tuple[int, float]], per: int = 100_000) -> float:
    """MiB for so many jobs: the line that fits the looks best."""
    mean_jobs, mean_memory = (sum(look[place] for look in looks) / len(looks) for place in (0, 1))
    spread = sum((jobs - mean_jobs) ** 2 for jobs, _ in looks)
    return sum((jobs - mean_jobs) * (memory - mean_memory) for jobs, memory in looks) / spread * per if spread else 0.0


def main() -> int:
    """0 when memory and keys are bounded."""
    parser = argparse.ArgumentParser(prog="Tests/Chaos/soak", description=__doc__.partition(" - ")[2])
    parser.add_argument("--jobs", type=int, default=1_000_000, help="how many jobs (default: 1000000)")
    parser.add_argument("--step", type=int, default=100_000, help="jobs between two looks at the memory (default: 100000)")
    parser.add_argument("--concurrency", type=int, default=64, help="slots of the worker (default: 64)")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="apium-soak-"))
    cast = Cast(workers=1, producers=1, beats=1)
    chosen = Options(cast, rate=0, longest=0, backlog=20_000, concurrency=arguments.concurrency, worker="apium", jobs=0, result_expires=30)
    try:
        soak = Soak(chosen, folder, seed=1)
    except NotBuilt as error:
        print(error, file=sys.stderr)
        return 3
    try:
        faults = run(soak, arguments.jobs, arguments.step)
    finally:
        soak.end()
    for fault in faults:
        print(f"FAULT {fault}")
    if faults:
        print(f"logs are in {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def run(soak: Soak, jobs: int, step: int) -> list[str]:
    """The soak; what is wrong."""
    looks = soak.soak(jobs, step)
    soak.heal()
    dry = soak.run_dry()
    faults = [] if dry else ["nothing moved any more, but there are " + ", ".join(soak.left_to_do())]
    if soak.ended < jobs:
        faults.append(f"{soak.ended} jobs ended of {jobs}")
    faults += [end for member in [soak.redis, *soak.members] for end in member.ended]
    keys = soak.admin.dbsize()
    soak.stop_workers()
    soak.patient()
    eternal = leftovers(soak.admin)
    grown = growth(looks) if len(looks) > 1 else 0.0
    if len(looks) > 1 and grown >= LIMIT:
        faults.append(f"resident memory grew by {grown:.2f} MiB per 100,000 jobs")
    memory = f"resident memory grew by {grown:.2f} MiB per 100,000 jobs after the first {step:,}"
    print(f"{soak.ended:,} jobs: {memory}; {keys:,} keys at the end, {len(eternal)} kinds of them without owner")
    return faults + eternal + shelved(soak.admin)


if __name__ == "__main__":
    sys.exit(main())
