"""Write docs/weights.md from the table of weights: a model card for every file. `--check` fails when it is stale."""

from __future__ import annotations

import sys
from pathlib import Path

from veilset.weights.store import describe
from veilset.weights.table import TABLE

PAGE = Path(__file__).resolve().parents[1] / "docs" / "weights.md"
HEAD = """# Network weights

Written by `tools/weights_page.py`; change `src/veilset/weights/table.py`, not this page.

A file is used only when its size and SHA-256 are the ones below, wherever it came from. A run never opens a connection
on its own: `veilset weights pull NAME` downloads, into `~/.cache/veilset/weights` or the folder named by
`VEILSET_CACHE`; folders named by `VEILSET_WEIGHTS` are searched by content. Weights are never unpickled.
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for name, weights in TABLE.items():
        sources = [describe(source) for source in weights.sources] or ["local folder only"]
        parts.append(
            f"## {name}\n\n"
            f"- **Does**: {weights.task}\n"
            f"- **Licence**: {weights.licence}\n"
            f"- **Trained on**: {weights.trained_on}\n"
            f"- **Known bias and limits**: {weights.bias}\n"
            f"- **Origin**: {weights.origin}\n"
            f"- **File**: `{Path(weights.file).name}`, {weights.size:,} bytes, SHA-256 `{weights.sha256}`\n"
            f"- **Sources**: {'; '.join(sources)}\n"
        )
    return "\n".join(parts)


def main() -> None:
    """Write, or check."""
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page():
        sys.exit(f"{PAGE} is stale: run python tools/weights_page.py")


if __name__ == "__main__":
    main()
