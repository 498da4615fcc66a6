"""The pool: order, environment, death of a worker."""

from __future__ import annotations

import operator
import os
import subprocess
import sys

import pytest

from veilset.core.errors import BadSetting, BrokenContract
from veilset.engines.local import Local

EARLY = """
import sys
from veilset.flows.ahead import start_workers
start_workers(2)
start_workers(0)
heavy = {"numpy", "cv2", "onnxruntime", "PIL"} & set(sys.modules)
if __name__ == "__main__":
    from veilset.engines.local import Local
    print(sorted(heavy), list(Local(workers=2).map(abs, range(-5, 0))))
"""

KILLED = """
import sys, time
from veilset.engines.local import Local
if __name__ == "__main__":
    for _ in Local(workers=2).map(time.sleep, [0, 0, *[0.2] * 1000]):
        print("begun", flush=True)
        time.sleep(60)
"""


def test_results_come_in_order_whatever_the_number_of_workers() -> None:
    items = list(range(-40, 0))
    assert list(Local(workers=2).map(abs, items)) == list(map(abs, items)) == list(Local(workers=1).map(abs, items))


class Heavy:
    """A step that counts how often it is sent."""

    def __init__(self) -> None:
        self.sent = 0

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        self.sent += 1
        return (operator.attrgetter, ("real",))


def test_a_step_is_sent_once_to_each_worker() -> None:
    step, items = Heavy(), list(range(100))
    assert list(Local(workers=2).map(step, items)) == items  # type: ignore[arg-type]
    assert step.sent <= 2


def test_items_without_a_length_and_few_items() -> None:
    assert list(Local(workers=2).map(abs, iter([-1, -2, -3]))) == [1, 2, 3]
    assert list(Local(workers=2).map(abs, [-7])) == [7]
    assert list(Local(workers=2).map(abs, [])) == []


def test_workers_see_the_environment_of_now(monkeypatch) -> None:
    list(Local(workers=2).map(abs, [1, 2]))  # whatever they are copied from runs by now
    monkeypatch.setenv("VEILSET_TEST", "later")
    assert list(Local(workers=2).map(os.getenv, ["VEILSET_TEST"])) == ["later"]
    monkeypatch.delenv("VEILSET_TEST")
    assert list(Local(workers=2).map(os.getenv, ["VEILSET_TEST"])) == [None]


def test_a_worker_that_dies_is_said() -> None:
    with pytest.raises(BrokenContract, match="a worker process died"):
        list(Local(workers=2).map(os._exit, [3, 3]))


def test_workers_end_with_a_run_that_is_killed() -> None:
    """The workers of a killed run would wait for ever for work, and hold its output's streams open."""
    process = subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.kill()
    assert process.communicate(timeout=30) == ("", None)  # the end of the stream: nobody holds it any more


def test_starting_early_loads_nothing_heavy_here() -> None:
    done = subprocess.run([sys.executable, "-c", EARLY], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[] [5, 4, 3, 2, 1]"


def test_a_batch_of_none_is_refused() -> None:
    with pytest.raises(BadSetting, match="batch"):
        Local(batch=0)
    assert list(Local(workers=2, batch=64).map(abs, range(-200, 0))) == list(range(200, 0, -1))
