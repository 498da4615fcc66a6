"""Clean files one by one: strip what they say besides their pixels, without a policy and without a release."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from veilset.containers import Keep, inspect
from veilset.containers.clean import BACKUP, Cleaned, clean_file, clean_in_place
from veilset.containers.file_names import said_by_name
from veilset.core.errors import DataError, Occupied, Refusal, Unreadable, UsageError
from veilset.flows.progress import Progress, silent
from veilset.flows.threads import in_threads
from veilset.flows.workplace import writing

_COMPARED = 1 << 30
_SMALL, _SOME = 1 << 20, 32
Job = tuple[Path, Path]
"""A file, and its name below the folder that was named."""


@dataclass(frozen=True)
class CleanedFiles:
    """What became of each file, by its name as given; and the table of pseudonyms, where a key was given.

    Attributes:
        named: What each file's name, with the folders that a copy keeps, gives away (no cleaning changes names).
    """

    files: tuple[tuple[str, Cleaned], ...]
    table: Path | None = None
    named: tuple[tuple[str, ...], ...] = ()

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
    refused, since what it points to may lie anywhere, and so are pipes, sockets and devices. A file that is named twice is
    cleaned once.

    Args:
        paths: Files, and folders of them.
        out: Folder for the clean copies.
        in_place: Put each copy in the place of its original.
        check: Only look: a file is clean when cleaning would take nothing away that says something, and `residue` when that
            would leave something that it names. What is left cannot be cleaned, and fails no check.
        keep: The allowlist.
        key_file: Key of DICOM pseudonyms; made when it is not there. The table of names is written beside it.
        backup: In place: keep the original as `NAME.original`.
        thorough: Compare and search every byte of each result, and cut what stands behind its coded blocks.
        rotate: Turn pictures upright where that loses nothing; the others keep their orientation tag, and say why.
        progress: Called with what is being done, how much is done, and how much there is.

    Raises:
        UsageError: Not exactly one of `out`, `in_place` and `check`; or two files would get one name; or `out` lies in
            a folder that is to be cleaned, or holds the key; or `rotate` with `check`, without the orientation, or with the
            georeference.
        Unreadable: A path does not exist.
        Occupied: An output, or a backup, is already there; nothing was begun.
    """
    if sum((out is not None, in_place, check)) != 1:
        raise UsageError("say where the clean files go: -o FOLDER, --in-place, or --check to only look.")
    allowed = keep or Keep()
    if rotate and (check or not allowed.orientation or allowed.georeference):
        other = "keeping a georeference, which lies over the raster as it is"
        if check or not allowed.orientation:
            other = "--check, which writes nothing" if check else "dropping the orientation that it turns by"
        raise UsageError(f"--rotate does not go with {other}; leave one of them out.")
    jobs = [job for job in _once(_files(paths)) if not in_place or not job[0].name.endswith(BACKUP)]
    if not jobs:
        raise Unreadable("there is no file to clean in what was named.")
    targets = _targets(jobs, paths, out, key_file) if out is not None else []
    if in_place and backup:
        _no_backup_yet(jobs)
    if check:
        # Pseudonyms are told by their form, so that a check neither needs a key nor makes one.
        key_file = None
        work: list[Callable[[], Cleaned]] = [partial(_checked, path, allowed) for path, _ in jobs]
    elif out is None:
        work = [partial(clean_in_place, path, allowed, backup=backup, thorough=thorough) for path, _ in jobs]
    else:
        pairs = zip(jobs, targets, strict=True)
        work = [partial(clean_file, path, target, allowed, thorough=thorough) for (path, _), target in pairs]
    if not check and (thorough or rotate):
        places = targets or [path for path, _ in jobs]
        work = [
            partial(_finished, place, job, allowed, exact=thorough, rotate=rotate)
            for place, job in zip(places, work, strict=True)
        ]
    folders = list(dict.fromkeys(target.parent for target in targets))
    with _named(key_file) as table:
        for folder in folders:
            with writing(folder):
                folder.mkdir(parents=True, exist_ok=True)
        try:
            work = [_unless_odd(path, job) for (path, _), job in zip(jobs, work, strict=True)]
            alone = not (check or thorough or rotate) and _are_small([path for path, _ in jobs])
            done = _all_done(work, 1 if alone else 0, progress)
        finally:
            for folder in sorted(folders, key=lambda one: -len(one.parts)):
                _without_empty(folder, out)
    shown = (path.as_posix() for path, _ in jobs)
    named = tuple(tuple(part.kind for part in said_by_name(name.as_posix())) for _, name in jobs)
    return CleanedFiles(tuple(zip(shown, done, strict=True)), None if check else _saved(key_file, table), named)


@contextmanager
def _named(key_file: Path | None) -> Iterator[dict[str, str]]:
    """Whatever is done inside names people by this key; gives the table of names as it grows."""
    if key_file is None:
        yield {}
        return
    from veilset.containers.pseudonyms import Pseudonyms, under
    from veilset.flows.key_file import read_or_make_key

    names = Pseudonyms(read_or_make_key(key_file))
    with under(names):
        yield names.table


def _saved(key_file: Path | None, table: dict[str, str]) -> Path | None:
    if key_file is None:
        return None
    from veilset.flows.key_file import save_table

    return save_table(key_file, table)


