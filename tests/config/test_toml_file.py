"""Lines of keys, which tomllib does not tell."""

from config.toml_file import key_lines

TEXT = '''# comment
title = """
two
lines"""
a.b = 1 # [x]

[limits]
list = [ # one
  "x", "]",
]
inline = { p = 1, q = [2] }

[[host]]
url = "a"
  [host.sub]
  k = 1
[[host]]
url = "b"
[policy."footer.postal_address"]
mode = 'x'
'''


def test_each_key_has_the_line_it_begins_on():
    lines = key_lines(TEXT)

    assert lines[("title",)] == 2
    assert lines[("a", "b")] == 5
    assert lines[("limits",)] == 7
    assert lines[("limits", "list")] == lines[("limits", "list", "1")] == 8
    assert lines[("limits", "inline", "q", "0")] == 11


def test_entries_of_arrays_of_tables_count_from_zero():
    lines = key_lines(TEXT)

    assert lines[("host", "0")] == 13
    assert lines[("host", "0", "url")] == 14
    assert lines[("host", "0", "sub", "k")] == 16
    assert lines[("host", "1", "url")] == 18


def test_quoted_names_are_one_part():
    assert key_lines(TEXT)[("policy", "footer.postal_address", "mode")] == 20
