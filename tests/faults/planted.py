"""Bugs planted one at a time into a copy of the relay: each must turn a test red, by name (RELIABILITY.md §E9).

`python tests/faults/planted.py` plants them all, `… NAME …` some. Prints a line each and ends with 1 if one lived.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPIED = ("config", "policies", "relay", "tests", "pyproject.toml", "relay.toml", "README.md", "docs", "Makefile")
SECONDS = 240

COMMIT = "tests/relay/forwarding/test_commit.py"
RETRY = "tests/relay/forwarding/test_retry.py"
REPEATS = "tests/relay/forwarding/test_repeats.py"
SPOOL = "tests/store/test_spool.py"


@dataclass(frozen=True, slots=True)
class Bug:
    """One mistake: what is written instead of what, and the test that must notice."""

    name: str
    file: str
    was: str
    now: str
    test: str
    """Of pytest: a file, or a file and a name."""
    picks: str = ""
    """For pytest's -k."""


BUGS = (
    Bug(
        "250 before commit B",
        "relay/forwarding/several.py",
        "        await self._office.spool.answer(lease, str(reply), self._rows, dsns)\n",
        "        asyncio.ensure_future(self._office.spool.answer(lease, str(reply), self._rows, dsns))\n",
        f"{COMMIT}::test_a_failed_second_commit_after_something_was_sent_is_silence",
    ),
    Bug(
        "synchronous=OFF on the queue",
        "relay/adapters/store/engine.py",
        "PRAGMA synchronous=FULL",
        "PRAGMA synchronous=OFF",
        "tests/faults/test_power_cuts.py",
    ),
    Bug(
        "synchronous=NORMAL",
        "relay/adapters/store/engine.py",
        "PRAGMA synchronous=FULL",
        "PRAGMA synchronous=NORMAL",
        "tests/faults/test_power_cuts.py",
    ),
    Bug(
        "bytes kept in memory counted as durable",
        "relay/adapters/store/writer.py",
        "            self._transaction(jobs)\n",
        "            _settle(jobs)\n            threading.Event().wait(0.005)\n            self._transaction(jobs)\n",
        "tests/store/test_durability.py::test_everything_promised_survives_a_kill_and_nothing_is_half_there",
        "sqlite",
    ),
    Bug(
        "several copies sent before commit A",
        "relay/forwarding/several.py",
        "            lease = await self._office.spool.commit(self._message, self._rows, until)\n",
        "            for copy in self._copies:\n"
        "                await self._office.smarthosts.deliver(copy.outgoing(), 5.0)\n"
        "            lease = await self._office.spool.commit(self._message, self._rows, until)\n",
        f"{COMMIT}::test_a_stopped_store_before_the_first_dot_is_451_and_nothing_is_sent",
    ),
    Bug(
        "session cancel reaches the task",
        "relay/forwarding/commit.py",
        "        return await asyncio.shield(task)\n",
        "        return await task\n",
        f"{COMMIT}::test_a_cancelled_session_does_not_cancel_the_delivery",
    ),
    Bug(
        "SENDING not written",
        "relay/forwarding/several.py",
        "        await self._office.spool.update(lease, [self._rows[one] for one in saved])\n",
        "",
        f"{COMMIT}::test_a_store_that_cannot_note_sending_stops_every_copy",
    ),
    Bug(
        "IN_DOUBT treated as failed",
        "relay/forwarding/states.py",
        "        return replace(copy, state=CopyState.IN_DOUBT, in_doubt=doubts,"
        " next_attempt_at=self.after_doubt(now))\n",
        "        return replace(copy, state=CopyState.FAILED, in_doubt=doubts)\n",
        f"{RETRY}::test_a_copy_in_doubt_is_sent_again_with_the_same_octets_and_held_after_three",
    ),
    Bug(
        "IN_DOUBT treated as sent",
        "relay/forwarding/states.py",
        "        return replace(copy, state=CopyState.IN_DOUBT, in_doubt=doubts,"
        " next_attempt_at=self.after_doubt(now))\n",
        "        return replace(copy, state=CopyState.SENT, in_doubt=doubts)\n",
        f"{RETRY}::test_a_copy_in_doubt_is_sent_again_with_the_same_octets_and_held_after_three",
    ),
    Bug(
        "4xx after one copy SENT",
        "relay/forwarding/several.py",
        "            if gone or self._may_queue():\n",
        "            if all(row.state in GONE for row in self._rows) or self._may_queue():\n",
        f"{COMMIT}::test_one_refused_among_several_gets_a_dsn_and_the_rest_is_accepted",
    ),
    Bug(
        "DSN outside the transaction",
        "relay/forwarding/several.py",
        "        await self._office.spool.answer(lease, str(reply), self._rows, dsns)\n",
        "        await self._office.spool.update(lease, self._rows)\n"
        "        await self._office.spool.answer(lease, str(reply), self._rows, dsns)\n",
        f"{COMMIT}::test_a_failure_is_kept_only_together_with_its_dsn",
    ),
    Bug(
        "lease not checked before the dot",
        "relay/adapters/store/spool.py",
        "    if statements.execute(_HELD, (lease.account_id, lease.ref, lease.fence)) != 1:\n",
        "    if statements.execute(_HELD, (lease.account_id, lease.ref, lease.fence)) > 1:\n",
        f"{SPOOL}::test_every_change_under_a_lease_that_was_lost_is_refused",
    ),
    Bug(
        "suppression checked only at RCPT",
        "relay/forwarding/recheck.py",
        "        reason = await self.permissions.suppressed(account_id, list_id, address)\n",
        "        reason: SuppressionReason | None = None\n",
        f"{COMMIT}::test_who_opted_out_after_rcpt_gets_nothing",
    ),
    Bug(
        "standing checked only at MAIL",
        "relay/forwarding/recheck.py",
        "        if account is None or standing in self.off:\n",
        "        if account is None:\n",
        f"{COMMIT}::test_an_account_that_lost_its_standing_after_mail_sends_nothing",
    ),
    Bug(
        "bare LF normalised",
        "relay/smtp/framing.py",
        '        return "a bare LF"\n',
        '        return ""\n',
        "tests/relay/smtp/test_smtp_smuggling.py::test_nothing_but_cr_lf_dot_cr_lf_ends_a_message",
    ),
    Bug(
        "GET unsubscribes",
        "relay/web/opt_out.py",
        "        context = _context(subject)\n",
        "        await opt_outs.carry_out(subject, Scope.LIST, Way.PAGE, clients.address(request))\n"
        "        context = _context(subject)\n",
        "tests/relay/web/test_opt_out_page.py::test_looking_changes_nothing",
    ),
    Bug(
        "token purpose not bound",
        "relay/tokens.py",
        "        if head != _VERSION << 4 | purpose:\n",
        "        if head >> 4 != _VERSION:\n",
        "tests/relay/test_tokens.py::test_a_token_serves_no_other_purpose",
    ),
    Bug(
        "500 on internal error",
        "relay/refusals.py",
        '        return Refusal(451, "3.0", "a fault of ours',
        '        return Refusal(554, "3.0", "a fault of ours',
        "tests/relay/test_refusals.py::test_our_own_fault_tells_nothing_of_itself",
    ),
    Bug(
        "fail-open on DB error",
        "relay/forwarding/recheck.py",
        "        reason = await self.permissions.suppressed(account_id, list_id, address)\n",
        "        from relay.ports import StoreUnavailable\n"
        "        try:\n"
        "            reason = await self.permissions.suppressed(account_id, list_id, address)\n"
        "        except StoreUnavailable:\n"
        "            reason = None\n",
        f"{COMMIT}::test_who_cannot_ask_for_permission_does_not_send",
    ),
    Bug(
        "upstream certificate not verified",
        "relay/adapters/smarthost.py",
        "    if not verify:\n",
        "    if True:\n",
        "tests/relay/forwarding/test_smarthosts.py",
        "certificate_for_another_host",
    ),
    Bug(
        "AUTH offered in clear",
        "relay/smtp/door.py",
        "        return self.offer.auth and (tls_active or self._in_clear)\n",
        "        return self.offer.auth\n",
        "tests/relay/smtp/test_smtp_dialogs.py",
        "submission_before_tls",
    ),
    Bug(
        "recovery drops SENDING",
        "relay/adapters/store/spool_recovery.py",
        "    f\" AND state IN ('{CopyState.SENT}', '{CopyState.SENDING}', '{CopyState.IN_DOUBT}')\"\n",
        "    f\" AND state IN ('{CopyState.SENT}', '{CopyState.IN_DOUBT}')\"\n",
        f"{SPOOL}::test_a_copy_in_doubt_is_sent_again_after_a_quarter_of_an_hour",
        "sqlite",
    ),
    Bug(
        "a lost answer forgotten",
        "relay/forwarding/repeats.py",
        "        if said is None:\n",
        "        if said is None or said:\n",
        f"{REPEATS}::test_what_was_not_read_answers_the_same_message_and_nothing_is_sent",
    ),
    Bug(
        "a poison message tried for ever",
        "relay/adapters/store/spool_recovery.py",
        "        if crashes >= POISON_TRIES:\n",
        "        if crashes > 1000:\n",
        f"{SPOOL}::test_a_message_at_which_three_processes_died_is_left_to_a_person",
        "sqlite",
    ),
)


