"""MAIL and RCPT on their own, and every octet that may not stand in a command (RELIABILITY.md rows 8, 9 and 15)."""

import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from talking import Client, listener, serving

from policies.verdict import Reply
from relay.smtp.grammar import CommandFault, Offer, parse_mail, parse_rcpt
from relay.smtp.xtext import decode_xtext, encode_xtext

OFFER = Offer()
PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1)


@given(PRINTABLE)
def test_xtext_comes_back_as_it_was(text: str):
    assert decode_xtext(encode_xtext(text)) == text


@pytest.mark.parametrize("text", ["a+0Ab", "a+0D", "+7F", "+80", "a+2", "a+", "a+zz", "a+2b", "a b", "a=b", "é", ""])
def test_what_is_no_xtext_or_not_printable_is_nothing(text: str):
    assert decode_xtext(text) == ""


def refusal(argument: str, keyword: str) -> Reply | None:
    """The reply to a command with this argument; None: it was parsed."""
    try:
        parse_mail(argument, OFFER, esmtp=True) if keyword == "FROM:" else parse_rcpt(argument, OFFER, esmtp=True)
    except CommandFault as fault:
        return fault.reply
    return None


@given(st.text(max_size=60))
def test_any_argument_is_parsed_or_refused_with_a_5xx_reply(argument: str):
    for keyword in ("FROM:", "TO:"):
        for text in (argument, f"{keyword}<{argument}", f"{keyword}<a@b.test> {argument}"):
            reply = refusal(text, keyword)
            assert reply is None or (reply.code in (501, 553, 555) and str(reply).isprintable())


@pytest.mark.parametrize("argument", ["FROM:<>", "from: <>", "From:<> ", "FROM:   <>"])
def test_the_null_reverse_path_is_none(argument: str):
    assert parse_mail(argument, OFFER, esmtp=False).reverse_path is None


def test_an_extension_that_is_not_offered_brings_no_parameters():
    nothing = Offer(dsn=False, auth=False, xlist=False)
    for parameter in ("RET=FULL", "ENVID=a", "AUTH=<>", "XLIST=news"):
        assert parse_mail(f"FROM:<> {parameter}", OFFER, esmtp=True)
        with pytest.raises(CommandFault) as fault:
            parse_mail(f"FROM:<> {parameter}", nothing, esmtp=True)
        assert fault.value.reply.code == 555


@pytest.mark.parametrize(
    "command", ["MAIL FROM:<a@b.test>", "RCPT TO:<a@b.test>", "EHLO client", "AUTH PLAIN AAAA", "NOOP x"]
)
async def test_no_command_takes_a_control_character_anywhere(command: str, tmp_path: Path):
    async with serving(tmp_path, listener()) as relay:
        client = await relay.hello()
        for octet in [*range(10), 11, 12, *range(13, 32), 127]:
            for place in (1, 7, len(command)):
                client.send(command[:place] + chr(octet) + command[place:] + "\r\n")
                assert (await client.line()).startswith("501 5.5.2 "), (octet, place)


@pytest.mark.parametrize("place", [1, 7, 20])
async def test_a_line_feed_alone_ends_the_session(place: int, tmp_path: Path):
    async with serving(tmp_path, listener()) as relay:
        client = await relay.hello()
        command = "MAIL FROM:<a@b.test>"
        client.send(command[:place] + "\n" + command[place:] + "\r\n")
        assert (await client.rest()).startswith("500 5.5.2 ")


COMMAND_PIECES = """
EHLO x|HELO x|MAIL FROM:<news@acme.test>|MAIL FROM:<>|RCPT TO:<bob@example.org>|RCPT TO:<nobody@example.org>|DATA|.
RCPT TO:<fails@example.org>|RSET|NOOP|AUTH PLAIN|AUTH LOGIN|*|AGFjbWUvbmV3cwBjb3JyZWN0IGhvcnNl|VRFY x|HELP|STARTTLS
XYZZY|MAIL FROM:<a@b.test> SIZE=1 SIZE=2|DATA|DATA|.|.|RCPT TO:<bob@example.org>|MAIL FROM:<>
"""
PIECES = [f"{line}\r\n".encode() for line in COMMAND_PIECES.strip().replace("\n", "|").split("|")]
PIECES += [b"\0", b"\r", b"\n", b"\r\n", b"\xff\xfe\r\n", b"x" * 600 + b"\r\n"]
REPLY = re.compile(r"(2|4|5)\d\d (2|4|5)\.\d\.\d+ |3\d\d |250[- ](mx\.test|PIPE|SIZE|8BIT|ENH|DSN|AUTH|XLIST)")


@pytest.mark.parametrize("seed", range(40))
async def test_any_mixture_of_pieces_gets_well_formed_replies_and_breaks_nothing(seed: int, tmp_path: Path):
    chance = random.Random(seed)
    async with serving(tmp_path, listener()) as relay:
        client = await relay.connect()
        for piece in chance.choices(PIECES, k=60):
            client.send(piece)
        client.writer.write_eof()
        heard = await _all(client)
        assert all(REPLY.match(line) for line in heard), heard
        assert {str(error) for error in relay.stages.errors} <= {"canary-secret-text"}
        await relay.closed()


async def _all(client: Client) -> list[str]:
    return (await client.rest()).splitlines()


@pytest.mark.parametrize("path", ["postmaster", "Postmaster", "POSTMASTER"])
def test_a_bare_postmaster_has_a_mailbox_where_mail_is_taken_for_ourselves(path):
    command = parse_rcpt(f"TO:<{path}>", Offer(postmaster="b.relay.test"), esmtp=True)

    assert str(command.forward_path).lower() == "postmaster@b.relay.test"
    with pytest.raises(CommandFault):
        parse_rcpt(f"TO:<{path}>", Offer(), esmtp=True)
    with pytest.raises(CommandFault):
        parse_rcpt("TO:<abuse>", Offer(postmaster="b.relay.test"), esmtp=True)
