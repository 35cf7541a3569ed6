"""What is done to whom, and when: a pure function of the seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

LEASE = 5.0
"""Seconds, the workers' default: some faults are longer."""


@dataclass(frozen=True)
class Fault:
    """One fault."""

    at: float
    """Seconds after the start."""
    kind: str
    victim: int
    """Counted among those of its kind."""
    seconds: float = 0.0
    """How long it lasts; of a kill: until the victim is started again."""
    amount: int = 0
    """Bytes that still pass; of a killed client: which of them."""


WEIGHTS = {
    "kill worker": 26,
    "stop worker": 7,
    "end worker": 4,
    "cut worker": 8,
    "tear reply": 8,
    "tear request": 6,
    "deafen worker": 3,
    "mute worker": 3,
    "hold worker": 3,
    "kill client": 8,
    "kill Redis": 1.8,
    "restart Redis": 1,
    "stop Redis": 1.2,
    "flush scripts": 1.5,
    "kill beat": 3,
    "stop beat": 2,
    "cut beat": 1.5,
    "kill producer": 2,
    "cut producer": 4,
}
"""Kind to its share."""

CUTS = {"cut worker", "tear reply", "tear request", "deafen worker", "mute worker", "kill client", "cut beat", "cut producer"}
"""Those that end connections."""
RESTARTS = {"kill Redis", "restart Redis"}
"""Those after which Redis is another process."""


@dataclass(frozen=True)
class Cast:
    """How many of each there are."""

    workers: int
    producers: int
    beats: int
    neighbours: int = 0
    """Workers of Celery's beside ours, on a queue of their own; nobody harms them but with Redis."""


def make_plan(seed: int, seconds: float, pace: float, cast: Cast, kinds: list[str] | None = None) -> list[Fault]:
    """Faults in their order, `pace` seconds apart in the mean: each kind has its own chance, so that leaving one out moves no other's details."""
    chance = random.Random(seed)
    chosen = kinds or list(WEIGHTS)
    faults = []
    now = 0.0
    while True:
        # Never at once, so that two faults at one instant are the exception.
        now += pace * (0.3 + chance.expovariate(1) * 0.7)
        if now >= seconds:
            return faults
        kind = chance.choices(chosen, [WEIGHTS[kind] for kind in chosen])[0]
        faults.append(fault(kind, now, chance, cast))


def fault(kind: str, at: float, chance: random.Random, cast: Cast) -> Fault:
    """One fault with its details."""
    count = {"beat": cast.beats, "producer": cast.producers}.get(kind.rpartition(" ")[2], cast.workers)
    victim = chance.randrange(max(1, count))
    # Mostly short; one in five is longer than a lease.
    lasting = chance.uniform(LEASE, 1.7 * LEASE) if chance.random() < 0.2 else chance.uniform(0.05, 0.7 * LEASE)
    seconds = chance.uniform(0, 1) if kind.startswith("kill") else lasting
    if kind == "stop Redis":
        seconds *= 0.8
    return Fault(at, kind, victim, round(seconds, 3), chance.randrange(1, 4000))
