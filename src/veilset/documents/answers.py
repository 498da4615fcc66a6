"""`dataset.yaml`: what only people can answer. Read once, checked as a whole, and kept in the manifest."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from veilset.core.errors import PolicyError, Unreadable
from veilset.documents.checklists import DPIA, ETHICS
from veilset.documents.questions import QUESTIONS
from veilset.documents.rai import PROPERTIES
from veilset.records.licences import identify

# Top-level keys: name to the type of its value, and what it is for.
KEYS: dict[str, tuple[type, str]] = {
    "name": (str, "name of the set, letters, digits, hyphens"),
    "description": (str, "one paragraph"),
    "url": (str, "home page"),
    "version": (str, "major.minor.patch"),
    "licence": (str, "SPDX identifier of the release's own licence"),
    "creators": (list, "list of {name, type: person or organization, url}"),
    "publisher": (str, "who publishes it"),
    "citation": (str, "how to cite it"),
    "contact": (str, "whom people write to about themselves"),
    "keywords": (list, "list of words"),
    "languages": (list, "BCP 47 tags of texts in the pictures"),
    "tasks": (list, "task categories of the Hugging Face Hub"),
    "sources": (list, "URLs of the sets it is made from"),
    "access_terms": (str, "what a recipient has to agree to before the download"),
    "usage": (list, "list of {code, name, url} of terms of use, such as those of the Data Use Ontology"),
    "datasheet": (dict, "question to answer"),
    "ethics": (dict, "item to {decision, by, date, reason}"),
    "dpia": (dict, "item to answer"),
    "rai": (dict, "property of the responsible-AI vocabulary to a text or a list of texts"),
}
DECISIONS = ("accepted", "rejected", "not applicable")


def read_answers(path: Path) -> dict[str, Any]:
    """The answers in a `dataset.yaml`, as JSON-ready values.

    Raises:
        Unreadable: The file cannot be opened.
        PolicyError: Not YAML, or it holds keys or values that it cannot have; every problem is listed.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        loaded = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Unreadable(f"{path}: the answers cannot be read ({error.strerror})") from error
    except (YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise PolicyError(f"{path} is not YAML: {error}") from error
    plain = _plain(loaded if loaded is not None else {})
    wrong = problems(plain)
    if wrong:
        raise PolicyError("\n".join([f"{path} cannot be used:", *(f"  - {problem}" for problem in wrong)]))
    return {key: value for key, value in plain.items() if value not in (None, "", [], {})}


def problems(plain: object) -> tuple[str, ...]:
    """Everything that is wrong with a set of answers, in words."""
    if not isinstance(plain, dict):
        return ("it must be a mapping of keys to answers",)
    found = list(_unknown(plain, KEYS, "key"))
    for key, value in plain.items():
        if key in KEYS and value is not None and not isinstance(value, KEYS[key][0]):
            found.append(f"{key} must be a {KEYS[key][0].__name__}: {KEYS[key][1]}")
    if found:
        return tuple(found)
    found += _unknown(plain.get("datasheet") or {}, [q.key for q in QUESTIONS], "question of the datasheet")
    found += _unknown(plain.get("dpia") or {}, [item.key for item in DPIA], "item of the assessment")
    found += _unknown(plain.get("rai") or {}, PROPERTIES, "property of the responsible-AI vocabulary")
    found += _ethics(plain.get("ethics") or {})
    found += _creators(plain.get("creators") or [])
    if plain.get("licence") and identify(plain["licence"]) != plain["licence"]:
        found.append("licence must be an SPDX identifier such as CC-BY-4.0, or LicenseRef-name")
    return tuple(found)


def _unknown(given: Iterable[str], known: Iterable[str], what: str) -> Iterable[str]:
    names = sorted(known)
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(str(name), names, n=1)
            yield f"there is no {what} {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")


def _ethics(decisions: Mapping[str, Any]) -> Iterable[str]:
    yield from _unknown(decisions, [item.key for item in ETHICS], "item of the ethics review")
    for key, decision in decisions.items():
        needed = {"decision", "by", "date"}
        if not isinstance(decision, dict) or not needed <= set(decision) <= needed | {"reason"}:
            yield f"ethics.{key} needs decision, by and date, and may have a reason"
        elif decision["decision"] not in DECISIONS:
            yield f"ethics.{key}.decision must be one of {', '.join(DECISIONS)}"
        elif not _is_date(decision["date"]):
            yield f"ethics.{key}.date must be a date of the form YYYY-MM-DD"


def _creators(creators: list[Any]) -> Iterable[str]:
    for creator in creators:
        if not isinstance(creator, dict) or not creator.get("name") or set(creator) - {"name", "type", "url"}:
            yield "every creator needs a name, and may have a type (person, organization) and a url"
        elif creator.get("type", "person") not in ("person", "organization"):
            yield "the type of a creator is person or organization"


def _is_date(value: object) -> bool:
    try:
        dt.date.fromisoformat(str(value))
    except ValueError:
        return False
    return True


def _plain(value: object) -> Any:
    """Values as JSON has them: YAML reads dates as dates."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date) else value


def template() -> str:
    """An empty `dataset.yaml` with every question as a comment."""
    lines = ["# What only people can answer. What is left empty is shown as unanswered; nothing is made up for it."]
    lines += [f"{key}:  # {what}" for key, (kind, what) in KEYS.items() if kind is not dict]
    lines += ["datasheet:"]
    for question in QUESTIONS:
        lines += [f"  # {question.text}{' (mandatory)' if question.mandatory else ''}", f"  {question.key}:"]
    lines += ["ethics:", f"  # each: decision ({', '.join(DECISIONS)}), by, date, reason"]
    lines += [f"  # {item.key}: {item.text}" for item in ETHICS]
    lines += ["dpia:"]
    for item in DPIA:
        lines += [f"  # {item.text}", f"  {item.key}:"]
    lines += ["rai:", *(f"  {name}:" for name in sorted(PROPERTIES))]
    return "\n".join(lines) + "\n"
