"""Ask the system to let nobody shorten or rewrite a file that is mapped: reading a page that is gone ends the process."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_SET_SIGNAL = 10


@contextmanager
def held(descriptor: int) -> Iterator[bool]:
    """Hold a file that is open for reading while something is done, as far as the system can; gives whether it could.

    **Guarantee**
    - Where it could, another program that opens the file for writing, or shortens it, waits until this is done, or for as
      long as the system allows (45 seconds on Linux), and no signal that anybody looks at is sent.

    *Raises*: nothing. Systems without leases, files of others, and files that are open for writing are not held.
    """
    holds = False
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        # The usual signal would end the process; this one is ignored by everybody who does not ask for it.
        fcntl.fcntl(descriptor, getattr(fcntl, "F_SETSIG", _SET_SIGNAL), signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        holds = True
    try:
        yield holds
    finally:
        if holds:
            # A mapping keeps the file open for longer than its descriptor.
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
