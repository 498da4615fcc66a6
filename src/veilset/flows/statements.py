"""statement: let somebody who holds a photograph ask whether its original is in a release."""

from __future__ import annotations

from pathlib import Path

from veilset.core.errors import Unreadable, UsageError
from veilset.core.roles import Ref, Source
from veilset.flows.catalog import Catalog, catalog
from veilset.flows.progress import Progress, silent
from veilset.flows.workplace import write_atomically
from veilset.records.releases import registered
from veilset.records.statement import Statement, digests, make_statement

FILE = "statement.json"


def make(
    output: str | Path, photos: str | Path, *, cost: int = 14, progress: Progress = silent, names: Catalog | None = None
) -> Path:
    """Write `statement.json` beside a release's `public/`, for its owner to publish where it helps the people shown.

    It is no part of the release: whether membership may be asked for is decided apart from it.

    Raises:
        UsageError: There is no registered release here, or an original is missing.
        DataError: An original cannot be read.
    """
    names = names or catalog()
    releases = registered(Path(output) / "private")
    if not releases:
        raise UsageError(f"{output}: there is no register of a release in private/")
    source: Source = names.build("source", "folder", {"path": str(photos)})
    refs = {ref.name: ref for ref in source.refs()}
    wanted = sorted(releases[-1].samples)
    missing = [name for name in wanted if name not in refs]
    if missing:
        raise UsageError(f"{len(missing)} originals of this release are not in {photos} (the first is {missing[0]})")
    originals = []
    for number, name in enumerate(wanted, 1):
        originals.append(digests(source.load(refs[name])))
        progress("hashing originals", number, len(wanted))
    path = Path(output) / FILE
    write_atomically(path, make_statement(releases[-1].release, originals, cost).to_json().encode())
    return path


def ask(statement: str | Path, photo: str | Path, *, names: Catalog | None = None) -> tuple[str, bool]:
    """Id of the release, and whether the photograph, untreated, is among what it was made from.

    Raises:
        DataError: The statement or the photograph cannot be read.
    """
    names = names or catalog()
    try:
        made = Statement.from_json(Path(statement).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{statement} cannot be read") from error
    source: Source = names.build("source", "folder", {"path": str(Path(photo).parent)})
    return made.release, made.holds(source.load(Ref(Path(photo).name, Path(photo).name)))