@contextlib.contextmanager
def copied() -> Iterator[Path]:
    """The tree in a folder of its own; what stands beside it can still be read."""
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        tree = Path(folder) / "tree"
        tree.mkdir()
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
            elif source.exists():
                shutil.copy2(source, tree / name)
        if (ROOT.parent / "shared").is_dir():
            (Path(folder) / "shared").symlink_to(ROOT.parent / "shared")
        yield tree


@contextlib.contextmanager
def planted(tree: Path, bug: Bug) -> Iterator[None]:
    """The bug, for a while; ValueError where the code it changes is not there any more."""
    file = tree / bug.file
    sound = file.read_text(encoding="utf-8")
    if bug.was not in sound:
        raise ValueError(f"{bug.name}: {bug.file} does not say {bug.was.strip()!r} any more")
    file.write_text(sound.replace(bug.was, bug.now, 1), encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(sound, encoding="utf-8")


def red(tree: Path, bug: Bug) -> str:
    """The first test that notices; empty: none does. RuntimeError where nothing was tested at all."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", bug.test]
    command += ["-k", bug.picks] if bug.picks else []
    environ = {**os.environ, "PYTHONPATH": str(tree)}
    done = subprocess.run(command, cwd=tree, env=environ, capture_output=True, text=True, timeout=SECONDS)
    if done.returncode not in (0, 1) or "skipped" in done.stdout.splitlines()[-1]:
        raise RuntimeError(
            f"{bug.name}: pytest ended with {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-500:]}"
        )
    found = re.search(r"^FAILED \S+?::(\w+)", done.stdout, re.MULTILINE)
    if done.returncode and found is None:
        raise RuntimeError(f"{bug.name}: red, but by no test\n{done.stdout[-2000:]}")
    return found[1] if found else ""


def caught(tree: Path, bug: Bug) -> str:
    """As `red`, with the bug in the tree."""
    with planted(tree, bug):
        return red(tree, bug)


def main(names: Sequence[str]) -> int:
    chosen = [bug for bug in BUGS if not names or bug.name in names]
    lived = 0
    with copied() as tree:
        for bug in chosen:
            began = time.monotonic()
            test = caught(tree, bug)
            lived += not test
            print(f"{bug.name:42} {test or 'NOT CAUGHT'} ({time.monotonic() - began:.0f} s)", flush=True)
    print(f"{len(chosen) - lived} of {len(chosen)} planted bugs caught")
    return 1 if lived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
