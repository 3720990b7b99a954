"""relay.toml, the environment and secret files to settings, and every mistake at once."""

from pathlib import Path

import pytest

from config.load import load
from config.mistakes import ConfigError
from config.schema import RulePolicy, Settings

CONFIGS = Path(__file__).parent.parent / "configs"


def written(folder: Path, text: str, name: str = "relay.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def mistakes(path: Path | None, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, environ or {})
    return [str(one) for one in caught.value.mistakes]


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.stem)
def test_a_broken_file_gives_exactly_the_mistakes_its_first_lines_name(path):
    expected = [line.removeprefix("# ") for line in path.read_text().split("\n\n")[0].splitlines()]

    found = [line.removeprefix(f"{path}:").lstrip() for line in mistakes(path)]

    assert expected
    assert found == expected


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.stem)
def test_no_mistake_shows_a_password(path):
    assert not any("hunter" in line for line in mistakes(path))


def test_there_are_enough_broken_files():
    assert len(list(CONFIGS.glob("*.toml"))) >= 25


def test_without_a_file_everything_is_default_and_paths_are_absolute():
    loaded = load(None, {"PATH": "/bin", "RELAY_CONFIG": "ignored"})

    assert loaded.path is None
    assert loaded.settings.platform == Settings().platform
    assert loaded.settings.data_dir == loaded.folder / "var"
    assert set(loaded.origins.values()) == {"default"}


def test_environment_wins_over_file_and_file_over_default(tmp_path):
    path = written(tmp_path, 'hostname = "file.example"\n[limits]\nmax_size = 1000\nsoft_errors = 3\n')

    loaded = load(path, {"RELAY__LIMITS__MAX_SIZE": "2000"})

    assert (loaded.settings.hostname, loaded.origins["hostname"]) == ("file.example", f"{path}:1")
    assert (loaded.settings.limits.max_size, loaded.origins["limits.max_size"]) == (2000, "RELAY__LIMITS__MAX_SIZE")
    assert (loaded.settings.limits.soft_errors, loaded.origins["limits.soft_errors"]) == (3, f"{path}:4")
    assert loaded.origins["limits.hard_errors"] == "default"


def test_every_kind_of_path_resolves_against_the_folder_of_the_file(tmp_path):
    path = written(
        tmp_path,
        'data_dir = "d"\n[tls]\ncertificate = "c.pem"\nkey = "k.pem"\n[log]\nfile = "j.log"\n'
        '[store]\nurl = "sqlite:///s/relay.db"\n[[smarthost]]\nurl = "maildir:out"\n',
    )

    loaded = load(path, {})
    settings = loaded.settings

    assert loaded.folder == tmp_path
    assert settings.data_dir == tmp_path / "d"
    assert (settings.tls.certificate, settings.tls.key) == (tmp_path / "c.pem", tmp_path / "k.pem")
    assert settings.log.file == tmp_path / "j.log"
    assert settings.store.url == f"sqlite:///{tmp_path}/s/relay.db"
    assert settings.smarthost[0].url == f"maildir:{tmp_path}/out"


def test_absolute_paths_stay_and_other_urls_are_left_alone(tmp_path):
    path = written(
        tmp_path, '[store]\nurl = "sqlite:////srv/relay.db"\n[[smarthost]]\nurl = "smtps://mx.example:465"\n'
    )

    settings = load(path, {}).settings

    assert settings.store.url == "sqlite:////srv/relay.db"
    assert settings.smarthost[0].url == "smtps://mx.example:465"


def test_names_take_their_one_spelling():
    settings = load(
        None,
        {
            "RELAY__HOSTNAME": "Relay.Example",
            "RELAY__PLATFORM__MAIL_DOMAIN": "xn--BCHER-kva.example",
            "RELAY__PLATFORM__PUBLIC_URL": "https://mail.example/",
        },
    ).settings

    assert settings.hostname == "relay.example"
    assert settings.platform.mail_domain == "xn--bcher-kva.example"
    assert settings.platform.public_url == "https://mail.example"


