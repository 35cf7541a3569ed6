"""Whoever uses the framework finds every public declaration explained."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from package import ROOT, swift_files

FRAMEWORK = swift_files("Sources/Apium")
DECLARATION = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?P<words>(?:[a-z]+(?:\((?:set|unsafe)\))?\s+)*?)"
    r"(?P<kind>func|var|let|init|subscript|struct|enum|class|actor|protocol|typealias|associatedtype|case|extension)\b\s*(?P<name>[\w`]+|[^\w\s(]+)?"
)
# What the standard library, Foundation, ArgumentParser, ServiceLifecycle and swift-log ask of a type is explained there.
FOREIGN_WITNESSES = {
    "==", "<", "hash", "encode", "description", "debugDescription", "customMirror", "errorDescription", "configuration", "validate", "run", "rawValue",
    "advanced", "duration", "now", "minimumResolution", "CodingKeys", "RawValue", "Output", "ArrayLiteralElement", "Instant", "Duration",
}  # fmt: skip
FOREIGN_INITIALISERS = re.compile(
    r"init\??\((?:from decoder|(?:string|integer|float|boolean|nil|array|dictionary)Literal|rawValue|stringValue|intValue)\b|init\(\) \{\}$"
)


@dataclass(frozen=True)
class Declaration:
    """A declaration as it stands in a file."""

    place: str
    text: str
    kind: str
    name: str
    is_documented: bool
    is_requirement: bool


def is_documented(lines: list[str], index: int) -> bool:
    """A doc comment stands right above it, or above its attributes."""
    above = index - 1
    while above >= 0 and re.match(r"\s*(@|#if|//\s)", lines[above]):
        above -= 1
    return above >= 0 and lines[above].lstrip().startswith(("///", "*/"))


def public_declarations() -> Iterator[Declaration]:
    """Public declarations, cases of public enumerations, and requirements of public protocols."""
    for path in FRAMEWORK:
        lines = path.read_text().splitlines()
        # The public enumerations and protocols that we are in: their kind and the blanks before them.
        scopes: list[tuple[str, int]] = []
        for index, line in enumerate(lines):
            blanks = len(line) - len(line.lstrip())
            if line.strip().startswith("}"):
                scopes = [scope for scope in scopes if scope[1] < blanks]
            match = DECLARATION.match(line)
            if match is None or line.lstrip().startswith("//"):
                continue
            words, kind = match["words"].split(), match["kind"]
            is_public = "public" in words or "open" in words
            is_member = bool(scopes) and scopes[-1][1] == blanks - 4
            is_requirement = is_member and scopes[-1][0] == "protocol"
            is_case = is_member and scopes[-1][0] == "enum" and kind == "case"
            if (is_public or is_requirement or is_case) and kind != "extension":
                name = (match["name"] or kind).strip("`")
                place = f"{path.relative_to(ROOT)}:{index + 1}"
                yield Declaration(place, line.strip(), kind, name, is_documented(lines, index), is_requirement)
            if is_public and kind in ("enum", "protocol") and line.rstrip().endswith("{"):
                scopes.append((kind, blanks))


def test_every_public_declaration_has_a_doc_comment() -> None:
    """What meets a protocol's requirement is explained at the protocol."""
    declarations = list(public_declarations())
    assert len(declarations) > 500, "the search finds what it looks for"
    requirements = {declaration.name for declaration in declarations if declaration.is_requirement} | FOREIGN_WITNESSES
    missing = [
        f"{declaration.place}: {declaration.text[:120]}"
        for declaration in declarations
        if not declaration.is_documented
        and (declaration.is_requirement or declaration.name not in requirements)
        and not FOREIGN_INITIALISERS.search(declaration.text)
    ]
    assert not missing, "\n".join(missing)