def _are_small(paths: Sequence[Path]) -> bool:
    """Whether the first files are so small that threads would wait for the interpreter, not the kernel for bytes."""
    first = [path.stat().st_size for path in paths[:_SOME] if path.is_file()]
    return sum(first) < len(first) * _SMALL


def _all_done(work: Sequence[Callable[[], Cleaned]], threads: int, progress: Progress) -> list[Cleaned]:
    done: list[Cleaned] = []
    for cleaned in in_threads(lambda job: job(), work, threads):
        done.append(cleaned)
        progress("clean", len(done), len(work))
    return done


def _files(paths: Sequence[Path]) -> Iterator[Job]:
    for path in paths:
        if path.is_dir():
            for name in _walk(str(path), ""):
                yield path / name, Path(name)
        elif path.exists():
            yield path, Path(path.name)
        else:
            raise Unreadable(f"{path} does not exist.")


def _once(jobs: Iterable[Job]) -> Iterator[Job]:
    """Each file the first time that it is named: alone, in its folder, or in a folder around that."""
    seen = set()
    for path, name in jobs:
        full = os.path.abspath(path)  # noqa: PTH100 - a link stays a link
        if full not in seen:
            seen.add(full)
            yield path, name


def _walk(root: str, below: str) -> Iterator[str]:
    """Everything but folders and links to folders, by relative name; no link is followed."""
    try:
        with os.scandir(f"{root}/{below}" if below else root) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise Unreadable(f"{root}/{below} cannot be listed: {error.strerror}; check its permissions.") from None
    for entry in found:
        name = f"{below}/{entry.name}" if below else entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(root, name)
        elif not entry.is_dir():
            yield name


def _targets(jobs: Sequence[Job], paths: Sequence[Path], out: Path, key: Path | None) -> list[Path]:
    """Where each clean copy goes; raises before anything is written."""
    inside = next((path for path in paths if path.is_dir() and out.resolve().is_relative_to(path.resolve())), None)
    if inside is not None:
        raise UsageError(f"{out} lies inside {inside}, which is to be cleaned; choose a folder outside of it.")
    if out.exists() and not out.is_dir():
        raise Occupied(f"{out} is a file; name a folder for the clean copies.")
    if key is not None and key.resolve().is_relative_to(out.resolve()):
        raise UsageError(f"{key} would lie among the clean files; whoever holds the key can undo pseudonyms.")
    targets: dict[Path, Path] = {}
    new = not os.path.lexists(out)
    for path, name in jobs:
        target = out / name
        if target in targets:
            raise UsageError(f"{targets[target]} and {path} would both become {target}; clean them one by one.")
        if not new and os.path.lexists(target):
            raise Occupied(f"{target} is already there; choose an empty folder.")
        targets[target] = path
    return list(targets)


def _no_backup_yet(jobs: Sequence[Job]) -> None:
    for path, _ in jobs:
        kept = path.with_name(path.name + BACKUP)
        if os.path.lexists(kept):
            raise Occupied(f"{kept} is already there; move it away, or clean with --no-backup.")


def _unless_odd(path: Path, job: Callable[[], Cleaned]) -> Callable[[], Cleaned]:
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        # It went meanwhile; the job says so.
        return job
    if stat.S_ISLNK(mode):
        return partial(Cleaned, "refused", reason=f"{path.name} is a link; clean the file that it points to.")
    if not stat.S_ISREG(mode):
        return partial(Cleaned, "refused", reason=f"{path.name} is a pipe, a socket or a device, and no file.")
    return job


def _finished(place: Path, job: Callable[[], Cleaned], keep: Keep, *, exact: bool, rotate: bool) -> Cleaned:
    from veilset.flows.finish import finished

    return finished(place, job(), keep, exact=exact, rotate=rotate)


def _without_empty(folder: Path, out: Path | None) -> None:
    """Remove folders below `out` in which every file was refused."""
    while out is not None and folder != out and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _checked(path: Path, keep: Keep) -> Cleaned:
    """Whether a file says more than `keep` allows; what it says is named by tag, never by value.

    A file is dirty when a tag of it would go, and also when cleaning would take away something that no list names. It is
    clean with residue when nothing would go and something would be named as left.
    """
    from veilset.containers.foresee import foresee
    from veilset.containers.surplus_inside import said_behind

    try:
        listing = inspect(path)
        said = [tag.path for tag in listing.tags if not tag.technical]
        behind = [tag.path for tag in said_behind(path)]
        # What a small file would become is soon known; a large one that says something is dirty without.
        if behind or (said and path.stat().st_size > _COMPARED):
            return _dirty(listing.facts.format, behind + said)
        what = foresee(path, keep)
    except DataError as error:
        return Cleaned("refused", reason=error.message)
    if not what.same and (said or what.goes):
        return _dirty(listing.facts.format, said or list(what.goes))
    state = "residue" if what.residue else "clean"
    return Cleaned(state, listing.facts.format, path.stat().st_size, residue=what.residue)


def _dirty(kind: str, said: Sequence[str]) -> Cleaned:
    return Cleaned("dirty", kind, reason=f"it says {', '.join(said[:8])}{' ...' if said[8:] else ''}")
