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


def start_workers(workers: int) -> None:
    """Begin to load what every worker of an audit or a release needs, on another core; not for one worker, who is here."""
    if workers != 1:
        start_early(NEEDED)
