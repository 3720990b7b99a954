"""libopendkim as a verifier that takes public keys from a file instead of DNS."""

from __future__ import annotations

import ctypes
import ctypes.util
from pathlib import Path

_SET, _QUERY_METHOD, _QUERY_INFO, _FROM_FILE = 1, 6, 7, 1
"""DKIM_OP_SETOPT, DKIM_OPTS_QUERYMETHOD, DKIM_OPTS_QUERYINFO, DKIM_QUERY_FILE of dkim.h."""


def library() -> ctypes.CDLL | None:
    name = ctypes.util.find_library("opendkim")
    return ctypes.CDLL(name) if name else None


class OpenDkim:
    """One library handle; `records` is a file of lines 'NAME RECORD'."""

    def __init__(self, loaded: ctypes.CDLL, records: Path) -> None:
        self._lib = loaded
        for function in ("dkim_init", "dkim_verify"):
            getattr(loaded, function).restype = ctypes.c_void_p
        self._handle = ctypes.c_void_p(loaded.dkim_init(None, None))
        method = ctypes.c_int(_FROM_FILE)
        path = ctypes.create_string_buffer(str(records).encode())
        for option, value, size in (
            (_QUERY_METHOD, ctypes.byref(method), ctypes.sizeof(method)),
            (_QUERY_INFO, path, len(path.value)),
        ):
            status = loaded.dkim_options(self._handle, _SET, option, value, ctypes.c_size_t(size))
            assert status == 0, f"dkim_options {option}: {status}"

    def verify(self, raw: bytes) -> int:
        """The library's status: 0 (DKIM_STAT_OK) where the signatures are good."""
        status = ctypes.c_int(-1)
        one = ctypes.c_void_p(self._lib.dkim_verify(self._handle, b"test", None, ctypes.byref(status)))
        assert status.value == 0
        try:
            for piece in (ctypes.c_char_p(raw), None):
                result = int(self._lib.dkim_chunk(one, piece, ctypes.c_size_t(len(raw) if piece else 0)))
                if result != 0:
                    return result
            return int(self._lib.dkim_eom(one, None))
        finally:
            self._lib.dkim_free(one)
