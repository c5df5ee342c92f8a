#!/usr/bin/env python3
"""Fails on an include that goes the wrong way.

The rooms and what each may use stand in src/CMakeLists.txt (sekisho_room lines): a file of a room may include only
its own room and the rooms it names. Outside libraries have their own doors: DOORS says who may open which.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src"

# include pattern -> rooms that may use it
DOORS = {
    r"^(sqlite3\.h|libpq)": {"store"},
    r"^boost/": {"net"},
    r"^boost/system/": {"net", "delivery"},
    r"^boost/asio/(awaitable|any_io_executor|async_result|co_spawn|this_coro|steady_timer|use_awaitable|experimental/channel|post|dispatch)": {
        "net", "mail", "delivery", "desk", "feed", "gate/daemon"},
    r"^openssl/ssl": {"net"},
    r"^openssl/x509": {"net", "dkim"},
    r"^unbound\.h": {"net"},
    r"^ldap\.h": {"source"},
    r"^(bpf/|linux/bpf)": {"gate/bpf", "gate/enforce"},
    r"^(sys/socket|netinet/|sys/epoll)": {"net", "gate/bpf", "gate/enforce"},
    r"^(expat|zip|zlib)\.h": {"report"},
    r"^toml": {"config", "replies"},
    r"^CLI/": {"cli"},
    r"^spdlog/": {"base"},
}
PURE = {"spf", "dmarc", "report", "dkim", "zone", "policy", "smtp", "replies", "message", "limit", "delivery/tls", "peer", "line", "account", "staff", "event"}
PURE_FORBIDDEN = re.compile(r"\b(system_clock::now|steady_clock::now|getrandom|std::ifstream|std::ofstream|(?<!\w)::open\(|sekisho::now\(\))")


def rooms():
    text = (SRC / "CMakeLists.txt").read_text()
    found = {}
    for call in re.findall(r"^sekisho_room\(([^)]*)\)", text, re.M):
        words = call.split()
        deps, group = [], None
        for word in words[1:]:
            if word.isupper() and "::" not in word:
                group = word
            elif group == "DEPS":
                deps.append(word)
        found[words[0]] = deps
    return found


def reachable(room, table):
    """What a room may include: what it names, and what those name in their public headers."""
    seen, todo = set(), list(table[room])
    while todo:
        one = todo.pop()
        if one not in seen:
            seen.add(one)
            todo += table.get(one, [])
    return seen


def room_of(path, table):
    parts = path.split("/")
    for length in (2, 1):
        name = "/".join(parts[:length])
        if name in table:
            return name
    return None


def main():
    table = rooms()
    order = list(table)
    faults = []
    for room, deps in table.items():
        for dep in deps:
            if dep not in table:
                faults.append(f"src/CMakeLists.txt: {room} uses {dep}, which is no room")
            elif order.index(dep) > order.index(room):
                faults.append(f"src/CMakeLists.txt: {room} uses {dep}, which stands below it")
        if not (SRC / room / "README.md").is_file():
            faults.append(f"src/{room}: no README.md")
    files = [p for ext in ("*.h", "*.cc", "*.c") for p in SRC.rglob(ext)]
    for path in sorted(files):
        relative = path.relative_to(SRC).as_posix()
        room = room_of(relative, table)
        if room is None:
            faults.append(f"src/{relative}: belongs to no room")
            continue
        allowed = reachable(room, table) | {room}
        test = path.name.endswith(("_test.cc", "_fuzz.cc", "_bench.cc"))
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            where = f"src/{relative}:{number}"
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if match:
                target = match.group(2)
                if match.group(1) == '"':
                    other = room_of(target, table)
                    if other and other not in allowed:
                        faults.append(f"{where}: {room} may not use {other}")
                elif not test:
                    hits = [who for pattern, who in DOORS.items() if re.match(pattern, target)]
                    if hits and not any(room in who for who in hits):
                        faults.append(f"{where}: {room} may not include <{target}>")
            elif room in PURE and not test and PURE_FORBIDDEN.search(line.split("//")[0]):
                faults.append(f"{where}: {room} is pure: no clock, no random device, no files")
    for fault in faults:
        print(fault)
    print(f"rooms: {len(table)} rooms, {len(files)} files, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
