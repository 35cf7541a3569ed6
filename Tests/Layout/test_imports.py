"""Who may import what: the lines between the targets."""

from __future__ import annotations

import pytest
from package import LAYERS, ROOT, Target, targets

C_LIBRARIES = ["CHiredis", "CPostgres", "CCurl", "CJansson", "CLibXML2", "CZlib", "CBZip2", "CZstd"]


def test_the_framework_never_names_the_application() -> None:
    """Nothing under Apium, Drivers or System mentions PriceWatch, in code, comments or scripts."""
    found = []
    for layer in LAYERS[:3]:
        for path in sorted((ROOT / layer).rglob("*")):
            if path.is_file() and "pricewatch" in path.read_text(errors="replace").lower():
                found.append(str(path.relative_to(ROOT)))
    assert not found


@pytest.mark.parametrize("library", C_LIBRARIES)
def test_a_c_library_is_imported_by_exactly_one_target(library: str) -> None:
    """One Swift target wraps each C library; the others use the wrapper."""
    importers = sorted(target.name for target in targets().values() if library in target.imports())
    assert len(importers) <= 1, f"{library} is imported by {importers}"
    declared = sorted(target.name for target in targets().values() if library in target.dependencies)
    assert len(declared) == 1, f"{library} is a dependency of {declared}"


@pytest.mark.parametrize("name", sorted(targets()))
def test_a_target_imports_only_what_it_declares(name: str) -> None:
    """An import that only builds because another target built first is no dependency."""
    target = targets()[name]
    undeclared = {module: str(path) for module, path in target.imports().items() if module in targets() and module not in reachable(target) | {name}}
    assert not undeclared


@pytest.mark.parametrize("name", sorted(targets()))
def test_nothing_imports_upwards(name: str) -> None:
    """System < Drivers < Apium < PriceWatch and Jobs < executables and tools."""
    target = targets()[name]
    upwards = sorted(other for other in target.dependencies if other in targets() and targets()[other].layer > target.layer)
    assert not upwards


def test_no_target_depends_on_an_executable() -> None:
    """Executables and tools stand on top: production parts know nothing of the sample shop and the chat page."""
    executables = {target.name for target in targets().values() if target.kind == "executable"}
    found = {target.name: sorted(target.dependencies & executables) for target in targets().values() if target.dependencies & executables}
    assert not found


def test_model_and_jobs_know_no_infrastructure() -> None:
    """The domain has no I/O: its ports are met by adapters that only executables choose."""
    assert targets()["PriceWatchModel"].dependencies == frozenset()
    assert targets()["PriceWatchJobs"].dependencies == {"PriceWatchModel", "ApiumCore"}


def test_only_executables_bring_tls() -> None:
    """A program of the framework that doesn't name RedisTLS builds no TLS library, and the parser knows no Redis."""
    bringing = {target.name for target in targets().values() if "RedisTLS" in target.dependencies}
    assert {targets()[name].layer for name in bringing} == {LAYERS.index("Sources/Executables")}
    assert "ParserServer" not in bringing
    importers = {target.name for target in targets().values() if "NIOSSL" in target.imports()}
    assert importers == {"RedisTLS"}


def test_only_programs_that_name_it_bring_signing() -> None:
    """A program of the framework that doesn't name ApiumSigning builds no cryptography for it."""
    bringing = {target.name for target in targets().values() if "ApiumSigning" in target.dependencies}
    assert {targets()[name].layer for name in bringing} == {LAYERS.index("Sources/Executables")}
    assert {target.name for target in targets().values() if "X509" in target.imports()} == {"ApiumSigning"}


def reachable(target: Target) -> frozenset[str]:
    """What a target may import: its dependencies, and what those bring that they re-export."""
    allowed = set(target.dependencies)
    if "Apium" in allowed:
        allowed |= {"ApiumCore", "ApiumRedis"}
    if "PriceWatchBootstrap" in allowed:
        allowed |= {"ApiumTelemetry"}
    return frozenset(allowed)
