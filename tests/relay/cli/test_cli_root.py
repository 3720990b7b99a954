"""The command `relay` from outside: exit codes, settings, tables and JSON, no traceback."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import typer

from config.mistakes import ConfigError, Mistake
from relay.cli import main as root
from relay.cli.invocation import operating_user, since
from relay.cli.output import Exit, Failure, print_table, visible
from relay.ports import StoreUnavailable

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("RELAY_CONFIG", "RELAY_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_version_is_printed(folder, capsys):
    assert root.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("relay ")


@pytest.mark.parametrize("args", [[], ["config"], ["nonsense"], ["config", "show", "--nonsense"]])
def test_wrong_usage_exits_2(folder, args):
    assert root.main(args) == 2


def test_a_right_file_passes_the_check(folder, capsys):
    (folder / "relay.toml").write_text('hostname = "a.example"\n')

    assert root.main(["config", "check"]) == 0
    assert capsys.readouterr().out == "relay.toml: no mistakes\n"


def test_a_broken_file_exits_78_with_every_mistake_on_standard_error(folder, capsys):
    (folder / "relay.toml").write_text('hostname = 3\n[store]\nurl = "x"\n')

    assert root.main(["config", "show"]) == 78
    assert capsys.readouterr().err.splitlines() == [
        "relay.toml:1: hostname: must be text in quotes",
        "relay.toml:3: store.url: must begin with sqlite:/// or postgresql://",
    ]


def test_check_prints_mistakes_as_json(folder, capsys):
    (folder / "other.toml").write_text("hostname = 3\n")

    assert root.main(["config", "check", "other.toml", "--json"]) == 78
    assert json.loads(capsys.readouterr().out) == {
        "file": "other.toml",
        "mistakes": [{"key": "hostname", "what": "must be text in quotes", "where": "other.toml:1"}],
    }


def test_config_option_wins_over_the_variable_and_the_variable_over_the_folder(folder, monkeypatch, capsys):
    for name in ("relay", "variable", "option"):
        (folder / f"{name}.toml").write_text(f'hostname = "{name}.example"\n')

    def hostname(*args: str) -> str:
        assert root.main([*args, "config", "show", "--json"]) == 0
        return json.loads(capsys.readouterr().out)[0]["value"]

    assert hostname() == "relay.example"
    monkeypatch.setenv("RELAY_CONFIG", "variable.toml")
    assert hostname() == "variable.example"
    assert hostname("--config", "option.toml") == "option.example"


def test_show_says_where_each_value_came_from_and_masks_secrets(folder, monkeypatch, capsys):
    (folder / "relay.toml").write_text('[log]\nformat = "json"\n')
    monkeypatch.setenv("RELAY__STORE__URL", "postgresql://relay:hunter2@db.example/relay")

    assert root.main(["config", "show", "--changed"]) == 0

    assert capsys.readouterr().out.splitlines() == [
        "key         value                                      origin",
        'store.url   "postgresql://relay:***@db.example/relay"  RELAY__STORE__URL',
        'log.format  "json"                                     relay.toml:2',
    ]


def test_show_defaults_ignores_file_and_environment(folder, capsys):
    (folder / "relay.toml").write_text("broken")

    assert root.main(["config", "show", "--defaults", "--json"]) == 0

    rows = {row["key"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["data_dir"] == {"key": "data_dir", "value": "var", "origin": "default"}
    assert rows["listener.1.trusted"]["value"] == ["127.0.0.0/8", "::1/128"]


def test_show_takes_one_selection_only(folder):
    assert root.main(["config", "show", "--defaults", "--changed"]) == 2


@pytest.mark.parametrize("name", [*root.GROUPS, *root.COMMANDS])
def test_every_command_loads_and_explains_itself(folder, name, capsys):
    assert root.main([name, "--help"]) == 0
    assert f"relay {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("failure", "code", "line"),
    [
        (Failure("no account of this name"), 1, "no account of this name"),
        (Failure("nobody answers", Exit.UNAVAILABLE), 69, "nobody answers"),
        (StoreUnavailable(), 69, "the store cannot be reached"),
        (StoreUnavailable("no such folder"), 69, "the store cannot be reached: no such folder"),
        (ConfigError([Mistake("a", "b", "c:1")]), 78, "c:1: a: b"),
        (ZeroDivisionError("secret"), 70, "internal error: ZeroDivisionError (set RELAY_DEBUG=1 for the traceback)"),
    ],
)
def test_every_failure_is_one_line_and_its_exit_code(folder, capsys, failure, code, line):
    def run() -> int:
        raise failure

    assert root.guarded(run) == code
    assert capsys.readouterr().err == f"{line}\n"


def test_an_interrupted_command_says_nothing(capsys):
    def run() -> int:
        raise KeyboardInterrupt

    assert root.guarded(run) == 130
    assert capsys.readouterr().err == ""


def test_debugging_shows_the_traceback(monkeypatch):
    monkeypatch.setenv("RELAY_DEBUG", "1")

    with pytest.raises(ZeroDivisionError):
        root.guarded(lambda: 1 // 0)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("10m", NOW - timedelta(minutes=10)),
        ("2h", NOW - timedelta(hours=2)),
        ("3d", NOW - timedelta(days=3)),
        ("1w", NOW - timedelta(weeks=1)),
        ("2026-11-05", datetime(2026, 11, 5, tzinfo=UTC)),
        ("2026-11-05T14:30Z", datetime(2026, 11, 5, 14, 30, tzinfo=UTC)),
        ("2026-11-05T14:30+07:00", datetime(2026, 11, 5, 7, 30, tzinfo=UTC)),
    ],
)
def test_since_is_an_age_or_iso_8601(text, at):
    assert since(text, NOW) == at


@pytest.mark.parametrize("text", ["", "10", "m", "10y", "yesterday", "-3d", "999999w"])
def test_other_text_is_no_time(text):
    with pytest.raises(typer.BadParameter):
        since(text, NOW)


def test_the_acting_person_defaults_to_somebody():
    assert operating_user()


def test_a_piped_table_is_plain_text_with_whole_cells(capsys):
    print_table(("ref", "why"), [("A", "x" * 200), (7, None)])

    assert capsys.readouterr().out == f"ref  why\nA    {'x' * 200}\n7    -\n"


def test_text_from_outside_cannot_steer_the_terminal():
    assert visible("a\x1b[2Jb\r\nü") == "a\\x1b[2Jb\\r\\nü"
