"""What expressions of Prometheus name: metrics and labels. Enough of the language for our own dashboards and rules."""

from __future__ import annotations

import re

WORDS = {"by", "without", "on", "ignoring", "and", "or", "unless", "offset", "bool", "group_left", "group_right", "inf", "nan"}
SELECTOR = re.compile(r"([A-Za-z_:][A-Za-z0-9_:]*)(\{[^}]*\})?")
GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
MATCHER = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s*(?:=~|!~|!=|=)")


def named(expression: str) -> dict[str, set[str]]:
    """The metrics of an expression, each with the labels that it is chosen by; labels that are grouped by count for all of them."""
    grouped = {label.strip() for labels in GROUPING.findall(expression) for label in labels.split(",") if label.strip()}
    rest = re.sub(r'"(?:[^"\\]|\\.)*"', '""', GROUPING.sub(" ", expression))
    rest = re.sub(r"\[[^\]]*\]", "", rest)
    found: dict[str, set[str]] = {}
    for match in SELECTOR.finditer(rest):
        word, labels = match.groups()
        following = rest[match.end() :].lstrip()[:1]
        if word.lower() in WORDS or following == "(" or word.startswith("$") or rest[match.start() - 1 : match.start()].isdigit():
            continue
        found.setdefault(word, set()).update(MATCHER.findall(labels or ""), grouped)
    return found
