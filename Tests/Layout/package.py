"""The package as its manifest and its sources describe it."""

from __future__ import annotations

import functools
import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMPORT = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*"
    r"(?:(?:public|package|internal|fileprivate|private)\s+)?"
    r"import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)"
)

# From below to above; a target imports from its own layer and those below it.
LAYERS = ["Sources/System", "Sources/Drivers", "Sources/Apium", "Sources/PriceWatch", "Sources/Executables"]
LAYER_OF_FOLDER = {
    "Jobs": "Sources/PriceWatch",
    "beat": "Sources/Executables",
    "Sources/Tools": "Sources/Executables",
    "Tests/Interop": "Sources/Executables",
    "Tests/Examples": "Sources/Executables",
    "Tests/Benchmarks": "Sources/Executables",
    "Tests/Chaos": "Sources/Executables",
}


@dataclass(frozen=True)
class Target:
    """One target of Package.swift."""

    name: str
    kind: str
    folder: str
    dependencies: frozenset[str]

    @property
    def layer(self) -> int:
        """The height of the target's folder in LAYERS."""
        for folder, layer in LAYER_OF_FOLDER.items():
            if self.folder == folder or self.folder.startswith(folder + "/"):
                return LAYERS.index(layer)
        return next(height for height, layer in enumerate(LAYERS) if self.folder.startswith(layer + "/"))

    def sources(self) -> list[Path]:
        """The target's Swift files."""
        return sorted((ROOT / self.folder).rglob("*.swift"))

    def imports(self) -> dict[str, Path]:
        """The modules that the target's files import, each with one file that does."""
        found: dict[str, Path] = {}
        for path in self.sources():
            for line in path.read_text().splitlines():
                match = IMPORT.match(line)
                if match:
                    found.setdefault(match.group(1), path.relative_to(ROOT))
        return found


@functools.cache
def targets() -> dict[str, Target]:
    """All targets but the tests, by name."""
    output = subprocess.run(["swift", "package", "dump-package"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    found = [describe(target) for target in json.loads(output)["targets"] if target["type"] != "test"]
    return {target.name: target for target in found}


def describe(target: dict) -> Target:
    """A target of the manifest's JSON. Dependencies on products of other packages are left out."""
    names = {next(iter(entry["byName"])) for entry in target["dependencies"] if "byName" in entry}
    names |= {next(iter(entry["target"])) for entry in target["dependencies"] if "target" in entry}
    return Target(target["name"], target["type"], target.get("path") or f"Sources/{target['name']}", frozenset(names))


def own_files(ending: str, *folders: str) -> list[Path]:
    """The files of an ending under folders of the repository, without what git ignores: a build folder holds other people's sources."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *folders]
    listed = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return sorted(path for name in listed if name.endswith(ending) and (path := ROOT / name).exists())


def swift_files(*folders: str) -> list[Path]:
    """The Swift files under folders of the repository, without generated ones."""
    return [path for path in own_files(".swift", *folders) if not path.name.endswith((".pb.swift", ".grpc.swift"))]
