"""Workers' modules begun early. Imports nothing heavy itself, or it would not be early."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence


def start_early(modules: Sequence[str]) -> None:
    """Begin to load `modules` in the process that workers are copied from, and come back at once.

    Called before the caller loads its own modules, it lets another core do it meanwhile. It does nothing the second
    time, on one core, and on systems that cannot copy a process.
    """
    if (os.cpu_count() or 1) > 1 and "forkserver" in multiprocessing.get_all_start_methods():
        from multiprocessing import forkserver

        forkserver.set_forkserver_preload(list(modules))
        forkserver.ensure_running()
