"""Guards of archives that no whole archive makes fire."""

import io
import zipfile

import pytest

from veilset.containers import inspect
from veilset.core.errors import Unsupported


def test_a_member_compressed_in_an_unknown_way_is_said() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("note.png", b"x" * 40)
    raw = bytearray(made.getvalue())
    method = 99
    raw[8:10] = method.to_bytes(2, "little")
    directory = raw.index(b"PK\x01\x02")
    raw[directory + 10 : directory + 12] = method.to_bytes(2, "little")
    with pytest.raises(Unsupported, match="compressed in a way that is not served"):
        inspect(bytes(raw))
