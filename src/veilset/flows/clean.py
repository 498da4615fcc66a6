"""Clean files one by one: strip what they say besides their pixels, without a policy and without a release."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from veilset.containers import Keep, inspect, rebuild
from veilset.containers.clean import BACKUP, Cleaned, clean_file, clean_in_place
from veilset.containers.pseudonyms import Pseudonyms, under
from veilset.containers.surplus import surplus_of
from veilset.core.errors import DataError, Occupied, Refusal, Unreadable, UsageError
from veilset.flows.key_file import read_or_make_key, save_table
from veilset.flows.progress import Progress, silent

_THREADS = 4
_COMPARED = 1 << 30


@dataclass(frozen=True)
class CleanedFiles:
    """What became of each file, by its name as given; and the table of pseudonyms, where a key was given."""

    files: tuple[tuple[str, Cleaned], ...]
    table: Path | None = None

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
    key_file: Path | None = None,
    backup: bool = True,
    thorough: bool = False,
    rotate: bool = False,
    progress: Progress = silent,
) -> CleanedFiles:
    """Clean files and folders into `out`, in place, or only look (`check`).

    Folders keep their shape below `out`. A file that is refused leaves nothing behind and stops no other; a link is
    refused, since what it points to may lie anywhere.

    Args:
        paths: Files, and folders of them.
        out: Folder for the clean copies.
        in_place: Put each copy in the place of its original.
        check: Only look: a file is clean when it says nothing, or nothing that cleaning would take away.
        keep: The allowlist.
        key_file: Key of DICOM pseudonyms; made when it is not there. The table of names is written beside it.
        backup: In place: keep the original as `NAME.original`.
        thorough: Compare and search every byte of each result, and cut what stands behind its coded blocks.
        rotate: Turn pictures upright where that loses nothing; the others keep their orientation tag, and say why.
        progress: Called with what is being done, how much is done, and how much there is.

    Raises:
        UsageError: Not exactly one of `out`, `in_place` and `check`; or two files would get one name; or `out` lies in
            a folder that is to be cleaned, or holds the key.
        Unreadable: A path does not exist.
        Occupied: An output, or a backup, is already there; nothing was begun.
    """
    if sum((out is not None, in_place, check)) != 1:
        raise UsageError("say where the clean files go: -o FOLDER, --in-place, or --check to only look.")
    jobs = [job for job in _files(paths) if not in_place or not job[0].name.endswith(BACKUP)]
    if not jobs:
        raise Unreadable("there is no file to clean in what was named.")
    targets = _targets(jobs, paths, out, key_file) if out is not None else []
    if in_place and backup:
        _no_backup_yet(jobs)
    allowed, names = keep or Keep(), Pseudonyms(read_or_make_key(key_file)) if key_file else None
    if check:
        work: list[Callable[[], Cleaned]] = [partial(_checked, path, allowed) for path, _ in jobs]
    elif out is None:
        work = [partial(clean_in_place, path, allowed, backup=backup, thorough=thorough) for path, _ in jobs]
    else:
        pairs = zip(jobs, targets, strict=True)
        work = [partial(_copied, path, target, allowed, thorough=thorough) for (path, _), target in pairs]
    if not check and (thorough or rotate):
        places = targets or [path for path, _ in jobs]
        work = [
            partial(_finished, place, job, allowed, exact=thorough, rotate=rotate)
            for place, job in zip(places, work, strict=True)
        ]
    with under(names) if names else nullcontext():
        done = _all_done([_unless_link(path, job) for (path, _), job in zip(jobs, work, strict=True)], progress)
    for folder in sorted({target.parent for target in targets}, key=lambda one: -len(one.parts)):
        _without_empty(folder, out)
    table = save_table(key_file, names.table) if key_file and names and not check else None
    shown = (path.as_posix() for path, _ in jobs)
    return CleanedFiles(tuple(zip(shown, done, strict=True)), table)


def _all_done(work: Sequence[Callable[[], Cleaned]], progress: Progress) -> list[Cleaned]:
    done: list[Cleaned] = []
    # The kernel copies and numpy scans without holding the interpreter, so threads are enough. Each takes the context
    # along, since pseudonyms stand in it.
    contexts = [copy_context() for _ in work]
    with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as pool:
        for cleaned in pool.map(lambda context, job: context.run(job), contexts, work):
            done.append(cleaned)
            progress("clean", len(done), len(work))
    return done


def _files(paths: Sequence[Path]) -> Iterator[tuple[Path, Path]]:
    for path in paths:
        if path.is_dir():
            for found in sorted(path.rglob("*")):
                if found.is_file() or (found.is_symlink() and not found.is_dir()):
                    yield found, found.relative_to(path)
        elif path.is_file():
            yield path, Path(path.name)
        else:
            raise Unreadable(f"{path} does not exist.")


def _targets(jobs: Sequence[tuple[Path, Path]], paths: Sequence[Path], out: Path, key: Path | None) -> list[Path]:
    """Where each clean copy goes; raises before anything is written."""
    inside = next((path for path in paths if path.is_dir() and out.resolve().is_relative_to(path.resolve())), None)
    if inside is not None:
        raise UsageError(f"{out} lies inside {inside}, which is to be cleaned; choose a folder outside of it.")
    if key is not None and key.resolve().is_relative_to(out.resolve()):
        raise UsageError(f"{key} would lie among the clean files; whoever holds the key can undo pseudonyms.")
    targets: dict[Path, Path] = {}
    for path, name in jobs:
        target = out / name
        if target in targets:
            raise UsageError(f"{targets[target]} and {path} would both become {target}; clean them one by one.")
        if target.exists() or target.is_symlink():
            raise Occupied(f"{target} is already there; choose an empty folder.")
        targets[target] = path
    return list(targets)


def _no_backup_yet(jobs: Sequence[tuple[Path, Path]]) -> None:
    for path, _ in jobs:
        kept = path.with_name(path.name + BACKUP)
        if kept.exists() or kept.is_symlink():
            raise Occupied(f"{kept} is already there; move it away, or clean with --no-backup.")


def _unless_link(path: Path, job: Callable[[], Cleaned]) -> Callable[[], Cleaned]:
    if path.is_symlink():
        return partial(Cleaned, "refused", reason=f"{path.name} is a link; clean the file that it points to.")
    return job


def _copied(path: Path, target: Path, keep: Keep, *, thorough: bool) -> Cleaned:
    target.parent.mkdir(parents=True, exist_ok=True)
    return clean_file(path, target, keep, thorough=thorough)


def _finished(place: Path, job: Callable[[], Cleaned], keep: Keep, *, exact: bool, rotate: bool) -> Cleaned:
    from veilset.flows.finish import finished

    return finished(place, job(), keep, exact=exact, rotate=rotate)


def _without_empty(folder: Path, out: Path | None) -> None:
    """Remove folders below `out` in which every file was refused."""
    while out is not None and folder != out and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _checked(path: Path, keep: Keep) -> Cleaned:
    """Whether a file says more than `keep` allows; what it says is named by tag, never by value."""
    try:
        listing = inspect(path)
        said = [tag.path for tag in listing.tags if not tag.technical]
        hidden = [tag.path for tag in surplus_of(path).said]
        if not hidden and (not said or _stays_the_same(path, keep)):
            return Cleaned("clean", listing.facts.format, path.stat().st_size)
    except DataError as error:
        return Cleaned("refused", reason=error.message)
    return Cleaned(
        "dirty", listing.facts.format, reason=f"it says {', '.join((hidden + said)[:8])}{' ...' if said[8:] else ''}"
    )


def _stays_the_same(path: Path, keep: Keep) -> bool:
    """Whether cleaning would give the same bytes: what it says was allowed, or is the cleaner's own."""
    if path.stat().st_size > _COMPARED:
        return False
    out = io.BytesIO()
    rebuild(path, out, keep)
    return out.getbuffer() == path.read_bytes()
