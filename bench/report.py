"""Tables as Markdown, and on which machine they were made."""

import os
import platform
from pathlib import Path


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def machine(session):
    """What the figures depend on, in a line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    version = session.value("SELECT extversion FROM pg_extension WHERE extname = 'b2neon'")
    return (
        f"{os.cpu_count()} x {processor()}, {memory:.0f} GiB, Linux {platform.release()},"
        f" PostgreSQL {session.value('SHOW server_version').split()[0]}"
        f" with shared_buffers of {session.value('SHOW shared_buffers')}, b2neon {version}"
    )


def markdown_table(columns, rows):
    lines = [
        columns,
        ["---"] + ["---" if name.endswith(" ") else "---:" for name in columns[1:]],
        *rows,
    ]
    cells = [[str(cell).strip().replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)
