"""Whatever a user can meet stands in docs, and docs name nothing that is not there."""

import re
from pathlib import Path

import pytest

from config.keys import keys_of, leaves_of, shape_of, spell, variable
from config.schema import RULES, Settings
from docs import reading, writing
from docs.reading import ROOT
from policies.guidance import GUIDANCE
from relay.cli.output import Exit

PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md")
}
PAGES["README.md"] = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = {context.command_path: context.command for context in writing.every_command()}
SPANS = [(name, span) for name, text in PAGES.items() for span in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)]
FILES = {
    ".py",
    ".md",
    ".toml",
    ".conf",
    ".service",
    ".smtp",
    ".cf",
    ".eml",
    ".csv",
    ".pem",
    ".txt",
    ".lock",
    ".db",
    ".log",
}


def first_cells(page: str, heading: str = "") -> list[str]:
    """The spans in the first column of a page's tables, below a heading where one is named."""
    text = PAGES[page]
    if heading:
        text = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| ") and not line.startswith("|---")]
    return [span for cell in rows for span in re.findall(r"`([^`]+)`", cell)]


# ---------------------------------------------------------------- what is there stands in docs, and nothing else


def test_every_command_and_flag_stands_in_docs_and_no_other_does():
    sections = dict(re.findall(r"^#+ (relay[a-z -]*)\n\n```text\n(.*?)```", PAGES["docs/commands.md"], re.M | re.S))

    assert set(sections) == set(COMMANDS)
    for path, command in COMMANDS.items():
        flags = {flag for one in command.params for flag in one.opts if flag.startswith("-")}
        assert flags <= set(re.findall(r"--?[a-z][a-z-]*", sections[path])), path


def test_every_setting_stands_in_docs_and_no_other_does():
    shown, table = set(), ""
    for line in PAGES["docs/settings.md"].splitlines():
        if heading := re.fullmatch(r"## (?:\[+([a-z_]+).*|At the top)", line):
            table = heading[1] or ""
        elif row := re.match(r"\| `([a-z_]+)` \|(.*)", line):
            assert row[2].rsplit("|", 2)[1].strip(), f"{table}.{row[1]} is not explained"
            shown.add((table, row[1]))

    there = {("" if len(key) == 1 else key[0], key[-1]) for key in leaves_of(shape_of(Settings))}
    assert shown == there


def test_every_rule_stands_in_docs_and_no_other_does():
    assert set(RULES) <= set(GUIDANCE)
    assert sorted(re.findall(r"^## (.*)$", PAGES["docs/rules.md"], re.M)) == sorted(GUIDANCE)


def test_every_rule_has_a_reply_code_that_the_source_knows():
    for line in re.findall(r"^reply .*$", PAGES["docs/rules.md"], re.M):
        assert re.match(r"reply `([45]\d\d [45]\.\d\.\d+|as the smarthost said)`", line), line


def test_every_event_stands_in_docs_and_no_other_does():
    assert sorted(first_cells("docs/journal.md", "Events")) == sorted(reading.events())


def test_every_member_stands_in_docs_and_no_other_does():
    assert sorted(first_cells("docs/journal.md", "Members")) == sorted(reading.members())


def test_every_path_and_method_stands_in_docs_and_no_other_does():
    shown: dict[str, set[str]] = {}
    for methods, path in re.findall(r"^\| ([A-Z, ]+) \| `(/[^`]*)` \|", PAGES["docs/http.md"], re.M):
        shown.setdefault(path, set()).update(methods.split(", "))

    assert shown == reading.routes()


def test_every_exit_code_stands_in_docs_and_no_other_does():
    section = PAGES["docs/errors.md"].partition("\n## Exit codes\n")[2].partition("\n## ")[0]

    assert [int(code) for code in re.findall(r"^\| (\d+) \|", section, re.M)] == [int(code) for code in Exit]


