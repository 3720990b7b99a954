"""A short part of `make fuzz`: random messages, and known worst cases that must cost no more than in proportion."""

import random
import time

import pytest
from fuzzing import FOOTER, checked, made
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.message.read import read
from relay.message.scan import scan

HEAD = b"From: a@kopi.example\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
WORST = {
    "tables in tables": b"<table><tr><td>",
    "formatting left open": b"<b><i><font><p>",
    "links in links": b"<a href=1>Unsubscribe",
    "quotes left open": b"<a href=\"'><p title='",
    "comments left open": b"<!-- <!-- --",
    "styles without end": b"<style>a{b:c;",
    "rows out of place": b"<table>x<a href=#>Unsubscribe</a><tr>",
    "attributes": b"<p " + b"a=1 " * 50 + b">",
}


@settings(max_examples=150, deadline=None)
@given(st.integers(min_value=0, max_value=2**48))
def test_whatever_comes_is_rewritten_or_refused_in_bounded_time(seed):
    assert checked(made(random.Random(seed)))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=2000))
def test_octets_of_no_sense_are_too(octets):
    assert checked(octets.replace(b"\0", b"").replace(b"\r", b"").replace(b"\n", b"\r\n"))


@pytest.mark.parametrize("seed", [24, 797, 32299019])
def test_what_fuzzing_once_found_stays_mended(seed):
    """Lines written twice, lines too long, an element whose name is no text."""
    assert checked(made(random.Random(seed)))


@pytest.mark.parametrize("name", WORST)
def test_twice_the_markup_costs_about_twice_the_time(name):
    piece = WORST[name] + b"\r\n"
    count = 30_000 // len(piece)
    short, long = (min(cpu_of(piece * (count * times)) for _ in range(3)) for times in (1, 4))

    assert long < 0.1 + 10 * short, f"{short:.3f} s, four times as much {long:.3f} s"


def cpu_of(page):
    message = scan(HEAD + page)
    started = time.process_time()
    read(message, FOOTER, public_url="https://relay.example")
    return time.process_time() - started
