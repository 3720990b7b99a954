"""Signed mail keeps its signatures: openssl and gpg, with keys made here, verify the leg that leaves the relay."""

from __future__ import annotations

import os
import shutil
import subprocess
from base64 import encodebytes
from pathlib import Path

import pytest
from unchanged import FOOTER, rewritten

from relay.message.decode import decoded_octets
from relay.message.parts import Part
from relay.message.read import read
from relay.message.scan import scan

HEAD = b"From: Kopi <kabar@kopi.example>\r\nTo: ani@example.org\r\nSubject: Panen\r\nMIME-Version: 1.0\r\n"
SAID = (
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"Yang terhormat, panen sudah datang untuk anda dan kami =E2=80=93\r\n- selamat menikmati.  =20\r\n\r\n"
)
CLEAR = "Dear reader,\r\n\r\nthe beans have arrived \u2013 - enjoy.\r\n"


class Gpg:
    """gpg with a home and a key of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self("--quick-gen-key", "Kopi <kabar@kopi.example>", "future-default", "sign", "1d")

    def __call__(self, *args: str, octets: bytes = b"") -> bytes:
        command = ["gpg", "--batch", "--no-tty", "--yes", "--pinentry-mode", "loopback", "--passphrase", "", *args]
        environ = {"PATH": os.environ["PATH"], "GNUPGHOME": str(self.home)}
        return subprocess.run(command, input=octets, env=environ, capture_output=True, check=True, timeout=60).stdout

    def close(self) -> None:
        environ = {"PATH": os.environ["PATH"], "GNUPGHOME": str(self.home)}
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=environ, check=True, timeout=60)


class OpenSsl:
    """openssl with a certificate of its own."""

    def __init__(self, folder: Path) -> None:
        self.key, self.certificate = str(folder / "key.pem"), str(folder / "certificate.pem")
        subject = "/CN=Kopi/emailAddress=kabar@kopi.example"
        pair = ("-keyout", self.key, "-out", self.certificate, "-subj", subject, "-days", "1")
        self("req", "-x509", "-newkey", "rsa:2048", "-nodes", *pair)

    def __call__(self, *args: str, octets: bytes = b"") -> bytes:
        done = subprocess.run(["openssl", *args], input=octets, capture_output=True, check=True, timeout=60)
        return done.stdout

    def signed(self, entity: bytes) -> bytes:
        names = ("-signer", self.certificate, "-inkey", self.key)
        return _crlf(self("smime", "-sign", *names, "-crlfeol", octets=entity))

    def verified(self, entity: bytes) -> bytes:
        return self("smime", "-verify", "-CAfile", self.certificate, octets=entity)


def _crlf(octets: bytes) -> bytes:
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def needed(program: str) -> None:
    if shutil.which(program) is None:
        if os.environ.get("CI"):
            pytest.fail(f"{program} is not installed")
        pytest.skip(f"{program} is not installed: apt install {'gnupg' if program == 'gpg' else program}")


@pytest.fixture(scope="module")
def openssl(tmp_path_factory):
    needed("openssl")
    return OpenSsl(tmp_path_factory.mktemp("openssl"))


@pytest.fixture(scope="module")
def gpg(tmp_path_factory):
    needed("gpg")
    home = tmp_path_factory.mktemp("gpg")
    home.chmod(0o700)
    one = Gpg(home)
    yield one
    one.close()


def leg(out: bytes, number: int = 0) -> bytes:
    """A leg of the copy, header and body."""
    part = scan(out).root.children[number]
    return out[part.start : part.end]


def pgp_mime(gpg: Gpg, entity: bytes) -> bytes:
    signature = _crlf(gpg("--detach-sign", "--armor", octets=entity))
    kind = b'multipart/signed; micalg=pgp-sha512;\r\n\tprotocol="application/pgp-signature"; boundary="p"'
    parts = b"--p\r\n" + entity + b"\r\n--p\r\nContent-Type: application/pgp-signature\r\n\r\n" + signature
    return b"Content-Type: " + kind + b"\r\n\r\nThis is signed.\r\n" + parts + b"\r\n--p--\r\n"


def pgp_verified(gpg: Gpg, signed: Part, raw: bytes, tmp_path: Path) -> None:
    entity, signature = signed.children
    file = tmp_path / "signature.asc"
    file.write_bytes(decoded_octets(raw, signature) or b"")
    gpg("--verify", str(file), "-", octets=raw[entity.start : entity.end])


@pytest.mark.parametrize("eight_bit", [True, False])
def test_an_smime_signature_verifies_beside_the_footer(openssl, eight_bit):
    entity = openssl.signed(SAID)

    out = rewritten(HEAD + entity.removeprefix(b"MIME-Version: 1.0\r\n"), eight_bit)

    assert openssl.verified(leg(out)) == SAID
    assert leg(out).rstrip() == entity.removeprefix(b"MIME-Version: 1.0\r\n").rstrip()
    assert b"Berhenti berlangganan:" in leg(out, 1), "in the language of what is signed"


def test_openssl_would_tell_a_signature_that_broke(openssl):
    out = rewritten(HEAD + openssl.signed(SAID).removeprefix(b"MIME-Version: 1.0\r\n"))

    with pytest.raises(subprocess.CalledProcessError):
        openssl.verified(leg(out).replace(b"selamat", b"Selamat", 1))


@pytest.mark.parametrize("eight_bit", [True, False])
def test_a_pgp_mime_signature_verifies_beside_the_footer(gpg, tmp_path, eight_bit):
    out = rewritten(HEAD + pgp_mime(gpg, SAID), eight_bit)
    again = rewritten(out, eight_bit)

    for copy in (out, again):
        pgp_verified(gpg, scan(copy).root.children[0], copy, tmp_path)
    assert scan(again).root.children[1].body, "no leg is added twice"
    assert [part.content_type for part in scan(again).root.children] == ["multipart/signed", "text/plain"]


def test_gpg_would_tell_a_signature_that_broke(gpg, tmp_path):
    out = rewritten(HEAD + pgp_mime(gpg, SAID)).replace(b"selamat", b"Selamat", 1)

    with pytest.raises(subprocess.CalledProcessError):
        pgp_verified(gpg, scan(out).root.children[0], out, tmp_path)


def test_a_signed_version_and_one_that_is_not_both_bear_what_they_can(gpg, tmp_path):
    plain = b"Content-Type: text/plain\r\n\r\nDear reader.\r\n"
    kind = b'Content-Type: multipart/mixed; boundary="m"\r\n\r\n'
    raw = HEAD + kind + b"--m\r\n" + plain + b"\r\n--m\r\n" + pgp_mime(gpg, SAID) + b"\r\n--m--\r\n"

    out = rewritten(raw)

    inner = scan(out).root.children[0]
    pgp_verified(gpg, inner.children[1], out, tmp_path)
    assert [part.content_type for part in scan(out).root.children] == ["multipart/mixed", "text/plain"]
    assert out.count(b"\r\n-- \r\n") == 2, "in the text above and below the signed part"


@pytest.mark.parametrize("encoding", ["8bit", "quoted-printable", "base64"])
@pytest.mark.parametrize("eight_bit", [True, False])
def test_a_text_signed_in_itself_verifies_beside_the_footer(gpg, encoding, eight_bit):
    signed = _crlf(gpg("--clearsign", octets=CLEAR.encode()))
    bodies = {"8bit": signed, "quoted-printable": _quoted(signed), "base64": _base64(signed)}
    head = f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()

    out = rewritten(HEAD + head + bodies[encoding], eight_bit)

    text = decoded_octets(out, scan(out).root.children[0])
    assert text == signed
    gpg("--verify", octets=text)


def _quoted(octets: bytes) -> bytes:
    return octets.replace(b"=", b"=3D").replace("\u2013".encode(), b"=E2=80=93")


def _base64(octets: bytes) -> bytes:
    return _crlf(encodebytes(octets))


def test_what_only_its_reader_can_open_is_opaque(openssl, gpg):
    sealed = _crlf(openssl("smime", "-encrypt", openssl.certificate, octets=SAID))
    in_one = _crlf(
        openssl("smime", "-sign", "-nodetach", "-signer", openssl.certificate, "-inkey", openssl.key, octets=SAID)
    )
    armoured = _crlf(gpg("--passphrase", "x", "--symmetric", "--armor", octets=SAID))

    for raw, said in (
        (HEAD + sealed.removeprefix(b"MIME-Version: 1.0\r\n"), "S/MIME encrypted"),
        (HEAD + in_one.removeprefix(b"MIME-Version: 1.0\r\n"), "S/MIME signed or encrypted in one"),
        (HEAD + b"\r\n" + armoured, "PGP encrypted"),
    ):
        assert said in read(scan(raw), FOOTER).facts.opaque
