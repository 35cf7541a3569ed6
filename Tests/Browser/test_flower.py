"""Flower, as PyPI has it, in a browser: its pages show our worker, and its buttons steer it."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from playwright.sync_api import Page, expect
from stack.client import RunningStack, wait_for
from stack.run_folder import ROOT

NODE = "flowered@swift"
QUEUE = "flowered"
# All that Flower has.
COLUMNS = "name,uuid,state,args,kwargs,result,received,started,runtime,worker,exchange,routing_key,retries,revoked,exception,expires,eta"


class Process:
    """A program and its log."""

    def __init__(self, command: list[str], log: Path, **environment: str) -> None:
        self.log = log
        variables = {**os.environ, "PYTHONWARNINGS": "ignore", **environment}
        with log.open("ab") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=variables, cwd=Path(__file__).parent)

    def stop(self) -> None:
        """Ends it, if it still runs."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """A Redis for Flower and one worker."""
    with RunningStack(only=["redis"]) as running:
        yield running.settings["APIUM_BROKER_URL"]


@pytest.fixture(scope="module")
def app(broker: str) -> Iterator[Celery]:
    """Celery's client."""
    client = Celery(broker=broker, backend=broker)
    client.conf.update(task_default_queue=QUEUE)
    yield client
    client.close()


