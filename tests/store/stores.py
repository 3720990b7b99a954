"""For tests of what only one of the stores has: a file that can be moved, a server that can be frozen."""

import pytest

ON_SQLITE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
ON_POSTGRES = pytest.mark.parametrize("url", ["postgresql"], indirect=True)
