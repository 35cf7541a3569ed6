"""What the built programs link."""

from __future__ import annotations

import subprocess

import pytest
from package import ROOT

PROGRAMS = ROOT / ".build" / "debug"


def libraries(program: str) -> str:
    """What ldd says of a program."""
    return subprocess.run(["ldd", PROGRAMS / program], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("library", ["libpq", "libhiredis"])
def test_the_parser_links_no_database_library(library: str) -> None:
    """The parser reads hostile pages: it holds no way to the database or the queue."""
    assert library not in libraries("parser")


def test_the_bot_links_no_postgres() -> None:
    """The bot speaks to the API and its queue alone."""
    assert "libpq" not in libraries("bot")


def test_the_worker_reads_no_pages() -> None:
    """Pages are the parser's: the worker links neither libcurl nor libxml2."""
    linked = libraries("worker")
    assert "libcurl" not in linked
    assert "libxml2" not in linked


def test_the_operations_command_links_only_redis() -> None:
    """The operations command serves any project of Apium."""
    linked = libraries("apium")
    assert "libpq" not in linked
    assert "libcurl" not in linked
