"""The committed code of the parser's protocol is what its .proto files give."""

from __future__ import annotations

import hashlib
import shutil
import subprocess

import pytest
from package import ROOT

PROTOS = ROOT / "Sources" / "PriceWatch" / "PriceWatchProto"


def test_the_generated_code_was_made_from_these_protos() -> None:
    """Whoever changes a .proto file runs deploy/generate-proto."""
    lines = (PROTOS / "Generated" / "checksums").read_text().splitlines()
    noted = {name: digest for digest, name in (line.split() for line in lines)}
    assert noted == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in PROTOS.glob("*.proto")}


@pytest.mark.skipif(shutil.which("protoc") is None, reason="protoc (protobuf-compiler) is not installed")
def test_generating_again_changes_nothing() -> None:
    """The committed code is protoc's, not edited by hand."""
    check = subprocess.run([ROOT / "deploy" / "generate-proto", "--check"], capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stdout[-2000:] + check.stderr[-2000:]
