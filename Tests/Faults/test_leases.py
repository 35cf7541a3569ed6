"""Who keeps a lease, and who has lost it: only a worker that is dead, or as good as dead, loses its jobs."""

from __future__ import annotations

import os
import signal

import pytest
import redis
from bench import Bench, last
from stack.client import wait_for


def test_jobs_that_block_every_thread_keep_their_lease(bench: Bench) -> None:
    """The renewals come from a thread that no job can hold: four leases without a free thread, and nobody else gets the jobs."""
    threads = os.cpu_count() or 1
    jobs = [f"job-{number}" for number in range(threads)]
    blocked = bench.worker("--concurrency", str(threads + 1))
    bench.send("faults.block", *jobs, seconds=4)
    for job in jobs:
        assert bench.wait_for_note("began", job).pid == blocked.process.pid
    bench.worker()
    # The proof that no thread is free: the blocked worker's own word stands still, for it is written by a task.
    written = blocked.health_file.stat().st_mtime_ns
    for job in jobs:
        assert bench.wait_for_result(job)["status"] == "SUCCESS"
        assert [note.pid for note in bench.notes(job, "began")] == [blocked.process.pid]
    assert blocked.health_file.stat().st_mtime_ns == written
    assert blocked.process.poll() is None


def test_a_job_of_many_leases_is_delivered_once(bench: Bench) -> None:
    """While its worker lives and others look for dead ones."""
    worker = bench.worker()
    bench.send("faults.wait", "long", seconds=5)
    bench.wait_for_note("began", "long")
    bench.worker()
    assert bench.wait_for_result("long")["status"] == "SUCCESS"
    assert [(note.word, note.pid) for note in bench.notes("long")] == [("began", worker.process.pid), ("ended", worker.process.pid)]


def test_a_worker_that_was_stopped_for_longer_than_its_lease_is_refused(bench: Bench) -> None:
    """Its run is cancelled when it wakes, another's result stands, and it serves again."""
    stopped = bench.worker()
    bench.send("faults.wait", "job", seconds=60, again=0.5)
    old = bench.wait_for_note("began", "job")
    stopped.signal(signal.SIGSTOP)
    other = bench.worker()
    new = bench.wait_for_note("began", "job", 2)
    assert new.fence > old.fence
    assert bench.wait_for_result("job")["result"] == new.fence
    stopped.signal(signal.SIGCONT)
    assert bench.wait_for_note("cancelled", "job").fence == old.fence
    other.signal(signal.SIGTERM)
    assert other.wait() == 0
    stopped.wait_until_ready()
    bench.send("faults.wait", "next")
    assert bench.wait_for_note("ended", "next").pid == stopped.process.pid
    assert bench.result("job")["result"] == new.fence


def test_a_stale_run_that_comes_to_its_end_changes_nothing(bench: Bench) -> None:
    """The end of a run that does not hear of its cancellation is refused."""
    stopped = bench.worker()
    bench.send("faults.block", "job", seconds=1)
    old = bench.wait_for_note("began", "job")
    stopped.signal(signal.SIGSTOP)
    bench.worker()
    new = bench.wait_for_note("ended", "job")
    assert new.fence > old.fence
    assert bench.wait_for_result("job")["result"] == new.fence
    stopped.signal(signal.SIGCONT)
    bench.wait_for_note("ended", "job", 2)
    wait_for("the stale end to be refused", lambda: "lease was lost" in stopped.log.read_text())
    last(0.5, lambda: bench.result("job")["result"] == new.fence, "a stale run has overwritten the result")


def pause(bench: Bench) -> None:
    """Redis stands still."""
    bench.redis.signal(signal.SIGSTOP)
    last(2.5, lambda: True, "")
    bench.redis.signal(signal.SIGCONT)


def die(bench: Bench) -> None:
    """Redis is killed, and is away for a while."""
    bench.redis.signal(signal.SIGKILL)
    last(2.5, lambda: True, "")
    bench.redis.start()


def load(bench: Bench) -> None:
    """Redis is killed, and loads its data for a while."""
    client = bench.redis.client
    pipeline = client.pipeline()
    for number in range(3000):
        pipeline.set(f"ballast:{number}", "x")
    pipeline.execute()
    client.save()
    bench.redis.signal(signal.SIGKILL)
    bench.redis.launch("--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024")
    wait_for("Redis to say that it loads", lambda: is_loading(bench), every=0.02)
    wait_for("Redis", bench.redis.answers, every=0.02)


def is_loading(bench: Bench) -> bool:
    """Whether the server answers that it loads its data."""
    try:
        bench.redis.client.get("x")
    except redis.exceptions.BusyLoadingError:
        return True
    except redis.RedisError:
        return False
    return False


@pytest.mark.parametrize("outage", [pause, die, load])
def test_no_outage_of_redis_takes_a_lease(bench: Bench, outage: object) -> None:
    """Longer than the lease of both workers: the job runs on, once, and its end is written."""
    bench.redis.aof = outage is not load
    if outage is load:
        bench.redis.signal(signal.SIGKILL)
        bench.redis.start()
    worker = bench.worker()
    bench.send("faults.wait", "job", seconds=4)
    bench.wait_for_note("began", "job")
    other = bench.worker()
    outage(bench)
    assert bench.wait_for_result("job")["status"] == "SUCCESS"
    for each in (worker, other):
        each.wait_until_ready()
        assert "lost its lease" not in each.log.read_text()
    assert [note.pid for note in bench.notes("job", "began")] == [worker.process.pid]
