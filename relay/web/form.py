"""The body of a POST, read within limits and taken apart: urlencoded or multipart, nothing else (row 57)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

MAX_BODY = 65_536
"""Octets."""
PATIENCE = 10.0
"""Seconds in which the whole body must have come."""


async def fields_of(request: Request) -> dict[str, str] | None:
    """The posted text fields, the first of each name; None where the body is no form. 413 and 408 are raised."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await _body(request)
    if kind == "application/x-www-form-urlencoded":
        parser: FormParser | MultiPartParser = FormParser(request.headers, _once(body))
    elif kind == "multipart/form-data":
        parser = MultiPartParser(request.headers, _once(body), max_files=5, max_fields=20, max_part_size=MAX_BODY)
    else:
        return None
    try:
        form = await parser.parse()
    except (MultiPartException, ValueError, KeyError):
        return None
    texts = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    await form.close()
    return dict(reversed(texts))


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    raise HTTPException(413)
    except TimeoutError:
        raise HTTPException(408) from None
    except ClientDisconnect:
        raise HTTPException(400) from None
    return bytes(body)


async def _once(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body
