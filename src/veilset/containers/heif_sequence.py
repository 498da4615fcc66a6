"""Animated AVIF and HEIF: a still picture and a track of pictures that share one box of data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from veilset.containers import heif_choice
from veilset.containers.allowed import Allowed, allowed, is_plain
from veilset.containers.assembly import Assembly, cut_out, union
from veilset.containers.bmff import Box, Reader, build, children, media_data
from veilset.containers.contract import Facts, Keep
from veilset.containers.heif_items import Item, Meta, write_meta
from veilset.containers.heif_tags import meta_tags
from veilset.containers.mp4 import moved, movie_header
from veilset.containers.mp4_tags import film_tags
from veilset.containers.mp4_tracks import Track, read_track, write_track
from veilset.core.errors import Malformed, Unsupported
from veilset.core.sample import TagValue

NAME = "HEIF"


class Sequence:
    """The tracks of a file beside its items."""

    def __init__(self, data: memoryview, top: list[Box], meta: Meta) -> None:
        films = [box for box in top if box.kind == b"moov"]
        if len(films) != 1 or any(box.kind == b"moof" for box in top):
            raise Unsupported(f"{NAME}: picture sequences in several parts are not served; export the frames")
        self.data, self.top, self.meta = data, top, meta
        self.parts = children(data, films[0], NAME)
        self.tracks = [read_track(data, box) for box in self.parts.get(b"trak", [])]
        pictures = [track for track in self.tracks if track.handler == b"pict"]
        chosen = ([track for track in pictures if track.enabled] or pictures)[:1]
        if not chosen:
            raise Unsupported(f"{NAME}: a film inside a picture is not served; export the frames")
        alphas = [track for track in self.tracks if track.handler == b"auxv" and chosen[0].id in _targets(data, track)]
        self.kept = chosen + alphas[:1]

    def facts(self, still: Facts) -> Facts:
        """The still picture's facts, with the number of frames."""
        return replace(still, frames=max(self.kept[0].samples, 1))

    def tags(self) -> list[TagValue]:
        """Tags of the items and of the tracks."""
        rest = [box for box in self.top if box.kind != b"moov"]
        wanted = heif_choice.wanted_items(self.data, self.meta)
        listed = [(track, any(track is kept for kept in self.kept)) for track in self.tracks]
        return [*meta_tags(self.data, rest, self.meta, wanted), *film_tags(self.data, [], self.parts, listed, [])]

    def assemble(self, keep: Keep) -> Assembly:
        """The file anew: brands, items, tracks, data."""
        data, meta, plan = self.data, self.meta, Assembly(self.data, NAME)
        wanted = heif_choice.wanted_items(data, meta)
        if any(len(item.extents) != 1 for item in wanted.values()):
            raise Unsupported(f"{NAME}: a sequence whose still picture lies in pieces is not served")
        chunks = [tuple(span) for track in self.kept for span in track.chunks.tolist()]
        spans = union([item.extents[0] for item in wanted.values()] + chunks)
        self._fence(wanted, spans)
        properties, chosen = heif_choice.used_properties(data, meta, wanted, keep)
        links = heif_choice.kept_references(meta, wanted)
        brands = heif_choice.brands(data, self.top[0])
        total = sum(stop - start for start, stop in spans)

        def header(first: int) -> bytes:
            starts = np.array([item.extents[0] for item in wanted.values()])
            new = moved(starts, spans, first).tolist()
            lengths = [stop - start for start, stop in starts.tolist()]
            places = dict(zip(wanted, zip(new, lengths, strict=True), strict=True))
            tracks = [write_track(data, track, keep, moved(track.chunks, spans, first), False) for track in self.kept]
            film = build(b"moov", movie_header(data, self.parts, keep), *tracks)
            return brands + write_meta(chosen, meta.primary, properties, links, places) + film + media_data(total)

        if total + len(header(0)) >= 1 << 32:
            raise Unsupported(f"{NAME}: larger than 4 GB")
        plan.write(header(len(header(0))))
        for start, stop in spans:
            plan.copy(start, stop)
        heif_choice.claim(plan, self.top, (b"ftyp", b"meta", b"moov"), spans)
        what = Allowed() if is_plain(keep) else allowed(self.tags(), 1, keep)
        if what.exif or what.xmp:
            plan.residue.append("an animated HEIF has no place here for what was to be kept; it went too")
        if heif_choice.holds_others(meta, wanted):
            plan.residue.append(heif_choice.OTHERS)
        return plan

    def _fence(self, wanted: dict[int, Item], spans: list[tuple[int, int]]) -> None:
        heif_choice.fence(self.top, self.meta, wanted, spans)
        dropped = (track for track in self.tracks if not any(track is kept for kept in self.kept))
        for span in (tuple(span) for track in dropped for span in track.chunks.tolist()):
            if span[1] > span[0] and cut_out((span[0], span[1]), spans) != [span]:
                raise Malformed(f"{NAME}: two tracks share samples, of which one has to go")


def _targets(data: memoryview, track: Track) -> list[int]:
    """The tracks that an auxiliary one belongs to."""
    found = []
    for box in children(data, track.box, NAME).get(b"tref", []):
        for link in children(data, box, NAME).get(b"auxl", []):
            reader = Reader(data, link.body, link.stop, NAME)
            found += [reader.u(4) for _ in range(reader.left // 4)]
    return found
