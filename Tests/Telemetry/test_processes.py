"""Every process of PriceWatch shows its metrics; boards, alerts and the documentation name what is shown, and nothing else."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator

import exposition
import pytest
import yaml
from chat import Person
from promql import named
from shop import Shop
from stack.client import RunningStack, wait_for
from stack.run_folder import ROOT

PROCESSES = ["api", "worker", "beat", "parser", "bot"]
# Prometheus' own, or its scraping's.
FOREIGN = {"up"}
# Labels that Prometheus puts on what it scrapes.
SCRAPED = {"job", "instance", "le"}


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    """Everything, with logs for machines and all spans, after somebody has followed a product and was told of a change."""
    with RunningStack(settings={"LOG_FORMAT": "json", "LOG_SPANS": "1"}) as running:
        ann = Person(running.urls["chat"], "Ann", "en")
        shop = Shop(running.urls["shop"])
        ann.say(shop.product("kettle")["url"])
        ann.wait_for("the price", lambda text: "Price:" in text)
        urllib.request.urlopen(running.urls["site"] + "/openapi.json", timeout=10).close()
        shop.change("kettle", price="2990.00")
        ann.wait_for("the change", lambda text: "Was:" in text)
        yield running


def url(stack: RunningStack, process: str) -> str:
    """Where a process answers."""
    ready = stack.part(process)["url"]
    return ready.removesuffix("/ready").removesuffix("/health")


def shown(stack: RunningStack, process: str) -> dict[str, exposition.Family]:
    """What a process shows."""
    with urllib.request.urlopen(f"{url(stack, process)}/metrics", timeout=10) as answer:
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        return exposition.read(answer.read().decode())


@pytest.fixture(scope="module")
def everything(stack: RunningStack) -> dict[str, exposition.Family]:
    """What all processes show together."""
    wait_for("somebody to tell of the queues", lambda: any("apium_workers" in shown(stack, name) for name in ("worker", "bot")))
    merged: dict[str, exposition.Family] = {}
    for process in PROCESSES:
        for name, family in shown(stack, process).items():
            known = merged.setdefault(name, exposition.Family(family.kind, family.help))
            assert (known.kind, known.help) == (family.kind, family.help), name
            known.labels |= family.labels
            known.samples += family.samples
    return merged


def expressions() -> list[tuple[str, str]]:
    """All expressions of boards and alerts, with where they stand."""
    found = []
    for file in sorted((ROOT / "deploy" / "grafana").glob("*.json")):
        board = json.loads(file.read_text())
        found += [(f"{file.name}: {panel['title']}", target["expr"]) for panel in board["panels"] for target in panel.get("targets", [])]
        for variable in board["templating"]["list"]:
            if match := re.fullmatch(r"label_values\((\w+), (\w+)\)", variable.get("definition", "")):
                found.append((f"{file.name}: ${variable['name']}", f"sum by ({match[2]}) ({match[1]})"))
    for file in sorted((ROOT / "deploy" / "prometheus").glob("*.rules.yml")):
        found += [(rule["alert"], rule["expr"]) for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]
    return found


@pytest.mark.parametrize("process", PROCESSES)
def test_every_process_shows_itself(stack: RunningStack, process: str) -> None:
    """Processor, memory, start: under the names that Prometheus' own clients use."""
    families = shown(stack, process)
    for name in ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds", "process_threads", "process_open_fds"):
        assert families[name].samples[0][2] > 0


@pytest.mark.parametrize(("place", "expression"), expressions(), ids=lambda value: value[:60])
def test_what_is_asked_for_is_shown(everything: dict[str, exposition.Family], place: str, expression: str) -> None:
    """Each metric of a board or an alert is exposed by a process that runs, with the labels that are asked for."""
    for name, labels in named(expression).items():
        if name in FOREIGN:
            continue
        family = everything.get(name) or everything.get(re.sub(r"_(bucket|sum|count)$", "", name))
        assert family, f"{place}: nothing shows {name}"
        assert labels - SCRAPED <= family.labels, f"{place}: {name} has {sorted(family.labels)}"


def documented() -> dict[str, tuple[str, set[str], str]]:
    """The table of docs/telemetry.md: type, labels and description by name."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]*) \| (.*) \|$", (ROOT / "docs" / "telemetry.md").read_text(), re.MULTILINE)
    return {name: (kind, set(re.findall(r"`(\w+)`", labels)), text) for name, kind, labels, text in rows}


def test_the_table_of_the_documentation_is_what_is_shown(everything: dict[str, exposition.Family]) -> None:
    """Names, types, labels and descriptions."""
    table = documented()
    assert sorted(everything.keys() - table.keys()) == []
    assert sorted(table.keys() - everything.keys()) == []
    for name, family in everything.items():
        assert table[name] == (family.kind, family.labels - {"overflow"}, family.help), name


def test_logs_are_json_without_secrets_and_one_trace_goes_through_the_processes(stack: RunningStack) -> None:
    """From the run of a check over gRPC to the page's fetch and to SQL."""
    secrets = [value for name, value in stack.settings.items() if re.search(r"TOKEN|PASSWORD", name) and len(value) > 7]
    spans: list[dict] = []
    for process in PROCESSES:
        for line in stack.log(process).splitlines():
            # What `api migrate up` prints before the API starts.
            if line.startswith("applied "):
                continue
            assert not any(secret in line for secret in secrets), process
            entry = json.loads(line)
            if "span" in entry:
                spans.append({**entry, "process": process})
    by_id = {span["span_id"]: span for span in spans}
    fetch = next(span for span in spans if span["process"] == "parser" and span["kind"] == "client")
    road = [fetch]
    while parent := by_id.get(road[-1].get("parent_id", "")):
        road.append(parent)
    assert {span["trace_id"] for span in road} == {fetch["trace_id"]}
    assert [(span["process"], span["kind"]) for span in road][:3] == [("parser", "client"), ("parser", "server"), (road[2]["process"], "client")]
    assert road[2]["process"] in {"worker", "api"}
    sql = [span for span in spans if span.get("attributes", {}).get("db.system.name") == "postgresql" if span["process"] == "worker"]
    assert any(by_id.get(span.get("parent_id", ""), {}).get("kind") == "consumer" for span in sql), "SQL of a job stands below its run"
    assert any(span["process"] == "bot" and span["span"].startswith("run/") and span.get("parent_id") for span in spans), "a notification's run has a sender"
