"""Searches the memory that a process has for itself: its heap, its stacks, its variables.

As a program it is given the process and, in hexadecimal, what to look for, and prints what it has
found. It is run with root's rights, which the tests may not have."""

import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager

AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]


def private_memory(pid):
    """How many bytes a process has for itself; its part of the shared buffers grows as it reads
    them."""
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    raise AssertionError("no RssAnon")


@contextmanager
def peak_memory(pid):
    """Gives a list, whose only item is the most of that memory at any time within the block."""
    peak = [private_memory(pid)]
    is_over = threading.Event()

    def watch():
        while not is_over.wait(0.02):
            peak[0] = max(peak[0], private_memory(pid))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        is_over.set()
        thread.join()


def _private_mappings(pid):
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            addresses, permissions, *_ = line.split()
            if permissions == "rw-p":
                start, end = (int(address, 16) for address in addresses.split("-"))
                memory.seek(start)
                yield memory.read(end - start)


def _search(pid, *wanted):
    for content in _private_mappings(pid):
        for text in wanted:
            if bytes.fromhex(text) in content:
                print("found", text, flush=True)


def _search_command(pid, wanted):
    program = os.path.abspath(__file__)
    return [sys.executable, program, str(pid), *(text.hex() for text in wanted.values())]


def _names(output, wanted):
    found = re.findall(r"^found (\w+)$", output, re.MULTILINE)
    return {name for name, text in wanted.items() if text.hex() in found}


def found_in(pid, wanted):
    """The names of those of `wanted`, bytes by name, that stand in the memory of a process."""
    command = [*AS_ROOT, *_search_command(pid, wanted)]
    return _names(subprocess.check_output(command, text=True), wanted)


@contextmanager
def found_at_exit(pid, wanted):
    """The same of a process that the block brings to its end, when it has done all but the last
    system call. Gives a set that is filled after the block."""
    catch = ["handle all nostop noprint pass", "catch syscall exit_group", "continue"]
    search = ["shell " + " ".join(_search_command(pid, wanted)), "detach"]
    # A process that does not end must not be waited for.
    with subprocess.Popen(
        [*AS_ROOT, "timeout", "60", "gdb", "-nx", "-batch", "-p", str(pid)]
        + [argument for command in catch + search for argument in ("-ex", command)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as debugger:
        found = set()
        output = ""
        while "(syscall 'exit_group'" not in output:
            line = debugger.stdout.readline()
            assert line, f"gdb did not attach:\n{output}"
            output += line
        yield found
        output += debugger.stdout.read()
    # It never returns, but gdb sometimes takes the call for the return.
    assert re.search(r"\((call to|returned from) syscall exit_group\)", output), output
    found |= _names(output, wanted)


if __name__ == "__main__":
    _search(*sys.argv[1:])
