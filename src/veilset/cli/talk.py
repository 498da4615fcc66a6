"""Talking to the person: data on standard output, everything else on standard error; errors to exit codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from veilset.core.errors import VeilsetError

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Workers = Annotated[int, typer.Option("--workers", "-j", min=0, help="Processes; 0 means one per core.")]


def say(words: str) -> None:
    """A line for the person, on standard error."""
    sys.stderr.write(words + "\n")


def give(plain: Any, words: str, *, as_json: bool) -> None:
    """The result, on standard output: JSON, or words."""
    sys.stdout.write(
        (json.dumps(plain, indent=2, ensure_ascii=True, default=str) if as_json else words).rstrip() + "\n"
    )


@contextmanager
def bar(*, quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar with rate and time left on standard error; a line now and then when that is no terminal."""
    if quiet or not sys.stderr.isatty():
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
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total, rate="")
            speed = progress.tasks[tasks[what]].speed
            progress.update(tasks[what], completed=done, total=total, rate=f"{speed:.1f}/s" if speed else "")

        yield show


def _lines(*, quiet: bool) -> Callable[[str, int, int], None]:
    said: dict[str, int] = {}

    def show(what: str, done: int, total: int) -> None:
        tenth = 10 * done // total if total else 10
        if not quiet and said.get(what) != tenth:
            said[what] = tenth
            say(f"{what}: {done}/{total}")

    return show


def printable(words: str) -> str:
    """Words on one line, with whatever a terminal would obey written out: names of files may hold anything.

    >>> printable("a\\nb\\x1b[31m.jpg")
    'a\\\\nb\\\\x1b[31m.jpg'
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in words
    )


def guard(run: Callable[[], None]) -> None:
    """Run the program; our errors become one clear message and the design's exit code."""
    try:
        run()
    except VeilsetError as error:
        say(f"{type(error).__name__}: {error.message}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        say("stopped; finished samples are kept, run the same command again to go on")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
