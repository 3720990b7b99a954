"""End-of-data smuggling (RELIABILITY.md rows 1 and 2): the sequences of smtpsmug, cut in two at every place."""

import asyncio
from pathlib import Path

import pytest
from talking import Client, listener, serving

from relay.smtp.framing import DataReader
from relay.smtp.memory import MemoryBudget

ENDS = [
    b"\n.\n",
    b"\n.\r",
    b"\r.\n",
    b"\r.\r",
    b"\n.\r\n",
    b"\r.\r\n",
    b"\r\n.\n",
    b"\r\n.\r",
    b"\r\n\0.\r\n",
    b"\r\n.\0\r\n",
    b"\r\r\n.\r\r\n",
    b"\r\r\n.\r\n",
]
SMUGGLED = b"MAIL FROM:<evil@acme.test>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\nevil\r\n.\r\n"
KINDS = ["bulk", "intake", "submission"]
LOGIN = "AUTH PLAIN AGFjbWUvbmV3cwBjb3JyZWN0IGhvcnNl"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("end", ENDS, ids=repr)
async def test_nothing_but_cr_lf_dot_cr_lf_ends_a_message(end: bytes, kind: str, tmp_path: Path):
    body = b"Subject: a\r\n\r\nhello" + end
    async with serving(tmp_path, listener(kind)) as relay:
        for cut in range(len(body) - len(end), len(body) + 1):
            client = await relay.hello()
            if kind == "submission":
                await client.say(LOGIN)
            await _open_data(client)
            await _send_in_two(client, body + SMUGGLED, cut)
            assert (await client.line()).startswith("550 5.5.2 message.malformed: ")
            assert await client.rest() == ""
        assert relay.stages.messages == []
        assert {str(mail.reverse_path) for mail in relay.stages.mails} == {"news@acme.test"}


async def _open_data(client: Client) -> None:
    await client.say("MAIL FROM:<news@acme.test>")
    await client.say("RCPT TO:<bob@example.org>")
    await client.say("DATA")


async def _send_in_two(client: Client, octets: bytes, cut: int) -> None:
    client.send(octets[:cut])
    await client.writer.drain()
    await asyncio.sleep(0)
    client.send(octets[cut:])


def read_in(pieces: list[bytes], tmp_path: Path, threshold: int = 1 << 20) -> tuple[DataReader, bool, bytes]:
    """Feed pieces as they would arrive; the reader, whether the end was seen, what was left."""
    reader, left = DataReader(1 << 20, threshold, MemoryBudget(1 << 24), tmp_path), b""
    for index, piece in enumerate(pieces):
        left += piece
        done, at = reader.feed(left, 0)
        left = left[at:]
        if done:
            return reader, True, left + b"".join(pieces[index + 1 :])
    return reader, False, left


@pytest.mark.parametrize("end", ENDS, ids=repr)
def test_every_split_of_a_false_end_is_seen_for_what_it_is(end: bytes, tmp_path: Path):
    octets = b"Subject: a\r\n\r\nhi" + end + b"more\r\n.\r\n"
    for first in range(len(octets)):
        for second in range(first, len(octets)):
            reader, done, _ = read_in([octets[:first], octets[first:second], octets[second:]], tmp_path)
            assert done
            assert reader.fault


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"..\r\n..a\r\nb.\r\n...\r\n.\r\n", b".\r\n.a\r\nb.\r\n..\r\n"),
        (b".a\r\n.b\r\n.\r\n", b"a\r\nb\r\n"),
    ],
)
@pytest.mark.parametrize("threshold", [1 << 20, 1])
async def test_every_split_of_a_message_gives_the_same_octets(
    body: bytes, message: bytes, threshold: int, tmp_path: Path
):
    octets = body + b"QUIT\r\n"
    for first in range(len(octets)):
        for second in range(first, len(octets)):
            pieces = [octets[:first], octets[first:second], octets[second:]]
            reader, done, left = read_in(pieces, tmp_path, threshold)
            assert (done, left, reader.fault) == (True, b"QUIT\r\n", "")
            assert await reader.whole() == message
            reader.release()
