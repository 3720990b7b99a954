"""What all SMTP connections of one worker share."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from config.schema import Limits
from relay.smtp.limits import Connections
from relay.smtp.memory import MemoryBudget
from relay.smtp.sessions import Sessions
from relay.smtp.stages_port import Stages


@dataclass(slots=True)
class Service:
    """Built once by the server; `draining` is the only field that changes."""

    hostname: str
    stages: Stages
    limits: Limits
    connections: Connections
    memory: MemoryBudget
    spool_dir: Path
    """Where messages over limits.spool_threshold wait; on a disk, not in memory."""
    tls: ssl.SSLContext | None
    delay: float
    """Seconds a client waits after a wrong password (doubled each time) or after too many faults."""
    draining: bool = False
    sessions: Sessions = field(default_factory=Sessions)
