"""MP4, QuickTime and 3GP films: the picture and sound that a player shows; every other track and box goes."""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import BinaryIO

import numpy as np

from veilset.containers.allowed import is_plain
from veilset.containers.assembly import Assembly, cut_out, union
from veilset.containers.bmff import Box, Reader, boxes, build, build_full, children, full, media_data, only
from veilset.containers.contract import Facts, Fate, Keep, Listing, Rebuilt
from veilset.containers.jpeg_segments import UNSEARCHED
from veilset.containers.kept_fields import coarse, kept_fields, place_of
from veilset.containers.mp4_edits import hidden_by_edits
from veilset.containers.mp4_fragments import Part, default_sizes, read_fragment, write_extends, write_fragment
from veilset.containers.mp4_notes import Note, notes_of
from veilset.containers.mp4_samples import quiet_samples
from veilset.containers.mp4_tags import film_tags
from veilset.containers.mp4_times import stamp
from veilset.containers.mp4_tracks import Offsets, Track, check_clock, is_matrix, read_track, write_track
from veilset.containers.rights_fields import rights_packet
from veilset.core.errors import Malformed, Unsupported
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

NAME = "MP4"
formats = ("mp4",)
BRANDS = frozenset(
    [
        b"isom",
        b"mp41",
        b"mp42",
        b"avc1",
        b"qt  ",
        b"M4V ",
        b"M4A ",
        b"M4VH",
        b"M4VP",
        b"dash",
        b"cmfc",
        b"iso2",
        b"iso3",
        b"iso4",
        b"iso5",
        b"iso6",
        b"iso7",
        b"iso8",
        b"iso9",
        b"3gp4",
        b"3gp5",
        b"3gp6",
        b"3gp7",
        b"3gp8",
        b"3gp9",
        b"3g2a",
    ]
)
SIGNATURES = (
    b"x264",
    b"x265",
    b"Lavc",
    b"Lavf",
    b"HandBrake",
    b"GoPro",
    b"DJI",
    b"AVC Coding",
    b"SVT-AV1",
    b"libvpx",
    b"LAME3",
    b"XviD",
    b"DivX",
    b"FFmp",
)
SCANNED = 1 << 20
MOST_NOTES = 1 << 12
UNWALKED = "notes between the coded units of the film, which do not follow one another as they should"
# Chunks of a few bytes each would take minutes.
_FEWEST, _SMALL = 1 << 14, 256
XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
# EXIF value by the signs of a film's display matrix (a, b, c, d).
TURNS = {(1, 0, 0, 1): 1, (-1, 0, 0, 1): 2, (-1, 0, 0, -1): 3, (1, 0, 0, -1): 4, (0, 1, 1, 0): 5, (0, 1, -1, 0): 6,
         (0, -1, -1, 0): 7, (0, -1, 1, 0): 8}  # fmt: skip