def test_arrays_of_tables_are_reached_by_index_and_keep_what_is_not_named():
    loaded = load(
        None,
        {
            "RELAY__LISTENER__1__BIND": "127.0.0.1:0",
            "RELAY__LISTENER__1__TRUSTED__1": "10.0.0.0/8",
            "RELAY__SMARTHOST__0__URL": "smtp://127.0.0.1:25",
            "RELAY__SMARTHOST__1__URL": "smtp://127.0.0.1:26",
        },
    )
    bulk = loaded.settings.listener[1]

    assert (bulk.kind, bulk.bind, bulk.trusted) == ("bulk", "127.0.0.1:0", ("127.0.0.0/8", "10.0.0.0/8"))
    assert [one.url for one in loaded.settings.smarthost] == ["smtp://127.0.0.1:25", "smtp://127.0.0.1:26"]
    assert loaded.origins["listener.1.trusted"] == "RELAY__LISTENER__1__TRUSTED__1"
    assert loaded.origins["listener.1.kind"] == "default"


def test_an_array_of_the_file_is_what_the_environment_changes(tmp_path):
    path = written(
        tmp_path, '[[smarthost]]\nurl = "smtp://127.0.0.1:25"\nweight = 3\n[dns]\nservers = ["192.0.2.1:53"]\n'
    )

    settings = load(
        path, {"RELAY__SMARTHOST__0__URL": "smtp://127.0.0.1:26", "RELAY__DNS__SERVERS__1": "192.0.2.2:53"}
    ).settings

    assert (settings.smarthost[0].url, settings.smarthost[0].weight) == ("smtp://127.0.0.1:26", 3)
    assert settings.dns.servers == ("192.0.2.1:53", "192.0.2.2:53")


def test_an_index_that_leaves_a_gap_is_a_mistake():
    assert mistakes(None, {"RELAY__SMARTHOST__2__URL": "maildir:x", "RELAY__DNS__SERVERS__1": "192.0.2.1:53"}) == [
        "RELAY__DNS__SERVERS__1: dns.servers.1: leaves a gap: the next free index is 0",
        "RELAY__SMARTHOST__2__URL: smarthost.2.url: leaves a gap: the next free index is 1",
    ]


def test_a_variable_under_a_table_that_is_none_adds_no_mistake_of_its_own(tmp_path):
    path = written(tmp_path, 'smarthost = "maildir:outbox"\n')

    assert mistakes(path, {"RELAY__SMARTHOST__0__URL": "maildir:x"}) == [f"{path}:1: smarthost: must be an array"]


def test_an_entry_that_is_no_table_stays_one_mistake_under_a_variable(tmp_path):
    path = written(tmp_path, 'smarthost = ["maildir:outbox"]\n')

    found = mistakes(path, {"RELAY__SMARTHOST__0__URL": "maildir:x"})

    assert [line.partition(": ")[2] for line in found] == ["smarthost.0: must be a table"]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("RELAY__DKIM__PLATFORM_SIGNATURE", "off", False),
        ("RELAY__dkim__Platform_Signature", "TRUE", True),
        ("RELAY__DNS__TIMEOUT", "0.5", 0.5),
        ("RELAY__DNS__SERVERS", "192.0.2.1:53, [2001:db8::1]:53", ("192.0.2.1:53", "[2001:db8::1]:53")),
        ("RELAY__DNS__SERVERS", '["192.0.2.1:53"]', ("192.0.2.1:53",)),
        ("RELAY__DNS__SERVERS", "[]", ()),
        ("RELAY__DNS__SERVERS", "", ()),
    ],
)
def test_a_variables_text_takes_the_type_of_its_key(name, text, value):
    loaded = load(None, {name: text})

    assert value in (
        loaded.settings.dkim.platform_signature,
        loaded.settings.dns.timeout,
        loaded.settings.dns.servers,
    )
    assert name in loaded.origins.values()


