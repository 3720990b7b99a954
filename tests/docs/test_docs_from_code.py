"""What code knows best stands in docs as `make docs` writes it."""

import io

import pytest
from cogapp import Cog

from docs.reading import ROOT

WRITTEN = ("commands.md", "errors.md", "rules.md", "settings.md")


@pytest.mark.parametrize("name", WRITTEN)
def test_docs_are_as_make_docs_writes_them(name, capsys):
    cog = Cog()
    cog.options.include_path = [str(ROOT)]
    source = (ROOT / "docs" / name).read_text(encoding="utf-8")
    written = io.StringIO()

    cog.process_file(io.StringIO(source), written, name)

    assert "[[[cog" in source
    assert written.getvalue() == source, f"docs/{name} is not what code says: make docs"
