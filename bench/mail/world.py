"""What every benchmark of the mail servers stands on: a folder, ports, processes whose CPU time and memory are known."""
import itertools
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PORTS = itertools.count(12000 + os.getpid() % 8000)
TICK = os.sysconf("SC_CLK_TCK")


class Skip(Exception):
    """What can't run on this machine, and why."""


def free_ports(count):
    """Ports that nobody listens on now, none of them twice; they are below those that outgoing connections get."""
    found = []
    while len(found) < count:
        port = next(PORTS)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
    return found


def wait_for(what, condition, seconds=30.0, pause=0.05):
    end = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise Skip(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(pause)


def greets(port, seconds=2.0):
    """Whether an SMTP server says 220 on the port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=seconds) as one:
            good = one.recv(512).startswith(b"220")
            one.sendall(b"QUIT\r\n")
            one.recv(512)
            return good
    except OSError:
        return False


def cgroup_root():
    """The mount of the second kind of control groups, when a group can be made in it; cpu.stat is in each."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, at, kind, options, *_ = line.split()
        if kind != "cgroup2" or "rw" not in options.split(","):
            continue
        root = Path(at)
        own = next((row[3:].lstrip("/") for row in Path("/proc/self/cgroup").read_text().splitlines() if row.startswith("0::")), "")
        for place in (root / own, root):
            probe = place / f"sekisho-bench-{os.getpid()}"
            try:
                probe.mkdir()
                usable = (probe / "cpu.stat").exists()
                probe.rmdir()
                if usable:
                    return place
            except OSError:
                continue
    return None


CGROUPS = cgroup_root()


class Group:
    """The processes of one server, children and dead ones included: by a control group, else by walking the tree."""

    _count = 0

    def __init__(self):
        Group._count += 1
        self.place, self.first = None, None
        self._most = 0.0
        if CGROUPS:
            self.place = CGROUPS / f"sekisho-bench-{os.getpid()}-{Group._count}"
            self.place.mkdir()

    def start(self, command, *, log, cwd=None, env=None):
        out = log.open("ab")

        def enter():
            os.setsid()
            most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
            if self.place:
                (self.place / "cgroup.procs").write_text(str(os.getpid()))

        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd, env=env, preexec_fn=enter)
        out.close()
        self.first = self.first or process.pid
        return process

    def pids(self):
        if self.place:
            return [int(pid) for pid in (self.place / "cgroup.procs").read_text().split()]
        return descendants(self.first)

    def cpu_seconds(self):
        """User and system time. Without a control group, a process that came and went between two calls counts by its
        parent's time for waited-for children."""
        if self.place:
            for line in (self.place / "cpu.stat").read_text().splitlines():
                if line.startswith("usage_usec"):
                    return int(line.split()[1]) / 1e6
        own = 0.0
        for pid in self.pids():
            try:
                row = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            own += sum(int(n) for n in row[11:15]) / TICK
        self._most = max(own, self._most)
        return self._most

    def memory_kb(self):
        """Proportional set size of all: shared pages count once."""
        total = 0
        for pid in self.pids():
            try:
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
            except OSError:
                continue  # it ended meanwhile
        return total

    def stop(self, seconds=15):
        """Ends what is left in the group, and the group."""
        for how in (signal.SIGTERM, signal.SIGKILL):
            pids = self.pids()
            for pid in pids:
                try:
                    os.kill(pid, how)
                except ProcessLookupError:
                    pass
            end = time.monotonic() + seconds
            while self.pids() and time.monotonic() < end:
                time.sleep(0.05)
                reap()
            if not self.pids():
                break
        if self.place:
            for _ in range(100):
                try:
                    self.place.rmdir()
                    break
                except OSError:
                    time.sleep(0.05)


def reap():
    """Takes the exit of children that Popen objects no longer wait for."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def descendants(first):
    if not first:
        return []
    children = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        children.setdefault(int(text.rsplit(")", 1)[1].split()[1]), []).append(int(stat.parent.name))
    found, left = [], [first]
    while left:
        pid = left.pop()
        if Path(f"/proc/{pid}").exists():
            found.append(pid)
        left.extend(children.get(pid, []))
    return found


class World:
    """A temporary folder with the certificate that all servers share; the programs of the build."""

    def __init__(self, build, state=None, flush_ms=0):
        self.build, self.flush_ms = Path(build).resolve(), flush_ms
        self.folder = Path(tempfile.mkdtemp(prefix="sekisho-bench-", dir=state))
        self.folder.chmod(0o755)
        self.certificate, self.key = self.folder / "cert.pem", self.folder / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=mail.example.net",
             "-addext", "subjectAltName=DNS:mail.example.net", "-keyout", self.key, "-out", self.certificate],
            check=True, capture_output=True)
        self.key.chmod(0o644)  # of no worth, and some servers read it as a user of their own

    def program(self, name):
        places = {"sekisho": "src/sekisho", "bench_load": "bench/mail/bench_load", "bench_sink": "bench/mail/bench_sink",
                  "slow_flush": "bench/mail/bench_slow_flush.so"}
        path = self.build / places[name]
        if not path.exists():
            raise SystemExit(f"{path} isn't built")
        return path

    def slow_disk(self):
        """What a server's environment needs for flushes that take longer; empty with the disk as it is."""
        return {"LD_PRELOAD": str(self.program("slow_flush")), "SEKISHO_FLUSH_MS": str(self.flush_ms)} if self.flush_ms else {}

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Sink:
    """bench_sink as the destination of a server, or as the server that does nothing. What has arrived is asked with SIGUSR1."""

    def __init__(self, world, name, *options):
        self.group = Group()
        self.ids, self.log = world.folder / f"{name}.ids", world.folder / f"{name}.sink.log"
        self.log.write_text("")
        self.process = self.group.start([world.program("bench_sink"), "--port", 0, "--ids", self.ids, "--json", *options], log=self.log)
        said = wait_for("the sink to listen", lambda: [row for row in self.log.read_text().splitlines() if row.startswith("listening ")])
        self.port = int(said[0].split()[1])
        self.asked = 0

    def told(self):
        """Its counts now. The file of ids is as new as they are."""
        self.asked += 1
        self.process.send_signal(signal.SIGUSR1)
        rows = wait_for("the sink's counts", lambda: (lambda got: got if len(got) >= self.asked else None)(
            [row for row in self.log.read_text().splitlines() if row.startswith("{")]), 10, 0.01)
        return json.loads(rows[self.asked - 1])

    def arrived(self, run):
        """(unique, duplicates) of a run's messages, and when the last message of any run came (seconds since 1970)."""
        last = self.told()["last_at"]
        return (*counted(self.ids, run), last)

    def stop(self):
        self.group.stop()


def counted(path, run):
    """Of a file of ids, RUN FIRST LAST TIMES a row: how many of the run were seen, and how often too often."""
    unique = duplicates = 0
    for row in Path(path).read_text().splitlines() if Path(path).exists() else []:
        name, first, last, times = row.split()
        if name == run:
            unique += int(last) - int(first) + 1
            duplicates += (int(last) - int(first) + 1) * (int(times) - 1)
    return unique, duplicates


def missing(acknowledged, received, run):
    """How many messages that were acknowledged never arrived, by their ids."""
    def numbers(path):
        for row in Path(path).read_text().splitlines():
            name, first, last, _ = row.split()
            if name == run:
                yield from range(int(first), int(last) + 1)
    return len(set(numbers(acknowledged)) - set(numbers(received)))
