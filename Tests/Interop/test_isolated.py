"""Jobs in child processes: what kills one costs its own job alone."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import celery
import pytest
import redis
from billiard.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded, WorkerLostError
from celery import Celery
from celery.exceptions import TaskRevokedError
from celery.result import AsyncResult
from conftest import Worker, our_worker
from stack.client import wait_for

Start = Callable[..., Worker]


@pytest.fixture
def start(broker: str, queue: str, tmp_path: Path) -> Iterator[Start]:
    """Starts workers on the test's queue, and ends them."""
    workers: list[Worker] = []

    def begin(*options: str) -> Worker:
        worker = our_worker(broker, tmp_path / f"worker-{len(workers)}.log", queue, "--concurrency", "4", "--grace", "20", *options)
        workers.append(worker)
        return worker

    yield begin
    for worker in workers:
        if worker.process.poll() is None:
            worker.stop()


class Caller:
    """Calls tasks on the test's queue."""

    def __init__(self, app: Celery, queue: str) -> None:
        self.app, self.queue = app, queue

    def __call__(self, name: str, **options: object) -> AsyncResult:
        """Sends a task of this name to the queue."""
        kwargs = options.pop("kwargs", {})
        return self.app.send_task(name, kwargs=kwargs, queue=self.queue, **options)


@pytest.fixture
def call(app: Celery, queue: str) -> Caller:
    """Calls tasks on the test's queue."""
    return Caller(app, queue)


def parent_of(pid: int) -> int | None:
    """The parent of a process that lives."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, parent = text.rsplit(")", 1)[1].split()[:2]
    return None if state in "ZX" else int(parent)


def children_of(worker: Worker) -> set[int]:
    """The processes that a worker has started and that live."""
    everything = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return {pid for pid in everything if parent_of(pid) == worker.process.pid}


def is_gone(pid: int) -> bool:
    """Whether a process lives no more."""
    return parent_of(pid) is None


def running_pid(result: AsyncResult) -> int:
    """The process that runs a job which tracks its start."""
    wait_for("the state STARTED", lambda: result.state == "STARTED", 30, every=0.02)
    return result.info["pid"]


def test_an_isolated_job_runs_in_a_child(start: Start, call: Caller) -> None:
    """Another process than the worker's; one that is not isolated runs in the worker's own."""
    worker = start()
    child = call("isolated.pid").get(timeout=30)
    assert parent_of(child) == worker.process.pid
    assert call("interop.pid").get(timeout=10) == worker.process.pid
    # The same child serves again.
    assert call("isolated.pid").get(timeout=10) == child


def test_a_pool_of_processes_runs_everything_in_children(start: Start, call: Caller) -> None:
    """As Celery's prefork pool."""
    worker = start("--pool", "processes")
    assert parent_of(call("interop.pid").get(timeout=30)) == worker.process.pid


def signature(name: str, *args: object) -> dict[str, object]:
    """A task as Celery's builtin tasks take it."""
    return {"task": name, "args": list(args), "kwargs": {}, "options": {}, "subtask_type": None, "immutable": False}


def test_celerys_builtin_tasks_run_in_children(start: Start, call: Caller, app: Celery, queue: str) -> None:
    """A child knows what its worker knows, chords that become tasks included."""
    start("--pool", "processes")
    assert call("celery.ping").get(timeout=30) == "pong"
    assert call("celery.backend_cleanup").get(timeout=10) is None
    assert call("celery.accumulate", args=(1, 2, 3)).get(timeout=10) == [1, 2, 3]
    assert call("celery.map", kwargs={"task": signature("isolated.echo"), "it": [1, 2]}).get(timeout=10) == [[[1], {}], [[2], {}]]
    assert call("celery.starmap", kwargs={"task": signature("interop.add"), "it": [[1, 2], [3, 4]]}).get(timeout=10) == [3, 7]
    for name in ("celery.chain", "celery.chord_unlock"):
        with pytest.raises(NotImplementedError):
            call(name).get(timeout=10)
    app.conf.task_default_queue = queue
    for name, members in {
        "celery.chunks": {"task": signature("interop.add"), "it": [[1, 2], [3, 4]], "n": 1},
        "celery.chord": {"header": [signature("interop.add", 1, 2)], "body": signature("celery.accumulate")},
        "celery.group": {"tasks": [], "result": [["g", None], []], "group_id": "g", "partial_args": []},
    }.items():
        assert call(name, kwargs=members).get(timeout=10) is not None
    chord = celery.chord([app.signature("interop.add", (n, n), queue=queue) for n in (1, 2)], app.signature("celery.accumulate", queue=queue))
    assert chord.apply_async().get(timeout=30) == [[2, 4]]


