"""The header of every copy: what came, without what a customer may not say, with what this relay must say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from relay.message import list_headers, trace
from relay.message.dkim import HeaderSigning, SignatureTemplate, SigningKeys
from relay.message.parts import Message
from relay.message.recipe import CopyRecipe, Recipe

_REMOVED = list_headers.MANAGED | {"bcc", "resent-bcc", "dkim-signature", "return-path"}


class OutgoingHeader:
    """Everything in the header that the copies of one message share, hashed once."""

    def __init__(self, message: Message, recipe: Recipe, keys: SigningKeys) -> None:
        raw = message.raw
        kept = [(one.name, raw[one.start : one.end]) for one in message.root.fields if not removed(one.name)]
        if kept and not kept[-1][1].endswith(b"\r\n"):
            # The last field of a message without a body may lack its line end.
            kept[-1] = (kept[-1][0], kept[-1][1] + b"\r\n")
        present = frozenset([name for name, _ in kept])
        self.added = trace.missing(present, recipe)
        shared = list_headers.shared(recipe)
        signing = HeaderSigning([*kept, *self.added, *shared], list_headers.varying_names(recipe))
        self._recipe = recipe
        self._signing = signing
        self._templates: tuple[SignatureTemplate, ...] = tuple(
            [signing.template(keys.signer(domain, selector), recipe.date) for domain, selector in recipe.signers]
        )
        self.message_id = next(_value(octets) for name, octets in (*kept, *self.added) if name == "message-id")
        self._received = trace.received(recipe)
        self._shared = b"".join([octets for _, octets in (*kept, *self.added, *shared)])

    def render(self, copy: CopyRecipe, body_hash: bytes) -> bytes:
        """The header of one copy, signatures first below Received, with the empty line that ends it."""
        varying = list_headers.of_copy(self._recipe, copy)
        state = self._signing.header_hash(varying)
        signatures = [one.field(state, body_hash) for one in self._templates]
        return self._joined(signatures, varying)

    def unsigned(self, copy: CopyRecipe) -> bytes:
        """The header of one copy without its signatures."""
        return self._joined((), list_headers.of_copy(self._recipe, copy))

    def _joined(self, signatures: Sequence[bytes], varying: Mapping[str, bytes]) -> bytes:
        return b"".join([self._received, *signatures, self._shared, *varying.values(), b"\r\n"])


def removed(name: str) -> bool:
    """Whether a field of this lower-case name never leaves the relay as it came."""
    return name in _REMOVED or name.startswith("x-relay-")


def _value(field: bytes) -> str:
    """A field's value, unfolded."""
    return " ".join(field.partition(b":")[2].decode("latin-1").split())
