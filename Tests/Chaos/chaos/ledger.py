"""Reading what jobs and producers wrote down, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path


class Tail:
    """The whole lines that were appended to a file since it was last looked at."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.position = 0
        self.rest = b""

    def lines(self) -> Iterator[list[bytes]]:
        """The new lines, in words. A line that was cut by the death of its writer never ends, and is left out by what reads it."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self.position)
            data = self.rest + file.read()
            self.position = file.tell()
        *whole, self.rest = data.split(b"\n")
        for line in whole:
            yield line.split()


@dataclass
class Job:
    """One logical job: what is known of its key."""

    __slots__ = ("attempt", "begun", "done", "ended", "id", "result", "top")
    id: bytes
    top: int
    """The highest token that was seen."""
    attempt: int
    """Of the run with that token."""
    done: bool
    """Whether its effect was accepted in that attempt."""
    result: int
    """The token that the stored SUCCESS names; 0: not seen yet."""
    begun: int
    """When the run with the highest token began, in nanoseconds."""
    ended: int
    """When that run had its effect; 0: it has not."""

    @property
    def run(self) -> tuple[int, int] | None:
        """From when until when the run that ended the job had certainly all that it needs: it had it before it began, and its end was accepted."""
        return (self.begun, self.ended) if self.done and self.ended and self.result == self.top else None


@dataclass
class Recovery:
    """A run that was cut off by a kill, until it begins anew."""

    killed: int
    worker: bytes


@dataclass
class Book:
    """All jobs, in the order in which the ledger tells of them. A pure fold over its lines; it behaves as a resource that checks tokens."""

    jobs: dict[bytes, Job] = field(default_factory=dict)
    running: dict[bytes, dict[bytes, int]] = field(default_factory=dict)
    """Worker to the keys that it has begun and not ended."""
    orphans: dict[bytes, Recovery] = field(default_factory=dict)
    recoveries: list[tuple[float, int, bytes]] = field(default_factory=list)
    """Seconds from a kill to the new run, when the kill was, the key."""
    fresh: dict[bytes, bytes] = field(default_factory=dict)
    """Keys whose effect was accepted since they were last taken, and their ids."""
    refused: int = 0
    """Effects and beginnings with a token below one already seen: the resource refused them."""
    repeated: int = 0
    """Runs of an attempt that had run before."""
    twins: set[bytes] = field(default_factory=set)
    """Keys that came under two ids."""
    late: set[bytes] = field(default_factory=set)
    """Keys that ran again, with a higher token, although their SUCCESS had been read."""

    def read(self, words: list[bytes]) -> None:
        """One line of the ledger."""
        if len(words) != 7:
            return
        event, now, worker, key, job_id, attempt, token = words
        self.event(event, int(now), worker, key, job_id, int(attempt), int(token))

    def event(self, event: bytes, now: int, worker: bytes, key: bytes, job_id: bytes, attempt: int, token: int) -> None:
        """What a job did."""
        job = self.jobs.get(key)
        if job is None:
            job = self.jobs[key] = Job(job_id, token, attempt, False, 0, 0, 0)
        elif job.id != job_id:
            self.twins.add(key)
        elif token < job.top:
            self.refused += 1
            self.running.get(worker, {}).pop(key, None)
            return
        elif token > job.top:
            if job.result and token > job.result:
                self.late.add(key)
            if attempt == job.attempt:
                self.repeated += 1
            job.top, job.attempt = token, attempt
            job.ended = 0
        if event == b"b":
            job.begun = now
            self.begun(worker, key, now)
        else:
            self.running.get(worker, {}).pop(key, None)
            if event == b"e":
                job.done = True
                job.ended = now
                self.fresh[key] = job_id

    def begun(self, worker: bytes, key: bytes, now: int) -> None:
        """A run begins: what another worker had of it is over."""
        for others in self.running.values():
            others.pop(key, None)
        self.running.setdefault(worker, {})[key] = now
        if orphan := self.orphans.pop(key, None):
            self.recoveries.append(((now - orphan.killed) / 1e9, orphan.killed, key))

    def killed(self, worker: bytes, now: int) -> None:
        """A worker was killed, and all that it wrote has been read."""
        for key in self.running.pop(worker, {}):
            self.orphans[key] = Recovery(now, worker)

    def take_fresh(self) -> dict[bytes, bytes]:
        """The keys whose results may be read now."""
        fresh, self.fresh = self.fresh, {}
        return fresh

    def succeeded(self, key: bytes, token: int) -> None:
        """The stored SUCCESS of a job names this token."""
        self.jobs[key].result = token

    @property
    def stale(self) -> set[bytes]:
        """Jobs whose accepted end is not that of the last run: an older run's end was taken, or a run began after the end."""
        return self.late | {key for key, job in self.jobs.items() if job.result and job.result != job.top}


