"""Rules of the house that no linter knows, checked on the syntax tree. Prints one line per broken rule."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
FORBIDDEN_FILES = frozenset({"utils.py", "util.py", "helpers.py", "helper.py", "common.py", "misc.py", "base.py"})
FORBIDDEN_SUFFIXES = ("Manager", "Factory", "Handler")
# Written in two parts, so that this file does not break its own rule.
UNFINISHED = re.compile("#.*(" + "TO" + "DO|FIX" + "ME|XX" + "X|HA" + "CK)")
TOO_WIDE = frozenset({"Exception", "BaseException"})


def check_source(path: str, text: str, *, public: bool = True) -> Iterator[str]:
    """Every broken rule of one Python file.

    Args:
        path: Shown in messages; its last part is checked too.
        text: The source.
        public: Whether docstrings are asked for and warnings forbidden, as in the package itself.
    """
    lines = text.splitlines()
    if len(lines) > LONGEST_FILE:
        yield f"{path}: {len(lines)} lines, the longest allowed file has {LONGEST_FILE}"
    if path.rsplit("/", 1)[-1] in FORBIDDEN_FILES:
        yield f"{path}: a file is named for what it holds"
    for number, line in enumerate(lines, start=1):
        if UNFINISHED.search(line):
            yield f"{path}:{number}: unfinished work belongs in an issue"
    tree = ast.parse(text)
    if public and not ast.get_docstring(tree):
        yield f"{path}: the module has no docstring"
    for node in ast.walk(tree):
        yield from (f"{path}:{problem}" for problem in _problems(node, public=public))
    if public:
        yield from (f"{path}:{problem}" for problem in _undocumented(tree.body))


def _problems(node: ast.AST, *, public: bool) -> Iterator[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            # The docstring explains, it does not count.
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            length = (node.end_lineno or node.lineno) - first.lineno + 1
            if length > LONGEST_FUNCTION:
                yield f"{node.lineno}: {node.name} has {length} lines, the longest allowed has {LONGEST_FUNCTION}"
        case ast.ClassDef() if node.name.endswith(FORBIDDEN_SUFFIXES):
            yield f"{node.lineno}: {node.name} is named for a pattern, not for what it is"
        case ast.ExceptHandler() if not isinstance(node.body[-1], ast.Raise):
            # A handler that ends by raising hides nothing.
            if node.type is None or any(isinstance(n, ast.Name) and n.id in TOO_WIDE for n in ast.walk(node.type)):
                yield f"{node.lineno}: names no error that could happen here"
        case ast.Call(func=ast.Attribute(value=ast.Name(id="warnings"), attr="warn")) if public:
            yield f"{node.lineno}: a warning stands where a refusal should"


def _undocumented(body: list[ast.stmt], owner: str = "") -> Iterator[str]:
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        if not ast.get_docstring(node):
            yield f"{node.lineno}: {owner}{node.name} has no docstring"
        if isinstance(node, ast.ClassDef):
            yield from _undocumented(node.body, f"{node.name}.")


def check_house(root: Path = ROOT) -> list[str]:
    """Every broken rule of the package, its tools, tests and benchmarks."""
    problems = []
    for folder in ("src", "tools", "tests", "benchmarks"):
        for file in sorted((root / folder).rglob("*.py")):
            path = file.relative_to(root).as_posix()
            problems += check_source(path, file.read_text(encoding="utf-8"), public=folder == "src")
    return problems


if __name__ == "__main__":
    broken = check_house()
    print("\n".join(broken), file=sys.stderr)
    sys.exit(1 if broken else 0)
