"""The cases of the mail benchmark: what is sent, and what one run of it against one server tells."""
import json
import os
import secrets
import subprocess
import time
from dataclasses import dataclass

from servers import ACCOUNTS, PASSWORD, USERS
from world import missing

KB, MB = 1024, 1024 * 1024


@dataclass(frozen=True)
class Case:
    key: str
    title: str
    secure: bool          # STARTTLS (TLS 1.3) and AUTH, else neither, on the plain port
    connections: int = 50
    per_connection: int = 1
    size: int = 10 * KB
    messages: int = 0     # instead of the seconds of the runner
    sources: int = 1      # client addresses, so that ports of closed connections don't run out


CASES = {case.key: case for case in [
    Case("A", "TLS 1.3 and AUTH, a message a connection, 10 KB", True, sources=16),
    Case("B", "TLS 1.3 and AUTH, 100 messages a connection, 10 KB", True, per_connection=100),
    Case("C", "plain port 25, a message a connection, 10 KB", False, sources=16),
    Case("D", "plain port 25, 100 messages a connection, until the destination has them, 10 KB", False, per_connection=100),
    Case("F", "TLS 1.3 and AUTH, messages of 10 MB, 10 connections", True, connections=10, per_connection=5, size=10 * MB, messages=30),
    Case("G", "one client, plain, 10 messages a connection: latency from MAIL to 250", False, connections=1, per_connection=10),
]}


def load(world, server, *options, secure=False, to=None, timeout=120):
    """Runs bench_load against the server; what it tells, and the file of the ids that were acknowledged."""
    run = secrets.token_hex(6)
    ids = server.folder / f"{run}.ids"
    command = [world.program("bench_load"), "--json", "--run", run, "--ids", ids, "--port", server.submission if secure else server.plain]
    if secure:
        command += ["--tls", "starttls", "--auth", f"plain:{USERS}:{PASSWORD}", "--accounts", ACCOUNTS, "--from", USERS]
        command += ["--to", to or "someone%d@else.example"]
    else:
        command += ["--from", "somebody@far.example", "--to", to or server.to_plain, "--destinations", ACCOUNTS]
    done = subprocess.run([str(word) for word in (*command, *options)], capture_output=True, text=True, timeout=timeout)
    if not done.stdout.startswith("{"):
        raise RuntimeError(f"bench_load: {done.stderr.strip()[-300:]}")
    return json.loads(done.stdout), run, ids


def drain(server, run, wanted, seconds):
    """Waits until the sink has so many messages of the run: (unique, duplicates, when the last one came)."""
    end = time.monotonic() + seconds
    while True:
        unique, doubles, last = server.sink.arrived(run)
        if unique >= wanted or time.monotonic() > end:
            return unique, doubles, last
        time.sleep(0.05)


def measure(world, server, case, seconds, patience):
    """One run of one case against one server."""
    amount = ["--messages", case.messages] if case.messages else ["--seconds", seconds]
    before, began = server.group.cpu_seconds(), time.time()
    told, run, ids = load(world, server, *amount, "--connections", min(case.connections, server.connections_most), "--per-connection", case.per_connection,
                          "--size", case.size, "--sources", case.sources, secure=case.secure)
    accepted = told["acknowledged"]
    unique, doubles, last = drain(server, run, accepted, patience)
    time.sleep(0.2)  # what the server does after the last delivery belongs to it: log, deletion
    spent = server.group.cpu_seconds() - before
    lost = missing(ids, server.sink.ids, run) if unique < accepted else 0
    ids.unlink(missing_ok=True)
    latency = told["latency_ms"] or {}
    connect = told["connect_ms"] or {}
    return {
        "accepted": accepted, "refused": told["refused"], "errors": told["errors"], "trouble": told.get("first_trouble", ""),
        "rate": told["rate"], "mb_per_s": told["rate"] * case.size / 1e6,
        "cpu_ms": spent * 1e3 / accepted if accepted else None,
        "p50_ms": latency.get("p50"), "p90_ms": latency.get("p90"), "p99_ms": latency.get("p99"), "p999_ms": latency.get("p999"), "connect_p50_ms": connect.get("p50"),
        # From the start of the load until the last one arrived; without all of them there is no such time.
        "through_rate": accepted / (last - began) if accepted and unique >= accepted and last > began else None,
        "waiting": lost, "duplicates": doubles,
        "load_cpu_ms": told["cpu_seconds"] * 1e3 / accepted if accepted else None,
    }


def idle(world, server, count, patience):
    """Case E: so many connections that have finished TLS and EHLO and say nothing; KB of memory each."""
    before, spent = server.group.memory_kb(), server.group.cpu_seconds()
    run = [world.program("bench_load"), "--idle", "--json", "--tls", "starttls", "--port", server.submission, "--connections", count,
           "--seconds", 600, "--from", "a@far.example", "--to", server.to_plain]
    began = time.monotonic()
    err = server.folder / "idle.err"
    with err.open("w") as errors:
        process = subprocess.Popen([str(word) for word in run], stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            while "holding" not in err.read_text() and process.poll() is None and time.monotonic() - began < patience:
                time.sleep(0.1)
            took = time.monotonic() - began
            stood = established(server.submission)
            time.sleep(1.0)
            after, spent = server.group.memory_kb(), server.group.cpu_seconds() - spent
        finally:
            process.terminate()
            out, _ = process.communicate(timeout=60)
    told = json.loads(out) if out.startswith("{") else {}
    return {"asked": count, "held": stood, "errors": told.get("errors"), "trouble": told.get("first_trouble", ""),
            "kb_each": (after - before) / stood if stood else None, "set_up_s": took, "connect_cpu_ms": spent * 1e3 / stood if stood else None}


def established(port):
    """Connections of a server on the port, as the kernel counts them."""
    count, wanted = 0, f":{port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as table:
        for row in table:
            fields = row.split()
            if fields[1].endswith(wanted) and fields[3] == "01":
                count += 1
    return count


def machine():
    """What a reader needs to know to compare: processor, cores, memory, kernel, the disk under the folder."""
    facts = {"cores": os.cpu_count(), "kernel": os.uname().release}
    for row in open("/proc/cpuinfo", encoding="utf-8"):
        if row.startswith("model name"):
            facts["processor"] = row.split(":", 1)[1].strip()
            break
    for row in open("/proc/meminfo", encoding="utf-8"):
        if row.startswith("MemTotal"):
            facts["memory_gib"] = round(int(row.split()[1]) / 1024 / 1024)
    facts["load_before"] = round(os.getloadavg()[0], 1)
    return facts