def test_every_finding_of_the_doctor_stands_in_docs_and_no_other_does():
    section = PAGES["docs/errors.md"].partition("\n## What the doctor finds\n")[2]

    assert set(re.findall(r"`([a-z_]+(?:\.[a-z_]+)?)`", section)) - {"relay doctor"} >= set(reading.findings())
    assert set(first_cells("docs/errors.md", "What the doctor finds")) <= set(reading.findings())


# ---------------------------------------------------------------- nothing anywhere else is named that is not there


@pytest.mark.parametrize(("page", "span"), [one for one in SPANS if one[1].startswith("relay ")])
def test_commands_named_in_passing_exist_with_their_flags(page, span):
    words = span.split()
    path = "relay"
    while len(words) > len(path.split()) and f"{path} {words[len(path.split())]}" in COMMANDS:
        path += f" {words[len(path.split())]}"
    following = words[len(path.split()) :]
    group = hasattr(COMMANDS[path], "commands")
    known = {flag for one in [*COMMANDS[path].params, *COMMANDS["relay"].params] for flag in one.opts}

    assert path != "relay" or following[0].startswith(("[", "-", "…", "COMMAND")), f"{page}: {span}"
    assert not group or not following or not re.match(r"[a-z]", following[0]), f"{page}: {span}"
    assert {word for word in following if word.startswith("--")} <= known, f"{page}: {span}"


def test_dotted_names_in_passing_are_rules_events_findings_or_keys():
    known = {*GUIDANCE, *reading.events(), *reading.findings()}
    known |= {spell(key) for key in keys_of(shape_of(Settings))}
    groups = {name.partition(".")[0] for name in known}
    wrong = [
        (page, span)
        for page, span in SPANS
        if re.fullmatch(r"[a-z_]+\.[a-z_]+", span)
        and span.partition(".")[0] in groups
        and Path(span).suffix not in FILES
        and span not in known
    ]

    assert not wrong


def test_keys_in_passing_exist():
    known = {("" if len(key) == 1 else key[0], key[-1]) for key in leaves_of(shape_of(Settings))}
    tables = {table for table, _ in known}
    for page, span in SPANS:
        for table, key in re.findall(r"^\[+([a-z_]+)\]+(?: ([a-z_]+))?", span):
            assert table in tables, f"{page}: {span}"
            assert not key or (table, key) in known, f"{page}: {span}"


def test_variables_in_passing_exist():
    known = {variable(key) for key in leaves_of(shape_of(Settings))}
    for page, text in PAGES.items():
        for name in re.findall(r"RELAY__[A-Z0-9_]+", text):
            assert re.sub(r"__\d+__", "__0__", name).removesuffix("_FILE") in known, f"{page}: {name}"


def test_exit_codes_in_passing_exist_and_are_ours():
    ours = {int(code) for code in Exit}
    for page, text in PAGES.items():
        if page != "docs/clients.md":
            assert {int(code) for code in re.findall(r"\bexit (\d+)", text)} <= ours, page


def test_paths_in_passing_are_pages_of_ours():
    heads = {path.split("/")[1] for path in reading.routes()}
    for page, span in SPANS:
        if re.fullmatch(r"/[a-z]+(/|/\{[a-z]+\}|/[A-Z.]+)?", span) and not span.startswith(("/etc", "/var", "/opt")):
            assert span.split("/")[1] in heads, f"{page}: {span}"


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    folder = (ROOT / page).parent
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", PAGES[page]):
        file, _, anchor = target.partition("#")
        assert (folder / file).exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", (folder / file).read_text(encoding="utf-8"), re.M)
            assert anchor in {heading.lower().replace(" ", "-") for heading in headings}, target


def test_the_readme_leads_to_every_page():
    beside = {page for page in PAGES if page.startswith("docs/")}

    assert beside <= {link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", PAGES["README.md"])}


def test_every_protocol_reply_quoted_in_docs_is_one_the_source_gives():
    texts = {text for tree in reading.trees("relay").values() for text in reading.strings(tree)}
    for page, span in SPANS:
        if found := re.fullmatch(r"[45]\d\d [45]\.\d\.\d+ ([a-z][a-z ,A-Z]+)", span):
            assert any(found[1].strip() in text for text in texts), f"{page}: {span}"
