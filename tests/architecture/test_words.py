"""Texts that people read use the plain terms of the field: pages, mails, toasts, refusals and the texts of problems."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
BANNED = {
    r"told of|is told|are told|be told|been told|have (them|it) told": "Events; receives, is sent, is notified",
    r"\bmay do\b": "Permissions",
    r"\bproves? (it|them|him|her|your)sel(f|ves)\b|\bprove first\b": "Authentication; confirm",
    r"\bways? in\b(?! which)": "Sign-in methods",
    r"views? as them": "staff who view the portal as this client",
    r"\blook(s|ed|ing)? after\b": "manage",
    r"tick nothing": "a box of its own",
    r"\bshut(s|ting)? out\b": "loses access",
    r"\b(come|comes|came|coming|let|lets) (\w+ )?in\b(?! (again|order)\b)": "sign in, access",
    r"\bhear of\b": "receive",
    r"\b(fears?|owns up) for\b": "suspects",
    r"\banew\b": "again",
    r"was faster": "Somebody else saved first",
    r"only looking": "View only",
    r"\bmend\b": "fix",
    r"\bpresent (one|password|address)\b|your present\b": "current",
    r"still counts|no longer count|counts? (when|for a day)": "is valid, takes effect",
    r"\bholds? at once\b": "take effect immediately",
    r"take on clients|take on another|taken into their hands|take into their hands": "add clients; control",
    r"stands? in for": "replaces",
    r"really you\b": "Confirm it is you",
    r"(this|reaches|told of) stays as it is": "cannot be changed later",
    r"\bsave policies|who holds? a policy": "permissions",
    r"belongs? to nobody|in the name of nobody": "as themselves",
}
"""What is not written, and what is written instead."""
PYTHON = ("services", "shared", "gateway")


def _texts() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "services" / "portal").rglob("*.html")):
        yield str(path.relative_to(ROOT)), re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
    for path in sorted((ROOT / "gateway").rglob("*.html")):
        yield str(path.relative_to(ROOT)), path.read_text()
    texts = ROOT / "services" / "identity" / "mails" / "texts" / "en.toml"
    yield str(texts.relative_to(ROOT)), str(tomllib.loads(texts.read_text()))
    for folder in PYTHON:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield from ((f"{path.relative_to(ROOT)}:{line}", text) for line, text in _strings(path))


def _strings(path: Path) -> Iterator[tuple[int, str]]:
    """What a module says, without what explains it: docstrings are for who reads the code."""
    tree = ast.parse(path.read_text())
    explained = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in explained:
            yield node.lineno, node.value


def test_people_read_the_terms_of_the_field() -> None:
    """A term that somebody has to guess is refused, with the one they know."""
    found = [
        f"{place}: {hit[0]!r} -> {wanted}"
        for place, text in _texts()
        for banned, wanted in BANNED.items()
        for hit in re.finditer(banned, text, re.IGNORECASE)
    ]
    assert not found, "\n".join(found)