@dataclass
class Calls:
    """What producers asked for. Keys of a call are `<producer>.<number>.<place>` and, of a chord, `<producer>.<number>.body`."""

    known: dict[str, dict[int, tuple[int, bool]]] = field(default_factory=dict)
    """Producer to number to size and body, of the calls that were answered."""
    open: dict[str, dict[int, tuple[int, bool]]] = field(default_factory=dict)
    """Those that were not, or not yet."""
    limits: dict[str, list[bytes]] = field(default_factory=dict)
    """Key of a limit to the jobs under it."""
    locks: dict[str, list[tuple[int, bytes]]] = field(default_factory=dict)
    """Lock to the jobs that were given it, and since when each had it at the latest, in nanoseconds."""
    others: dict[bytes, bool] = field(default_factory=dict)
    """Jobs for Celery's own workers, and whether the call was answered; their keys end in `.other`."""

    def read(self, producer: str, words: list[bytes]) -> None:
        """One line of a producer's notes."""
        pending = self.open.setdefault(producer, {})
        if words[0] == b"?" and words[2:] == [b"other"]:
            self.others[f"{producer}.{int(words[1])}.other".encode()] = False
        elif words[0] == b"+" and (key := f"{producer}.{int(words[1])}.other".encode()) in self.others:
            self.others[key] = True
        elif words[0] == b"?" and len(words) == 4:
            pending[int(words[1])] = (int(words[2]), words[3] == b"1")
        elif words[0] == b"@" and len(words) == 3:
            self.limits.setdefault(words[2].decode(), []).append(f"{producer}.{int(words[1])}.0".encode())
        elif words[0] == b"=" and len(words) == 4 and (call := pending.pop(int(words[1]), None)):
            self.known.setdefault(producer, {})[int(words[1])] = call
            self.locks.setdefault(words[2].decode(), []).append((int(words[3]), f"{producer}.{int(words[1])}.0".encode()))
        elif words[0] == b"x" and len(words) == 2:
            pending.pop(int(words[1]), None)
        elif words[0] == b"+" and (call := pending.pop(int(words[1]), None)):
            self.known.setdefault(producer, {})[int(words[1])] = call

    @staticmethod
    def keys(producer: str, number: int, call: tuple[int, bool]) -> list[bytes]:
        """The keys of a call."""
        prefix = f"{producer}.{number}."
        return [f"{prefix}{place}".encode() for place in [*range(call[0]), *(["body"] if call[1] else [])]]

    def asked(self) -> Iterator[bytes]:
        """All keys that must run."""
        for producer, calls in self.known.items():
            for number, call in calls.items():
                yield from self.keys(producer, number, call)

    def half_chords(self, book: Book) -> int:
        """Chords without an answer that may have been opened and not be whole.

        Celery's client sends their parts one by one; ours opens a chord, and sends all of it in a second step, or nothing when the connection ends in between.
        """
        return sum(
            producer.startswith("p") or not any(key in book.jobs for key in self.keys(producer, number, call))
            for producer, calls in self.open.items()
            for number, call in calls.items()
            if call[1]
        )

    def halves(self, book: Book) -> list[bytes]:
        """Keys that are missing of calls without an answer of which others ran: our client sends a call in one step, so all or none."""
        missing = []
        for producer, calls in self.open.items():
            if producer.startswith("s"):
                for number, call in calls.items():
                    keys = self.keys(producer, number, call)
                    there = [key for key in keys if key in book.jobs]
                    if there:
                        missing += [key for key in keys if key not in book.jobs or not book.jobs[key].done]
        return missing

    def crowded(self, book: Book, most: int) -> dict[str, int]:
        """Keys of limits of which more jobs were under way at once than may be, and how many."""
        counts = {key: highest(run for job in jobs if (run := ran(book, job))) for key, jobs in self.limits.items()}
        return {key: count for key, count in counts.items() if count > most}

    def shared(self, book: Book) -> dict[str, int]:
        """Locks that were given to a job while another one, which had been given it before, had not ended; and how often."""
        found = {}
        for lock, jobs in self.locks.items():
            held = sorted((since, run[1]) for since, key in jobs if (run := ran(book, key)))
            broken = sum(until > since for (_, until), (since, _) in pairwise(held))
            if broken:
                found[lock] = broken
        return found


def ran(book: Book, key: bytes) -> tuple[int, int] | None:
    """The run that ended a job."""
    job = book.jobs.get(key)
    return job.run if job else None


def highest(spans: Iterable[tuple[int, int]]) -> int:
    """How many of these spans of time have an instant in common, at most; one that ends as another begins has none with it."""
    most = now = 0
    for _, step in sorted((moment, step) for begun, ended in spans for moment, step in ((begun, 1), (ended, -1))):
        now += step
        most = max(most, now)
    return most
