"""Alerts and boards are well-formed, and each alert has its entry in the runbook."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from promql import named
from stack.run_folder import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = sorted(PROMETHEUS.glob("*.rules.yml"))
BOARDS = sorted((ROOT / "deploy" / "grafana").glob("*.json"))


def promtool(*words: str | Path) -> None:
    """Runs promtool beside the rules."""
    done = subprocess.run(["promtool", *words], cwd=PROMETHEUS, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def alerts() -> list[dict]:
    """All alerts."""
    return [rule for file in RULES for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


def test_the_configuration_is_read_by_prometheus() -> None:
    """And the rule files it names exist."""
    promtool("check", "config", "prometheus.yml")


@pytest.mark.parametrize("file", RULES, ids=lambda file: file.name)
def test_rules_are_read_by_prometheus(file: Path) -> None:
    """Syntax and templates."""
    promtool("check", "rules", "--lint-fatal", file.name)


@pytest.mark.parametrize("file", sorted(PROMETHEUS.glob("*.test.yml")), ids=lambda file: file.name)
def test_alerts_fire_when_they_shall_and_only_then(file: Path) -> None:
    """The series of the test files."""
    promtool("test", "rules", file.name)


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_says_what_to_do(alert: dict) -> None:
    """It waits before it fires, says how bad it is, and its runbook link leads to a heading."""
    assert alert["for"]
    assert alert["labels"]["severity"] in {"warning", "critical"}
    assert alert["annotations"]["summary"] and alert["annotations"]["description"]
    page, anchor = alert["annotations"]["runbook_url"].split("#")
    headings = {re.sub(r"[^a-z0-9]+", "-", line.lstrip("# ").lower()).strip("-") for line in (ROOT / page).read_text().splitlines() if line.startswith("#")}
    assert anchor == alert["alert"].lower()
    assert anchor in headings


@pytest.mark.parametrize("file", BOARDS, ids=lambda file: file.name)
def test_a_board_is_one_that_grafana_takes(file: Path) -> None:
    """Every panel asks the chosen data source, has a place of its own, and says something that can be read."""
    board = json.loads(file.read_text())
    assert board["uid"] and board["title"]
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    for panel in panels:
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["targets"]
        assert all(named(target["expr"]) for target in panel["targets"])


@pytest.mark.parametrize("file", BOARDS, ids=lambda file: file.name)
def test_the_questions_of_a_board_are_read_by_prometheus(file: Path, tmp_path: Path) -> None:
    """As rules, with Grafana's variables filled in."""
    panels = [panel for panel in json.loads(file.read_text())["panels"] if panel["type"] != "row"]
    expressions = [target["expr"].replace("$__rate_interval", "1m") for panel in panels for target in panel["targets"]]
    rules = [{"record": f"board:{number}", "expr": expression} for number, expression in enumerate(expressions)]
    written = tmp_path / "board.rules.yml"
    written.write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": rules}]}))
    promtool("check", "rules", written)


def test_what_an_expression_names_is_found() -> None:
    """The reader of expressions that the other tests rely on."""
    text = 'sum by (task, le) (rate(a_total{outcome=~"x|y{",queue="$queue"}[5m])) / on (task) max(b) > 0.5 and absent(c:d) or vector(0)'
    assert named(text) == {"a_total": {"outcome", "queue", "task", "le"}, "b": {"task", "le"}, "c:d": {"task", "le"}}
