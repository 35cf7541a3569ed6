"""Tests/Chaos/run [options] - real processes on a private Redis, killed, stopped and cut off by a plan that follows from the seed."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from .lab import Lab, Options
from .members import NotBuilt
from .plan import WEIGHTS, Cast, make_plan
from .verdict import doctor, judge, leftovers, locks, neighbours, sentence, shelved, undisturbed


def main() -> int:
    """Runs the lab; 0 when everything held."""
    arguments = options()
    is_celery = arguments.worker == "celery"
    cast = Cast(arguments.workers, arguments.producers, 0 if is_celery else arguments.beats, 0 if is_celery else arguments.neighbours)
    plan = make_plan(arguments.seed, arguments.seconds, arguments.pace, cast, arguments.only)
    if arguments.plan:
        for fault in plan:
            print(f"{fault.at:9.3f} s  {fault.kind:14} {fault.victim}  {fault.seconds:6.3f} s  {fault.amount}")
        return 0
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="apium-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    chosen = Options(cast, arguments.rate, arguments.longest, arguments.backlog, arguments.concurrency, arguments.worker, arguments.jobs)
    print(f"seed {arguments.seed}: {len(plan)} faults in {arguments.seconds:.0f} s; logs in {folder}", flush=True)
    try:
        lab = Lab(chosen, folder, arguments.seed)
    except NotBuilt as error:
        print(error, file=sys.stderr)
        return 3
    try:
        faults = chaos(lab, plan)
    finally:
        lab.end()
    if faults and arguments.worker == "apium":
        print(f"logs of all processes are in {folder}", file=sys.stderr)
        return 1
    if not arguments.folder:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def chaos(lab: Lab, plan: list) -> list[str]:
    """The run itself: prints what came of it, the sentence last, and answers what is wrong."""
    began = time.monotonic()
    lab.pass_time(2)
    lab.run(plan)
    lab.heal()
    dry = lab.run_dry()
    verdict = judge(lab, dry)
    if lab.options.worker == "apium":
        verdict.faults += doctor(lab)
    lab.stop_workers()
    lab.patient()
    if lab.options.worker == "apium":
        verdict.faults += leftovers(lab.admin) + shelved(lab.admin) + locks(lab.admin)
    for kind, count in sorted(lab.counts.others.items()):
        print(f"{count:6}  {kind}")
    print(f"{lab.book.refused} effects and beginnings of outlived runs were refused by their token")
    if lab.neighbours:
        print(neighbours(lab))
    if lab.calls.limits or lab.calls.locks:
        limited, unique = (sum(len(jobs) for jobs in group.values()) for group in (lab.calls.limits, lab.calls.locks))
        print(f"{limited} jobs under limits, {unique} unique ones")
    alone, slowest = undisturbed(lab)
    print(f"{alone} of {len(lab.book.recoveries)} recoveries with no other fault in between, the slowest of them {slowest:.1f} s")
    print(f"{time.monotonic() - began:.0f} s in all")
    for fault in verdict.faults:
        print(f"FAULT {fault}")
    print(sentence(lab, verdict), flush=True)
    return verdict.faults


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="Tests/Chaos/run", description=__doc__.partition(" - ")[2])
    parser.add_argument("--seed", type=int, default=1, help="the plan of faults follows from it (default: 1)")
    parser.add_argument("--seconds", type=float, default=120, help="how long faults go on (default: 120)")
    parser.add_argument("--pace", type=float, default=0.5, help="seconds from a fault to the next, in the mean (default: 0.5)")
    parser.add_argument("--jobs", type=int, default=0, help="end after so many jobs, whatever is left of the plan (default: 0, never)")
    parser.add_argument("--rate", type=float, default=300, help="jobs per second of all producers (default: 300)")
    parser.add_argument("--longest", type=int, default=15, help="milliseconds that most jobs take at most; one in 20: 100 times that (default: 15)")
    parser.add_argument("--backlog", type=int, default=5000, help="producers hold while more is queued (default: 5000)")
    parser.add_argument("--workers", type=int, default=4, help="how many workers (default: 4)")
    parser.add_argument("--concurrency", type=int, default=16, help="slots of each (default: 16)")
    parser.add_argument("--producers", type=int, default=2, help="how many producers: ours and Celery's in turn (default: 2)")
    parser.add_argument("--beats", type=int, default=2, help="how many beats (default: 2)")
    parser.add_argument("--neighbours", type=int, default=1, help="Celery's workers beside ours, on their own queue, which nobody harms (default: 1)")
    parser.add_argument("--worker", choices=["apium", "celery"], default="apium", help="whose workers; with Celery's there are no beats (default: apium)")
    parser.add_argument("--only", action="append", choices=list(WEIGHTS), metavar="KIND", help="this kind of fault alone; may be repeated")
    parser.add_argument("--plan", action="store_true", help="print the plan and end")
    parser.add_argument("--folder", type=Path, help="where logs and Redis' files are kept; default: a temporary folder, removed when all held")
    return parser.parse_args()


sys.exit(main())
