"""A server of others that fails in every way it can (Postfix' smtp-sink): what is temporary is tried again and arrives, what isn't comes back."""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import Sekisho, free_ports, main, message, wait_for

SINK = "/usr/sbin/smtp-sink"
if not os.path.exists(SINK) or os.geteuid() != 0:
    print("smtp-sink (postfix) is not installed, or this is not root")
    sys.exit(77)

COMMANDS = ("CONNECT", "EHLO,HELO", "MAIL", "RCPT", "DATA", ".")
# name -> (options of smtp-sink, what becomes of the recipient at first)
FAULTS = {
    **{f"refused at {c}": (["-f", c], "bounced") for c in ("MAIL", "RCPT", "DATA", ".")},
    **{f"put off at {c}": (["-r", c], "deferred") for c in COMMANDS},
    **{f"421 at {c}": (["-Q", c], "deferred") for c in COMMANDS},
    **{f"closed at {c}": (["-q", c], "deferred") for c in COMMANDS},
    "slow at DATA": (["-w", "2"], "delivered"),
    # smtp-sink answers what is pipelined behind a delayed command before it.
    "slow at every RCPT": (["-p", "-W", "RCPT:1"], "delivered"),
    "no ESMTP": (["-e"], "delivered"),
    "no PIPELINING": (["-p"], "delivered"),
    "no 8BITMIME": (["-8"], "delivered"),
    "no DSN, no enhanced codes": (["-N", "-E"], "delivered"),
}


class Sinks:
    """One smtp-sink for each fault; mends() has them all well again, on the same ports."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="sekisho-sinks-"))
        self.folder.chmod(0o755)
        self.ports = dict(zip(FAULTS, free_ports(len(FAULTS))))
        self.processes = {}

    def start(self, name, options):
        place = self.folder / str(self.ports[name])
        place.mkdir(exist_ok=True)
        shutil.chown(place, "postfix", "postfix")
        command = [SINK, "-u", "postfix", "-d", f"{place}/%M.", *options, f"inet:127.0.0.1:{self.ports[name]}", "100"]
        self.processes[name] = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=(self.folder / "log").open("a"))

    def end(self):
        for process in self.processes.values():
            process.terminate()
            process.wait(20)

    def mend(self):
        self.end()
        for name in FAULTS:
            self.start(name, [])

    def got(self, name):
        """How many whole messages it has; one that was cut off has no end."""
        return sum(f"Subject: {name}".encode() in p.read_bytes() for p in (self.folder / str(self.ports[name])).iterdir())

    def __enter__(self):
        for name, (options, _) in FAULTS.items():
            self.start(name, options)
        return self

    def __exit__(self, kind, *_):
        self.end()
        if kind is not None:
            print((self.folder / "log").read_text()[-2000:])
        shutil.rmtree(self.folder, ignore_errors=True)


def domain(name):
    return "f" + "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-") + ".test"


def states(server):
    """recipient's domain -> the events' kinds of its tries, oldest first."""
    found = {}
    for kind in ("delivered", "deferred", "bounced"):
        for row in server.json("events", "--kind", kind, "--limit", "1000"):
            found.setdefault(row["recipient"].split("@")[1], []).append((row["id"], kind, row["detail"]))
    return {where: [(kind, detail) for _, kind, detail in sorted(rows)] for where, rows in found.items()}


def every_fault_ends_in_delivery_or_return():
    with Sinks() as sinks:
        routes = "".join(f'[[route]]\nname = "r{port}"\ndomains = ["{domain(name)}"]\nvia = ["127.0.0.1:{port}"]\n' for name, port in sinks.ports.items())
        with Sekisho(extra='[queue]\nretry = ["1h"]\n' + routes) as server:
            server.account()
            server.start("mail")
            with server.submit("taro@example.net") as session:
                for name in FAULTS:
                    session.sendmail("taro@example.net", [f"a@{domain(name)}"], message(name, to=f"a@{domain(name)}"))
            first = wait_for("the first try of each", lambda: (lambda s: s if set(map(domain, FAULTS)) <= set(s) else None)(states(server)), 60)
            for name, (_, wanted) in FAULTS.items():
                tries = first[domain(name)]
                assert tries[0][0] == wanted and len(tries) == 1, (name, wanted, tries)
                assert tries[0][1].strip(), f"{name}: no reason"
            bounced = [name for name, (_, wanted) in FAULTS.items() if wanted == "bounced"]
            wait_for("what is returned", lambda: len(server.mailbox()) == len(bounced))
            returned = "".join(p.read_text() for p in server.mailbox())
            for name in bounced:
                assert f"a@{domain(name)}" in returned and "Diagnostic-Code: smtp; 5" in returned, name

            sinks.mend()
            waiting = [name for name, (_, wanted) in FAULTS.items() if wanted == "deferred"]
            assert len(server.json("queue", "list", "--limit", "1000")) == len(waiting)
            server.cli("queue", "retry", "--account", "taro@example.net", "--yes")
            wait_for("the rest to arrive", lambda: server.json("queue", "list") == [], 60)
            last = states(server)
            for name in waiting:
                assert [kind for kind, _ in last[domain(name)]] == ["deferred", "delivered"], (name, last[domain(name)])
                # What was cut off after its end may be there twice (RFC 5321 section 4.5.3.2.6); nothing else is.
                assert sinks.got(name) == 1 or (name.endswith("at .") and sinks.got(name) == 2), (name, sinks.got(name))
            assert len(server.mailbox()) == len(bounced), "more was returned"


if __name__ == "__main__":
    main([every_fault_ends_in_delivery_or_return])
