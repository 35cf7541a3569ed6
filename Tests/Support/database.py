"""The stack's database, for tests that look behind the scenes."""

from __future__ import annotations

import os
import subprocess

from stack.client import RunningStack


def rows(stack: RunningStack, statement: str) -> list[list[str]]:
    """Runs a statement as the application's role; each row is a list of texts."""
    words = ["psql", stack.settings["PRICEWATCH_DATABASE_URL"], "-AtqX", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", statement]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, env={**os.environ, "PGCONNECT_TIMEOUT": "5"})
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


def value(stack: RunningStack, statement: str) -> str:
    """The only value that a statement gives."""
    return rows(stack, statement)[0][0]
