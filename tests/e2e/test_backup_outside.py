"""The drill: a backup, mail and opt-outs after it, a restore, and what every link and every no is worth then."""

import json
import re
import shutil
import sqlite3

import pytest
from dialog import accepted, rule, send
from running import Running, message

NEWS = "news@acme.test"
ANNE, BUDI, CHEN, DEWI = (f"{name}@example.test" for name in ("anne", "budi", "chen", "dewi"))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def relay(request, tmp_path_factory):
    one = Running(
        tmp_path_factory.mktemp("drill"), settings="[delivery]\ninline_deadline = 1\nconnect_timeout = 0.5\n"
    )
    if request.param == "postgresql":
        one.store_url = request.getfixturevalue("postgres").fresh()
        one.configure()
    one.here("db", "init")
    one.account()
    one.subscribe(ANNE, BUDI, CHEN, "ever@example.test")
    one.start()
    yield one
    if one.process.poll() is None:
        one.kill()


def mailed(relay, address):
    """The path of the opt-out link in a copy just sent."""
    with relay.bulk_session() as session:
        ref = accepted(send(session, NEWS, [address], message())[-1])
    (copy,) = relay.copies(ref, 1)
    return re.search(r"<https?://[^/]+(/u/[^>]+)>", copy["List-Unsubscribe"])[1]


def one_click(relay, path):
    return relay.http(path, b"List-Unsubscribe=One-Click")[0]


def answer(relay, address):
    with relay.bulk_session() as session:
        return rule(send(session, NEWS, [address])[-1])


@pytest.fixture(scope="module")
def drilled(relay):
    """Backup, mail and people after it, restore, start; what the test needs of before."""
    links = {"before": mailed(relay, ANNE), "said": mailed(relay, "ever@example.test")}
    relay.smarthost, good = "smtp://127.0.0.1:9", relay.smarthost
    relay.stop()
    relay.configure()
    relay.start()
    with relay.login() as session:
        queued = re.search(r"[0-9A-Z]{26}", send(session, NEWS, [CHEN], message())[-1])[0]
    backup = relay.folder / "store.backup"
    told = json.loads(relay.relay("db", "backup", str(backup), "--json"))
    relay.smarthost = good
    relay.stop()
    relay.configure()
    relay.start()
    relay.subscribe(DEWI)
    links |= {"after": mailed(relay, BUDI), "new": mailed(relay, DEWI)}
    assert one_click(relay, links["said"]) == 200
    relay.here("suppress", "add", "acme", "staff@example.test", "--reason", "test")
    refused = relay.command("db", "restore", str(backup))
    assert relay.stop() == 0
    restored = json.loads(relay.relay("db", "restore", str(backup), "--json"))
    relay.start()
    return {"links": links, "queued": queued, "backup": told, "refused": refused, "restored": restored}


def test_a_running_relay_is_not_restored_under(drilled):
    assert drilled["refused"].returncode == 69
    assert "stop it first" in drilled["refused"].stderr


def test_an_opt_out_made_after_the_backup_is_in_force_after_the_restore(relay, drilled):
    assert drilled["restored"]["noes"] == 2
    assert answer(relay, "ever@example.test") == "550 5.7.1 consent.withdrawn"
    assert "staff@example.test" in relay.here("suppress", "list", "acme")


@pytest.mark.parametrize(
    ("link", "address"),
    [("before", ANNE), ("after", BUDI), ("new", DEWI)],
    ids=["from before the backup", "from after it", "of a reader added after it"],
)
def test_a_link_works_after_the_restore(relay, drilled, link, address):
    path = drilled["links"][link]

    assert relay.http(path)[0] == 200
    assert one_click(relay, path) == 200
    assert answer(relay, address).startswith("550 5.7.1 consent.")
    assert address in relay.here("suppress", "list", "acme", address)


def test_the_queue_of_the_backup_is_parked(relay, drilled):
    assert drilled["restored"]["parked"] == 1
    told = relay.json("queue", "show", drilled["queued"])

    assert [(copy["state"], copy["next_attempt_at"]) for copy in told["copies"]] == [("quarantined", None)]
    assert not relay.copies(drilled["queued"], 1, seconds=0.5)
    relay.relay("queue", "retry", drilled["queued"])
    assert len(relay.copies(drilled["queued"], 1)) == 1
    assert relay.json("verify")["sound"]


def test_what_was_there_is_kept(relay, drilled):
    aside = drilled["restored"]["aside"]

    if relay.store_url.startswith("sqlite"):
        with sqlite3.connect(aside) as store:
            assert store.execute("PRAGMA quick_check").fetchone() == ("ok",)
    else:
        relay.stop()
        assert json.loads(relay.relay("db", "restore", aside, "--json"))["damaged_lines"] == []
        relay.start()


def test_no_key_stands_in_the_backup(relay, drilled):
    octets = (relay.folder / "store.backup").read_bytes()
    secrets = [path.read_bytes() for path in (relay.folder / "var" / "keys").iterdir()]
    secrets += [path.read_bytes().splitlines()[5] for path in (relay.folder / "var" / "dkim").iterdir()]

    assert len(secrets) >= 2
    assert not any(secret in octets or secret.hex().encode() in octets for secret in secrets)


def test_without_its_key_ring_a_store_is_neither_restored_nor_served(relay, drilled):
    keys, kept = relay.folder / "var" / "keys", relay.folder / "kept.keys"
    relay.relay("keys", "export", str(kept))
    relay.stop()
    shutil.rmtree(keys)

    served = relay.command("serve")
    restored = relay.command("db", "restore", str(relay.folder / "store.backup"))
    assert (served.returncode, restored.returncode) == (78, 78)
    for done in (served, restored):
        assert "key 001 is missing" in done.stderr
        assert "relay keys import" in done.stderr
    assert not keys.exists() or not list(keys.iterdir())

    relay.relay("keys", "import", str(kept))
    relay.start()
    assert one_click(relay, drilled["links"]["before"]) == 200


def test_a_damaged_backup_changes_nothing(relay, drilled):
    whole = (relay.folder / "store.backup").read_bytes()
    damaged = relay.folder / "damaged.backup"
    place = len(whole) // 2
    damaged.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    relay.stop()

    torn = relay.folder / "torn.backup"
    torn.write_bytes(whole[: len(whole) // 3])
    codes = [relay.command("db", "restore", str(one)).returncode for one in (damaged, torn)]
    relay.start()

    assert codes == [1, 1]
    assert answer(relay, "ever@example.test") == "550 5.7.1 consent.withdrawn"
