"""The Swift code in docs/ is the code of the executed examples: `python Tests/Layout/snippets.py` writes it.

A section of a Swift file stands between `// docs: NAME` and `// docs: end`. In a page the line `<!-- example: FILE NAME -->` stands above the code:
FILE as the repository names it, below Tests/Examples unless it has a slash. Pages keep their own copy, so that they can be read as they are.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from package import ROOT, own_files

SECTION = re.compile(r"^ *// docs: (?P<name>[\w-]+)\n(?P<code>.*?)^ *// docs: end\n", re.MULTILINE | re.DOTALL)
SHOWN = re.compile(r"^<!-- example: (?P<file>\S+) (?P<name>[\w-]+) -->\n(?P<code>```swift\n.*?^```\n)", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """What is documentation."""
    return [ROOT / "README.md", *own_files(".md", "docs")]


def examples() -> list[Path]:
    """The files that examples stand in."""
    return own_files(".swift", "Tests/Examples")


def sections(path: Path) -> dict[str, str]:
    """The sections of a Swift file by their names, without the blanks that all lines begin with; `file` is all of it."""
    return {"file": path.read_text()} | {match["name"]: textwrap.dedent(match["code"]) for match in SECTION.finditer(path.read_text())}


def source(name: str) -> Path:
    """The file of an example."""
    return ROOT / name if "/" in name else ROOT / "Tests" / "Examples" / name


def written(page: str) -> str:
    """The page with the code as the examples have it."""

    def code(match: re.Match[str]) -> str:
        section = sections(source(match["file"]))[match["name"]]
        return f"<!-- example: {match['file']} {match['name']} -->\n```swift\n{section}```\n"

    return SHOWN.sub(code, page)


if __name__ == "__main__":
    for path in pages():
        path.write_text(written(path.read_text()))
