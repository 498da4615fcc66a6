"""Where a file of a project lies on the package index: the user's own index and its mirrors before the public one."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser
from http.client import HTTPException

PUBLIC = "https://pypi.org/simple"

# JSON (PEP 691) is asked for first; mirrors that know only pages of links (PEP 503) answer with these.
_ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"
_SECONDS = 60
_SCHEMES = ("https", "http", "file")


class NotListed(Exception):
    """No index that was asked lists the file; the message names each with its reason."""


def address_of(project: str, file: str) -> str:
    """The address of a published file.

    Raises:
        NotListed: No index lists it.
    """
    reasons = []
    for index in indexes():
        try:
            return _listed(index, project, file)
        except (OSError, HTTPException, ValueError, KeyError, TypeError, NotListed) as error:
            reasons.append(f"{_shown(index)}: {error}")
    raise NotListed("; ".join(reasons))


def indexes() -> tuple[str, ...]:
    """Addresses of the indexes to ask, in order: as pip or uv are told to, by the environment or pip's own settings."""
    told = _environment("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL")
    more = _environment("PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL")
    if not told:
        settings = _pip_settings()
        told = settings.get("index-url", ())[:1] or (PUBLIC,)
        more = (*more, *settings.get("extra-index-url", ()))
    return tuple(dict.fromkeys((*told[:1], *more)))


def opened(address: str, *, accept: str = "*/*") -> urllib.request.Request:
    """A request for an address, which has to be of the web or a file; a name and password in it are sent as such.

    Raises:
        ValueError: It is something else.
    """
    parts = urllib.parse.urlsplit(address)
    if parts.scheme not in _SCHEMES:
        raise ValueError(f"{_shown(address)} is not an https or file address")
    request = urllib.request.Request(_shown(address), headers={"Accept": accept})  # noqa: S310 - checked above
    if parts.username:
        pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        # Not to where an answer may send us on.
        request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")
    return request


def _environment(*names: str) -> tuple[str, ...]:
    """Addresses in environment variables; uv allows a name before each (`name=address`)."""
    found = [one for name in names for one in os.environ.get(name, "").split()]
    return tuple(one.split("=", 1)[1] if "=" in one.split("://", 1)[0] else one for one in found)


def _pip_settings() -> dict[str, tuple[str, ...]]:
    """pip's settings that name addresses; empty without pip."""
    if importlib.util.find_spec("pip") is None:
        return {}
    command = [sys.executable, "-m", "pip", "config", "list", "--disable-pip-version-check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    found = {}
    for line in done.stdout.splitlines():
        name, _, value = line.partition("=")
        found[name.rpartition(".")[2].strip()] = tuple(value.strip().strip("'\"").replace("\\n", " ").split())
    return found


def _listed(index: str, project: str, file: str) -> str:
    # PEP 503: the page of a project is under its name in lower case, with dashes.
    page = f"{index.rstrip('/')}/{project.lower().replace('_', '-').replace('.', '-')}/"
    with urllib.request.urlopen(opened(page, accept=_ACCEPT), timeout=_SECONDS) as answer:  # noqa: S310 - checked
        content, kind = answer.read(), answer.headers.get("Content-Type", "")
    if "html" in kind:
        links = _Links()
        links.feed(content.decode("utf-8"))
        found = links.found
    else:
        found = {entry["filename"]: entry["url"] for entry in json.loads(content)["files"]}
    if file not in found:
        raise NotListed(f"it does not list {file}")
    return urllib.parse.urljoin(page, found[file]).partition("#")[0]


class _Links(HTMLParser):
    """File name to address, of a page of links."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get("href") if tag == "a" else None
        if address:
            path = urllib.parse.unquote(urllib.parse.urlsplit(address).path)
            self.found[path.rpartition("/")[2]] = address


def _shown(address: str) -> str:
    """Without the name and password that an address may carry."""
    parts = urllib.parse.urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