def test_an_empty_variable_unsets_what_may_be_unset(tmp_path):
    path = written(tmp_path, '[console]\nbind = "127.0.0.1:8581"\n')

    assert load(path, {"RELAY__CONSOLE__BIND": ""}).settings.console.bind is None


@pytest.mark.parametrize(
    ("name", "text", "mistake"),
    [
        ("RELAY__LIMITS__MAX_SIZE", "big", "limits.max_size: must be a whole number"),
        ("RELAY__DNS__TIMEOUT", "soon", "dns.timeout: must be a number"),
        ("RELAY__DKIM__PLATFORM_SIGNATURE", "perhaps", "dkim.platform_signature: must be true or false"),
        ("RELAY__DNS__SERVERS", '["unfinished', "dns.servers: must be an array"),
        ("RELAY__HOSTNAME", "\udcff", "hostname: is not UTF-8"),
    ],
)
def test_a_variable_of_the_wrong_type_is_a_mistake_under_its_name(name, text, mistake):
    assert mistakes(None, {name: text}) == [f"{name}: {mistake}"]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("RELAY__STORE__URI", "RELAY__STORE__URL"),
        ("RELAY__SMARTHOST__4__URLS", "RELAY__SMARTHOST__4__URL"),
        ("RELAY__SMARTHOST__URL", "RELAY__SMARTHOST__0__URL"),
        ("RELAY__MAX_SIZE", "RELAY__LIMITS__MAX_SIZE"),
        ("RELAY__STORE", "RELAY__STORE__URL"),
        ("RELAY__STORE__URL__0", "RELAY__STORE__URL"),
        ("RELAY__STOR__URL_FILE", "RELAY__STORE__URL"),
    ],
)
def test_an_unknown_variable_is_a_mistake_and_names_the_nearest_known_one(name, near):
    key = name.removeprefix("RELAY__").lower().replace("__", ".")

    assert mistakes(None, {name: "x"}) == [f"{name}: {key}: unknown, did you mean {near}?"]


@pytest.mark.parametrize(
    "name",
    [
        "RELAY__POLICY__FOOTER.POSTAL_ADDRESS__MODE",
        "RELAY__POLICY__FOOTER__POSTAL_ADDRESS__MODE",
        "RELAY__policy__footer.postal_address__mode",
    ],
)
def test_the_table_of_a_rule_is_reached_with_a_dot_or_without(name):
    loaded = load(None, {name: "observe"})

    assert loaded.settings.rule("footer.postal_address") == RulePolicy("observe")
    assert loaded.origins['policy."footer.postal_address".mode'] == name


def test_a_group_stands_for_its_rules_until_a_rule_has_a_table_of_its_own():
    settings = load(
        None, {"RELAY__POLICY__CONSENT__MODE": "observe", "RELAY__POLICY__CONSENT.MISSING__MODE": "enforce"}
    ).settings

    assert settings.rule("consent.expired").mode == "observe"
    assert settings.rule("consent.missing").mode == "enforce"
    assert settings.rule("address.role").mode == "enforce"


def test_a_secret_is_read_from_the_file_a_variable_names(tmp_path):
    path = written(tmp_path, "")
    written(tmp_path, "postgresql://relay:hunter2@db.example/relay\n", "db-url")

    loaded = load(path, {"RELAY__STORE__URL_FILE": "db-url"})

    assert loaded.settings.store.url == "postgresql://relay:hunter2@db.example/relay"
    assert loaded.origins["store.url"] == "RELAY__STORE__URL_FILE"


def test_a_postgresql_on_this_machine_is_named_by_the_folder_of_its_socket(tmp_path):
    url = "postgresql:///relay?host=/run/postgresql"

    assert load(written(tmp_path, f'[store]\nurl = "{url}"\n'), {}).settings.store.url == url