@pytest.fixture(scope="module")
def worker(app: Celery, broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Our worker, with one slot, telling events of jobs."""
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    program = str(ROOT / ".build" / "debug" / "interop-worker")
    process = Process([program, "--broker", broker, "--queues", QUEUE, "--name", NODE, "--concurrency", "2", "-E"], log)
    wait_for("the worker's pong", lambda: app.control.ping([NODE], timeout=0.5), 30)
    yield process
    process.stop()


@pytest.fixture(scope="module")
def flower(broker: str, worker: Process, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Flower's address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "celery", "-A", "flower_app", "flower", f"--port={port}", "--address=127.0.0.1", "--inspect_timeout=5000"]
    log = tmp_path_factory.mktemp("flower") / "flower.log"
    process = Process([*command, f"--tasks_columns={COLUMNS}"], log, BROKER=broker, FLOWER_UNAUTHENTICATED_API="true")
    address = f"http://127.0.0.1:{port}"

    def knows_worker() -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/api/workers?refresh=1", timeout=20) as answer:
            return NODE in answer.read().decode()
        return False

    wait_for("the worker in Flower", knows_worker, 90)
    yield address
    process.stop()


def picture(page: Page, name: str) -> None:
    """Leaves a picture for a person, if there is a folder for it."""
    if folder := os.environ.get("BROWSER_PICTURES"):
        page.screenshot(path=f"{folder}/flower-{name}.png", full_page=True)


def open_tab(page: Page, flower: str, tab: str) -> None:
    """The worker's page, on one of its tabs."""
    page.goto(f"{flower}/worker/{NODE}")
    page.locator(f"#worker-tab-{tab}").click()
    # It fades in.
    expect(page.locator(f"#tab-{tab}")).to_have_class(re.compile(r"\bshow\b"))
    expect(page.locator(f"#tab-{tab}")).to_have_css("opacity", "1")


def told(page: Page, words: str) -> None:
    """Flower says what the worker answered."""
    expect(page.locator(".toast", has_text=words).last).to_be_visible()


def stats(app: Celery) -> dict[str, Any]:
    """What the worker says of itself."""
    return app.control.inspect([NODE], timeout=5).stats()[NODE]


def test_the_list_of_workers(app: Celery, flower: str, page: Page) -> None:
    """Online, with its counts and load."""
    for _ in range(3):
        assert app.send_task("interop.add", (1, 2)).get(timeout=20) == 3
    page.goto(f"{flower}/workers")
    row = page.locator("#workers-table tbody tr", has_text=NODE)
    expect(row).to_contain_text("Online")
    expect(row.locator("td").nth(5)).to_have_text("3")
    picture(page, "workers")
    row.get_by_role("link", name=NODE).click()
    expect(page.locator("#workername")).to_have_text(NODE)


def test_the_worker_grows_and_shrinks(app: Celery, flower: str, page: Page) -> None:
    """The pool's page and its buttons."""
    open_tab(page, flower, "pool")
    expect(page.locator("#tab-pool")).to_contain_text("2")
    picture(page, "pool")
    page.locator("#pool-size").fill("3")
    page.locator("#worker-pool-grow").click()
    told(page, "Growing")
    wait_for("more slots", lambda: stats(app)["pool"]["max-concurrency"] == 5, 20)
    page.locator("#worker-pool-shrink").click()
    told(page, "Shrinking")
    wait_for("fewer slots", lambda: stats(app)["pool"]["max-concurrency"] == 2, 20)


def test_what_the_worker_is(flower: str, page: Page) -> None:
    """Broker, settings, the process; no password in any."""
    for tab, words in [("broker", "redis"), ("config", "task_default_queue"), ("system", "utime"), ("other", "uptime")]:
        open_tab(page, flower, tab)
        expect(page.locator(f"#tab-{tab}")).to_contain_text(words)
        picture(page, tab)


def test_queues_are_added_and_left(app: Celery, flower: str, page: Page) -> None:
    """Add and cancel a consumer; the broker's page tells a queue's length."""
    open_tab(page, flower, "queues")
    expect(page.locator("#worker-queues")).to_contain_text(QUEUE)
    page.locator("#add-consumer-name").fill("more-flowers")
    page.locator("#worker-add-consumer").click()
    told(page, "add consumer more-flowers")
    assert app.send_task("interop.add", (2, 2), queue="more-flowers").get(timeout=20) == 4
    page.goto(f"{flower}/worker/{NODE}")
    page.locator("#worker-group").click()
    page.locator("#worker-refresh").click()
    open_tab(page, flower, "queues")
    expect(page.locator("#worker-queues")).to_contain_text("more-flowers")
    picture(page, "queues")
    page.locator("#worker-cancel-consumer-more-flowers").click()
    told(page, "no longer consuming from more-flowers")
    wait_for("the queue's end", lambda: [queue["name"] for queue in app.control.inspect([NODE], timeout=5).active_queues()[NODE]] == [QUEUE], 20)
    app.send_task("interop.add", (1, 1), queue="more-flowers")
    page.goto(f"{flower}/broker")
    expect(page.locator("#queue-table")).to_contain_text(QUEUE)
    expect(page.locator("#queue-table tr", has_text="more-flowers").locator("td").nth(1)).to_have_text("1")
    picture(page, "broker")


def test_rate_and_time_limits(app: Celery, flower: str, page: Page) -> None:
    """Each task's limits are set from its row, and hold."""
    open_tab(page, flower, "limits")
    row = page.locator("#limits-table tr").filter(has=page.get_by_role("cell", name="interop.nap", exact=True))
    row.get_by_label("Timeout for interop.nap").fill("1")
    row.get_by_role("button", name="Hard").click()
    told(page, "time limits set successfully")
    outcome = app.send_task("interop.nap", (60,)).get(timeout=30, propagate=False)
    assert "TimeLimitExceeded" in type(outcome).__name__, outcome
    row.get_by_label("Rate limit for interop.nap").fill("7")
    row.get_by_role("button", name="Apply").click()
    told(page, "new rate limit set successfully")
    picture(page, "limits")
    app.control.time_limit("interop.nap", destination=[NODE], reply=True, timeout=5)
    app.control.rate_limit("interop.nap", 0, destination=[NODE], reply=True, timeout=5)


def test_the_list_of_tasks_has_all_columns(app: Celery, flower: str, page: Page) -> None:
    """A good one and a bad one, with arguments, result, times, worker, queue."""
    good = app.send_task("interop.add", (40, 2), kwargs={})
    bad = app.send_task("interop.fail", ("no flowers",))
    again = app.send_task("interop.flaky", kwargs={"times": 1, "delay": 0.1})
    assert good.get(timeout=20) == 42
    wait_for("the bad one's end", bad.ready, 20)
    wait_for("the repeated one's end", again.successful, 20)
    page.goto(f"{flower}/tasks")
    for task, words in [(good, ["interop.add", "SUCCESS", "(40, 2)", "42"]), (bad, ["interop.fail", "FAILURE"]), (again, ["interop.flaky", "SUCCESS"])]:
        row = page.locator("#tasks-table tbody tr", has_text=task.id)
        for text in words:
            expect(row).to_contain_text(text)
    picture(page, "tasks")
    page.goto(f"{flower}/task/{good.id}")
    details = page.locator("#task-page")
    for text in ["interop.add", "SUCCESS", "(40, 2)", "42", NODE]:
        expect(details).to_contain_text(text)
    picture(page, "task")
    page.goto(f"{flower}/task/{bad.id}")
    expect(page.locator("#task-page")).to_contain_text("no flowers")
    picture(page, "task-failed")


def test_a_task_is_revoked_and_one_terminated(app: Celery, flower: str, page: Page) -> None:
    """The buttons on a task's page, for one that waits for its time and one that runs."""
    later = app.send_task("interop.add", (1, 2), countdown=600)
    running = app.send_task("interop.nap", (60,))
    page.on("dialog", lambda dialog: dialog.accept())
    wait_for("the nap's begin", lambda: [job["id"] for job in app.control.inspect([NODE], timeout=5).active()[NODE]] == [running.id], 20)
    # Flower keeps what a worker said until it asks again.
    page.goto(f"{flower}/api/workers?refresh=1&workername={NODE}")
    open_tab(page, flower, "tasks")
    for task in (later, running):
        expect(page.locator("#tab-tasks")).to_contain_text(task.id)
    picture(page, "worker-tasks")
    page.goto(f"{flower}/task/{later.id}")
    page.locator("#task-revoke").click()
    told(page, f"Revoked '{later.id}'")
    wait_for("the waiting one's end", lambda: later.state == "REVOKED", 20)
    page.goto(f"{flower}/task/{running.id}")
    picture(page, "task-running")
    page.locator("#task-terminate").click()
    told(page, f"Revoked '{running.id}'")
    wait_for("the running one's end", lambda: running.state == "REVOKED", 20)


def test_a_shutdown(flower: str, worker: Process, page: Page) -> None:
    """The last button: the process ends well, and Flower knows."""
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{flower}/worker/{NODE}")
    page.locator("#worker-group").click()
    page.locator("#worker-shutdown").click()
    told(page, "Shutting down!")
    assert worker.process.wait(40) == 0
    page.goto(f"{flower}/workers")
    expect(page.locator("#workers-table tbody tr", has_text=NODE)).to_contain_text("Offline", timeout=60_000)
    picture(page, "offline")
