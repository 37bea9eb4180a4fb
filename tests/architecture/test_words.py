"""Texts use the plain terms of the field: pages, mails, toasts and refusals, and what explains them: documents, docstrings, comments."""

import ast
import io
import re
import tokenize
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
UNEXPLAINED = {
    r"\bseeds? \d{3}\b|\breliability:? \w?\d|\bfeatures: ?\d|(?-i:\([A-Z]\d{1,2}(, [A-Z]\d{1,2})*\))": "the rule itself, an RFC, docs/",
    r"\b(the|one|wrong|every|their|open) doors?\b": "sign-in, access, entry point",
    r"\bworth nothing\b": "invalid",
    r"\bsentr(y|ies)\b|\bfolks?\b": "people",
}
"""What documents, docstrings and comments do not have either: references that no reader can follow, and images."""
PYTHON = ("services", "shared", "gateway")


def _texts() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "services" / "portal").rglob("*.html")):
        yield str(path.relative_to(ROOT)), re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
    for path in sorted((ROOT / "gateway").rglob("*.html")):
        yield str(path.relative_to(ROOT)), path.read_text()
    for path in sorted((ROOT / "services").rglob("*.jinja")):
        yield str(path.relative_to(ROOT)), " ".join(path.read_text().split())
    for folder in PYTHON:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield from ((f"{path.relative_to(ROOT)}:{line}", text) for line, text in _strings(path))


def _explanations() -> Iterator[tuple[str, str]]:
    """Documents, docstrings and comments, each as one line: a term may be broken over two."""
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("services/*/README.md")]
    for path in (*documents, ROOT / "gateway" / "README.md"):
        yield str(path.relative_to(ROOT)), " ".join(path.read_text().split())
    for folder in (*PYTHON, "ops"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name, source = path.relative_to(ROOT), path.read_text()
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                    yield f"{name}:{node.lineno}", " ".join(str(node.value.value).split())
            yield from (
                (f"{name}:{token.start[0]}", token.string)
                for token in tokenize.generate_tokens(io.StringIO(source).readline)
                if token.type == tokenize.COMMENT
            )


def _strings(path: Path) -> Iterator[tuple[int, str]]:
    """What a module says, without what explains it: docstrings are for who reads the code."""
    tree = ast.parse(path.read_text())
    explained = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in explained:
            yield node.lineno, node.value


def _found(texts: Iterator[tuple[str, str]], terms: dict[str, str]) -> list[str]:
    return [
        f"{place}: {hit[0]!r} -> {wanted}"
        for place, text in texts
        for banned, wanted in terms.items()
        for hit in re.finditer(banned, text, re.IGNORECASE)
    ]


def test_people_read_the_terms_of_the_field() -> None:
    """A term that somebody has to guess is refused, with the one they know."""
    found = _found(_texts(), BANNED)
    assert not found, "\n".join(found)


def test_who_reads_the_code_and_its_documents_reads_the_same_terms() -> None:
    """Documents, docstrings and comments explain with the terms of the pages, and refer to what a reader has."""
    found = _found(_explanations(), BANNED | UNEXPLAINED)
    assert not found, "\n".join(found)


A_NAME = re.compile(r"(^|[._])(name|client_name|first)( or .+)?$")


def _sentences(tree: ast.AST) -> Iterator[tuple[int, str, list[str]]]:
    """The f-strings and formats that are read as words, with what they hold."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            words = "".join(str(each.value) for each in ast.walk(node) if isinstance(each, ast.Constant))
            yield (
                node.lineno,
                words,
                [ast.unparse(each.value) for each in node.values if isinstance(each, ast.FormattedValue)],
            )
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            yield node.lineno, "a format", [ast.unparse(each) for each in node.args]


def test_a_name_in_a_sentence_turns_nothing_around_it() -> None:
    """Templates isolate each expression; a sentence that Python makes is one expression, so it isolates its names itself
    (decision 0107). A name that stands alone, and what no person reads, is left as it is.
    """
    found = [
        f"{path.relative_to(ROOT)}:{line}: {value}"
        for path in sorted((ROOT / "services").rglob("*.py"))
        if "migrations" not in path.parts
        for line, words, values in _sentences(ast.parse(path.read_text()))
        if re.search(r"[A-Za-z?:·,]", words) and " " in words and "filename=" not in words
        for value in values
        if A_NAME.search(value) and not value.startswith(("isolated(", "self.first_name", "self.last_name"))
    ]
    assert found == []
