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
    if check:
        work: list[Callable[[], Cleaned]] = [partial(_checked, path) for path, _ in jobs]
    elif out is None:
        work = [
            partial(clean_in_place, path, allowed, backup=backup, thorough=thorough)
            for path, _ in jobs
            if not path.name.endswith(BACKUP)
        ]
        jobs = [job for job in jobs if not job[0].name.endswith(BACKUP)]
    else:
        work = [partial(clean_file, path, _target(out, name), allowed, thorough=thorough) for path, name in jobs]
    done: list[Cleaned] = []
    # The kernel copies and numpy scans without holding the interpreter, so threads are enough.
    with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as pool:
        for cleaned in pool.map(lambda job: job(), work):
            done.append(cleaned)
            progress("clean", len(done), len(work))
    names = (path.as_posix() for path, _ in jobs)
    return CleanedFiles(tuple(zip(names, done, strict=True)))


def _files(paths: Sequence[Path]) -> Iterator[tuple[Path, Path]]:
    for path in paths:
        if path.is_dir():
            for found in sorted(path.rglob("*")):
                if found.is_file():
                    yield found, found.relative_to(path)
        elif path.is_file():
            yield path, Path(path.name)
        else:
            raise Unreadable(f"{path} does not exist.")


def _target(out: Path, name: Path) -> Path:
    target = out / name
    if target.exists():
        raise Occupied(f"{target} is already there; choose an empty folder.")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _checked(path: Path) -> Cleaned:
    """Whether a file says anything besides its pixels; what it says is named by tag, never by value."""
    try:
        listing = inspect(path)
    except DataError as error:
        return Cleaned("refused", reason=error.message)
    said = [tag.path for tag in listing.tags if not tag.technical]
    if not said:
        return Cleaned("clean", listing.facts.format, path.stat().st_size)
    return Cleaned("dirty", listing.facts.format, reason=f"it says {', '.join(said[:8])}{' ...' if said[8:] else ''}")