def test_a_builtin_task_outlives_its_worker(start: Start, call: Caller, app: Celery, queue: str) -> None:
    """Once its worker has died a job is a suspect and runs in a child: a builtin one, too."""
    name = f"{queue}@first"
    worker = start("--lease", "1", "--hostname", name)
    result = call("celery.map", kwargs={"task": signature("interop.nap"), "it": [0.6, 0.6]})
    inspect = app.control.inspect([name], timeout=1)
    wait_for("it runs", lambda: any(task["id"] == result.id for task in (inspect.active() or {}).get(name, [])), 30)
    worker.process.kill()
    worker.process.wait(10)
    start("--lease", "1")
    assert len(result.get(timeout=60)) == 2


@pytest.mark.parametrize("arguments", [{"levels": 950}, {"levels": 1100}, {"mebibytes": 65}], ids=["deep", "deeper", "long"])
@pytest.mark.parametrize("name", ["isolated.report", "isolated.tell"])
def test_what_fits_no_frame_is_refused(start: Start, call: Caller, name: str, arguments: dict[str, int]) -> None:
    """The job is told, and runs on in the same child: its worker neither waits for ever nor takes the child for a broken one."""
    worker = start("--concurrency", "1")
    child = call("isolated.pid").get(timeout=30)
    assert call(name, kwargs=arguments).get(timeout=60) == "bad result"
    assert call("isolated.pid").get(timeout=30) == child
    assert worker.process.poll() is None


@pytest.mark.parametrize(
    "value",
    [None, -(2**63), 0.1, "", 'Сельдерей 🌿 \u2028\u0000"\\/', [[], {}, [None]], {"a": {"b": [1, 2.5]}}, "x" * 1_000_000],
    ids=lambda value: type(value).__name__,
)
def test_values_come_back_as_they_went(start: Start, call: Caller, value: object) -> None:
    """Through the queue and the child's channel, long ones too."""
    start()
    assert call("isolated.echo", args=(value,), kwargs={"k": value}).get(timeout=30) == [[value], {"k": value}]


def test_what_a_job_throws_means_the_same(start: Start, call: Caller) -> None:
    """A failure with its policy, and a retry with other arguments."""
    start()
    with pytest.raises(ValueError, match="run 1"):
        call("isolated.fail").get(timeout=30)
    assert call("isolated.retry").get(timeout=30) == {"retries": 1, "kwargs": {"again": True}}


def test_a_job_in_a_child_speaks_to_its_worker(start: Start, call: Caller, app: Celery) -> None:
    """Progress is stored, sent jobs are its children, and another may take its place."""
    start()
    result = call("isolated.progress")
    wait_for("progress", lambda: result.state == "PROGRESS", 30, every=0.02)
    assert result.info == {"done": 1}
    child = result.get(timeout=30)
    assert [entry.id for entry in result.children] == [child]
    assert app.AsyncResult(child).get(timeout=10) == 3
    sent = call("isolated.send")
    assert sent.get(timeout=10)[0][0] == sent.children[0].id
    assert sent.children[0].get(timeout=10) == 42
    assert call("isolated.replace").get(timeout=10) == 42


def test_a_killed_child_costs_only_its_own_job(start: Start, call: Caller) -> None:
    """The others end as if nothing had happened; the killed one is run again."""
    worker = start()
    naps = [call("isolated.nap", kwargs={"seconds": 3}) for _ in range(4)]
    pids = [running_pid(nap) for nap in naps]
    assert len(set(pids)) == 4
    os.kill(pids[0], signal.SIGKILL)
    after = [nap.get(timeout=60) for nap in naps]
    assert after[1:] == pids[1:]
    assert after[0] != pids[0]
    assert worker.process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL, signal.SIGTERM])
