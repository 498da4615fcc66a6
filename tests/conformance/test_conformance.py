"""Every class of every wing's table passes the suite of its role, and no class stands outside a table."""

import ast
import importlib
import inspect
from pathlib import Path

import pytest

import veilset
from veilset.core.errors import MissingExtra, MissingWeights, Unreadable
from veilset.core.registry import Entry, Registry
from veilset.testing.conformance import (
    check_detector,
    check_documented,
    check_named,
    check_operator,
    check_probe,
    check_schema,
)

ROOT = Path(veilset.__file__).parent
WINGS = {"operators": "apply", "detectors": "find", "probes": "run", "data": "load"}
TABLES: dict[str, dict[str, Entry]] = {wing: importlib.import_module(f"veilset.{wing}").TABLE for wing in WINGS}
ENTRIES = [(wing, name) for wing, table in TABLES.items() for name in table]


def load(wing: str, name: str) -> object:
    try:
        return Registry(wing, TABLES[wing], group=None).load(name)
    except MissingExtra as error:
        pytest.skip(str(error))


def made(wing: str, name: str) -> object:
    try:
        return load(wing, name)()
    except (MissingWeights, MissingExtra) as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("wing", WINGS)
def test_table_is_sorted(wing: str) -> None:
    assert list(TABLES[wing]) == sorted(TABLES[wing])


@pytest.mark.parametrize(("wing", "name"), ENTRIES)
def test_name_is_file_is_class(wing: str, name: str) -> None:
    check_named(name, TABLES[wing][name])
    assert TABLES[wing][name].path.startswith(f"veilset.{wing}.")
    assert inspect.isclass(load(wing, name))


@pytest.mark.parametrize("wing", [wing for wing in WINGS if wing != "data"])
def test_no_class_stands_outside_its_table(wing: str) -> None:
    listed = {entry.path for entry in TABLES[wing].values()}
    methods = {WINGS[wing]} | ({"observe"} if wing == "detectors" else set())
    for file in (ROOT / wing).rglob("*.py"):
        module = ".".join(("veilset", *file.relative_to(ROOT).with_suffix("").parts))
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                own = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
                is_protocol = any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
                if own & methods and "takes" in ast.unparse(node) and not is_protocol:
                    assert f"{module}:{node.name}" in listed


@pytest.mark.parametrize(("wing", "name"), [(wing, name) for wing, name in ENTRIES if wing != "data"])
def test_documented(wing: str, name: str) -> None:
    check_documented(made(wing, name))


@pytest.mark.parametrize("name", TABLES["operators"])
def test_operator(name: str) -> None:
    check_operator(made("operators", name))


@pytest.mark.parametrize("name", TABLES["detectors"])
def test_detector(name: str) -> None:
    detector = made("detectors", name)
    try:
        check_detector(detector)
    except (MissingWeights, MissingExtra) as error:
        pytest.skip(str(error))
    except Unreadable as error:
        pytest.skip(f"{name} refuses without its register, as it must; its own tests run it ({error})")


@pytest.mark.parametrize("name", TABLES["probes"])
def test_probe(name: str) -> None:
    probe = made("probes", name)
    check_schema(probe)
    if TABLES["probes"][name].extra == "learn" or "build(" in inspect.getsource(inspect.getmodule(type(probe))):
        pytest.skip(f"{name} trains or needs another wing's part: its own tests run it")
    check_probe(probe)
