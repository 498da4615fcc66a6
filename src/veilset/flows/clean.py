"""Clean files one by one: strip what they say besides their pixels, without a policy and without a release."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from veilset.containers import Keep, inspect
from veilset.containers.clean import BACKUP, Cleaned, clean_file, clean_in_place
from veilset.core.errors import DataError, Occupied, Refusal, Unreadable, UsageError
from veilset.flows.progress import Progress, silent

_THREADS = 4
_AT_ONCE = 16


@dataclass(frozen=True)
class CleanedFiles:
    """What became of each file, by its name as given."""

    files: tuple[tuple[str, Cleaned], ...]

    def count(self, state: str) -> int:
        """How many ended in a state: `clean`, `residue`, `refused`, or in a check `dirty`."""
        return sum(cleaned.state == state for _, cleaned in self.files)

    def raise_if_unclean(self) -> None:
        """Raise when any file was refused, or found dirty by a check.

        Raises:
            Refusal: With the number of files.
        """
        wrong = self.count("refused") + self.count("dirty")
        if wrong:
            raise Refusal(f"{wrong} of {len(self.files)} files are not clean; each is listed with its reason.")


def clean(
    paths: Sequence[Path],
    *,
    out: Path | None = None,
    in_place: bool = False,
    check: bool = False,
    keep: Keep | None = None,
    backup: bool = True,
    thorough: bool = False,
    progress: Progress = silent,
) -> CleanedFiles:
    """Clean files and folders into `out`, in place, or only look (`check`).

    Folders keep their shape below `out`. A file that is refused leaves nothing behind and stops no other.

    Raises:
        UsageError: Not exactly one of `out`, `in_place` and `check`.
        Unreadable: A path does not exist.
        Occupied: An output, or a backup, is already there.
    """
    if sum((out is not None, in_place, check)) != 1:
        raise UsageError("say where the clean files go: -o FOLDER, --in-place, or --check to only look.")
    jobs = list(_files(paths))
    allowed = keep or Keep()
    work: Callable[[tuple[str, str]], Cleaned]
    if check:
        work = _checked
    elif out is None:
        work = partial(_in_place, allowed, backup, thorough)
        jobs = [job for job in jobs if not job[0].endswith(BACKUP)]
    else:
        jobs = _targets(out, jobs)
        work = partial(_to_target, allowed, thorough)
    parts = [jobs[first : first + _AT_ONCE] for first in range(0, len(jobs), _AT_ONCE)]
    done: list[Cleaned] = []
    # The kernel copies and numpy scans without holding the interpreter, so threads are enough.
    with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as pool:
        for cleaned in pool.map(lambda part: [work(job) for job in part], parts):
            done += cleaned
            progress("clean", len(done), len(jobs))
    names = (Path(path).as_posix() for path, _ in jobs)
    return CleanedFiles(tuple(zip(names, done, strict=True)))


def _files(paths: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Each file, and its name below the path that was given."""
    for path in paths:
        if path.is_dir():
            yield from _below(os.fspath(path), "")
        elif path.is_file():
            yield os.fspath(path), path.name
        else:
            raise Unreadable(f"{path} does not exist.")


def _below(root: str, folder: str) -> Iterator[tuple[str, str]]:
    with os.scandir(os.path.join(root, folder) if folder else root) as entries:  # noqa: PTH118
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        name = f"{folder}/{entry.name}" if folder else entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _below(root, name)
        elif entry.is_file():
            yield entry.path, name


def _targets(out: Path, jobs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Where each clean copy goes; folders are made, and what is there already is refused before anything is written."""
    there: dict[str, set[str]] = {}
    found = []
    for path, name in jobs:
        target = os.path.join(out, name)  # noqa: PTH118
        folder, last = os.path.split(target)
        if folder not in there:
            Path(folder).mkdir(parents=True, exist_ok=True)
            there[folder] = set(os.listdir(folder))  # noqa: PTH208 - names alone
        if last in there[folder]:
            raise Occupied(f"{target} is already there, or two files would get this name; choose an empty folder.")
        there[folder].add(last)
        found.append((path, target))
    return found


def _to_target(keep: Keep, thorough: bool, job: tuple[str, str]) -> Cleaned:
    return clean_file(Path(job[0]), Path(job[1]), keep, thorough=thorough)


def _in_place(keep: Keep, backup: bool, thorough: bool, job: tuple[str, str]) -> Cleaned:
    return clean_in_place(Path(job[0]), keep, backup=backup, thorough=thorough)


def _checked(job: tuple[str, str]) -> Cleaned:
    """Whether a file says anything besides its pixels; what it says is named by tag, never by value."""
    path = Path(job[0])
    try:
        listing = inspect(path)
    except DataError as error:
        return Cleaned("refused", reason=error.message)
    said = [tag.path for tag in listing.tags if not tag.technical]
    if not said:
        return Cleaned("clean", listing.facts.format, path.stat().st_size)
    return Cleaned("dirty", listing.facts.format, reason=f"it says {', '.join(said[:8])}{' ...' if said[8:] else ''}")
