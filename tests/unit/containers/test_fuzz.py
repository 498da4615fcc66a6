"""A short run of the fuzzer in tests/fuzz, and every seed that once failed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

# Mutations that failed once: pointers of the wrong type, rationals that round to nothing, text that XML cannot hold.
SEEDS = (1000003010, 1000004798, 1000005314, 1000000875, 1000003092, 1000005128, 1000008174, 1000011135)


@pytest.fixture(scope="module")
def fuzzer() -> ModuleType:
    path = Path(__file__).parents[2] / "fuzz" / "containers.py"
    spec = importlib.util.spec_from_file_location("container_fuzzer", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_mutated_planted_files_raise_nothing_but_data_errors(fuzzer: ModuleType) -> None:
    files = fuzzer.seeds(real=False, more=False)
    failures = {seed: wrong for seed in range(1500) if (wrong := fuzzer.once(seed, files))}
    assert failures == {}


def test_mutated_pictures_of_many_scans_partitions_and_pages_raise_nothing_but_data_errors(fuzzer: ModuleType) -> None:
    files = fuzzer.drawn()
    failures = {seed: wrong for seed in range(400) if (wrong := fuzzer.once(seed, files))}
    assert failures == {}


@pytest.mark.data
def test_mutations_that_once_failed(fuzzer: ModuleType) -> None:
    files = fuzzer.seeds(more=False)
    if len(files) == len(fuzzer.seeds(real=False, more=False)):
        pytest.skip("VEILSET_DATA/camera_files is not there")
    failures = {seed: wrong for seed in SEEDS if (wrong := fuzzer.once(seed, files))}
    assert failures == {}
