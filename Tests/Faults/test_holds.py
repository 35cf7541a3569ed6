"""What a killed worker held under limits and locks comes free: its permits with the return of its jobs, their locks with their ends."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest
from bench import QUEUE, ROOT, Bench, Note
from stack.client import wait_for

KEY = "key:host=shop"
LOCK = "faults.wait:shop"
PROMISE = 10
"""Seconds: docs/reliability.md, for the default lease; here it is a fifth of that."""


def limit(bench: Bench, most: int) -> None:
    """So many jobs of the key at once."""
    words = ["limits", "set", "--broker", bench.redis.url, "--key", "host=shop", "--concurrency", str(most)]
    subprocess.run([ROOT / ".build" / "debug" / "apium", *words], check=True, capture_output=True, timeout=60)


def send(bench: Bench, task: str, job: str, lock: str | None = None, **kwargs: object) -> None:
    """Puts a job of the key on the queue; one with a lock that is taken at the enqueue takes it."""
    message = bench.message(task, job, **kwargs)
    message["headers"]["apium_limit"] = ["host", "shop"]
    if lock:
        message["headers"]["apium_unique"] = [LOCK, lock, 604800]
        if lock == "ended":
            bench.redis.client.set(f"apium:unique:{LOCK}", job, ex=604800)
    bench.redis.client.lpush(QUEUE, json.dumps(message))


def holder(bench: Bench) -> str | None:
    """The id of the job that has the lock."""
    found = bench.redis.client.get(f"apium:unique:{LOCK}")
    return found.decode() if found else None


def permits(bench: Bench) -> list[str]:
    """Who has taken permits of the key."""
    return [name.decode() for name in bench.redis.client.zrange(f"apium:permits:{KEY}", 0, -1)]


def nobody_holds_anything(bench: Bench) -> bool:
    """No permit, no note of one, no lock, nobody in line."""
    names = [f"apium:permits:{KEY}", f"apium:waiting:{KEY}", f"apium:unique:{LOCK}", f"apium:permits:run:{LOCK}"]
    return not bench.redis.client.exists(*names) and not list(bench.redis.client.scan_iter("apium:holds:*"))


def one_at_a_time(notes: list[Note]) -> bool:
    """Each run has ended before the next began."""
    words = [(note.word, note.job) for note in notes]
    return len(words) % 2 == 0 and all(words[at] == ("began", job) and words[at + 1] == ("ended", job) for at, (_, job) in enumerate(words) if at % 2 == 0)


@pytest.mark.parametrize("lock", ["ended", "running"])
def test_permit_and_lock_of_a_killed_worker_come_free(bench: Bench, lock: str) -> None:
    """Its job runs again and ends, and the one that waited for the permit runs, never both at once."""
    limit(bench, 1)
    victim = bench.worker()
    send(bench, "faults.wait", "first", lock, seconds=60, again=0.2)
    bench.wait_for_note("began", "first")
    send(bench, "faults.wait", "second", seconds=0.2)
    wait_for("the second to wait for the permit", lambda: bench.redis.client.llen(f"apium:waiting:{KEY}") == 1)
    assert len(permits(bench)) == 1
    bench.worker()
    victim.signal(signal.SIGKILL)
    bench.wait_for_note("began", "first", 2, PROMISE)
    for job in ("first", "second"):
        assert bench.wait_for_result(job)["status"] == "SUCCESS"
    # A job that was under way when a worker died runs in a child process of the other.
    after = [note for note in bench.notes() if note.pid != victim.process.pid]
    assert sorted(note.job for note in after if note.word == "began") == ["first", "second"]
    assert one_at_a_time(after)
    wait_for("everything to be given back", lambda: nobody_holds_anything(bench))


def test_a_lock_outlives_the_worker_and_not_the_job(bench: Bench) -> None:
    """Between two runs the job still has it, so that no other job of the key slips in."""
    victim = bench.worker()
    send(bench, "faults.wait", "only", "ended", seconds=60, again=1)
    bench.wait_for_note("began", "only")
    bench.worker()
    victim.signal(signal.SIGKILL)
    bench.wait_for_note("began", "only", 2, PROMISE)
    assert holder(bench) == "only"
    assert bench.wait_for_result("only")["status"] == "SUCCESS"
    wait_for("the lock to be free", lambda: holder(bench) is None)


def test_a_job_that_is_lost_with_its_worker_gives_back_what_it_held(bench: Bench) -> None:
    """Acknowledged before its run it does not run again: the step that says so frees permit and lock."""
    limit(bench, 1)
    victim = bench.worker()
    send(bench, "faults.early", "lost", "ended", seconds=60)
    bench.wait_for_note("began", "lost")
    send(bench, "faults.wait", "next")
    wait_for("the next to wait for the permit", lambda: bench.redis.client.llen(f"apium:waiting:{KEY}") == 1)
    bench.worker()
    victim.signal(signal.SIGKILL)
    assert bench.wait_for_result("lost", PROMISE)["result"]["exc_type"] == "WorkerLostError"
    assert bench.wait_for_result("next", PROMISE)["status"] == "SUCCESS"
    wait_for("everything to be given back", lambda: nobody_holds_anything(bench))


def test_the_permits_of_many_are_given_back_together(bench: Bench) -> None:
    """Four of four are held by one worker; eight wait."""
    limit(bench, 4)
    victim = bench.worker("--concurrency", "12")
    jobs = [f"job-{number}" for number in range(12)]
    for job in jobs:
        send(bench, "faults.wait", job, seconds=60, again=0)
    wait_for("four to run", lambda: len(bench.notes(word="began")) == 4)
    wait_for("eight to wait", lambda: bench.redis.client.llen(f"apium:waiting:{KEY}") == 8)
    bench.worker("--concurrency", "12")
    victim.signal(signal.SIGKILL)
    for note in bench.notes(word="began"):
        assert bench.wait_for_result(note.job, PROMISE)["status"] == "SUCCESS"
    wait_for("four of those who waited to run", lambda: len({note.job for note in bench.notes(word="began")}) == 8)
    assert len(permits(bench)) == 4
