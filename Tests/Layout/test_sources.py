"""House rules that a compiler does not know."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from package import ROOT, own_files, swift_files

LONGEST_FILE = 500
PRODUCTION = swift_files("Sources", "Jobs", "beat")
FORBIDDEN = {
    "try!": re.compile(r"\btry!"),
    "fatalError": re.compile(r"\bfatalError\("),
    "nonisolated(unsafe)": re.compile(r"nonisolated\(unsafe\)"),
    "Task.detached": re.compile(r"Task\.detached"),
    "an unfinished mark": re.compile(r"\b(TODO|FIXME|XXX)\b"),
}


def relative(path: Path) -> str:
    """A path as the repository names it."""
    return str(path.relative_to(ROOT))


def test_files_are_short() -> None:
    """A file holds one idea."""
    files = swift_files("Sources", "Jobs", "beat", "Tests") + own_files(".py", "deploy", "Tests")
    long = {relative(path): lines for path in files if (lines := len(path.read_text().splitlines())) >= LONGEST_FILE}
    assert not long


@pytest.mark.parametrize("name", sorted(FORBIDDEN))
def test_production_code_is_free_of(name: str) -> None:
    """What crashes on bad input, escapes the compiler's checks or waits to be written."""
    found = [
        f"{relative(path)}:{number}"
        for path in PRODUCTION
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if FORBIDDEN[name].search(line.split("//", 1)[0] if name != "an unfinished mark" else line)
    ]
    assert not found


def test_unchecked_sendable_has_its_proof_beside_it() -> None:
    """`@unchecked Sendable` stands with a comment on the lines before it, or on its own line, that says why it holds."""
    found = []
    for path in PRODUCTION:
        lines = path.read_text().splitlines()
        for index, line in enumerate(lines):
            if "@unchecked Sendable" in line and "//" not in "".join(lines[max(0, index - 3) : index + 1]):
                found.append(f"{relative(path)}:{index + 1}")
    assert not found


def test_libraries_do_not_print() -> None:
    """Libraries log through the logger they are given; command lines alone write to standard output."""
    libraries = [path for path in swift_files("Sources/Drivers", "Sources/Apium", "Sources/PriceWatch", "Jobs") if "ApiumCLI" not in path.parts]
    found = [relative(path) for path in libraries if re.search(r"^\s*(?:Swift\.)?print\(", path.read_text(), re.MULTILINE)]
    assert not found


def test_scripts_say_what_they_expect_and_do() -> None:
    """Each Lua step begins with its contract, and the table of steps in docs/internals names it; what several scripts share is no step."""
    redis = ROOT / "Sources" / "Apium" / "ApiumRedis"
    table = (ROOT / "docs" / "internals" / "transitions.md").read_text()
    steps = re.findall(r'script\("(\w+)"', (redis / "RedisScripts.swift").read_text())
    assert len(steps) > 20
    for step in steps:
        lines = (redis / "Lua" / f"{step}.lua").read_text().splitlines()
        contract = "\n".join(lines[: next(number for number, line in enumerate(lines) if not line.startswith("--"))])
        missing = [word for word in ("KEYS", "ARGV", "Expects", "Effect", "Answers", "Cost") if word not in contract]
        assert not missing, f"{step}.lua does not say {missing}"
        assert f"`{step}`" in table, f"{step}.lua is not in docs/internals/transitions.md"