def test_log_file_is_a_key_and_no_suffix(tmp_path):
    path = written(tmp_path, "")

    assert load(path, {"RELAY__LOG__FILE": "journal.log"}).settings.log.file == tmp_path / "journal.log"


def test_a_secret_file_that_cannot_be_read_is_a_mistake_that_does_not_show_what_was_given(tmp_path):
    path = written(tmp_path, "")
    (tmp_path / "latin1").write_bytes(b"\xff")

    found = mistakes(path, {"RELAY__STORE__URL_FILE": "hunter2", "RELAY__TLS__KEY_FILE": "latin1"})

    assert found == [
        "RELAY__STORE__URL_FILE: store.url: names a file that cannot be read: No such file or directory",
        "RELAY__TLS__KEY_FILE: tls.key: names a file that is not UTF-8",
    ]


def test_one_key_set_by_two_variables_is_a_mistake():
    assert mistakes(None, {"RELAY__HOSTNAME": "a.example", "RELAY__hostname": "b.example"}) == [
        "RELAY__hostname: hostname: is also set by RELAY__HOSTNAME"
    ]


def test_file_and_environment_mistakes_come_together_in_the_files_order(tmp_path):
    path = written(tmp_path, '[limits]\nmax_size = "x"\n[store]\nurl = "y"\n')

    assert mistakes(path, {"RELAY__HOSTNAME": "-", "RELAY__HOSTNAM": "1"}) == [
        f"{path}:2: limits.max_size: must be a whole number",
        f"{path}:4: store.url: must begin with sqlite:/// or postgresql://",
        "RELAY__HOSTNAME: hostname: is not a domain name; write other scripts as A-labels (xn--…)",
        "RELAY__HOSTNAM: hostnam: unknown, did you mean RELAY__HOSTNAME?",
    ]


def test_a_file_that_is_not_there_is_a_mistake(tmp_path):
    assert mistakes(tmp_path / "none.toml") == [f"{tmp_path}/none.toml: cannot be read: No such file or directory"]


def test_a_file_that_is_not_utf_8_is_a_mistake(tmp_path):
    (tmp_path / "relay.toml").write_bytes(b'hostname = "\xff"')

    assert mistakes(tmp_path / "relay.toml") == [f"{tmp_path}/relay.toml: is not UTF-8 (octet 12)"]


def test_a_file_nested_beyond_reason_is_a_mistake(tmp_path):
    path = written(tmp_path, "a = " + "[" * 5000 + "]" * 5000)

    assert mistakes(path) == [f"{path}: is nested too deep"]


def test_a_byte_order_mark_and_crlf_do_no_harm(tmp_path):
    (tmp_path / "relay.toml").write_bytes(b'\xef\xbb\xbfhostname = "a.example"\r\n[log]\r\nformat = "json"\r\n')

    loaded = load(tmp_path / "relay.toml", {})

    assert loaded.origins["log.format"] == f"{tmp_path}/relay.toml:3"


def test_a_certificate_lets_tls_listeners_leave_loopback(tmp_path):
    path = written(
        tmp_path,
        '[[listener]]\nkind = "submission"\nbind = "0.0.0.0:587"\ntls = "starttls"\n'
        '[tls]\ncertificate = "c.pem"\nkey = "k.pem"\n[platform]\ncontact = "https://example.com/policy"\n',
    )

    assert load(path, {}).settings.listener[0].bind == "0.0.0.0:587"


def test_trusted_networks_may_be_public_where_auth_is_required(tmp_path):
    path = written(
        tmp_path,
        '[[listener]]\nkind = "bulk"\nbind = "127.0.0.1:0"\ntrusted = ["0.0.0.0/0"]\nauth = "required"\n',
    )

    assert load(path, {}).settings.listener[0].trusted == ("0.0.0.0/0",)
