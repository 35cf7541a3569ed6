"""The API against its own description: schemathesis sends what the description allows and what it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import web
from stack.client import RunningStack


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    """The API with all that it needs, jobs included."""
    with RunningStack(only=["redis", "postgres", "parser", "api", "worker", "sample-shop", "nginx"]) as running:
        yield running


@pytest.fixture(scope="module")
def description(stack: RunningStack) -> dict:
    """The OpenAPI document."""
    answer = web.get(f"{stack.urls['site']}/openapi.json")
    assert answer.status == 200
    return answer.json


def test_the_description_is_openapi_3_1(description: dict) -> None:
    """Version, title, and the routes of the contract."""
    assert description["openapi"].startswith("3.1")
    assert {"/api/v1/jobs", "/api/v1/jobs/{id}", "/api/v1/products", "/api/v1/watches", "/api/v1/preview"} <= set(description["paths"])


def test_every_operation_has_an_id_and_its_refusals(description: dict) -> None:
    """Client generators need the ids; callers need to know what a refusal looks like."""
    ids = []
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            if method not in ("get", "post", "put", "patch", "delete"):
                continue
            ids.append(operation["operationId"])
            if path.startswith("/api/"):
                assert "401" in operation["responses"], f"{method} {path}"
    assert len(ids) == len(set(ids))


@pytest.mark.timeout(900)
def test_the_api_keeps_to_its_description(stack: RunningStack, tmp_path: Path) -> None:
    """A bounded number of generated calls to every route: no 5xx, no answer that the description does not know."""
    words = [
        str(Path(sys.executable).parent / "schemathesis"),
        "--config-file",
        str(Path(__file__).with_name("schemathesis.toml")),
        "run",
        f"{stack.urls['site']}/openapi.json",
        "--url",
        f"http://127.0.0.1:{stack.settings['PRICEWATCH_API_PORT']}",
        "--header",
        f"Authorization: Bearer {stack.settings['PRICEWATCH_SERVICE_TOKEN']}",
        # Given here, so that it is not generated: bytes that no header may hold are refused below the API, without a body.
        "--header",
        "Prefer: wait=1",
        "--checks",
        "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        "--phases",
        "coverage,fuzzing",
        "--max-examples",
        "10",
        "--workers",
        "1",
        "--request-timeout",
        "40",
        "--seed",
        "20261123",
        "--suppress-health-check",
        "all",
        "--generation-database",
        "none",
    ]
    done = subprocess.run(words, cwd=tmp_path, env={**os.environ, "NO_COLOR": "1"}, capture_output=True, text=True, timeout=840)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
