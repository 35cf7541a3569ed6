"""What the documentation shows is what the examples run."""

from __future__ import annotations

import re

import pytest
import snippets
from package import ROOT

PAGES = [str(path.relative_to(ROOT)) for path in snippets.pages()]


@pytest.mark.parametrize("page", PAGES)
def test_code_on_a_page_is_the_code_of_its_example(page: str) -> None:
    """`python Tests/Layout/snippets.py` writes it."""
    text = (ROOT / page).read_text()
    assert snippets.written(text) == text


@pytest.mark.parametrize("page", PAGES)
def test_swift_on_a_page_has_an_example(page: str) -> None:
    """Code that nobody runs is wrong sooner or later."""
    lines = (ROOT / page).read_text().splitlines()
    bare = [f"{page}:{number + 1}" for number, line in enumerate(lines) if line == "```swift" and not re.match(r"<!-- example: ", lines[number - 1])]
    assert not bare


def test_every_section_of_an_example_is_shown() -> None:
    """A section that no page shows is no documentation."""
    shown = {(match["file"].rsplit("/", 1)[-1], match["name"]) for path in snippets.pages() for match in snippets.SHOWN.finditer(path.read_text())}
    sections = {(path.name, name) for path in snippets.examples() for name in snippets.sections(path) if name != "file"}
    assert not sections - shown
