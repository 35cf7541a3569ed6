"""What is said at the end."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from datetime import datetime

from redis import Redis

from .lab import AT_ONCE, OTHER, QUEUE, SLOTS, Lab
from .members import program

ETERNAL = ("apium:version", "apium:fence", "apium:reaped", "apium:control", "apium:beat:", "apium:schedule:")
# What waits for a permit is looked at while the lab runs dry; the set of lines is cleared at the next look.
ETERNAL += ("apium:limits", "apium:unique:queues", "apium:waiting", "_kombu.binding", OTHER, "unacked")
"""Names, or their beginnings, of keys that need no end: docs/internals/redis-layout.md says why."""
AGENDA = "apium:waiting"
"""When to look at limited targets again, half a minute ahead at most: the last worker leaves what the next one strikes off. The lists of jobs that
wait have this name and more, and stay suspicious."""
SHOWN = 10
DOCTOR_SECONDS = 300.0


@dataclass
class Verdict:
    """Numbers for the sentence, and everything that is wrong, in words."""

    jobs: int = 0
    lost: set[bytes] = field(default_factory=set)
    stale: set[bytes] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def find(self, what: str, keys: set[bytes] | list[bytes]) -> None:
        """Something is wrong with these jobs."""
        if keys:
            some = ", ".join(key.decode() for key in sorted(keys)[:SHOWN])
            self.faults.append(f"{len(keys)} {what}: {some}")


def judge(lab: Lab, dry: bool) -> Verdict:
    """Looks at everything."""
    book, verdict = lab.book, Verdict(jobs=len(lab.book.jobs))
    asked = set(lab.calls.asked())
    verdict.lost = {key for key in asked if key not in book.jobs or not book.jobs[key].done}
    verdict.stale = book.stale
    begun = {key for key, job in book.jobs.items() if not job.done} - verdict.lost
    verdict.find("jobs were lost", verdict.lost)
    verdict.find("jobs ended by another run than their last", verdict.stale)
    verdict.find("jobs began and never ended", begun)
    verdict.find("jobs ran under two ids (a chord's body, a slot or what follows was sent twice)", book.twins)
    verdict.find("jobs ended whose result never came", {key for key in lab.waiting if key in book.jobs} - verdict.stale)
    if lab.options.worker == "apium":
        verdict.find("jobs are missing of calls that were half sent", lab.calls.halves(book))
        slots(lab, verdict)
        verdict.faults += [f"{count} jobs of {key} were under way at once, {AT_ONCE} may be" for key, count in lab.calls.crowded(book, AT_ONCE).items()]
        verdict.faults += [f"{lock} was given away {count} times while its holder had not ended" for lock, count in lab.calls.shared(book).items()]
    if not dry:
        verdict.faults.append("nothing moved any more, but there are " + ", ".join(lab.left_to_do()))
    for member in [lab.redis, *lab.members]:
        if member.ended and member not in lab.neighbours and (lab.options.worker == "apium" or member not in lab.workers):
            verdict.faults.append(f"{len(member.ended)} unasked ends: {', '.join(member.ended[:3])}")
    return verdict


def neighbours(lab: Lab) -> str:
    """What became of the jobs for Celery's own workers: no fault of ours, whatever it is."""
    answered = [key for key, known in lab.calls.others.items() if known]
    jobs = lab.neighbours_book.jobs
    lost = sum(key not in jobs or not jobs[key].done for key in answered)
    return f"{len(answered)} jobs for Celery's own worker beside ours: {lost} lost, {lab.neighbours_book.repeated} runs repeated"


def slots(lab: Lab, verdict: Verdict) -> None:
    """Every slot from the first to the last ran; the beats' ledger tells which were fired."""
    if not lab.beats:
        return
    for name, period in SLOTS.items():
        prefix = f"slot/{name}/"
        ran = {microseconds(key.decode()[len(prefix) :]) for key in lab.book.jobs if key.startswith(prefix.encode())}
        records = {int(slot.split(b"-")[0]): record[b"outcome"] for slot, record in lab.admin.xrange(f"apium:beat:ledger:{name}")}
        if missing := missing_slots(ran, set(records), round(period * 1e6)):
            outcomes = [f"{slot} ({records.get(slot, b'no record').decode()})" for slot in missing[:SHOWN]]
            verdict.faults.append(f"{len(missing)} slots of {name} never ran: {', '.join(outcomes)}")
        if not ran:
            verdict.faults.append(f"no slot of {name} ran")


