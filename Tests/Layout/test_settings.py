"""The settings in the code and in .env.example are the same."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from package import ROOT, swift_files

NAME = re.compile(r"\b((?:APIUM|PRICEWATCH|TELEGRAM|LOG)_[A-Z0-9_]*[A-Z0-9])\b")


def named_in(paths: list[Path]) -> set[str]:
    """The names of settings in quotes in Swift files."""
    return {name for path in paths for quoted in re.findall(r'"([^"\n]*)"', path.read_text()) for name in NAME.findall(quoted) if name == quoted}


def in_example() -> set[str]:
    """The names in .env.example, set or commented out."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    return {match.group(1) for line in lines if (match := re.match(r"#?\s?([A-Z][A-Z0-9_]+)=", line))}


def test_every_setting_in_the_code_is_in_the_example() -> None:
    """Who reads .env.example has read about every setting."""
    assert not named_in(swift_files("Sources/PriceWatch", "Sources/Executables", "Jobs", "beat")) - in_example()


def test_every_setting_in_the_example_is_read() -> None:
    """A name in .env.example that nothing reads would mislead."""
    scripts = [path for path in (ROOT / "deploy").rglob("*") if path.is_file()]
    swift = swift_files("Sources", "Jobs", "beat")
    everything = "\n".join(path.read_text(errors="replace") for path in swift + scripts)
    read = set(NAME.findall(everything))
    unread = {name for name in in_example() if name not in read and not assembled(name, everything)}
    assert not unread


def assembled(name: str, text: str) -> bool:
    """Health ports are read as one pattern: PRICEWATCH_<PROCESS>_HEALTH_PORT."""
    return name.endswith("_HEALTH_PORT") and "HEALTH_PORT" in text


def test_the_documentation_has_every_setting_of_the_framework() -> None:
    """The table in docs/configuration.md is what the program prints."""
    printed = subprocess.run([ROOT / ".build" / "debug" / "apium", "config", "--describe"], check=True, capture_output=True, text=True).stdout.strip()
    assert printed in (ROOT / "docs" / "configuration.md").read_text()
