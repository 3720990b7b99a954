"""A disk that fails to sync: nothing is promised, its process writes no more, a new one goes on (row 61)."""

import re

import pytest
from driver import PEOPLE, new_ident, reckon, states, until
from syscalls import Meddling, meddling, struck
from test_process_faults import workers_of
from test_smarthost_faults import REF
from test_store_faults import fine

pytestmark = pytest.mark.faults


@pytest.mark.timeout(200)
@pytest.mark.usefixtures("strace")
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_a_sync_that_fails_is_never_tried_again_and_promises_nothing(make, quick_queue, tmp_path, error):
    client, smarthost = make(quick_queue)
    ident, record = new_ident("sync"), tmp_path / "calls"
    workers = workers_of(client.relay)
    try:
        with meddling(workers, Meddling("fsync", f"error={error}", 1), record):
            answer = client.send("bulk", PEOPLE[:3], ident=ident)
    except PermissionError as refused:
        pytest.skip(f"nobody may look on here: {refused}")

    assert struck(record)
    assert re.fullmatch(rf"4\.3\.\d internal: .* \[{REF}\] http://\S+", answer.text), answer
    assert states(client.relay, ident) == []
    until(lambda: not set(workers_of(client.relay)) & set(workers), "it goes on with a broken writer", 60)
    until(lambda: fine(client), "no new worker", 60)
    account = reckon(client, smarthost)
    assert account.clean(), account.faults()
