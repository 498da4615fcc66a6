"""What workers will need, begun before the verb itself is loaded."""

from veilset.engines.early import start_early

NEEDED = (
    "concurrent.futures.process",
    "jpeglib",
    "onnxruntime",
    "simplejpeg",
    "veilset.data.folder_sink",
    "veilset.detectors.face",
    "veilset.flows.step",
    "veilset.operators.united",
)
NEEDED_FOR_METADATA = (
    "concurrent.futures.process",
    "veilset.containers.jpeg_tags",
    "veilset.containers.xmp",
    "veilset.data.folder",
    "veilset.detectors.metadata",
    "veilset.flows.beside",
    "veilset.flows.look",
)


def start_workers(workers: int, needed: tuple[str, ...] = NEEDED) -> None:
    """Begin to load what every worker of an audit or a release needs, on another core; not for one worker, who is here."""
    if workers != 1:
        start_early(needed)
