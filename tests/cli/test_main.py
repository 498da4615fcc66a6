"""The program: exit codes, data on standard output, talk on standard error, help everywhere, and a quick start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from veilset.cli.main import VERBS, program
from veilset.cli.talk import bar, guard
from veilset.core.errors import BrokenContract
from veilset.testing.drawn import drawn_folder

POLICY = """
version: 1
find: [metadata]
treat:
  metadata: strip
  hidden_image: strip
  "*": refuse
"""


def veilset(*words: object, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "veilset", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    drawn_folder(folder, 4, seed=5)
    return folder


def test_audit_release_verify_as_json(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    audited = veilset("audit", photos, "-f", "metadata", "--json", "-j", 1)
    assert audited.returncode == 0, audited.stderr
    assert json.loads(audited.stdout)["samples"] == 4
    released = veilset("release", photos, "-o", tmp_path / "out", "-p", tmp_path / "policy.yaml", "--json", "-j", 2)
    assert released.returncode == 0, released.stderr
    assert json.loads(released.stdout)["counts"] == {"read": 4, "released": 4, "dropped": 0, "quarantined": 0}
    verified = veilset("verify", tmp_path / "out", "--json")
    assert json.loads(verified.stdout)["verified"] is True
    victim = next((tmp_path / "out/public/samples").rglob("*.*"))
    victim.write_bytes(b"x")
    broken = veilset("verify", tmp_path / "out")
    assert broken.returncode == 1
    assert victim.name in broken.stderr
    assert broken.stdout == ""


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["audit", "nowhere", "--json"], 3, "nowhere"),
        (["release", "nowhere", "-o", "out", "-p", "share-foto"], 2, "Did you mean share-photo"),
        (["explain", "nope.yaml"], 2, "nope.yaml"),
        (["show", "maks"], 2, "did you mean mask"),
        (["list", "wizards"], 2, "wizards"),
        (["verify", "."], 2, "manifest.json"),
        (["weights", "path", "nothing"], 2, "nothing"),
        (["frobnicate"], 2, "frobnicate"),
    ],
)
def test_wrong_words_have_their_exit_code(words: list[str], code: int, said: str, tmp_path: Path) -> None:
    done = veilset(*words, cwd=tmp_path)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "verb",
    [
        [],
        ["audit"],
        ["release"],
        ["verify"],
        ["explain"],
        ["list"],
        ["show"],
        ["doctor"],
        ["weights"],
        ["weights", "pull"],
    ],
)
def test_every_verb_has_help(verb: list[str]) -> None:
    for flag in ("-h", "--help"):
        done = veilset(*verb, flag)
        assert done.returncode == 0
        assert "Usage" in done.stdout


def test_list_show_explain_and_doctor() -> None:
    assert "mask" in json.loads(veilset("list", "--json").stdout)["operators"]
    shown = veilset("show", "mask")
    assert "Guarantee" in shown.stdout
    assert "default" in shown.stdout
    assert "version: 1" in veilset("show", "share-photo").stdout
    assert "leans on" in veilset("explain", "share-photo").stdout
    assert json.loads(veilset("doctor", "--json").stdout)["problems"] == []


def test_help_is_quick_and_needs_nothing_heavy() -> None:
    code = (
        "import sys, veilset, veilset.cli.main; veilset.cli.main.program();"
        "heavy = {'numpy', 'cv2', 'torch', 'onnxruntime', 'PIL', 'pyarrow', 'scipy', 'pydantic'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # Processor time: the clock of a busy machine says nothing about the program.
    before = os.times()
    for _ in range(5):
        veilset("--help")
    after = os.times()
    assert (after.children_user + after.children_system - before.children_user - before.children_system) / 5 < 0.5


def test_a_verb_alone_is_described_as_in_the_whole_program() -> None:
    whole = typer.main.get_command(program())
    assert set(VERBS) < set(whole.commands)
    for verb in ("audit", "clean", "list"):
        alone = typer.main.get_command(program(verb))
        assert list(alone.commands) == [verb]
        said = [[(one.name, one.opts, one.help) for one in group.commands[verb].params] for group in (whole, alone)]
        assert said[0] == said[1]
    for word in ("weights", "--version", "audt", ""):
        assert set(typer.main.get_command(program(word)).commands) == set(whole.commands)


def test_a_verb_written_wrongly_is_answered_with_the_right_one() -> None:
    done = veilset("audt", "photos")
    assert done.returncode == 2
    assert "audit" in done.stderr


def test_every_verb_gives_json() -> None:
    app = typer.main.get_command(program())
    commands = [(name, one) for name, one in app.commands.items() if not hasattr(one, "commands")]  # type: ignore[attr-defined]
    commands += [
        (f"{group} {name}", one)
        for group, many in app.commands.items()  # type: ignore[attr-defined]
        for name, one in getattr(many, "commands", {}).items()
    ]
    assert len(commands) >= 20
    without = [name for name, one in commands if not any("--json" in param.opts for param in one.params)]
    assert without == []
    assert "datasheet" in json.loads(veilset("questions", "--json").stdout)["text"]


def test_no_file_name_speaks_to_the_terminal_or_stops_the_program(tmp_path: Path) -> None:
    """Under a locale as most people have it, where what is no UTF-8 cannot be printed."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in (b"caf\xe9.jpg", b"a\x1b[2J\nReleased.jpg"):
        Path(os.fsdecode(os.fsencode(photos) + b"/" + name)).write_bytes(b"no picture")
    for coding in ("utf-8:strict", "ascii:strict"):
        done = veilset(
            "audit", photos, "-f", "metadata", "-o", tmp_path / f"report-{coding}", "-j", 1,
            env={**os.environ, "PYTHONIOENCODING": coding},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert r"caf\udce9.jpg" in done.stdout
        assert r"a\x1b[2J\nReleased.jpg" in done.stdout
        assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize(("stream", "codes"), [("stdout", (0, 2, 141)), ("stderr", (0, 0, 0))])
def test_streams_that_are_closed_or_full_or_that_nobody_reads(
    stream: str, codes: tuple[int, int, int], photos: Path, tmp_path: Path
) -> None:
    """Who reads no further ends the program; talk that nobody hears stops no work."""
    command = [sys.executable, "-m", "veilset", "audit", str(photos), "-f", "metadata", "-j", "1", "-o"]
    reader, unread = os.pipe()
    os.close(reader)
    number = {"stdout": 1, "stderr": 2}[stream]
    with Path("/dev/full").open("wb") as full:
        for place, (where, code) in enumerate(zip((None, full, unread), codes, strict=True)):
            streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            close = ["bash", "-c", f'exec "$@" {number}>&-', "-"] if where is None else []
            done = subprocess.run(
                [*close, *command, str(tmp_path / str(place))],
                check=False,
                **{**streams, **({} if where is None else {stream: where})},  # type: ignore[arg-type]
            )
            assert done.returncode == code, (place, done.stderr)
            assert b"Traceback" not in (done.stderr or b"")
            assert (tmp_path / str(place) / "report.html").exists()
    os.close(unread)


def test_what_nobody_foresaw_is_a_fault_and_no_refusal(capsys: pytest.CaptureFixture[str]) -> None:
    def surprise() -> None:
        raise ZeroDivisionError("of a plug-in")

    with pytest.raises(SystemExit) as ended:
        guard(surprise)
    assert ended.value.code == 70
    assert "of a plug-in" in capsys.readouterr().err


@pytest.mark.parametrize("made", [None, ImportError("initialization failed"), BrokenContract("detector face failed")])
def test_foreign_code_that_loses_a_wish_to_stop_does_not_lose_it(made: Exception | None, capsys) -> None:
    def loses_it() -> None:
        with bar() as progress:
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                if made:
                    raise made from None
            progress("treating", 1, 2)
            raise AssertionError("it went on")

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(SystemExit) as end:
        guard(loses_it)
    assert end.value.code == 130
    assert "run the same command again" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(SystemExit) as after:  # what was asked of one run is not asked of the next
        guard(lambda: sys.exit(0))
    assert after.value.code == 0


def test_who_stops_a_run_is_told_how_it_goes_on(photos: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "veilset", "release", str(photos), "-o", str(tmp_path / "out"), "-j", "1"],
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "out/private/lock").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "run the same command again" in said
    assert "Traceback" not in said
