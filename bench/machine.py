"""On what a benchmark was made."""

import os
import platform
from pathlib import Path


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def machine(session):
    """What its figures depend on, in a line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    b2neon = session.value("SELECT extversion FROM pg_extension WHERE extname = 'b2neon'")
    return (
        f"{os.cpu_count()} x {processor()}, {memory:.0f} GiB, PostgreSQL"
        f" {session.value('SHOW server_version').split()[0]} with shared_buffers of"
        f" {session.value('SHOW shared_buffers')}, b2neon {b2neon}"
    )
