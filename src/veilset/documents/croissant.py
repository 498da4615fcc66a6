"""Croissant 1.1 with the responsible-AI vocabulary and PROV: the set's description for machines, as JSON-LD."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, ClassVar

from veilset.core.manifest import Manifest
from veilset.core.measurement import titled
from veilset.documents import known, rai
from veilset.documents.croissant_lint import lint
from veilset.documents.paper import Facts, Line, Table, show

CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
_TERMS = ("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileProperty",
          "fileObject", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5",
          "parentField", "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator",
          "source", "subField", "transform")  # fmt: skip
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _TERMS},
}
_MEDIA = {
    ".avif": "image/avif", ".bmp": "image/bmp", ".csv": "text/csv", ".gif": "image/gif", ".heic": "image/heic",
    ".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".json": "application/json", ".jsonl": "application/jsonlines",
    ".parquet": "application/x-parquet", ".png": "image/png", ".tar": "application/x-tar",
    ".c2pa": "application/c2pa", ".tif": "image/tiff", ".tiff": "image/tiff", ".txt": "text/plain", ".webp": "image/webp",
}  # fmt: skip


# What the reference reader decodes; other pictures are a file set without records, since it would fail on them.
_CREDENTIALS = "application/c2pa"
_DECODED = ("image/jpeg", "image/png", "image/tiff")


def _said(body: known.Body) -> list[str]:
    """Statements and rows of tables as texts."""
    texts: list[str] = []
    for part in body:
        match part:
            case Line():
                texts.append(part.text)
            case Table():
                texts += [
                    "; ".join(f"{h}: {cell}" for h, cell in zip(part.head, row, strict=True)) for row in part.rows
                ]
    return texts


def distribution(facts: Facts) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Files and records: pictures of one folder and type are a file set with its records, other files stand alone."""
    sets: dict[tuple[str, str], dict[str, Any]] = {}
    alone, records = [], []
    for entry in facts.at("/files"):
        path = PurePosixPath(entry["name"])
        media = _MEDIA.get(path.suffix.lower(), "application/octet-stream")
        if not media.startswith("image/") and media != _CREDENTIALS:
            alone.append(_file_object(entry, media))
            continue
        key = (path.parent.as_posix(), path.suffix)
        if key not in sets:
            name = f"{key[0] if key[0] != '.' else 'root'}{path.suffix.replace('.', '-')}"
            sets[key] = {
                "@type": "cr:FileSet",
                "@id": name,
                "name": name,
                "description": (
                    "Content Credentials about the pictures of the same names."
                    if media == _CREDENTIALS
                    else "Treated pictures; the manifest holds the hash of each."
                ),
                "encodingFormat": media,
                "includes": (path.parent / f"*{path.suffix}").as_posix(),
            }
            if media in _DECODED:
                records.append(_record_set(name))
    return [*sets.values(), *alone], records


def _file_object(entry: Mapping[str, Any], media: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": entry["name"],
        "name": entry["name"],
        "contentUrl": entry["name"],
        "contentSize": f"{entry['size']} B",
        "encodingFormat": media,
        "sha256": entry["sha256"],
    }


def _record_set(files: str) -> dict[str, Any]:
    name = f"{files}/records"
    source = {"fileSet": {"@id": files}}
    content, filename = {**source, **_property("content")}, {**source, **_property("filename")}
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": "One record for each picture.",
        "field": [
            _field(f"{name}/image", "The treated picture.", "sc:ImageObject", content),
            _field(f"{name}/filename", "Its name in the release.", "sc:Text", filename),
        ],
    }


def _property(name: str) -> dict[str, Any]:
    return {"extract": {"fileProperty": name}}


def _field(key: str, description: str, kind: str, source: Mapping[str, Any]) -> dict[str, Any]:
    name = key.rsplit("/", 1)[-1]
    return {
        "@type": "cr:Field",
        "@id": key,
        "name": name,
        "description": description,
        "dataType": kind,
        "source": source,
    }


def responsible_ai(facts: Facts) -> dict[str, Any]:
    """Properties of the vocabulary: measured ones, and beside them what people answered."""
    measured: dict[str, list[str]] = {
        "dataCollectionMissingData": [" ".join(_said(known.counts(facts)))],
        "dataCollectionTimeframe": [
            show(day) for day in (facts.at("/papers/taken/first"), facts.at("/papers/taken/last")) if day
        ],
        "dataManipulationProtocol": ["\n".join(_said(known.guarantees(facts)))],
        "machineAnnotationTools": [f"{name} {version}" for name, version in sorted(facts.at("/software").items())],
        "personalSensitiveInformation": _said(known.findings(facts)),
    }
    found: dict[str, Any] = {}
    for name, many in rai.PROPERTIES.items():
        said = facts.answer("rai", name)
        texts = [*measured.get(name, ()), *(said if isinstance(said, list) else [said] if said else [])]
        texts = [str(text) for text in texts if text]
        if texts:
            found[f"rai:{name}"] = texts if many else "\n".join(texts)
    return found


