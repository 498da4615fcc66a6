"""The data wing: one file per name of the table."""

from veilset.core.registry import Entry

TABLE: dict[str, Entry] = {
    "folder": Entry("veilset.data.folder:Folder", "A folder of pictures, with everything below it."),
    "frames": Entry("veilset.data.frames:Frames", "The frames of a video, for adversaries who fuse them.", "video"),
}
