"""Talking to the person: data on standard output, everything else on standard error; errors to exit codes."""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated, Any, TextIO

import typer

from veilset.core.errors import BrokenContract, Unwritable, VeilsetError

_STOPPED = 130
# Set when somebody asks to stop: modules that are being loaded, and foreign code, make another error of that, or none.
_asked: list[int] = []
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Workers = Annotated[int, typer.Option("--workers", "-j", min=0, help="Processes; 0 means one per core.")]


def say(words: str) -> None:
    """A line for the person, on standard error."""
    _write(sys.stderr, printable(words) + "\n")


def give(plain: Any, words: str, *, as_json: bool) -> None:
    """The result, on standard output: JSON, or words."""
    text = json.dumps(plain, indent=2, ensure_ascii=True, default=str) if as_json else printable(words)
    _write(sys.stdout, text.rstrip() + "\n")


def printable(words: str) -> str:
    """Words in which no file name can speak to the terminal, or stop the program: what cannot be shown is escaped.

    >>> print(printable("a\\x1b[2J, caf\\udce9 and \\u65e5"))
    a\\x1b[2J, caf\\udce9 and \u65e5
    """
    return "".join(one if one == "\n" or one.isprintable() else repr(one)[1:-1] for one in words)


def one_line(words: str) -> str:
    """Words on one line, whatever line ends the names in them hold."""
    return words.replace("\n", "\\n")


def _write(stream: TextIO | None, text: str) -> None:
    """Written and flushed. A stream that was closed is not missed, and talk that cannot be written stops no work.

    Raises:
        Unwritable: There is no room where the data goes.
    """
    if stream is None:
        return
    try:
        stream.write(text.encode(stream.encoding, "backslashreplace").decode(stream.encoding))
        stream.flush()
    except OSError as error:
        # Else the interpreter would try once more, and complain, when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if stream is sys.stderr:
            return
        if isinstance(error, BrokenPipeError):  # who reads no further has what they wanted
            sys.exit(141)
        raise Unwritable(
            f"the result could not be printed on standard output: {error.strerror}; make room. "
            "The files that it speaks of are written."
        ) from error


@contextmanager
def bar(*, quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar with rate and time left on standard error; a line now and then when that is no terminal."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield _lines(quiet=quiet)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    tasks: dict[str, TaskID] = {}
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as progress:

        def show(what: str, done: int, total: int) -> None:
            _stop_if_asked()
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total, rate="")
            speed = progress.tasks[tasks[what]].speed
            progress.update(tasks[what], completed=done, total=total, rate=f"{speed:.1f}/s" if speed else "")

        yield show


def _lines(*, quiet: bool) -> Callable[[str, int, int], None]:
    said: dict[str, int] = {}

    def show(what: str, done: int, total: int) -> None:
        _stop_if_asked()
        tenth = 10 * done // total if total else 10
        if not quiet and said.get(what) != tenth:
            said[what] = tenth
            say(f"{what}: {done}/{total}")

    return show


def guard(run: Callable[[], None]) -> None:
    """Run the program; our errors become one clear message and the design's exit code, and any other is a fault of ours."""
    before = signal.signal(signal.SIGINT, _ask)
    try:
        run()
    except VeilsetError as error:
        if _asked:
            _stopped()
        say(f"{type(error).__name__}: {error.message}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _stopped()
    except SystemExit as end:
        if end.code == _STOPPED:  # typer's word for the same
            _stopped()
        raise
    except Exception as error:
        if _asked:
            _stopped()
        # The last door: Python's own exit code would read as a refusal.
        say(traceback.format_exc())
        say("this is a fault of Veilset or of a plug-in, not of yours; please report it")
        raise SystemExit(BrokenContract.exit_code) from error
    finally:
        signal.signal(signal.SIGINT, before)
        _asked.clear()


def _ask(number: int, _: FrameType | None) -> None:
    _asked.append(number)
    raise KeyboardInterrupt


def _stop_if_asked() -> None:
    if _asked:
        raise KeyboardInterrupt


def _stopped() -> None:
    say("stopped; finished samples are kept, run the same command again to go on")
    sys.exit(_STOPPED)