def test_a_job_that_crashes_once_is_run_again(start: Start, call: Caller, number: signal.Signals) -> None:
    """The worker lives on, and the second run succeeds."""
    worker = start()
    other = call("isolated.nap", kwargs={"seconds": 1})
    assert parent_of(call("isolated.die", kwargs={"signal": int(number), "times": 1}).get(timeout=60)) == worker.process.pid
    assert isinstance(other.get(timeout=30), int)


def test_a_job_that_always_crashes_is_quarantined(start: Start, call: Caller, broker: str) -> None:
    """After three crashes it is set aside, with a failure that says why; its neighbours are not."""
    worker = start()
    neighbours = [call("isolated.pid") for _ in range(20)]
    poison = call("isolated.die")
    with pytest.raises(WorkerLostError, match=r"Worker exited prematurely: signal 9 \(SIGKILL\) Job: \d+\."):
        poison.get(timeout=60)
    assert poison.state == "FAILURE"
    with redis.Redis.from_url(broker) as server:
        assert poison.id.encode() in server.hkeys("apium:quarantine:messages")
    assert all(isinstance(neighbour.get(timeout=30), int) for neighbour in neighbours)
    assert worker.process.poll() is None


def test_a_suspect_runs_alone(start: Start, call: Caller) -> None:
    """A job that took its worker down is run in a child next time: it alone is quarantined, and no second worker dies."""
    innocents = [call("interop.nap", kwargs={"seconds": 0.2}) for _ in range(8)]
    poison = call("interop.die")
    first = start("--lease", "1")
    first.process.wait(60)
    second = start("--lease", "1")
    with pytest.raises(WorkerLostError, match="Worker exited prematurely"):
        poison.get(timeout=90)
    assert all(innocent.get(timeout=60) for innocent in innocents)
    assert second.process.poll() is None


@pytest.mark.parametrize("name", ["isolated.die_unrepeated", "isolated.die_acknowledged"])
def test_some_jobs_are_not_run_again(start: Start, call: Caller, name: str) -> None:
    """Celery's default for late acknowledgement, and what early acknowledgement means."""
    start()
    with pytest.raises(WorkerLostError, match=r"signal 9 \(SIGKILL\)"):
        call(name).get(timeout=30)


@pytest.mark.parametrize("code", [0, 1, 70])
def test_a_job_that_exits_is_lost(start: Start, call: Caller, code: int) -> None:
    """A code of 0 is no success."""
    start()
    with pytest.raises(WorkerLostError, match=f"exitcode {code} "):
        call("isolated.exit", kwargs={"code": code}).get(timeout=30)


def test_a_stuck_job_is_killed_at_its_hard_limit(start: Start, call: Caller) -> None:
    """Even one that holds every thread of its process; the next job has a new child."""
    worker = start()
    with pytest.raises(TimeLimitExceeded):
        call("isolated.stick", time_limit=1).get(timeout=30)
    wait_for("the stuck child's end", lambda: len(children_of(worker)) <= 1, 10)
    assert parent_of(call("isolated.pid").get(timeout=30)) == worker.process.pid


def test_a_soft_limit_reaches_the_child(start: Start, call: Caller) -> None:
    """The job may catch it; one that does not fails with it."""
    start()
    assert call("isolated.soft").get(timeout=30) == "cleaned up"
    with pytest.raises(SoftTimeLimitExceeded):
        call("isolated.nap", kwargs={"seconds": 60}, soft_time_limit=0.3).get(timeout=30)


@pytest.mark.parametrize("name", ["isolated.nap", "isolated.stick"])
def test_terminate_kills_the_child(start: Start, call: Caller, name: str) -> None:
    """Whatever the job does; it ends as REVOKED."""
    worker = start()
    result = call(name, kwargs={"seconds": 60} if name == "isolated.nap" else {})
    child = running_pid(result)
    result.revoke(terminate=True)
    with pytest.raises(TaskRevokedError, match="terminated"):
        result.get(timeout=30)
    wait_for("the child's end", lambda: is_gone(child), 10)
    assert worker.process.poll() is None


