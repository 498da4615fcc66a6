"""The rules of the house hold, and every rule can fail."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("house", ROOT / "tools" / "house.py")
house = importlib.util.module_from_spec(spec)
spec.loader.exec_module(house)


def test_the_house_keeps_its_rules() -> None:
    assert house.check_house() == []


LONG = 'def f():\n    """Do."""\n' + "    x = 1\n" * 61


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("a.py", '"""A."""\n' + "x = 1\n" * 400, "401 lines"),
        ("src/utils.py", '"""A."""\n', "named for what it holds"),
        ("a.py", '"""A."""\nx = 1  # TO' + "DO later\n", "unfinished"),
        ("a.py", "x = 1\n", "module has no docstring"),
        ("a.py", '"""A."""\n' + LONG, "61 lines"),
        ("a.py", '"""A."""\nclass ThingFactory:\n    """A."""\n', "named for a pattern"),
        ("a.py", '"""A."""\ntry:\n    pass\nexcept:\n    pass\n', "names no error"),
        ("a.py", '"""A."""\ntry:\n    pass\nexcept (ValueError, Exception):\n    pass\n', "names no error"),
        ("a.py", '"""A."""\nimport warnings\nwarnings.warn("x")\n', "warning stands"),
        ("a.py", '"""A."""\ndef f():\n    pass\n', "f has no docstring"),
        ("a.py", '"""A."""\nclass A:\n    """A."""\n    def f(self):\n        pass\n', "A.f has no docstring"),
    ],
)
def test_every_rule_can_fail(path: str, text: str, said: str) -> None:
    problems = list(house.check_source(path, text))
    assert len(problems) == 1
    assert said in problems[0]


def test_good_code_passes() -> None:
    text = '"""A."""\n\ndef f():\n    """Do."""\n    try:\n        return 1\n    except ValueError:\n        return 2\n'
    assert list(house.check_source("a.py", text)) == []


def test_reference_pages_are_what_the_program_says() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "reference.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
