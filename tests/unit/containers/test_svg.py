"""Drawings as editors write them: what they show stays, what a style cannot be read for is refused and not changed."""

from __future__ import annotations

import io
import time
from contextlib import suppress

import pytest

from veilset.containers import Keep, identify, inspect, rebuild
from veilset.core.errors import DataError, Unsupported

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'


def cleaned(raw: str | bytes) -> str:
    out = io.BytesIO()
    rebuild(raw.encode() if isinstance(raw, str) else raw, out, Keep())
    again = io.BytesIO()
    rebuild(out.getvalue(), again, Keep())
    assert again.getvalue() == out.getvalue()
    return out.getvalue().decode()


def drawn(inside: str) -> str:
    return cleaned(f"{HEAD}{inside}</svg>")


ENTITIES = (
    '<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" '
    '"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd" ['
    '\n <!ENTITY ns_svg "http://www.w3.org/2000/svg">\n <!ENTITY ns_x \'http://www.w3.org/1999/xlink\'>\n]>\n'
    '<svg xmlns="&ns_svg;" xmlns:xlink="&ns_x;" width="9" height="9"><rect id="a" width="5" height="5"/>'
    '<use xlink:href="#a"/></svg>'
)  # fmt: skip


def test_addresses_of_namespaces_may_be_entities() -> None:
    new = cleaned(ENTITIES)
    assert "<use href=" in new
    assert "ns_svg" not in new
    assert "DOCTYPE" not in new


@pytest.mark.parametrize(
    "value", ["Anna", "http://x/&ns_svg;", "http://somebody was here", "http://x/" + "a" * 300, "javascript:x"]
)
def test_entities_of_anything_else_are_refused(value: str) -> None:
    with pytest.raises(Unsupported, match="entities"):
        cleaned(ENTITIES.replace("http://www.w3.org/1999/xlink", value))


def test_many_entities_are_no_way_to_fill_the_memory() -> None:
    many = ENTITIES.replace("<rect", "<text>" + "&ns_svg;" * 2000 + "</text><rect")
    with pytest.raises(DataError):
        cleaned(many)


@pytest.mark.parametrize("order", ["utf-16", "utf-16-be"])
def test_drawings_in_utf_16_are_told_and_read(order: str) -> None:
    text = f'<?xml version="1.0" encoding="UTF-16"?>{HEAD}<rect width="5" height="5" fill="red"/></svg>'
    raw = b"\xfe\xff" * (order == "utf-16-be") + text.encode(order)
    assert identify(raw) == "svg"
    assert 'fill="red"' in cleaned(raw)


@pytest.mark.parametrize(
    "style",
    [
        "opacity:calc(0.5 + 0.2)", "fill:color-mix(in srgb, red, blue)", "fill:light-dark(#ffffff, #121212)",
        "clip-path:circle(40% at 50% 50%)", "fill:oklch(60% 0.1 20 / .5)", "background:#eee", "background-color:transparent",
        "transform:rotate(45deg) scale3d(1,2,1)",
    ],
)  # fmt: skip
def test_functions_of_styles_stay(style: str) -> None:
    assert style in drawn(f'<rect width="5" height="5" style="{style}"/>')


@pytest.mark.parametrize("value", ["var(--main, red)", "attr(data-x)", "paint(somebody)", "env(x)"])
@pytest.mark.parametrize("how", ['fill="%s"', 'style="fill:%s"'])
def test_functions_that_a_program_may_know_and_we_do_not_are_refused(value: str, how: str) -> None:
    with pytest.raises(Unsupported, match="function"):
        drawn(f'<rect width="5" height="5" {how % value}/>')


@pytest.mark.parametrize(
    "selector",
    ["rect:not(.c1)", "rect:first-of-type", "rect:nth-last-child(2n+1)", "rect:nth-child(odd)", ":is(rect,g)"],
)
def test_rules_that_look_at_places_stay(selector: str) -> None:
    sheet = f"<style>{selector}{{fill:red}} .c1{{fill:blue}}</style>"
    assert f"{selector}{{fill:red}}" in drawn(sheet + '<rect class="c1" width="5" height="5"/>')


def test_how_a_sheet_is_coded_goes_and_its_rules_stay() -> None:
    sheet = '<style>@charset "utf-8"; @namespace svg url(http://www.w3.org/2000/svg); rect{fill:red}</style>'
    assert "<style>rect{fill:red}</style>" in drawn(sheet + '<rect width="5" height="5"/>')


def test_what_an_editor_put_down_for_itself_goes() -> None:
    private = (
        '<switch><foreignObject requiredExtensions="http://ns.adobe.com/AdobeIllustrator/10.0/" x="0" width="1" height="1">'
        '<secret xmlns="http://x">Anna</secret></foreignObject><g><rect width="5" height="5"/></g></switch>'
    )
    assert "<switch><g><rect" in drawn(private)
    assert any("Anna" in str(tag.value) for tag in inspect(f"{HEAD}{private}</svg>".encode()).tags)
    for served in ("", "http://www.w3.org/1999/xhtml"):
        with pytest.raises(Unsupported, match="foreign"):
            drawn(private.replace("http://ns.adobe.com/AdobeIllustrator/10.0/", served))


def test_fonts_in_double_quotes_are_fonts() -> None:
    raw = f"{HEAD}<text font-family='\"Helvetica\"'>x</text></svg>".encode()
    assert [tag.path for tag in inspect(raw).tags] == []


@pytest.mark.parametrize(
    "lost",
    [
        '<style>#a:lang(x), .b:lang(x){fill:red}</style><g id="a"><rect class="b" width="5" height="5"/></g>',
        '<style>rect{-editor:url(#a)}</style><g id="a"><rect width="5" height="5"/></g>',
        '<linearGradient id="a"/><rect width="5" height="5" fill="url(#a) Somebody"/>',
        '<linearGradient id="a"/><rect width="5" height="5" style="-x:url(#a);fill:url(#a) Somebody"/>',
    ],
)
def test_names_that_only_a_lost_rule_points_at_go_at_once(lost: str) -> None:
    """Else a second pass would write another file; `drawn` makes one."""
    new = drawn(lost)
    assert "id=" not in new
    assert "class=" not in new


@pytest.mark.parametrize("path", ["M3 12h1l.\u0667 7", "M3 12h1m--.7 .7", "M3 12h1l", "M3 12h1 \u0661\u0662"])
def test_a_path_ends_with_the_last_number_that_is_one(path: str) -> None:
    """`drawn` looks that a second pass finds nothing more to cut."""
    assert 'd="M3 12h1"' in drawn(f'<path d="{path}"/>')


def test_digits_of_other_scripts_are_words() -> None:
    assert "\u0667" not in drawn('<rect width="5" height="\u0667\u0668\u0669" fill="rgb(\u0667,1,2)"/>')


@pytest.mark.parametrize("sheet", ["a" * 200_000, "/*" * 100_000, "#a" * 100_000, "{" * 100_000, "@charset a" * 20_000])
def test_sheets_without_an_end_are_an_answer_soon(sheet: str) -> None:
    begin = time.process_time()
    with suppress(DataError):
        drawn(f"<style>{sheet}</style>")
    with suppress(DataError):
        drawn(f'<rect fill="{"url(#a " * 20_000}"/>')
    assert time.process_time() - begin < 2