def test_terminate_takes_the_signal_that_was_asked_for(start: Start, call: Caller) -> None:
    """By name, as Celery's callers give it."""
    worker = start()
    result = call("isolated.nap", kwargs={"seconds": 60})
    running_pid(result)
    result.revoke(terminate=True, signal="SIGUSR1")
    with pytest.raises(TaskRevokedError, match="terminated"):
        result.get(timeout=30)
    wait_for("the log", lambda: b"signal 10 (SIGUSR1)" in worker.log.read_bytes(), 10)


def test_inspection_shows_children(app: Celery, start: Start, call: Caller, queue: str) -> None:
    """Where a job runs, and which processes there are."""
    name = f"{queue}@test"
    worker = start("--hostname", name, "--max-tasks-per-child", "7")
    pid = running_pid(call("isolated.nap", kwargs={"seconds": 5}))
    inspect = app.control.inspect([name], timeout=10)
    (task,) = inspect.active()[name]
    assert task["worker_pid"] == pid
    pool = inspect.stats()[name]["pool"]
    assert pool["processes"] == [worker.process.pid, pid]
    assert pool["max-tasks-per-child"] == 7


def test_children_are_recycled_by_jobs(start: Start, call: Caller) -> None:
    """Celery's `--max-tasks-per-child`."""
    start("--max-tasks-per-child", "2", "--concurrency", "1")
    pids = [call("isolated.pid").get(timeout=30) for _ in range(6)]
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4] == pids[5]


def test_children_are_recycled_by_memory(start: Start, call: Caller) -> None:
    """Celery's `--max-memory-per-child`, in KiB: the job that goes beyond it still ends well."""
    start("--max-memory-per-child", str(200 * 1024), "--concurrency", "1")
    first = call("isolated.pid").get(timeout=30)
    assert call("isolated.allocate", kwargs={"mebibytes": 1}).get(timeout=30) == first
    assert call("isolated.allocate", kwargs={"mebibytes": 300}).get(timeout=30) == first
    assert call("isolated.pid").get(timeout=30) != first


def test_output_is_not_the_channel(start: Start, call: Caller) -> None:
    """What a job prints goes to the worker's own output, however much it is."""
    worker = start()
    assert parent_of(call("isolated.flood", kwargs={"lines": 5000}).get(timeout=60)) == worker.process.pid
    assert worker.log.read_bytes().count(b"x" * 1000) == 10_000


def test_a_shutdown_waits_for_the_running_job(start: Start, call: Caller) -> None:
    """SIGTERM to the worker: the job in the child ends, and then the child."""
    worker = start()
    nap = call("isolated.nap", kwargs={"seconds": 2})
    pid = running_pid(nap)
    assert worker.stop() == 0
    assert nap.get(timeout=5) == pid
    assert is_gone(pid)


def test_no_orphan_is_left(start: Start, call: Caller) -> None:
    """A worker that is killed takes its children with it, a stuck one too."""
    worker = start()
    call("isolated.stick")
    running_pid(call("isolated.nap", kwargs={"seconds": 60}))
    wait_for("two children", lambda: len(children_of(worker)) == 2, 30)
    children = children_of(worker)
    worker.process.kill()
    worker.process.wait(10)
    wait_for("the children's end", lambda: all(is_gone(child) for child in children), 10)


def test_what_a_child_started_ends_with_it(start: Start, call: Caller) -> None:
    """A program that a job left behind in its process group."""
    worker = start("--max-tasks-per-child", "1")
    answer = call("isolated.litter").get(timeout=30)
    wait_for("the child's end", lambda: is_gone(answer["pid"]), 20)
    wait_for("the end of what it started", lambda: is_gone(answer["child"]), 10)
    assert worker.process.poll() is None


def test_the_log_names_how_a_child_ended(start: Start, call: Caller) -> None:
    """One line for people, without a backtrace."""
    worker = start()
    call("isolated.die", kwargs={"times": 1}).get(timeout=30)
    assert re.search(rb"a child process has ended.*signal 9 \(SIGKILL\)|signal 9 \(SIGKILL\).*a child process has ended", worker.log.read_bytes())
