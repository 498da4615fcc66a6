"""A lint for Croissant that is stricter than the reference validator, which lets most omissions and nonsense pass."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from typing import Any

from veilset.documents.rai import CONFORMS_TO, PROPERTIES
from veilset.records.licences import known

REQUIRED = ("@context", "@type", "conformsTo", "description", "license", "name", "url", "creator", "datePublished")
_SPDX = re.compile(r"(?:https://spdx\.org/licenses/)?(?P<name>[A-Za-z0-9.-]+?)(?:\.html)?")
_SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")


def lint(plain: Mapping[str, Any]) -> tuple[str, ...]:
    """Everything wrong with a description, each in words; empty when nothing is."""
    return (
        *_properties(plain),
        *_licence(plain.get("license")),
        *_responsible_ai(plain),
        *_files(plain),
        *_references(plain),
    )


def _properties(plain: Mapping[str, Any]) -> Iterator[str]:
    for name in REQUIRED:
        if not plain.get(name):
            yield f"{name} is required"
    if plain.get("@type") not in (None, "sc:Dataset", "Dataset", "https://schema.org/Dataset"):
        yield "@type must be sc:Dataset"
    conforms = _many(plain.get("conformsTo"))
    if not any(re.fullmatch(r"http://mlcommons\.org/croissant/1\.[01]", str(one)) for one in conforms):
        yield "conformsTo must name a version of Croissant"
    context = plain.get("@context")
    if isinstance(context, Mapping) and str(context.get("sc", "https://schema.org/")) != "https://schema.org/":
        yield "@context must write the schema.org prefix with https"
    if plain.get("version") and not _SEMVER.fullmatch(str(plain["version"])):
        yield "version must be major.minor.patch"
    for name in ("datePublished", "dateCreated", "dateModified"):
        if plain.get(name) and _date(plain[name]) is None:
            yield f"{name} must be a date"
    for name in ("url", "sameAs"):
        if any(not re.match(r"https?://[^\s/]+", str(one)) for one in _many(plain.get(name))):
            yield f"{name} must be an absolute URL"
    if any(not isinstance(one, Mapping) or not one.get("name") for one in _many(plain.get("creator"))):
        yield "every creator must have a name"


def _licence(licence: Any) -> Iterator[str]:
    for one in _many(licence):
        match = _SPDX.fullmatch(str(one))
        name = match["name"] if match else ""
        if name not in known() and not re.fullmatch(r"LicenseRef-[A-Za-z0-9.-]+", name):
            yield f"license {one!r} is not an SPDX identifier that is known here"


def _responsible_ai(plain: Mapping[str, Any]) -> Iterator[str]:
    names = [name.removeprefix("rai:") for name in plain if name.startswith("rai:")]
    if names and CONFORMS_TO not in _many(plain.get("conformsTo")):
        yield f"conformsTo must name {CONFORMS_TO}, since properties of it are used"
    for name in names:
        value = plain[f"rai:{name}"]
        if name not in PROPERTIES:
            yield f"rai:{name} is not a property of the vocabulary"
        elif not PROPERTIES[name] and isinstance(value, list):
            yield f"rai:{name} may stand only once"
        elif any(not isinstance(one, str) or not one.strip() for one in _many(value)):
            yield f"rai:{name} must be text"
    times = [_date(one) for one in _many(plain.get("rai:dataCollectionTimeframe"))]
    days = [day for day in times if day]
    if len(days) != len(times) or len(times) > 2 or days != sorted(days):
        yield "rai:dataCollectionTimeframe must be one or two dates, the first not after the second"


def _files(plain: Mapping[str, Any]) -> Iterator[str]:
    if not plain.get("distribution"):
        yield "distribution is empty: there is nothing to load"
    for one in _many(plain.get("distribution")):
        name, kind = one.get("@id", "a file without @id"), str(one.get("@type", ""))
        if kind.endswith("FileObject"):
            needed: tuple[str, ...] = ("@id", "name", "contentUrl", "contentSize", "encodingFormat", "sha256")
            if one.get("sha256") and not re.fullmatch(r"[0-9a-f]{64}", str(one["sha256"])):
                yield f"{name}: sha256 must be lower-case hex of its full length"
        elif kind.endswith("FileSet"):
            needed = ("@id", "name", "encodingFormat", "includes")
        else:
            yield f"{name}: @type must be cr:FileObject or cr:FileSet"
            continue
        yield from (f"{name}: {key} is required" for key in needed if not one.get(key))


def _references(plain: Mapping[str, Any]) -> Iterator[str]:
    nodes = [*_many(plain.get("distribution")), *_many(plain.get("recordSet"))]
    fields = [field for node in nodes for field in _many(node.get("field"))]
    ids = [node.get("@id") for node in (*nodes, *fields)]
    for repeated in sorted({str(one) for one in ids if one and ids.count(one) > 1}):
        yield f"@id {repeated} is used more than once"
    for field in fields:
        if not field.get("dataType"):
            yield f"{field.get('@id')}: dataType is required"
        source = field.get("source") or {}
        for key in ("fileObject", "fileSet", "recordSet", "field"):
            wanted = source.get(key)
            if wanted and wanted.get("@id") not in ids:
                yield f"{field.get('@id')}: its source {wanted.get('@id')!r} is not in the description"


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _date(value: Any) -> dt.date | None:
    try:
        return dt.datetime.fromisoformat(str(value)).date()
    except ValueError:
        return None
