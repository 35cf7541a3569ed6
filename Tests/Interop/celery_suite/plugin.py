"""pytest's plugin: an external worker serves the suite, chosen tests run, and what came of each is recorded.

Driven by the environment that shard.py sets: CELERY_SUITE_WORKER (the command), CELERY_SUITE_TESTS (a file of node ids),
CELERY_SUITE_RECORDS (a file that gets a line of JSON for each end) and CELERY_SUITE_LOG (what the worker prints).
"""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterator
from pathlib import Path

import celery.contrib.pytest
import pytest
from celery import Celery
from celery.worker import state as worker_state

from .bridges import Bridges, ForgettingStamps, WorkersProcess
from .worker import ExternalWorker

RECORDS = Path(os.environ["CELERY_SUITE_RECORDS"])
WANTED = Path(os.environ["CELERY_SUITE_TESTS"]).read_text(encoding="utf-8").splitlines()


class Session:
    """The state of one pytest process."""

    worker: ExternalWorker | None = None
    last_test = "at the start"
    failed = False


def record(**fields: object) -> None:
    """Adds a line to the records."""
    with RECORDS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(fields) + "\n")


@pytest.fixture(scope="session")
def celery_session_worker(celery_session_app: Celery, celery_includes: set[str], celery_class_tasks: list) -> Iterator[ExternalWorker]:
    """Takes the place of Celery's fixture, which runs a worker in a thread of this process."""
    app = celery_session_app
    for module in celery_includes:
        app.loader.import_task_module(module)
    for task in celery_class_tasks:
        app.register_task(task)
    app.finalize()
    app.set_current()
    app.set_default()
    worker = ExternalWorker(app, os.environ["CELERY_SUITE_WORKER"], Path(os.environ["CELERY_SUITE_LOG"]), lambda text: record(fault=text))
    Bridges(app).open()
    worker.start()
    worker_state.revoked_stamps = ForgettingStamps(worker.restart)
    Session.worker = worker
    yield worker
    worker.stop()


# The suite's conftest imports the fixture by name, after this plugin was loaded.
celery.contrib.pytest.celery_session_worker = celery_session_worker


@pytest.fixture(scope="session", autouse=True)
def worker_for_all(celery_session_worker: ExternalWorker) -> None:
    """Some tests count on the worker that an earlier one asked for; here tests are shared out."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keeps the chosen tests."""
    wanted = set(WANTED)
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in wanted])
    items[:] = [item for item in items if item.nodeid in wanted]
    for item in items:
        module = getattr(item, "module", None)
        if module is not None and module.__name__.endswith(".test_inspect"):
            module.os = WorkersProcess(lambda: Session.worker.pid if Session.worker else 0)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Each test begins with a worker that lives, and without the results of earlier tests.

    A result that nobody holds gives its subscription up when Python collects it. Some tests compare the subscriptions before and after
    a step of theirs, and would see those of others go in between.
    """
    gc.collect()
    if Session.worker is not None:
        Session.worker.revive(Session.last_test, Session.failed)
    Session.last_test, Session.failed = item.nodeid, False


class Recorder:
    """Puts the reports of a test's phases and subtests together."""

    def __init__(self) -> None:
        self.result = "passed"
        self.seconds = 0.0
        self.detail = ""

    def add(self, report: pytest.TestReport) -> None:
        """Takes one report."""
        # A subtest's time is in its test's.
        if type(report) is pytest.TestReport:
            self.seconds += report.duration
        # One that the suite expects to fail, without insisting, has passed when it passes.
        if report.outcome != "passed":
            Session.failed = True
            self.result = "failed" if report.failed else report.outcome
            self.detail += report.longreprtext


recorders: dict[str, Recorder] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collects, and writes the record when the test has been torn down."""
    recorder = recorders.setdefault(report.nodeid, Recorder())
    recorder.add(report)
    if report.when == "teardown":
        del recorders[report.nodeid]
        record(name=report.nodeid, result=recorder.result, seconds=round(recorder.seconds, 2), detail=recorder.detail[-8000:])
