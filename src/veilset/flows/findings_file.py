"""Findings as Parquet, written in batches. Private."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from veilset.core.finding import Finding
from veilset.core.roles import Ref
from veilset.core.where import Box, Mask, Polygon, to_plain
from veilset.flows.workplace import writing

BATCH = 5_000
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("name", pa.string()),
        ("kind", pa.string()),
        ("score", pa.float32()),
        ("source", pa.string()),
        ("risk", pa.string()),
        ("x", pa.float32()),
        ("y", pa.float32()),
        ("width", pa.float32()),
        ("height", pa.float32()),
        ("where", pa.string()),
        ("subject", pa.string()),
        ("detail", pa.string()),
        ("value", pa.string()),
    ]
)


class FindingsFile:
    """A Parquet file that takes findings as they come and holds at most one batch of them in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with writing(path):
            self._writer = pq.ParquetWriter(path, SCHEMA, compression="zstd")
        self._rows: list[dict[str, Any]] = []

    def add(self, ref: Ref, findings: Sequence[Finding]) -> None:
        """Take the findings of one sample."""
        for finding in findings:
            box = finding.where.bounds() if isinstance(finding.where, Box | Polygon | Mask) else None
            self._rows.append(
                {
                    "id": ref.id,
                    "name": ref.name.encode("utf-8", "backslashreplace").decode(),
                    "kind": finding.kind,
                    "score": finding.score,
                    "source": finding.source,
                    "risk": str(finding.risk),
                    **({"x": box.x, "y": box.y, "width": box.width, "height": box.height} if box else {}),
                    "where": json.dumps(to_plain(finding.where)),
                    "subject": finding.subject,
                    "detail": json.dumps(dict(finding.detail), default=str),
                    "value": None if finding.value is None else json.dumps(finding.value, default=str),
                }
            )
        if len(self._rows) >= BATCH:
            self._flush()

    def close(self) -> None:
        """Write what is left."""
        self._flush()
        with writing(self._path):
            self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            with writing(self._path):
                self._writer.write_table(pa.Table.from_pylist(self._rows, schema=SCHEMA))
            self._rows = []
