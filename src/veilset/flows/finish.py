"""After a file is clean: cut what stands behind its coded blocks, and turn it upright. Both leave it clean."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from veilset.containers import Keep, rebuild
from veilset.containers.clean import INHERENT, Cleaned
from veilset.containers.surplus import SEARCHED, searched
from veilset.containers.verify import READABLE, says_words
from veilset.core.errors import BrokenContract, DataError
from veilset.data.turned import turned

_LARGEST = 1 << 30


def finished(path: Path, cleaned: Cleaned, keep: Keep, *, exact: bool, rotate: bool) -> Cleaned:
    """What became of a clean file at `path` that was looked through to the last bit, and turned, as asked.

    **Guarantee**
    - The file is replaced in one step, by a file that cleaning would not change.
    - What could not be done is said, in `residue` or in `turned`; the clean file then stays as it was.

    Raises:
        BrokenContract: A file that cleaning would change; the clean file stays.
    """
    if cleaned.state == "refused" or not (exact or rotate):
        return cleaned
    if path.stat().st_size > _LARGEST:
        return replace(cleaned, turned="tag kept: larger than 1 GiB" if rotate else "")
    before = data = path.read_bytes()
    if exact and cleaned.format in SEARCHED:
        data, residue = searched(data, cleaned.residue)
        if data != before and not says_words(data):
            residue = tuple(one for one in residue if one != READABLE)
        cleaned = _without(cleaned, len(before) - len(data), residue)
    if rotate:
        try:
            upright = turned(data, keep, path.name)
            # Stretches of the original were copied into the clean file; a turned one holds none as they stood.
            same = cleaned.sameness if upright.data == data else None
            data, cleaned = upright.data, replace(cleaned, turned=upright.how, sameness=same)
        except DataError as error:
            cleaned = replace(cleaned, turned=f"tag kept: {error.message}")
    if data == before:
        return cleaned
    again = io.BytesIO()
    rebuild(data, again, keep)
    if again.getvalue() != data:
        raise BrokenContract(f"{path.name}: a finished file would change when cleaned again; please report this")
    _put(path, data)
    return replace(cleaned, after=len(data))


def _without(cleaned: Cleaned, gone: int, residue: tuple[str, ...]) -> Cleaned:
    """What became of a file after so many bytes behind its coded blocks went."""
    same = replace(cleaned.sameness, size=cleaned.sameness.size - gone) if cleaned.sameness else None
    state = "residue" if any(one not in INHERENT for one in residue) else "clean"
    return replace(cleaned, state=state, residue=residue, dropped=cleaned.dropped + gone, sameness=same)


def _put(path: Path, data: bytes) -> None:
    part = path.with_name(f".veilset-{os.urandom(8).hex()}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
        part.chmod(path.stat().st_mode & 0o777)
        part.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            part.unlink()
        raise
