"""The committed code of the parser's protocol is what its .proto files give."""

from __future__ import annotations

import hashlib

from package import ROOT

PROTOS = ROOT / "Sources" / "PriceWatch" / "PriceWatchProto"


def test_the_generated_code_was_made_from_these_protos() -> None:
    """Whoever changes a .proto file runs deploy/generate-proto; its --check compares with protoc's output where protoc is installed."""
    lines = (PROTOS / "Generated" / "checksums").read_text().splitlines()
    noted = {name: digest for digest, name in (line.split() for line in lines)}
    assert noted == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in PROTOS.glob("*.proto")}
