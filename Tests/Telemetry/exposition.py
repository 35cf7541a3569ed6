"""Prometheus' text format, read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

SAMPLE = re.compile(r"^([A-Za-z_:][A-Za-z0-9_:]*)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"')


@dataclass
class Family:
    """A metric: its type, its description, and its samples by their own names."""

    kind: str
    help: str = ""
    labels: set[str] = field(default_factory=set)
    samples: list[tuple[str, dict[str, str], float]] = field(default_factory=list)


def read(text: str) -> dict[str, Family]:
    """The families of an exposition by name."""
    families: dict[str, Family] = {}
    help_of: dict[str, str] = {}
    current = ""
    for line in text.splitlines():
        if line.startswith("# HELP "):
            _, _, name, words = line.split(" ", 3)
            help_of[name] = words
        elif line.startswith("# TYPE "):
            _, _, current, kind = line.split(" ")
            families[current] = Family(kind, help_of.get(current, ""))
        else:
            match = SAMPLE.match(line)
            assert match, line
            name, labels, value = match.groups()
            assert name.startswith(current), line
            pairs = dict(LABEL.findall(labels or ""))
            families[current].labels |= pairs.keys() - {"le"}
            families[current].samples.append((name, pairs, float(value)))
    return families
