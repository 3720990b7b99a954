"""Sessions on a bulk listener: commands, pipelining, the transaction."""

from pathlib import Path

from talking import listener, serving


async def test_a_message_goes_through_and_the_session_stays(tmp_path: Path):
    async with serving(tmp_path, listener()) as relay:
        client = await relay.in_data()
        client.send("Subject: a\r\n\r\n..dot\r\n.\r\n")
        assert await client.line() == "250 2.0.0 01KB0000000000000000000000 accepted"
        assert relay.stages.messages == [b"Subject: a\r\n\r\n.dot\r\n"]
        assert await client.say("NOOP") == "250 2.0.0 ok"
        assert await client.say("QUIT") == "221 2.0.0 goodbye"
        assert await client.rest() == ""