class Film:
    """The boxes of a file, its tracks and its fragments."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.top = list(boxes(data, 0, len(data), NAME, tail=True))
        found: dict[bytes, list[Box]] = {}
        for box in self.top:
            found.setdefault(box.kind, []).append(box)
        self.moov = only(found, b"moov", NAME)
        self.parts = children(data, self.moov, NAME)
        if self.parts.keys() & {b"cmov", b"pssh"} or b"pssh" in found:
            raise Unsupported(f"{NAME}: a compressed or protected film header is not served; convert the film anew")
        self.tracks = [read_track(data, box) for box in self.parts.get(b"trak", [])]
        if len({track.id for track in self.tracks}) != len(self.tracks):
            raise Malformed(f"{NAME}: two tracks share a number")
        self.kept = shown(self.tracks)
        if sum(len(track.chunks) for track in self.kept) > _FEWEST + len(data) // _SMALL:
            raise Malformed(f"{NAME}: chunks of a few bytes each; no camera writes that")
        sizes = default_sizes(data, self.parts)
        self.fragments = [(box, read_fragment(data, box, sizes)) for box in found.get(b"moof", [])]


def shown(tracks: list[Track]) -> list[Track]:
    """What a player shows by itself: the first enabled picture track, and every enabled sound track."""
    pictures = [track for track in tracks if track.handler == b"vide"]
    sounds = [track for track in tracks if track.handler == b"soun"]
    chosen = ([t for t in pictures if t.enabled] or pictures)[:1] + ([t for t in sounds if t.enabled] or sounds)
    if not chosen:
        raise Unsupported(f"{NAME}: holds neither picture nor sound")
    return chosen


def inspect(data: memoryview) -> Listing:
    """List the film: its boxes, tracks, times and places.

    Raises:
        Malformed: Boxes or sample tables contradict each other.
        Unsupported: Encrypted films, codecs that are not known.
    """
    film = Film(data)
    plan = _assemble(film, Keep(), b"", b"")
    return Listing(_facts(film), tuple(_tags(film)), plan.ledger())


def _tags(film: Film) -> Iterator[TagValue]:
    tracks = [(track, any(track is kept for kept in film.kept)) for track in film.tracks]
    yield from film_tags(film.data, film.top, film.parts, tracks, film.fragments)
    notes = _notes(film)[0]
    if notes:
        said = b"".join(bytes(film.data[low:high]) for low, high, _ in notes[:MOST_NOTES])[:SCANNED]
        yield TagValue("mp4/notes", said, Risk.CONTENT, sum(high - low for low, high, _ in notes))


def rebuild(data: memoryview, out: BinaryIO, keep: Keep) -> Rebuilt:
    """Write the film anew, header first.

    **Guarantee**
    - Samples of the kept tracks are copied untouched and in order; sizes, times, edit lists and rotation stay.
    - No user data, metadata, telemetry, text, chapter or timecode track, handler name, creation time, unknown box or
      byte between the samples goes out.
    - Memory does not grow with the samples: they are copied in steps.
    - Of what `keep` names: the place on its grid goes into a `©xyz` box whatever named it, copyright into a `cprt` box,
      rights and exposure into a packet of XMP; creation times into their own fields.
    """
    film = Film(data)
    user = packet = b""
    if not is_plain(keep):
        user, packet = _allowed(list(_tags(film)), keep)
    return _assemble(film, keep, user, packet).finish(out)


def _allowed(tags: list[TagValue], keep: Keep) -> tuple[bytes, bytes]:
    """The user data box and the box of XMP with what may stay; empty where nothing does."""
    place, inside = place_of(tags), []
    # Such a place has a box of its own, and the dates have their fields.
    fields = kept_fields(tags, replace(keep, gps_grid=None if place else keep.gps_grid, dates="drop"))
    if keep.gps_grid is not None and place is not None:
        latitude, longitude = coarse(place, keep.gps_grid)
        words = f"{latitude:+08.4f}{longitude:+09.4f}/".encode()
        inside.append(build(b"\xa9xyz", struct.pack(">HH", len(words), 0x15C7), words))
    if "dc:rights" in fields:
        inside.append(build_full(b"cprt", 0, 0, b"\x55\xc4", fields["dc:rights"][0].encode(), b"\0"))
    packet = rights_packet(fields)
    return build(b"udta", *inside) if inside else b"", build(b"uuid", XMP_UUID, packet) if packet else b""


def _facts(film: Film) -> Facts:
    track = film.kept[0]
    frames = track.samples + sum(
        run.samples for _, parts in film.fragments for part in parts if part.track == track.id for run in part.runs
    )
    matrix = track.matrix
    a, b, c, d = (int(np.sign(matrix[i])) for i in (0, 1, 3, 4))
    return Facts("mp4", track.width, track.height, TURNS.get((a, b, c, d), 1), max(frames, 1), 8, 3, "ycc")


def _assemble(film: Film, keep: Keep, user: bytes, packet: bytes) -> Assembly:
    data, plan = film.data, Assembly(film.data, NAME)
    spans = union(map(tuple, np.concatenate([track.chunks for track in film.kept]).tolist()))
    notes, walked = _notes(film)
    total = sum(stop - start for start, stop in spans)
    wide = total + len(data) - sum(box.stop - box.body for box in film.top if box.kind == b"mdat") >= 1 << 32
    plan.write(_brands(data, film.top))
    header = _header(film, keep, spans, 0, wide, user)
    first = plan.size + len(header) + len(packet) + len(media_data(total))
    plan.write(_header(film, keep, spans, first, wide, user) + packet)
    if spans:
        plan.write(media_data(total))
    for start, stop in spans:
        _copy(plan, start, stop, notes)
    kept = {track.id for track in film.kept}
    every = list(spans)
    for box, parts in film.fragments:
        every += _fragment(plan, box, [part for part in parts if part.track in kept], notes)
    merged = union(every)
    _fence(film, kept, merged)
    _claim(plan, film, merged, notes)
    _residue(plan, film, [piece for span in merged for piece in cut_out(span, _inside(notes, *span))])
    plan.residue.append(UNSEARCHED if walked else UNWALKED)
    return plan


def _notes(film: Film) -> tuple[list[Note], bool]:
    """What is to be overwritten in the samples, in their order; and whether every unit was walked."""
    found: list[Note] = []
    whole = True
    for track in film.kept:
        spans = [(start, stop) for start, stop in track.chunks.tolist() if stop > start]
        parts = (part for _, listed in film.fragments for part in listed if part.track == track.id)
        runs = [run for part in parts for run in part.runs]
        found += quiet_samples(film.data, track, runs)
        if track.handler == b"vide":
            # Chunk by chunk: which of them are neighbours is not the same in the file that is written.
            each = sorted({*spans, *((run.start, run.stop) for run in runs)})
            notes, walked = notes_of(film.data, track, each)
            found, whole = found + notes, whole and walked
    return sorted(found), whole


def _copy(plan: Assembly, start: int, stop: int, notes: list[Note]) -> None:
    """Copy a stretch of samples, with silence where it holds notes."""
    at = start
    for low, high, quiet in notes[bisect_left(notes, (start,)) :]:
        if low >= stop:
            break
        plan.copy(at, low)
        plan.write(quiet)
        at = high
    plan.copy(at, stop)


def _brands(data: memoryview, top: list[Box]) -> bytes:
    for box in top:
        if box.kind == b"ftyp":
            reader = Reader(data, box.body, box.stop, NAME)
            major = reader.take(4)
            reader.take(4)
            listed = [reader.take(4) for _ in range(reader.left // 4)]
            fallback = b"qt  " if b"qt  " in listed else b"isom"
            others = list(dict.fromkeys(brand for brand in listed if brand in BRANDS)) or [fallback]
            return build(b"ftyp", major if major in BRANDS else fallback, bytes(4), *others)
    return b""


def _header(film: Film, keep: Keep, spans: list[tuple[int, int]], first: int, wide: bool, user: bytes) -> bytes:
    """The moov box for samples that begin at `first`, in the order of `spans`."""
    data = film.data
    head = movie_header(data, film.parts, keep)
    tracks = [write_track(data, track, keep, moved(track.chunks, spans, first), wide) for track in film.kept]
    return build(b"moov", head, *tracks, write_extends(data, film.parts, {track.id for track in film.kept}), user)


def movie_header(data: memoryview, parts: dict[bytes, list[Box]], keep: Keep) -> bytes:
    """The mvhd box: clock, rate, volume and matrix."""
    version, _, reader = full(data, only(parts, b"mvhd", NAME), NAME)
    size = 8 if version else 4
    times = b"".join(stamp(reader.take(size), keep) for _ in range(2))
    clock = reader.take(4 + size)
    check_clock(clock)
    reader.take(16)
    matrix = reader.take(36)
    reader.take(24)
    # Films run at their own speed and volume; a turn that cannot be is none.
    plain = matrix if is_matrix(matrix) else struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
    pace = struct.pack(">IH", 65536, 256) + bytes(10)
    return build_full(b"mvhd", version, 0, times, clock, pace, plain, bytes(24), reader.take(4))


def moved(chunks: Offsets, spans: list[tuple[int, int]], first: int) -> Offsets:
    """Where chunks begin once `spans` stand one after the other from `first` on.

    >>> moved(np.array([[10, 20], [50, 60]]), [(10, 20), (50, 60)], 100).tolist()
    [100, 110]
    """
    if not len(chunks):
        return np.zeros(0, dtype=np.int64)
    starts = np.array([start for start, _ in spans] or [0], dtype=np.int64)
    lengths = np.array([stop - start for start, stop in spans] or [0], dtype=np.int64)
    places = first + np.cumsum(lengths) - lengths
    index = np.clip(np.searchsorted(starts, chunks[:, 0], side="right") - 1, 0, None)
    # An empty chunk has no bytes, so it may point anywhere inside.
    new: Offsets = places[index] + np.clip(chunks[:, 0] - starts[index], 0, lengths[index])
    return new


def _fragment(plan: Assembly, box: Box, parts: list[Part], notes: list[Note]) -> list[tuple[int, int]]:
    """Write one moof with its samples behind it; gives the stretches that it used."""
    if not parts:
        return []
    spans = union((run.start, run.stop) for part in parts for run in part.runs)
    starts = [start for start, _ in spans]
    before = [0]
    for start, stop in spans:
        before.append(before[-1] + stop - start)
    places: dict[int, int] = {}
    for run in (run for part in parts for run in part.runs):
        index = max(bisect_right(starts, run.start) - 1, 0)
        places[run.start] = before[index] + run.start - starts[index] if starts and run.stop > run.start else 0
    length = len(write_fragment(plan.data, box, parts, places)) + len(media_data(before[-1]))
    plan.write(write_fragment(plan.data, box, parts, {old: new + length for old, new in places.items()}))
    plan.write(media_data(before[-1]))
    for start, stop in spans:
        _copy(plan, start, stop, notes)
    return spans


def _fence(film: Film, kept: set[int], merged: list[tuple[int, int]]) -> None:
    """Kept samples lie in data boxes and share no byte with a track that goes: else it would go out inside them."""
    homes = union((box.body, box.stop) for box in film.top if box.kind == b"mdat")
    if _first_outside(merged, homes):
        raise Malformed(f"{NAME}: samples lie outside the boxes for them")
    others = [span for track in film.tracks if track.id not in kept for span in track.chunks.tolist()]
    others += [
        (run.start, run.stop) for _, parts in film.fragments for p in parts if p.track not in kept for run in p.runs
    ]
    starts = [start for start, _ in merged]
    for start, stop in others:
        index = bisect_right(starts, start) - 1
        behind = index + 1 < len(merged) and merged[index + 1][0] < stop
        if stop > start and (behind or (index >= 0 and merged[index][1] > start)):
            raise Malformed(f"{NAME}: two tracks share samples, of which one has to go")


def _first_outside(spans: Iterable[tuple[int, int]], homes: list[tuple[int, int]]) -> bool:
    starts = [start for start, _ in homes]
    for start, stop in spans:
        index = bisect_right(starts, start) - 1
        if index < 0 or homes[index][1] < stop:
            return True
    return False


def _inside(notes: list[Note], start: int, stop: int) -> list[tuple[int, int]]:
    """Where notes stand in a stretch."""
    return [(low, high) for low, high, _ in notes[bisect_left(notes, (start,)) : bisect_left(notes, (stop,))]]


def _claim(plan: Assembly, film: Film, merged: list[tuple[int, int]], notes: list[Note]) -> None:
    for low, high, _ in notes:
        plan.claim(low, high, Fate.REWRITTEN, "notes between coded units")
    for start, stop in merged:
        for low, high in cut_out((start, stop), _inside(notes, start, stop)):
            plan.claim(low, high, Fate.KEPT, "samples")
    at = 0
    for box in film.top:
        while at < len(merged) and merged[at][1] <= box.start:
            at += 1
        last = at
        while last < len(merged) and merged[last][0] < box.stop:
            last += 1
        rewritten = box.kind in (b"ftyp", b"moov", b"moof")
        for start, stop in cut_out((box.start, box.stop), merged[at:last]):
            plan.claim(start, stop, Fate.REWRITTEN if rewritten else Fate.DROPPED, f"{box.word} box")


def _residue(plan: Assembly, film: Film, merged: list[tuple[int, int]]) -> None:
    room = SCANNED
    for start, stop in merged:
        piece = bytes(plan.data[start : min(stop, start + room)])
        if any(word in piece for word in SIGNATURES):
            plan.residue.append("encoder's name inside the coded film")
            break
        room -= len(piece)
        if room <= 0:
            break
    hidden = [hidden_by_edits(plan.data, track, film.parts.get(b"mvhd", [])) for track in film.kept]
    if any(frames or seconds for frames, seconds in hidden):
        plan.residue.append("frames that an edit list hides")
