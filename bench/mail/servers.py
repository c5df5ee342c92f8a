"""The mail servers of the benchmark, each with a folder and ports of its own: ours here, the peers in peers.py."""
import json
import os
import re
import subprocess
import time
from pathlib import Path

from world import Group, Sink, Skip, free_ports, greets, wait_for

ACCOUNTS = 50
USERS = "user%d@example.net"
PASSWORD = "correct horse 25"
ABROAD = "someone%d@else.example"
SYNCS = "fsync,fdatasync,msync,sync_file_range,io_uring_enter"


class Server:
    """One that is started once and measured many times. `settings` says what was changed from how it comes."""

    name = settings = durability = ""
    ours = False
    tls = True       # takes STARTTLS and AUTH on `submission`
    keeps = True     # stores what it takes and sends it on
    to_plain = ABROAD  # whom mail on the plain port may be for
    connections_most = 1000  # beyond so many at once it leaves clients without an answer

    def __init__(self, world):
        self.world = world
        self.folder = world.folder / re.sub(r"\W+", "-", self.name)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self.log = self.folder / "log"
        self.group, self.sink = None, None
        self.submission = self.plain = 0

    def start(self):
        self.submission, self.plain = free_ports(2)
        if self.keeps:
            self.sink = Sink(self.world, self.folder.name)
        self.group = Group()
        try:
            self.launch()
            wait_for(f"{self.name} to greet", lambda: greets(self.plain), 40)
        except Exception:
            self.stop()
            raise
        return self

    def launch(self):
        raise NotImplementedError

    def stop(self):
        for one in (self.group, self.sink):
            if one:
                one.stop()
        self.group = self.sink = None

    def version(self):
        return ""

    def environment(self):
        return {**os.environ, **self.world.slow_disk()}

    def tail(self):
        return self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""


class Ours(Server):
    name, ours = "Sekisho", True
    settings = "argon2id accounts, every message durable before 250; limits raised, SPF, DMARC, peer check and DKIM off (the peers have none)"
    to_plain = USERS  # port 25 takes mail for accounts only; it goes on by LMTP
    extra = ""       # more of sekisho.toml
    others = 0       # accounts beside those that log in
    outward = inward = 0  # ports of the destinations, where they are not the one sink

    def launch(self):
        self.http, self.implicit = free_ports(2)
        (self.folder / "spool").mkdir(exist_ok=True)
        self.config = self.folder / "sekisho.toml"
        self.config.write_text(f"""
state_dir = "."
[provider]
name = "Example Net"
domain = "example.net"
[log]
level = "warning"
[gate]
engine = "none"
[mail]
hostname = "mail.example.net"
domains = ["example.net"]
submission = ["127.0.0.1:{self.submission}"]
submissions = ["127.0.0.1:{self.implicit}"]
exchange = ["127.0.0.1:{self.plain}"]
connections_max = 60000
connections_per_address_max = 60000
recipients_per_hour = 10000000
recipients_per_day = 10000000
peer_check = "off"
spf = "off"
dmarc = "off"
{self.no_wait()}
[conduct]
mode = "off"
[dkim]
sign = false
[tls]
certificate = "{self.world.certificate}"
key = "{self.world.key}"
[delivery]
smarthost = "127.0.0.1:{self.outward or self.sink.port}"
local = "lmtp"
lmtp = "127.0.0.1:{self.inward or self.sink.port}"
concurrency_per_destination = 50
connection_messages_max = 10000
mta_sts = false
[http]
listen = ["127.0.0.1:{self.http}"]
{self.extra}
""")
        if not (self.folder / "users.csv").exists():
            rows = "".join(f"{USERS % n},{PASSWORD}\n" for n in range(ACCOUNTS))
            (self.folder / "users.csv").write_text("login,password\n" + rows)
            done = self.cli("account", "import", self.folder / "users.csv", "--scheme", "PLAIN")
            if done.returncode:
                raise Skip(f"the accounts were not imported: {(done.stderr + done.stdout)[-500:]}")
        if self.others and not (self.folder / "others.csv").exists():
            made = subprocess.run(["openssl", "passwd", "-6", PASSWORD], capture_output=True, text=True, check=True).stdout.strip()
            rows = "".join(f"other{n}@example.net,{{SHA512-CRYPT}}{made}\n" for n in range(self.others))
            (self.folder / "others.csv").write_text("login,password\n" + rows)
            done = self.cli("account", "import", self.folder / "others.csv", timeout=300)
            if done.returncode:
                raise Skip(f"the other accounts were not imported: {(done.stderr + done.stdout)[-500:]}")
        self.process = self.group.start([self.world.program("sekisho"), "mail", "--config", self.config], log=self.log, env=self.environment())

    def no_wait(self):
        """The peers greet at once on port 25; we do when the release under test can be told to."""
        known = subprocess.run([self.world.program("sekisho"), "config", "reference"], capture_output=True, text=True).stdout
        return 'greeting_wait = "0s"' if "`greeting_wait`" in known else ""

    def cli(self, *words, timeout=120):
        return subprocess.run([self.world.program("sekisho"), "--config", self.config, *words], capture_output=True, text=True, timeout=timeout)

    def metrics(self):
        """The counters that the mail role tells, by name."""
        done = self.cli("--json", "mail", "status")
        try:
            return json.loads(done.stdout)
        except ValueError:
            return {}

    def version(self):
        return subprocess.run([self.world.program("sekisho"), "--version"], capture_output=True, text=True).stdout.split("\n")[0].strip()


class Ceiling(Server):
    """bench_sink itself: TLS and answers, and nothing else."""

    name, keeps = "do-nothing", False
    settings = "bench_sink: TLS and answers, nothing is checked or stored"
    durability = "none, by design"

    def start(self):
        world = self.world
        self.sink = Sink(world, "do-nothing", "--tls", "--cert", world.certificate, "--key", world.key)
        self.submission = self.plain = self.sink.port
        self.group = self.sink.group
        return self

    def stop(self):
        if self.sink:
            self.sink.stop()
        self.group = self.sink = None


def count_syncs(server, send):
    """Calls that ask the kernel for stable storage while `send` runs, in all processes of the server, by name."""
    if not Path("/usr/bin/strace").exists():
        raise Skip("strace is not installed")
    out = server.folder / "strace"
    pids = [word for pid in server.group.pids() for word in ("-p", str(pid))]
    trace = subprocess.Popen(["strace", "-f", "-q", "-e", f"trace={SYNCS}", "-e", "signal=none", "-o", out, *pids], stderr=subprocess.DEVNULL)
    time.sleep(1.0)
    try:
        sent = send()
        time.sleep(1.0)
    finally:
        trace.terminate()
        trace.wait(20)
    calls = {}
    for row in out.read_text(errors="replace").splitlines():
        found = re.match(r"\d+\s+(\w+)\(", row)
        if found:
            calls[found[1]] = calls.get(found[1], 0) + 1
    return {name: count / sent for name, count in calls.items()}
