"""What processes have used and hold, of this machine's /proc."""

import os
import threading
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
SAMPLE_SECONDS = 0.25


def children(pid):
    """Those of any of its threads; none, once it has ended."""
    found = []
    for path in Path("/proc", str(pid), "task").glob("*/children"):
        try:
            found += map(int, path.read_text().split())
        except OSError:
            pass
    return found


def tree(pid):
    """A process and all under it."""
    return [pid, *(one for child in children(pid) for one in tree(child))]


def tree_cpu_seconds(pid):
    """User and system time of a process and all under it, also of those that have ended and were
    waited for."""
    ticks = 0
    # The root last: whoever ends meanwhile is counted there.
    for one in reversed(tree(pid)):
        try:
            fields = Path("/proc", str(one), "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime: proc(5)
    return ticks / TICKS


class MemoryWatch:
    """Looks again and again at the private memory of some processes while the block runs. `count`
    is the most that there were at once, and `last` what so many had last, all together."""

    def __init__(self, pids, memory):
        self._pids = pids
        self._memory = memory
        self._over = threading.Event()
        self.last, self.count = 0, 0

    def __enter__(self):
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _look(self):
        while not self._over.wait(SAMPLE_SECONDS):
            sizes = []
            for pid in self._pids():
                try:
                    sizes.append(self._memory(pid))
                except OSError:  # ended meanwhile
                    pass
            if len(sizes) >= self.count:
                self.last, self.count = sum(sizes), len(sizes)
