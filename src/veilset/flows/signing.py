"""keys: a pair of signing keys, and what their owner has to know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from veilset.records.signature import key_id, load_public, make_keys


@dataclass(frozen=True)
class Keys:
    """A new pair of keys: where they lie, and the id to compare by another way."""

    private: Path
    public: Path
    id: str


def keys(folder: str | Path, passphrase: str = "") -> Keys:
    """Make a pair of Ed25519 keys in a folder.

    Raises:
        Occupied: There is one already.
    """
    private, public = make_keys(Path(folder), passphrase)
    return Keys(private, public, key_id(load_public(public)))