def provenance(facts: Facts) -> dict[str, Any]:
    """Where the set came from and what made it, in PROV terms; one activity for each treatment."""
    agent = [
        {"@type": "prov:SoftwareAgent", "@id": f"software/{name}", "name": f"{name} {version}"}
        for name, version in sorted(facts.at("/software").items())
    ]
    activities = [
        {
            "@type": "prov:Activity",
            "@id": f"treatment/{index}/{row['finding']}",
            "name": f"{row['operator']} on {row['finding']}",
            "description": row.get("in_words", ""),
            "prov:endedAtTime": facts.at("/created"),
            "prov:used": {"@id": f"policy/{facts.at('/policy_sha256')}"},
            "prov:wasAssociatedWith": [{"@id": one["@id"]} for one in agent],
        }
        for index, row in enumerate(facts.at("/guarantees"))
        if row.get("operator") not in (None, "none")
    ]
    sources = [{"@type": "prov:Entity", "@id": url} for url in facts.answer("sources") or []]
    found = {
        "prov:wasGeneratedBy": activities,
        "prov:wasDerivedFrom": sources,
        "prov:wasAttributedTo": agent,
    }
    return {key: value for key, value in found.items() if value}


def measured_values(facts: Facts) -> list[dict[str, Any]]:
    """Each measurement as a property with value and interval, in schema.org terms."""
    return [
        {
            "@type": "sc:PropertyValue",
            "name": f"{titled(row['probe'], row.get('settings', ''))}/{row['name']}"
            + (f" ({row['group']})" if row.get("group") else ""),
            "value": row["value"],
            "minValue": row["low"],
            "maxValue": row["high"],
            "measurementTechnique": f"probe {row['probe']} of Veilset, {show(row['n'])} units, "
            f"{show(row['confidence'])} confidence, {row['better']} is better",
        }
        for row in facts.at("/measurements")
    ]


def _creator(creator: Mapping[str, Any]) -> dict[str, Any]:
    kind = "sc:Organization" if creator.get("type") == "organization" else "sc:Person"
    return {"@type": kind, "name": creator["name"], **({"url": creator["url"]} if creator.get("url") else {})}


def _usage(term: Mapping[str, Any]) -> dict[str, Any]:
    found = {"termCode": term.get("code"), "name": term.get("name"), "url": term.get("url")}
    return {"@type": "sc:DefinedTerm", **{key: value for key, value in found.items() if value}}


def describe(facts: Facts) -> dict[str, Any]:
    """The whole description; what nobody answered is left out, never made up."""
    licence = facts.answer("licence")
    files, records = distribution(facts)
    spdx = f"https://spdx.org/licenses/{licence}" if licence and not licence.startswith("LicenseRef-") else licence
    found: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": [CONFORMS_TO, rai.CONFORMS_TO],
        "name": facts.answer("name"),
        "description": facts.answer("description"),
        "url": facts.answer("url"),
        "license": spdx,
        "version": facts.answer("version"),
        "datePublished": facts.at("/created"),
        "creator": [_creator(creator) for creator in facts.answer("creators") or []],
        "publisher": {"@type": "sc:Organization", "name": p} if (p := facts.answer("publisher")) else None,
        "citeAs": facts.answer("citation"),
        "keywords": facts.answer("keywords"),
        "inLanguage": facts.answer("languages"),
        "isLiveDataset": False,
        "sdVersion": facts.at("/schema"),
        "usageInfo": [_usage(term) for term in facts.answer("usage") or []],
        "additionalProperty": measured_values(facts),
        "distribution": files,
        "recordSet": records,
        **responsible_ai(facts),
        **provenance(facts),
    }
    return {key: value for key, value in found.items() if value not in (None, "", [], {})}


@dataclass(frozen=True)
class Croissant:
    """`croissant.json` at the root of the release.

    The hash of each picture stands in the manifest: a file set has no place for them.
    """

    name: ClassVar[str] = "croissant"

    def files(self, manifest: Manifest) -> dict[str, str]:
        """The description by name relative to `public/`."""
        plain = describe(Facts.of(manifest))
        return {"croissant.json": json.dumps(plain, indent=2, ensure_ascii=False) + "\n"}

    def missing(self, manifest: Manifest) -> tuple[str, ...]:
        """What our lint, which is stricter than the reference validator, finds wrong or missing."""
        return lint(describe(Facts.of(manifest)))
