"""Whatever stands in a part and wherever it is cut: decoded, only the named octets differ."""

from __future__ import annotations

import base64
import quopri

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rewriting_samples import COPY, HEAD, OTHER, RECIPE, Keys, message, verified

from relay.message.decode import decoded_octets
from relay.message.parts import DisplayedPart, Edit
from relay.message.rewrite import prepare

_PIECES = st.lists(
    st.sampled_from(["a", " ", "=", "é", "漢", ".", "\r\n", "\t", "From ", "x" * 40, "--b", "=3D", "\r\n\r\n"]),
    max_size=40,
)


def encoded(octets: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return base64.encodebytes(octets).replace(b"\n", b"\r\n")
    if encoding == "quoted-printable":
        return quopri.encodestring(octets.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    return octets


@st.composite
def cuts(draw: st.DrawFn, size: int) -> list[tuple[int, int]]:
    places = sorted(draw(st.lists(st.integers(0, size), max_size=6, unique=True)))
    return list(zip(places[::2], places[1::2], strict=False))


@settings(max_examples=200, deadline=None)
@given(st.data(), _PIECES, st.sampled_from(["8bit", "base64", "quoted-printable"]), st.booleans(), st.booleans())
def test_only_the_named_octets_change(data, pieces, encoding, nested, eight_bit):
    text = "".join(pieces) + "."
    octets = text.encode()
    before = [len("".join(pieces[:at]).encode()) for at in range(len(pieces) + 1)]
    spans = [(before[start], before[end]) for start, end in data.draw(cuts(len(pieces)))]
    part = (f"Content-Transfer-Encoding: {encoding}", "", encoded(octets, encoding).removesuffix(b"\r\n"))
    kind = "Content-Type: text/plain; charset=utf-8"
    inner = ("Content-Type: multipart/mixed; boundary=b.b", "", "--b.b", kind, *part, "--b.b--")
    one = message(*HEAD, *(inner if nested else (kind, *part)))
    leaf = one.root.children[0] if nested else one.root
    decoded = decoded_octets(one.raw, leaf)
    assert decoded is not None
    edits = [Edit(start, end, "url") for start, end in spans]
    shown = DisplayedPart(leaf, "utf-8", decoded, False, edits, -1, False, False, "en")

    for copy in (COPY, OTHER):
        raw = prepare(one, [shown], RECIPE, Keys()).render(copy, eight_bit)

        again = message(raw.removesuffix(b"\r\n"))
        found = again.root.children[0] if nested else again.root
        assert decoded_octets(again.raw, found) == replaced(decoded, spans, copy.opt_out_url.encode())
        assert verified(raw) == [True, True]
        assert eight_bit or raw.isascii()
        assert max(len(line) for line in raw.split(b"\r\n")) <= 998


def replaced(octets: bytes, spans: list[tuple[int, int]], url: bytes) -> bytes:
    for start, end in reversed(spans):
        octets = octets[:start] + url + octets[end:]
    return octets


@pytest.mark.parametrize("body", [b"\xff\xfe binary", b"caf\xc3\xa9"])
@pytest.mark.parametrize("encoding", ["7bit", "8bit", "x-odd", "quoted-printable"])
def test_eight_bit_octets_anywhere_leave_in_seven_bits(body, encoding):
    one = message(
        *HEAD,
        'Content-Type: multipart/mixed; boundary="b"',
        "",
        "préambule",
        "--b",
        'Content-Type: application/pdf; name="résumé.pdf"',
        f"Content-Transfer-Encoding: {encoding}",
        "",
        body,
        "--b--",
        "épilogue",
    )

    raw = prepare(one, [], RECIPE, Keys()).render(COPY, eight_bit=False)

    again = message(raw.removesuffix(b"\r\n"))
    assert raw.isascii()
    assert decoded_octets(again.raw, again.root.children[0]) == body
    assert again.root.children[0].filename == "résumé.pdf"
    assert verified(raw) == [True, True]
