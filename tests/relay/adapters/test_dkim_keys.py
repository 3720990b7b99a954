"""DKIM keys in files: names, modes, reloading and the record to publish."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from relay.adapters.dkim_keys import KeyDirectory, zone_line
from relay.message.dkim import SigningFault

AT = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def keys(tmp_path: Path) -> KeyDirectory:
    return KeyDirectory(tmp_path / "dkim")


def test_a_new_key_is_private_and_signs_at_once(keys):
    stored = keys.generate("kopi.example", AT)

    assert stored.path.name == "r20261123._domainkey.kopi.example.pem"
    assert stored.path.stat().st_mode & 0o777 == 0o600
    assert stored.path.parent.stat().st_mode & 0o777 == 0o700
    assert keys.for_author("kopi.example") == ("kopi.example", "r20261123")
    assert keys.unsafe() == []


def test_another_process_sees_a_new_key_without_a_restart(keys):
    other = KeyDirectory(keys.directory)
    assert other.for_author("kopi.example") is None

    keys.generate("kopi.example", AT)

    assert other.for_author("kopi.example") == ("kopi.example", "r20261123")
    assert other.signer("kopi.example", "r20261123").domain == "kopi.example"


def test_a_key_made_for_later_signs_once_asked_for_again(keys):
    keys.generate("kopi.example", AT)
    later = keys.generate("kopi.example", AT, later=True)

    assert (later.selector, later.signs) == ("r20261123b", False)
    assert keys.for_author("kopi.example") == ("kopi.example", "r20261123")
    assert keys.generate("kopi.example", AT).selector == "r20261123b"
    assert keys.for_author("kopi.example") == ("kopi.example", "r20261123b")
    assert keys.signer("kopi.example", "r20261123").selector == "r20261123"
    assert keys.generate("kopi.example", AT).selector == "r20261123c"


def test_a_subdomain_is_signed_by_its_parent_unless_it_has_a_key(keys):
    keys.generate("kopi.example", AT)
    assert keys.for_author("kabar.kopi.example") == ("kopi.example", "r20261123")
    assert keys.for_author("notkopi.example") is None


def test_the_record_holds_the_public_key_and_fits_a_zone_file(keys):
    stored = keys.generate("kopi.example", AT)

    text = keys.record("kopi.example", stored.selector)

    public = load_der_public_key(base64.b64decode(text.partition("p=")[2]))
    assert isinstance(public, RSAPublicKey)
    assert public.key_size == 2048
    line = zone_line(stored.record_name, text)
    assert line.startswith('r20261123._domainkey.kopi.example. IN TXT ( "v=DKIM1; k=rsa; p=')
    assert all(len(one) <= 255 for one in line.split('"')[1::2])


def test_a_broken_or_missing_key_is_a_fault(keys):
    stored = keys.generate("kopi.example", AT)
    stored.path.write_bytes(b"-----BEGIN NOTHING-----\n")
    stored.path.chmod(0o644)

    with pytest.raises(SigningFault):
        KeyDirectory(keys.directory).signer("kopi.example", stored.selector)
    with pytest.raises(SigningFault):
        keys.signer("kopi.example", "r1")
    assert keys.unsafe() == [stored.path]


@pytest.mark.parametrize("domain", ["../x", "a/b", "", "kopi.example\n", "-x.example", "Kopi.example"])
def test_a_name_that_is_no_domain_makes_no_file(keys, domain):
    with pytest.raises(ValueError):
        keys.generate(domain, AT)
    assert list(keys.directory.iterdir()) == []
