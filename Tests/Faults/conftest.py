"""A Redis server of each test's own, which is broken on purpose, and real workers on it, with leases of one second."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A server that is up, and room for workers."""
    made = Bench(tmp_path)
    try:
        made.redis.start()
        yield made
    finally:
        with contextlib.suppress(OSError):
            made.end()
