"""A proxy between relay and smarthost that misbehaves as networks do: delays, drips, cuts, resets, half-closes."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Weather:
    """What happens to one connection."""

    delay: float = 0.0
    """Seconds before each piece."""
    piece: int = 65_536
    """Octets passed on at a time: 1 is a drip."""
    cut_after: int = -1
    """Octets from the relay after which the connection ends; -1: never."""
    cut_replies_after: int = -1
    """The same for octets of the smarthost."""
    reset: bool = False
    """It ends by RST, not by FIN."""
    half: bool = False
    """Only this direction ends, in silence; the other stays open."""


CLEAR = Weather()


@dataclass
class Chaos:
    """Listens on a port of its own and passes everything on to `target`, in the weather of the day."""

    target: int
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    stormy: float = 0.0
    """Share of connections with weather; the others are clear."""
    port: int = 0
    connections: int = 0
    spoiled: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def forecast(self) -> Weather:
        """For the next connection; cuts strike within greeting, envelope, body or the reply to the dot."""
        if self.chance.random() >= self.stormy:
            return CLEAR
        kind = self.chance.randrange(5)
        if kind == 0:
            return Weather(delay=self.chance.uniform(0.001, 0.05))
        if kind == 1:
            return Weather(piece=self.chance.choice((1, 7, 100)))
        after = int(self.chance.expovariate(1 / 2500))
        rude = self.chance.random() < 0.5
        if kind == 2:
            return Weather(cut_after=after, reset=rude)
        if kind == 3:
            return Weather(cut_replies_after=int(self.chance.expovariate(1 / 300)), reset=rude)
        return Weather(cut_replies_after=int(self.chance.expovariate(1 / 300)), half=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        weather = self.forecast()
        self.spoiled += weather is not CLEAR
        try:
            with contextlib.suppress(OSError):
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
                ends = (writer, far_writer)
                async with asyncio.TaskGroup() as group:
                    group.create_task(_pass_on(reader, far_writer, weather, weather.cut_after, ends))
                    group.create_task(_pass_on(far_reader, writer, weather, weather.cut_replies_after, ends))
        finally:
            writer.close()
            self._tasks.discard(task)


async def _pass_on(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    weather: Weather,
    cut_after: int,
    ends: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
) -> None:
    """One direction, until its end or its cut."""
    passed = 0
    with contextlib.suppress(OSError):
        while octets := await reader.read(weather.piece):
            if weather.delay:
                await asyncio.sleep(weather.delay)
            if 0 <= cut_after < passed + len(octets):
                writer.write(octets[: cut_after - passed])
                _end(ends, weather)
                return
            passed += len(octets)
            writer.write(octets)
            await writer.drain()
        writer.write_eof()


def _end(ends: tuple[asyncio.StreamWriter, asyncio.StreamWriter], weather: Weather) -> None:
    if weather.half:
        return
    for end in ends:
        if weather.reset:
            linger = struct.pack("ii", 1, 0)
            end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        end.close()
