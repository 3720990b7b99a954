"""Mailboxes: what is taken, what is not and why, and which are the same."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.address import Address, AddressFault, AddressProblem

TAKEN = [
    # typed, sendable, key
    ("bob@example.org", "bob@example.org", "bob@example.org"),
    ("Bob@Example.ORG", "Bob@example.org", "bob@example.org"),
    ("BOB.SMITH@EXAMPLE.CO.UK", "BOB.SMITH@example.co.uk", "bob.smith@example.co.uk"),
    ("b@x.yz", "b@x.yz", "b@x.yz"),
    ("bob+tag@example.org", "bob+tag@example.org", "bob+tag@example.org"),
    ("bob-smith_x@example.org", "bob-smith_x@example.org", "bob-smith_x@example.org"),
    ("-bob@example.org", "-bob@example.org", "-bob@example.org"),
    ("o'neil@example.org", "o'neil@example.org", "o'neil@example.org"),
    ("a#b$c&d*e/f=g?h^i_j`k{l|m}n~o@example.org",) * 3,
    ("bounce=bob=example.org@relay.example",) * 3,
    ("1234@example.org",) * 3,
    ("a.b.c.d@example.org",) * 3,
    ("bob@a.b.c.d.e.example.org",) * 3,
    ("bob@1and1.example",) * 3,
    ("bob@123.example",) * 3,
    ("bob@a-b.example",) * 3,
    ("bob@r3--sn.example.com",) * 3,
    ("bob@relay.test",) * 3,
    ("bob@relay.localhost",) * 3,
    ("bob@example.1a",) * 3,
    ("bob@example.a-b",) * 3,
    (f"{'a' * 64}@example.org",) * 3,
    (f"bob@{'a' * 63}.example",) * 3,
    (f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 61}",) * 3,
    ("bob@xn--bcher-kva.example",) * 3,
    ("bob@XN--BCHER-KVA.Example", "bob@xn--bcher-kva.example", "bob@xn--bcher-kva.example"),
    ("bob@bücher.example", "bob@xn--bcher-kva.example", "bob@xn--bcher-kva.example"),
    ("bob@BÜCHER.example", "bob@xn--bcher-kva.example", "bob@xn--bcher-kva.example"),
    ("Bob@Bücher.EXAMPLE", "Bob@xn--bcher-kva.example", "bob@xn--bcher-kva.example"),
    ("bob@straße.example", "bob@xn--strae-oqa.example", "bob@xn--strae-oqa.example"),
    ("bob@STRAẞE.example", "bob@xn--strae-oqa.example", "bob@xn--strae-oqa.example"),
    ("bob@例え.jp", "bob@xn--r8jz45g.jp", "bob@xn--r8jz45g.jp"),
    ("bob@пример.рф", "bob@xn--e1afmkfd.xn--p1ai", "bob@xn--e1afmkfd.xn--p1ai"),
    ("bob@ΣΟΦΟΣ.gr", "bob@xn--0xaakcn.gr", "bob@xn--0xaakcn.gr"),
    ("bob@xn--e1afmkfd.xn--p1ai",) * 3,
    ('"bob"@example.org', "bob@example.org", "bob@example.org"),
    ('"Bob.Smith"@example.org', "Bob.Smith@example.org", "bob.smith@example.org"),
]

REFUSED = [
    ("", AddressProblem.EMPTY),
    ("bob@example.org\r\n", AddressProblem.CONTROL),
    ("bob@example.org\n", AddressProblem.CONTROL),
    ("bo\x00b@example.org", AddressProblem.CONTROL),
    ("bob\t@example.org", AddressProblem.CONTROL),
    ("bob@exam\x7fple.org", AddressProblem.CONTROL),
    ("\x1bbob@example.org", AddressProblem.CONTROL),
    ("bob", AddressProblem.NO_DOMAIN),
    ("postmaster", AddressProblem.NO_DOMAIN),
    ("bob@", AddressProblem.NO_DOMAIN),
    ('"bob"', AddressProblem.NO_DOMAIN),
    ('"bob"@', AddressProblem.NO_DOMAIN),
    ("@", AddressProblem.SOURCE_ROUTE),
    ("@example.org", AddressProblem.SOURCE_ROUTE),
    ("@a.example:bob@example.org", AddressProblem.SOURCE_ROUTE),
    ("@a.example,@b.example:bob@example.org", AddressProblem.SOURCE_ROUTE),
    ("bob%example.net@example.org", AddressProblem.PERCENT_HACK),
    ("bob%example.net", AddressProblem.PERCENT_HACK),
    ("%@example.org", AddressProblem.PERCENT_HACK),
    ("100%@example.org", AddressProblem.PERCENT_HACK),
    ('"bob%example.net"@example.org', AddressProblem.QUOTED),
    ("example.net!bob@example.org", AddressProblem.BANG_PATH),
    ("example.net!bob", AddressProblem.BANG_PATH),
    ("a!b!c@example.org", AddressProblem.BANG_PATH),
    ("!@example.org", AddressProblem.BANG_PATH),
    ("bob@[192.0.2.1]", AddressProblem.LITERAL),
    ("bob@[IPv6:2001:db8::1]", AddressProblem.LITERAL),
    ("bob@[tag:content]", AddressProblem.LITERAL),
    ("bob@192.0.2.1", AddressProblem.LITERAL),
    ("bob@example.123", AddressProblem.LITERAL),
    ("bob@[", AddressProblem.LITERAL),
    ("bob@example.org]", AddressProblem.LITERAL),
    ('"bob smith"@example.org', AddressProblem.QUOTED),
    ('"bob@example.net"@example.org', AddressProblem.QUOTED),
    ('""@example.org', AddressProblem.QUOTED),
    ('" "@example.org', AddressProblem.QUOTED),
    ('"bob.."@example.org', AddressProblem.QUOTED),
    ('"b\\ob"@example.org', AddressProblem.QUOTED),
    ('"b\\"ob"@example.org', AddressProblem.QUOTED),
    ('"bob"smith@example.org', AddressProblem.QUOTED),
    ('"bob".smith@example.org', AddressProblem.QUOTED),
    ('"bob"."smith"@example.org', AddressProblem.QUOTED),
    ('"b!ob"@example.org', AddressProblem.QUOTED),
    ('"bób"@example.org', AddressProblem.QUOTED),
    ('"@example.org', AddressProblem.SYNTAX),
    ('"', AddressProblem.SYNTAX),
    ('"bob@example.org', AddressProblem.SYNTAX),
    ('"bob\\"@example.org', AddressProblem.SYNTAX),
    ('"bob\\', AddressProblem.SYNTAX),
    ('bob"smith"@example.org', AddressProblem.SYNTAX),
    ("bob(comment)@example.org", AddressProblem.COMMENT),
    ("(comment)bob@example.org", AddressProblem.COMMENT),
    ("bob@example.org(comment)", AddressProblem.COMMENT),
    ("bob@(comment)example.org", AddressProblem.COMMENT),
    ("bob(", AddressProblem.COMMENT),
    ("bob)@example.org", AddressProblem.COMMENT),
    ("bob@@example.org", AddressProblem.SYNTAX),
    ("bob@example.net@example.org", AddressProblem.SYNTAX),
    ("bob@a@b@c.org", AddressProblem.SYNTAX),
    ("<bob@example.org>", AddressProblem.DOMAIN),
    ("<bob>@example.org", AddressProblem.SYNTAX),
    ("Bob <bob@example.org>", AddressProblem.DOMAIN),
    (" bob@example.org", AddressProblem.SYNTAX),
    ("bob @example.org", AddressProblem.SYNTAX),
    ("bob smith@example.org", AddressProblem.SYNTAX),
    ("bob@ example.org", AddressProblem.DOMAIN),
    ("bob@example.org ", AddressProblem.DOMAIN),
    ("bob@exam ple.org", AddressProblem.DOMAIN),
    (".bob@example.org", AddressProblem.SYNTAX),
    ("bob.@example.org", AddressProblem.SYNTAX),
    ("bob..smith@example.org", AddressProblem.SYNTAX),
    (".@example.org", AddressProblem.SYNTAX),
    ("bob,anne@example.org", AddressProblem.SYNTAX),
    ("bob;anne@example.org", AddressProblem.SYNTAX),
    ("bob:anne@example.org", AddressProblem.SYNTAX),
    ("bob\\@example.org", AddressProblem.SYNTAX),
    ("bob[1]@example.org", AddressProblem.SYNTAX),
    ("mailto:bob@example.org", AddressProblem.SYNTAX),
    ("bob@localhost", AddressProblem.DOMAIN),
    ("bob@example", AddressProblem.DOMAIN),
    ("bob@com", AddressProblem.DOMAIN),
    ("bob@example.org.", AddressProblem.DOMAIN),
    ("bob@.example.org", AddressProblem.DOMAIN),
    ("bob@example..org", AddressProblem.DOMAIN),
    ("bob@.", AddressProblem.DOMAIN),
    ("bob@-example.org", AddressProblem.DOMAIN),
    ("bob@example-.org", AddressProblem.DOMAIN),
    ("bob@example.-org", AddressProblem.DOMAIN),
    ("bob@example.org-", AddressProblem.DOMAIN),
    ("bob@my_host.example.org", AddressProblem.DOMAIN),
    ("bob@example.org:25", AddressProblem.DOMAIN),
    ("bob@example.org,example.net", AddressProblem.DOMAIN),
    ("bob@exam!ple.org", AddressProblem.DOMAIN),
    ("bob@exam%ple.org", AddressProblem.DOMAIN),
    ("bob@*.example.org", AddressProblem.DOMAIN),
    ("bob@example/org.net", AddressProblem.DOMAIN),
    ('bob@"example".org', AddressProblem.DOMAIN),
    (f"bob@{'a' * 64}.example", AddressProblem.DOMAIN),
    (f"{'a' * 65}@example.org", AddressProblem.TOO_LONG),
    (f"bob@{'a.' * 127}example", AddressProblem.TOO_LONG),
    (f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 62}", AddressProblem.TOO_LONG),
    (f'"{"a" * 65}"@example.org', AddressProblem.TOO_LONG),
    ("bob@" + "ü" * 63 + ".example", AddressProblem.DOMAIN),
    ("bob@xn--example-.com", AddressProblem.DOMAIN),
    ("bob@xn--a.com", AddressProblem.DOMAIN),
    ("bob@xn--.com", AddressProblem.DOMAIN),
    ("bob@xn--zzzzzzzzzzz99999.com", AddressProblem.DOMAIN),
    ("bob@a。example", AddressProblem.DOMAIN),
    ("bob@example。org", AddressProblem.DOMAIN),
    ("bob@bu\u0308cher.example", AddressProblem.DOMAIN),
    ("bob@\u0301a.example", AddressProblem.DOMAIN),
    ("bob@☃.example", AddressProblem.DOMAIN),
    ("bob@a\u200db.example", AddressProblem.DOMAIN),
    ("bob@a\u00adb.example", AddressProblem.DOMAIN),
    ("bob@\ud800.example", AddressProblem.DOMAIN),
    ("bob@e\uff58ample.org", AddressProblem.DOMAIN),
    ("bob\uff20example.org", AddressProblem.NO_DOMAIN),
    ("bób@example.org", AddressProblem.NON_ASCII_LOCAL),
    ("用户@example.org", AddressProblem.NON_ASCII_LOCAL),
    ("b\u043eb@example.org", AddressProblem.NON_ASCII_LOCAL),
    ("bob\u00a0@example.org", AddressProblem.NON_ASCII_LOCAL),
    ("用户@例え.jp", AddressProblem.NON_ASCII_LOCAL),
]


def test_the_tables_have_at_least_120_rows() -> None:
    assert len({row[0] for row in [*TAKEN, *REFUSED]}) >= 120


@pytest.mark.parametrize(("typed", "sendable", "key"), TAKEN)
def test_a_mailbox_is_taken_with_one_normal_form(typed: str, sendable: str, key: str) -> None:
    address = Address.parse(typed)

    assert (str(address), address.key) == (sendable, key)


@pytest.mark.parametrize(("typed", "problem"), REFUSED)
def test_what_is_no_mailbox_is_refused_with_its_reason(typed: str, problem: AddressProblem) -> None:
    with pytest.raises(AddressFault) as fault:
        Address.parse(typed)

    assert fault.value.kind is problem
    assert str(fault.value).isascii()


@pytest.mark.parametrize(
    ("typed", "victim"),
    [
        ("bob@\u0131nfo.example", "bob@info.example"),
        ("bob@\u0130nfo.example", "bob@info.example"),
        ("bob@\u017ftripe.example", "bob@stripe.example"),
        ("bob@ban\u212a.example", "bob@bank.example"),
        ("bob@bü\u212a.example", "bob@bük.example"),
        ("bob@\u0440\u0430ypal.example", "bob@paypal.example"),
        ("bob@\u0435xample.org", "bob@example.org"),
        ("bob@ex\uff41mple.org", "bob@example.org"),
        ("\u0131nfo@example.org", "info@example.org"),
        ("\u017fam@example.org", "sam@example.org"),
        ("bo\u212a@example.org", "bok@example.org"),
        ("b\u043eb@example.org", "bob@example.org"),
        ("\uff42ob@example.org", "bob@example.org"),
        ("b\u00f6b@example.org", "bob@example.org"),
    ],
)
def test_a_look_alike_is_refused_or_another_mailbox(typed: str, victim: str) -> None:
    try:
        address = Address.parse(typed)
    except AddressFault:
        return

    assert address != Address.parse(victim)
    assert address.key != Address.parse(victim).key


def test_addresses_are_equal_by_key_and_keep_what_was_typed() -> None:
    shout, plain = Address.parse("BOB@EXAMPLE.ORG"), Address.parse("bob@example.org")

    assert shout == plain
    assert len({shout, plain}) == 1
    assert shout.local == "BOB"


@pytest.mark.parametrize(("local", "domain"), [("bo\u212a", "example.org"), ("bob", "ex\u0430mple.org")])
def test_an_address_cannot_be_made_around_the_grammar_with_letters_outside_ascii(local: str, domain: str) -> None:
    with pytest.raises(AddressFault):
        Address(local, domain)


@given(st.text(max_size=80) | st.from_regex(r"[^@]{1,10}@[^@]{1,20}", fullmatch=True))
def test_any_text_is_a_fault_or_a_mailbox_that_reads_back_as_itself(text: str) -> None:
    try:
        address = Address.parse(text)
    except AddressFault:
        return

    assert str(address).isascii()
    assert str(address).count("@") == 1
    assert Address.parse(str(address)) == address
    assert str(Address.parse(str(address))) == str(address)
    assert Address.parse(address.key).key == address.key


_LABELS = st.text(string.ascii_letters + string.digits, min_size=1, max_size=20)


@given(_LABELS, _LABELS, st.sampled_from(["org", "TEST", "co.id"]), st.data())
def test_case_of_ascii_letters_never_tells_mailboxes_apart(
    local: str, label: str, top: str, data: st.DataObject
) -> None:
    typed = f"{local}@{label}.{top}"
    flipped = "".join(c.swapcase() if data.draw(st.booleans()) else c for c in typed)

    assert Address.parse(flipped) == Address.parse(typed)


@given(st.characters(min_codepoint=128, categories=["L", "N", "M", "S", "P"]))
def test_a_letter_outside_ascii_never_yields_an_ascii_domain(letter: str) -> None:
    try:
        address = Address.parse(f"bob@exa{letter}ple.org")
    except AddressFault:
        return

    assert address.domain.startswith("xn--")