def missing_slots(ran: set[int], recorded: set[int], step: int) -> list[int]:
    """Slots, in microseconds, that should have run: all from the first to the last that anybody knows of."""
    known = ran | recorded
    return sorted(set(range(min(known), max(known) + 1, step)) - ran) if known else []


def microseconds(text: str) -> int:
    """An ISO 8601 instant as whole microseconds since 1970."""
    instant = datetime.fromisoformat(text)
    return int(instant.timestamp()) * 1_000_000 + instant.microsecond


def leftovers(redis: Redis) -> list[str]:
    """Keys that nobody owns any more, after the last worker has gone: each has to end by itself, or to be one of the few that stay.

    What Celery's own workers left is theirs.
    """
    found: dict[str, int] = {}
    cursor = -1
    while cursor:
        cursor, keys = redis.scan(max(cursor, 0), count=1000)
        pipeline = redis.pipeline(transaction=False)
        for key in keys:
            pipeline.ttl(key)
        for key, seconds in zip(keys, pipeline.execute()):
            name = key.decode(errors="replace")
            if seconds == -1 and name != AGENDA and not name.startswith(ETERNAL):
                shape = ":".join("*" if len(part) > 20 else part for part in name.split(":"))
                found[shape] = found.get(shape, 0) + 1
    return [f"{count} keys without owner and end: {shape}" for shape, count in found.items()]


def doctor(lab: Lab) -> list[str]:
    """What `apium doctor` finds while the workers are still there: nothing but chords of calls that were not answered: opened, and not or half sent."""
    words = [program("apium"), "doctor", "--json", "--broker", f"redis://127.0.0.1:{lab.port}/0"]
    try:
        done = subprocess.run(words, cwd=lab.folder, capture_output=True, text=True, timeout=DOCTOR_SECONDS)
    except subprocess.TimeoutExpired:
        return [f"apium doctor did not end within {DOCTOR_SECONDS:.0f} s"]
    if done.returncode == 0:
        return []
    (lab.folder / "doctor.log").write_text(done.stdout + done.stderr)
    if done.returncode != 1:
        return [f"apium doctor ended with {done.returncode}: {done.stderr[-300:]}"]
    found = [finding for finding in json.loads(done.stdout)["findings"] if finding["severity"] != "notice"]
    half = lab.calls.half_chords(lab.book)
    found = [finding for finding in found if finding["code"] != "chord-starved" or int(finding["summary"].split()[0]) > half]
    return [f"apium doctor: {finding['severity']} {finding['code']}: {finding['summary']}" for finding in found]


def locks(redis: Redis) -> list[str]:
    """Locks that are still held although every job has ended."""
    held = [name.decode() for name in redis.scan_iter("apium:unique:*", 1000) if name != b"apium:unique:queues"]
    return [f"{len(held)} locks are held by jobs that have ended: {', '.join(held[:SHOWN])}"] if held else []


def shelved(redis: Redis) -> list[str]:
    """Jobs that were set aside: none should be."""
    faults = []
    for shelf in ("parked", "dead", "quarantine"):
        if count := redis.zcard(f"apium:{shelf}"):
            some = redis.hvals(f"apium:{shelf}:messages")[:3]
            reasons = {json.loads(record.partition(b"\0")[0]).get("reason", "?") for record in some}
            faults.append(f"{count} jobs of {QUEUE} are {shelf}: {reasons}")
    return faults


def undisturbed(lab: Lab) -> tuple[int, float]:
    """How many recoveries nothing else got in the way of, and the slowest."""
    alone = [
        seconds
        for seconds, killed, _ in lab.book.recoveries
        if not any(begin < killed + seconds * 1e9 and end > killed for begin, end, kind in lab.counts.moments if not same(begin, killed, kind))
    ]
    return len(alone), max(alone, default=0.0)


def same(begin: int, killed: int, kind: str) -> bool:
    """Whether a fault is the kill itself, or one that is of no account."""
    return (kind == "kill worker" and 0 <= killed - begin < 2e9) or kind.endswith(("producer", "beat", "scripts"))


def sentence(lab: Lab, verdict: Verdict) -> str:
    """The last line."""
    counts, book = lab.counts, lab.book
    slowest = max((seconds for seconds, _, _ in book.recoveries), default=0.0)
    return (
        f"{counts.kills} worker kills, {counts.restarts} Redis restarts, {counts.cuts} connection cuts, {verdict.jobs} jobs: {len(verdict.lost)} lost, "
        f"{len(verdict.stale)} stale effects accepted, {book.repeated} runs repeated, slowest recovery {slowest:.1f} s"
    )
