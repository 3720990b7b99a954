"""A Maildir as smarthost: whole files only, envelope on top, octets unchanged."""

from __future__ import annotations

from posting import RAW

from relay.adapters.maildir import Maildir
from relay.ports import Delivered, Outgoing, Phase, Postponed


def outgoing() -> Outgoing:
    return Outgoing("v.1@b.relay.example", "anne@example.org", lambda _eight_bit: RAW)


async def test_a_copy_becomes_a_file_with_its_envelope_on_top(tmp_path):
    maildir = Maildir(tmp_path / "outbox")

    outcomes = [await maildir.deliver(outgoing(), 5) for _ in range(3)]

    assert all(isinstance(one, Delivered) for one in outcomes)
    files = list((tmp_path / "outbox" / "new").iterdir())
    assert len(files) == 3
    envelope = b"Return-Path: <v.1@b.relay.example>\r\nDelivered-To: anne@example.org\r\n"
    assert {file.read_bytes() for file in files} == {envelope + RAW}
    assert list((tmp_path / "outbox" / "tmp").iterdir()) == []


async def test_a_folder_that_cannot_be_written_postpones(tmp_path):
    (tmp_path / "outbox").write_text("a file stands in the way")
    maildir = Maildir(tmp_path / "outbox")

    outcome = await maildir.deliver(outgoing(), 5)

    assert isinstance(outcome, Postponed)
    assert (outcome.code, outcome.phase) == (0, Phase.DOT)
    assert not await maildir.probe(5)


async def test_a_new_folder_can_be_probed(tmp_path):
    assert await Maildir(tmp_path / "outbox").probe(5)
