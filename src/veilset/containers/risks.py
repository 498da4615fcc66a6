"""What a tag may give away, judged by its name."""

from __future__ import annotations

import re
from functools import lru_cache

from veilset.core.finding import Risk

_WORDS: tuple[tuple[Risk, str], ...] = (
    (
        Risk.HIDDEN,
        r"thumbnail|preview|depthmap|depth:|gdepth|gimage|gainmap|hdrgm|motionphoto|microvideo|embeddedvideo|confidence",
    ),
    (
        Risk.RIGHTS,
        r"copyright|rights|licen[sc]e|usageterms|webstatement|datamining|tdm|credit|cc:|plus:|attribution|training-mining|data_mining",
    ),
    (
        Risk.PLACE,
        r"gps|latitude|longitude|altitude|location|city|country|state|province|region|address|place|geo|sublocation|landmark",
    ),
    (
        Risk.PERSON,
        r"artist|owner|author|creator|by-?line|person|face|xp(author)|cameraownername|writer|contact|email|phone|user|name|rating|photographer|editor",
    ),
    (Risk.TIME, r"date|time|subsec|offset"),
    (Risk.DEVICE, r"make|model|serial|lens|camera|device|uniqueid|imageid|makernote|host|firmware|body|aux:"),
    (
        Risk.HISTORY,
        r"software|history|document|instance|derived|xmpmm|processing|originalraw|path|url|file|tool|ingredient|crs:|photoshop|c2pa|jumbf|manifest",
    ),
)
_PATTERNS = tuple((risk, re.compile(words, re.IGNORECASE)) for risk, words in _WORDS)


@lru_cache(maxsize=4096)
def risk_of(name: str) -> Risk:
    """The highest risk whose words the name holds; what is unknown counts as content.

    >>> risk_of("GPSLatitude"), risk_of("CameraOwnerName"), risk_of("0xabcd")
    (<Risk.PLACE: 'place'>, <Risk.PERSON: 'person'>, <Risk.CONTENT: 'content'>)
    """
    for risk, pattern in _PATTERNS:
        if pattern.search(name):
            return risk
    return Risk.CONTENT
