"""Tests/Benchmarks/run [options] - runs our worker and Celery's in turn on one private Redis, and prints the figures and their ratios."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from .measures import Bench, Sizes
from .peers import OURS, PEERS, Peer
from .server import PrivateRedis

PARTS = ["drain", "idle", "sleeps", "enqueue"]
LESS_IS_BETTER = ("CPU", " ms", "MiB", "bytes", "ideal")


def main() -> int:
    """Measures what is asked for."""
    arguments = options()
    sizes = Sizes(arguments.jobs, arguments.jobs, arguments.trips, arguments.sleeps, arguments.concurrency)
    peers = [peer for peer in PEERS if not arguments.only or peer.name in arguments.only]
    results = {}
    for aof in {"off": [False], "on": [True], "both": [False, True]}[arguments.aof]:
        name = "with AOF (everysec)" if aof else "without AOF"
        with PrivateRedis(aof) as server:
            bench = Bench(server, sizes)
            results[name] = {peer.name: figures(bench, peer, arguments.part or PARTS) for peer in peers}
        print_table(name, results[name])
    print(f"\nload average at the end {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores: CPU per job holds on a busy machine, rates and times do not")
    if arguments.json:
        arguments.json.write_text(json.dumps({"sizes": vars(sizes), "load": os.getloadavg(), "results": results}, indent=1) + "\n")
    return 0


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="Tests/Benchmarks/run", description="Measure our worker and Celery's on the same private Redis.")
    parser.add_argument("--jobs", type=int, default=10_000, help="jobs to drain and to enqueue (default: 10000)")
    parser.add_argument("--trips", type=int, default=500, help="round trips through an idle worker (default: 500)")
    parser.add_argument("--sleeps", type=int, default=2_000, help="jobs of 50 ms at concurrency 200 (default: 2000)")
    parser.add_argument("--concurrency", type=int, default=400, help="slots of our worker and threads of Celery's (default: 400)")
    parser.add_argument("--aof", choices=["off", "on", "both"], default="both", help="whether Redis keeps an append-only file (default: both in turn)")
    parser.add_argument("--only", action="append", choices=[peer.name for peer in PEERS], help="measure this worker alone; may be repeated")
    parser.add_argument("--part", action="append", choices=PARTS, help="measure this alone; may be repeated")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    return parser.parse_args()


def figures(bench: Bench, peer: Peer, parts: list[str]) -> dict[str, float]:
    """What is asked for of one worker."""
    found: dict[str, float] = {}
    if "drain" in parts:
        found |= {f"results stored: {name}": value for name, value in bench.drain(peer, ignored=False).items()}
        found |= {f"results ignored: {name}": value for name, value in bench.drain(peer, ignored=True).items()}
        if peer == OURS:
            found |= bench.cycle(found["results stored: jobs per second"])
    if "idle" in parts:
        found |= bench.idle(peer)
    if "sleeps" in parts and peer.pool != "prefork":
        found |= bench.sleeps(peer)
    if "enqueue" in parts:
        found |= bench.enqueue_ours() if peer == OURS else bench.enqueue_celery()
    return found


def print_table(title: str, results: dict[str, dict[str, float]]) -> None:
    """One line a measure: each worker's figure, and how many times better ours is."""
    print(f"\n{title}")
    names = list(results)
    print(f"{'':44}" + "".join(f"{name:>28}" for name in names))
    for measure in dict.fromkeys(measure for figures in results.values() for measure in figures):
        ours = results.get(OURS.name, {}).get(measure)
        cells = "".join(f"{cell(measure, results[name].get(measure), ours if name != OURS.name else None):>28}" for name in names)
        print(f"{measure:44}{cells}", flush=True)


def cell(measure: str, value: float | None, ours: float | None) -> str:
    """A figure, and the ratio to ours."""
    if value is None:
        return "-"
    text = f"{value:,.3f}" if value < 100 else f"{value:,.0f}"
    if not ours or not value:
        return text
    ratio = value / ours if any(word in measure for word in LESS_IS_BETTER) else ours / value
    return f"{text} (ours {ratio:.1f} x better)" if ratio >= 1 else f"{text} (ours {1 / ratio:.1f} x worse)"


sys.exit(main())
