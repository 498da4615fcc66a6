"""`veilset doctor`."""

from __future__ import annotations

import os
import platform
import sys

import typer

from veilset.cli.talk import Json, give


def doctor(as_json: Json = False) -> None:
    """Check this installation: libraries, weights, memory, and what each missing part would bring."""
    import importlib

    from veilset.flows.assemble import software
    from veilset.flows.weights import weights_rows

    facts: dict[str, object] = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "versions": software(),
    }
    problems = []
    for module in ("numpy", "cv2", "onnxruntime", "PIL", "pillow_heif", "simplejpeg", "jpeglib", "pyarrow"):
        try:
            importlib.import_module(module)
        except ImportError as error:
            problems.append(f"{module} cannot be imported: {error}; reinstall veilset")
    rows = weights_rows()
    missing = [row["name"] for row in rows if not row["here"]]
    facts["weights"] = rows
    facts["problems"] = problems
    words = [
        f"Python {facts['python']} on {facts['platform']}, {facts['cores']} cores",
        *(f"  {name} {version}" for name, version in software().items()),
        f"  weights here: {', '.join(str(row['name']) for row in rows if row['here']) or 'none'}",
        f"  weights missing: {', '.join(map(str, missing)) or 'none'} (veilset weights pull NAME)",
        *(f"  PROBLEM: {problem}" for problem in problems),
        "all libraries load" if not problems else f"{len(problems)} problems",
    ]
    give(facts, "\n".join(words), as_json=as_json)
    if problems:
        raise typer.Exit(1)
    sys.stdout.flush()
