"""DICOM objects that hold no picture: plans, contours, presentations, curves and reports are served, others say why not."""

from __future__ import annotations

from typing import Any

from veilset.core.errors import Unsupported

NAME = "DICOM"
_CLASS = "1.2.840.10008.5.1.4.1.1."
# Contours, plans and records of radiotherapy; presentation states; registrations; curves. All of what they are made of
# are numbers, codes and references.
SERVED = (
    *(f"{_CLASS}481.{number}" for number in (3, 4, 5, 6, 7, 8, 9)),
    *(f"{_CLASS}11.{number}" for number in range(1, 9)),
    f"{_CLASS}66.1",
    "1.2.840.10008.5.1.4.39.1",
)
WAVEFORMS = f"{_CLASS}9."
REPORTS = f"{_CLASS}88."
DOCUMENTS = f"{_CLASS}104."
DIRECTORY = "1.2.840.10008.1.3.10"


def kind_of(header: Any) -> str:
    """The identifier of what a file is: an image of a kind, a report, a plan, ..."""
    return str(header.get("SOPClassUID", "") or header.file_meta.get("MediaStorageSOPClassUID", "")).strip(" \0")


def check_kind(header: Any, *, structured: bool) -> None:
    """Raise unless a file without a picture is of a kind that is served; of a report, the basic profile leaves nothing.

    Raises:
        Unsupported: It is not; the message says what to do.
    """
    kind = kind_of(header)
    if "DirectoryRecordSequence" in header or kind == DIRECTORY:
        raise Unsupported(
            f"{NAME}: a directory of files (DICOMDIR), which names their patients; it holds no picture. "
            "Clean the files, and have a new directory made of those."
        )
    if "EncapsulatedDocument" in header or kind.startswith(DOCUMENTS):
        raise Unsupported(f"{NAME}: holds a document and no picture; take it out, and clean it as a file of its own.")
    if is_report(header) and not structured:
        raise Unsupported(
            f"{NAME}: a report and no picture; the basic profile takes all that it says away. "
            "Keep its codes and numbers with --dicom structured, or leave it out."
        )
    if kind not in SERVED and not kind.startswith((WAVEFORMS, REPORTS)):
        raise Unsupported(f"{NAME}: holds no picture, and is of a kind that is not served; leave it out.")


def is_report(header: Any) -> bool:
    """Whether it is a structured report."""
    return kind_of(header).startswith(REPORTS)
