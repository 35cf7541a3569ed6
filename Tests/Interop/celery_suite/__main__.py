"""The command line: runs Celery's suite against a worker, sharded, and counts."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

from . import cases
from .report import Report
from .shard import RUNNING, Shard
from .source import suite

ROOT = Path(__file__).resolve().parents[3]
OUR_WORKER = f"{ROOT / 'Tests' / 'Interop' / 'suite-worker'} {{hostname}} {{broker}} {{backend}}"


def main() -> int:
    """0 when every test passed at once and no worker died."""
    parser = argparse.ArgumentParser(prog="celery_suite", description="Runs Celery's own integration suite against a worker.")
    parser.add_argument("--worker", default=OUR_WORKER, help="the worker's command, with {hostname}, {broker} and {backend}")
    parser.add_argument("--shards", type=int, default=6, help="how many run beside each other (default 6)")
    parser.add_argument("--only", default="", help="run the tests whose node id contains this")
    parser.add_argument("--cache", type=Path, default=ROOT / ".run" / "celery-suite", help="where the suite is unpacked")
    parser.add_argument("--work", type=Path, default=ROOT / ".run" / "celery-suite-run", help="where logs and records go; emptied first")
    parser.add_argument("--junit", type=Path, help="write a JUnit report")
    parser.add_argument("--record", action="store_true", help="write the measured durations into the list of tests")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, stop)
    all_cases = cases.read()
    chosen = [case for case in all_cases if options.only in case.name]
    if not chosen:
        parser.error(f"no test's name contains {options.only!r}")
    report = run(chosen, options.shards, options.worker, suite(options.cache.resolve()), options.work.resolve())
    if options.junit:
        report.write_junit(options.junit)
    if options.record:
        measured = {outcome.name: outcome.seconds for outcome in report.passed}
        cases.write(cases.Case(case.name, measured.get(case.name, case.seconds)) for case in all_cases)
    print(report.summary())
    return 1 if report.failed or report.faults else 0


def run(chosen: list[cases.Case], shards: int, worker: str, suite_folder: Path, work: Path) -> Report:
    """Runs all shards beside each other."""
    shutil.rmtree(work, ignore_errors=True)
    parts = [Shard(number, part, suite_folder, work, worker) for number, part in enumerate(cases.share(chosen, shards)) if part]
    report = Report()
    with ThreadPoolExecutor(max_workers=len(parts)) as pool:
        for future in [pool.submit(part.run) for part in parts]:
            if error := future.exception():
                report.faults.append(f"a shard did not run: {error!r}")
    for part in parts:
        report.read(part.records, part.cases)
    return report


def stop(number: int, frame: FrameType | None) -> None:
    """Interrupts every shard; what did not run is counted as failed."""
    for process in list(RUNNING):
        process.send_signal(signal.SIGINT)


if __name__ == "__main__":
    sys.exit(main())
