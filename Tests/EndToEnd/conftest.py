"""The whole road, as deploy/up starts it: checks every ten seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from chat import Group, Person
from shop import Shop
from stack.client import RunningStack


@pytest.fixture(scope="session")
def stack() -> Iterator[RunningStack]:
    """Everything that deploy/up starts."""
    with RunningStack() as running:
        yield running
        # Every process ran as its own Redis user (docs/security.md): none of them lacked a right.
        with redis.Redis.from_url(running.settings["APIUM_BROKER_URL"]) as server:
            assert [(entry["username"], entry["object"], entry["client-info"]) for entry in server.acl_log()] == []


@pytest.fixture
def shop(stack: RunningStack) -> Shop:
    """The sample shop."""
    return Shop(stack.urls["shop"])


@pytest.fixture
def ann(stack: RunningStack) -> Person:
    """Somebody new who speaks English."""
    return Person(stack.urls["chat"], "Ann", "en")


@pytest.fixture
def boris(stack: RunningStack) -> Person:
    """Somebody else who speaks Russian."""
    return Person(stack.urls["chat"], "Борис", "ru")


@pytest.fixture
def group(stack: RunningStack) -> Group:
    """A group."""
    return Group(stack.urls["chat"], "Ann", "en")
