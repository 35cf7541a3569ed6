"""A Redis that never lives for as long as a lease: what is seen of dead workers adds up over its runs, and nobody who lives loses the lease for it."""

from __future__ import annotations

import signal

from bench import Bench, last

LEASE = "5"
LIFE = 3.0
"""For how many seconds Redis is up at a time."""
MOST = 10
"""Restarts after which the job must run again."""


def test_restarts_every_few_seconds_do_not_keep_the_job_of_a_dead_worker_waiting(bench: Bench) -> None:
    """One worker is killed, one runs a long job all the while, and one is to take the dead one's job over."""
    living = bench.worker("--lease", LEASE, "--concurrency", "1")
    bench.send("faults.wait", "long", seconds=120)
    bench.wait_for_note("began", "long")
    dead = bench.worker("--lease", LEASE)
    bench.send("faults.wait", "lost", seconds=120, again=0.1)
    assert bench.wait_for_note("began", "lost").pid == dead.process.pid
    heir = bench.worker("--lease", LEASE)
    dead.signal(signal.SIGKILL)
    restarts = 0
    while len(bench.notes("lost", "began")) < 2:
        assert restarts < MOST, f"the job still waits after {restarts} restarts"
        last(LIFE, lambda: True, "")
        bench.redis.signal(signal.SIGKILL)
        bench.redis.start()
        restarts += 1
    print(f"run again after {restarts} restarts")
    # A job that has taken a worker down runs in a process of its own.
    assert bench.wait_for_note("began", "lost", 2).pid not in (living.process.pid, dead.process.pid)
    assert bench.wait_for_result("lost")["status"] == "SUCCESS"
    assert restarts > 0
    for each in (living, heir):
        each.wait_until_ready()
        assert "lease was lost" not in each.log.read_text()
    assert [note.pid for note in bench.notes("long", "began")] == [living.process.pid]
