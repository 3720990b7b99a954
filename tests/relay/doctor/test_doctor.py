"""`relay doctor` from outside, over real configurations, stores, keys, smarthosts and name servers."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from sink import RESET, Sink, Stage
from zone import Zone, serving

from config.load import load
from policies.address import Address
from relay.adapters.dkim_keys import KeyDirectory
from relay.adapters.store.accounts import Accounts, NewAccount
from relay.adapters.store.domains import Domains
from relay.adapters.store.engine import open_store
from relay.adapters.store.history import Act
from relay.adapters.store.schema import upgrade
from relay.cli import main as root
from relay.cli.output import Exit
from relay.doctor.encryption import examine as examine_encryption
from relay.premises import Premises

NOW = datetime.now(UTC)


@dataclass
class Said:
    """One run: its exit code and findings."""

    code: int
    findings: list[dict[str, str | None]] = field(default_factory=list)

    def levels(self, *prefixes: str) -> dict[str, str | None]:
        """Level by id, of ids that begin so; of several alike the last."""
        return {str(one["id"]): one["level"] for one in self.findings if str(one["id"]).startswith(prefixes)}

    def one(self, name: str) -> dict[str, str | None]:
        [found] = [one for one in self.findings if one["id"] == name]
        return found


Asked = Callable[..., Said]


@pytest.fixture
def asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Asked:
    """Writes relay.toml, runs the command with --json."""

    def ask(toml: str = "", *options: str) -> Said:
        (tmp_path / "relay.toml").write_text(toml)
        code = root.main(["--config", str(tmp_path / "relay.toml"), "doctor", "--json", *options])
        return Said(code, json.loads(capsys.readouterr().out))

    return ask


def premises(folder: Path) -> None:
    """What the first start makes."""
    (folder / "relay.toml").touch()
    asyncio.run(Premises(load(folder / "relay.toml", {}).settings, NOW).ready())


def test_a_folder_never_started_in_has_nothing_wrong_and_stays_as_it_is(asked: Asked, tmp_path: Path) -> None:
    said = asked()

    assert said.code == 0
    assert {one["level"] for one in said.findings} <= {"ok", "info"}
    assert [path.name for path in tmp_path.iterdir()] == ["relay.toml"]


def test_after_the_first_start_everything_is_in_place(asked: Asked, tmp_path: Path) -> None:
    premises(tmp_path)

    said = asked()

    assert said.code == 0
    assert said.levels("store.schema", "data_dir.permissions", "dkim.key", "tls.certificate") == {
        "store.schema": "ok",
        "data_dir.permissions": "ok",
        "dkim.key": "ok",
        "tls.certificate": "ok",
    }


def test_every_finding_has_id_level_and_words_and_bad_ones_say_how_to_mend(asked: Asked, tmp_path: Path) -> None:
    premises(tmp_path)
    os.chmod(tmp_path / "var" / "relay.db", 0o644)

    for one in asked('[[smarthost]]\nurl = "smtp://127.0.0.1:1"').findings:
        assert set(one) == {"id", "level", "what", "mend"}
        assert one["what"]
        assert one["mend"] or one["level"] in ("ok", "info")


def test_mistakes_in_the_file_are_findings_too_and_exit_78(asked: Asked) -> None:
    said = asked('hostname = 3\n[store]\nurl = "x"\n')

    assert said.code == Exit.CONFIG
    assert [one["id"] for one in said.findings] == ["config.mistake"] * 2
    assert "hostname" in str(said.findings[0]["what"])


def test_people_get_a_line_a_finding(asked: Asked, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked()

    assert root.main(["--config", str(tmp_path / "relay.toml"), "doctor", "--offline"]) == 0

    out = capsys.readouterr().out
    assert "ok       config: " in out
    assert "info     web.plain_http: " in out
    assert "         -> set [platform] public_url" in out


# ------------------------------------------------------------ files


@pytest.mark.parametrize("name", ["relay.db", "keys/001.key", "dkim", "self-signed.pem"])
def test_secrets_that_others_may_read_are_an_error(asked: Asked, tmp_path: Path, name: str) -> None:
    premises(tmp_path)
    found = tmp_path / "var" / name
    exposed = next(found.iterdir()) if found.is_dir() else found
    os.chmod(exposed, 0o640)

    said = asked("", "--offline")

    assert said.code == 1
    told = said.one("data_dir.permissions")
    assert told["level"] == "error"
    assert told["mend"] == f"chmod 600 {exposed}"


def test_a_folder_others_may_look_into_is_a_warning_that_may_fail(asked: Asked, tmp_path: Path) -> None:
    premises(tmp_path)
    os.chmod(tmp_path / "var", 0o755)

    assert asked("", "--offline").code == 0
    said = asked("", "--offline", "--fail-level", "warning")
    assert said.code == 1
    assert said.one("data_dir.open")["level"] == "warning"


def test_a_clock_before_what_was_written_is_wrong(asked: Asked, tmp_path: Path) -> None:
    premises(tmp_path)
    ahead = NOW.timestamp() + 86_400
    os.utime(tmp_path / "var" / "keys" / "001.key", (ahead, ahead))

    assert asked("", "--offline").one("clock.behind")["level"] == "error"


# ------------------------------------------------------------ store


def test_an_empty_store_is_told(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir(mode=0o700)
    os.close(os.open(tmp_path / "var" / "relay.db", os.O_CREAT, 0o600))

    said = asked("", "--offline")

    assert (said.code, said.one("store.empty")["level"]) == (0, "info")


def test_a_store_that_is_none_exits_69(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir(mode=0o700)
    (tmp_path / "var" / "relay.db").write_bytes(b"this is no database at all" * 1000)

    said = asked("", "--offline")

    assert said.code == Exit.UNAVAILABLE
    assert said.one("store.unreachable")["level"] == "error"


def test_a_server_that_does_not_answer_exits_69_and_is_not_asked_offline(asked: Asked) -> None:
    toml = '[store]\nurl = "postgresql://relay:hunter2@127.0.0.1:1/relay"\n'

    said = asked(toml)

    assert said.code == Exit.UNAVAILABLE
    assert said.one("store.unreachable")["level"] == "error"
    assert "hunter2" not in json.dumps(said.findings)
    assert asked(toml, "--offline").levels("store") == {}


# ------------------------------------------------------------ certificates


def certified(folder: Path, ca: trustme.CA, name: str, ends: datetime | None = None) -> str:
    """[tls] with a certificate of that name."""
    made = ca.issue_cert(name, not_after=ends)
    made.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    made.private_key_pem.write_to_path(folder / "key.pem")
    os.chmod(folder / "key.pem", 0o600)
    return '[tls]\ncertificate = "cert.pem"\nkey = "key.pem"\n'


@pytest.mark.parametrize(
    ("days", "found"),
    [
        (-1, {"tls.certificate_expired": "error"}),
        (10, {"tls.certificate_expires": "warning"}),
        (100, {"tls.certificate": "ok"}),
    ],
)
def test_a_certificate_ends_some_day(asked: Asked, tmp_path: Path, days: int, found: dict[str, str]) -> None:
    toml = certified(tmp_path, trustme.CA(), "relay.localhost", NOW + timedelta(days=days))

    assert asked(toml, "--offline").levels("tls") == found


@pytest.mark.parametrize(
    ("name", "hostname", "found"),
    [
        ("mail.example", "mail.example", {}),
        ("*.example", "mail.example", {}),
        ("*.example", "a.mail.example", {"tls.name_mismatch": "warning"}),
        ("other.example", "mail.example", {"tls.name_mismatch": "warning"}),
    ],
)
def test_clients_from_outside_check_the_name(
    asked: Asked, tmp_path: Path, name: str, hostname: str, found: dict[str, str]
) -> None:
    toml = f'hostname = "{hostname}"\n[[listener]]\nkind = "submission"\nbind = "0.0.0.0:2587"\ntls = "starttls"\n'
    toml += certified(tmp_path, trustme.CA(), name, NOW + timedelta(days=90))

    assert asked(toml, "--offline").levels("tls.name", "tls.self") == found


def test_clients_from_outside_do_not_trust_a_self_signed_certificate(tmp_path: Path) -> None:
    premises(tmp_path)
    pem = tmp_path / "var" / "self-signed.pem"
    toml = f'[tls]\ncertificate = "{pem}"\nkey = "{pem}"\n'
    toml += '[[listener]]\nkind = "submission"\nbind = "0.0.0.0:2587"\ntls = "starttls"\n'
    (tmp_path / "relay.toml").write_text(toml)

    found = examine_encryption(load(tmp_path / "relay.toml", {}).settings, NOW)

    assert "tls.self_signed" in {one.id for one in found if one.level == "warning"}


def test_a_certificate_with_another_key_cannot_be_used(asked: Asked, tmp_path: Path) -> None:
    toml = certified(tmp_path, trustme.CA(), "relay.localhost")
    trustme.CA().issue_cert("relay.localhost").private_key_pem.write_to_path(tmp_path / "key.pem")

    assert asked(toml, "--offline").one("tls.certificate_unusable")["level"] == "error"


# ------------------------------------------------------------ smarthosts


async def greeted(asked: Asked, url: str, more: str = "") -> Said:
    return await asyncio.to_thread(asked, f'[[smarthost]]\nurl = "{url}"\n{more}')


async def test_a_smarthost_that_answers_is_well(asked: Asked) -> None:
    async with Sink() as sink:
        said = await greeted(asked, f"smtp://127.0.0.1:{sink.port}")

    assert said.code == 0
    assert said.levels("smarthost") == {"smarthost": "ok"}
    assert not [one for one in sink.commands if one.startswith(("MAIL", "DATA"))]


@pytest.mark.parametrize("fault", [RESET, "554 go away"])
async def test_a_smarthost_that_does_not_answer_exits_69(asked: Asked, fault: str) -> None:
    async with Sink(faults={Stage.BANNER: fault}) as sink:
        said = await greeted(asked, f"smtp://127.0.0.1:{sink.port}")

    assert said.code == Exit.UNAVAILABLE
    assert said.one("smarthost.unreachable")["level"] == "error"


async def test_a_smarthost_without_the_tls_its_url_asks_for_is_unreachable(asked: Asked) -> None:
    async with Sink() as sink:
        said = await greeted(asked, f"smtp+starttls://127.0.0.1:{sink.port}")

    assert said.code == Exit.UNAVAILABLE
    assert "STARTTLS" in str(said.one("smarthost.tls")["what"])


async def test_a_certificate_nobody_vouches_for_is_found(asked: Asked) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with Sink(tls=context) as sink:
        url = f"smtp+starttls://127.0.0.1:{sink.port}"
        strict, lenient = await greeted(asked, url), await greeted(asked, url, "verify = false\n")

    assert "certificate is not valid" in str(strict.one("smarthost.tls")["what"])
    assert (strict.code, lenient.code) == (69, 0)


async def test_a_wrong_login_is_found_and_not_shown(asked: Asked) -> None:
    async with Sink(login=("user", "secret")) as sink:
        said = await greeted(asked, f"smtp://user:hunter2@127.0.0.1:{sink.port}")

    assert said.code == Exit.UNAVAILABLE
    assert said.one("smarthost.auth")["level"] == "error"
    assert "hunter2" not in json.dumps(said.findings)


def test_mail_in_clear_beyond_this_machine_is_a_warning(asked: Asked) -> None:
    said = asked('[[smarthost]]\nurl = "smtp://192.0.2.1:25"\n[delivery]\nconnect_timeout = 0.05\n')

    assert said.levels("smarthost") == {"smarthost.unencrypted": "warning", "smarthost.unreachable": "error"}


# ------------------------------------------------------------ DNS


MAIL = "b.mail.example"
TOML = f'[platform]\nmail_domain = "{MAIL}"\n[dns]\ntimeout = 1.0\nservers = ["{{}}"]\n'


async def looked_up(asked: Asked, zone: Zone) -> Said:
    async with serving(zone) as server:
        return await asyncio.to_thread(asked, TOML.format(server))


async def with_domain(folder: Path, name: str) -> KeyDirectory:
    """An account that has proved this domain, in the store of the folder; the key directory beside it."""
    engine = open_store(f"sqlite:///{folder}/var/relay.db")
    act = Act("test", NOW)
    await upgrade(engine)
    email = Address.parse("owner@acme.example")
    await Accounts(engine).add(NewAccount("acme", "Acme", email, "GB", "retail", "1 High Street, Leeds"), act)
    await Domains(engine).add("acme", name, act)
    await Domains(engine).verify("acme", name, "dns", act)
    await engine.close()
    return KeyDirectory(folder / "var" / "dkim")


def publish(zone: Zone, keys: KeyDirectory, domain: str) -> None:
    """Everything a domain should have."""
    stored = keys.generate(domain, NOW)
    zone.txt(stored.record_name, keys.record(domain, stored.selector))
    zone.txt(domain, "v=spf1 ip4:192.0.2.1 ~all", "other=text")
    zone.txt(f"_dmarc.{domain}", "v=DMARC1; p=none")
    zone.mx(domain)


async def test_domains_with_everything_published_are_well(asked: Asked, tmp_path: Path) -> None:
    zone, keys = Zone(), await with_domain(tmp_path, "acme.example")
    publish(zone, keys, MAIL)
    publish(zone, keys, "acme.example")

    said = await looked_up(asked, zone)

    assert said.code == 0
    assert set(said.levels("dns", "dkim").values()) == {"ok"}
    assert set(said.levels("dns")) == {"dns.dkim", "dns.spf", "dns.dmarc", "dns.mx"}


async def test_what_is_not_published_is_told_with_the_record(asked: Asked, tmp_path: Path) -> None:
    keys = KeyDirectory(tmp_path / "var" / "dkim")
    stored = keys.generate(MAIL, NOW)

    said = await looked_up(asked, Zone())

    assert said.code == 1
    assert said.levels("dns") == {
        "dns.dkim_missing": "error",
        "dns.spf_missing": "error",
        "dns.dmarc_missing": "warning",
        "dns.mx_missing": "error",
    }
    record = keys.record(MAIL, stored.selector)
    assert said.one("dns.dkim_missing")["mend"] == f'publish TXT {stored.record_name} "{record}"'


async def test_another_key_in_dns_is_an_error(asked: Asked, tmp_path: Path) -> None:
    keys, zone = KeyDirectory(tmp_path / "var" / "dkim"), Zone()
    stored = keys.generate(MAIL, NOW)
    zone.txt(stored.record_name, "v=DKIM1; p=MIIBother")

    assert (await looked_up(asked, zone)).one("dns.dkim_differs")["level"] == "error"


async def test_white_space_and_order_in_a_key_record_do_not_matter(asked: Asked, tmp_path: Path) -> None:
    keys, zone = KeyDirectory(tmp_path / "var" / "dkim"), Zone()
    stored = keys.generate(MAIL, NOW)
    public = keys.record(MAIL, stored.selector).partition("p=")[2]
    zone.txt(stored.record_name, f"p={public[:50]} {public[50:]} ;v=DKIM1;k=rsa; t=s")

    assert (await looked_up(asked, zone)).one("dns.dkim")["level"] == "ok"


async def test_what_cannot_be_looked_up_is_not_called_absent(asked: Asked, tmp_path: Path) -> None:
    KeyDirectory(tmp_path / "var" / "dkim").generate(MAIL, NOW)

    said = await looked_up(asked, Zone(broken=True))

    assert said.code == 0
    assert said.levels("dns") == dict.fromkeys(
        ("dns.dkim_unknown", "dns.spf_unknown", "dns.dmarc_unknown", "dns.mx_unknown"), "warning"
    )


async def test_a_proved_domain_without_a_key_is_told(asked: Asked, tmp_path: Path) -> None:
    await with_domain(tmp_path, "acme.example")

    said = await asyncio.to_thread(asked, "", "--offline")

    assert said.one("dkim.key_missing")["level"] == "warning"
    assert "relay dkim keygen acme.example" in str(said.one("dkim.key_missing")["mend"])


async def test_a_subdomain_is_signed_with_its_parents_key(asked: Asked, tmp_path: Path) -> None:
    keys = await with_domain(tmp_path, "news.acme.example")
    keys.generate("acme.example", NOW)

    said = await asyncio.to_thread(asked, "", "--offline")

    assert "dkim.key_missing" not in said.levels("dkim")


async def test_two_spf_records_count_as_none_and_dmarc_may_stand_above(asked: Asked) -> None:
    zone = Zone()
    zone.txt(MAIL, "v=spf1 ~all", "V=SPF1 -all")
    zone.txt("_dmarc.mail.example", "v=DMARC1;p=reject")

    said = await looked_up(asked, zone)

    assert said.levels("dns.spf", "dns.dmarc") == {"dns.spf_several": "error", "dns.dmarc": "ok"}


async def test_offline_no_server_is_asked(asked: Asked) -> None:
    zone = Zone()
    async with serving(zone) as server:
        toml = TOML.format(server) + '[[smarthost]]\nurl = "smtp://127.0.0.1:1"\n'
        said = await asyncio.to_thread(asked, toml, "--offline")

    assert said.code == 0
    assert zone.asked == []
    assert said.levels("smarthost", "dns") == {}


def test_broken_and_waiting_keys_are_told(asked: Asked, tmp_path: Path) -> None:
    keys = KeyDirectory(tmp_path / "var" / "dkim")
    keys.generate("later.example", NOW, later=True)
    stored = keys.generate("b.relay.localhost", NOW)
    stored.path.write_bytes(b"no key")

    said = asked("", "--offline")

    assert said.levels("dkim") == {"dkim.key_broken": "error", "dkim.key_waits": "info"}
