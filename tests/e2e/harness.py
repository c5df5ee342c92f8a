"""Starts the real binary with a state folder of its own, on free ports of 127.0.0.1, and ends it."""
import itertools
import json
import os
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BINARY = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else None


# Below those that outgoing connections get, and another test beside this one begins elsewhere: or somebody takes a port before its server does.
PORTS = itertools.islice(itertools.cycle(range(10000, 32000)), os.getpid() * 407 % 22000, None)


def free_ports(count):
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


def wait_for(what, condition, seconds=20.0):
    """Polls until the condition gives something true; fails the test after the bound."""
    end = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.02)


class Sekisho:
    """One state folder; the roles mail and desk (no gate: loopback needs none), or a gate in a network namespace."""

    def __init__(
        self, extra="", classes="", mail="", gate='engine = "none"', gate_inside=None, exchange=None, prefix=()
    ):
        """`exchange`: an endpoint instead of a free port of 127.0.0.1; `prefix`: words before every command."""
        self.gate, self.gate_inside = gate, gate_inside
        self.prefix = list(prefix)
        self.folder = Path(tempfile.mkdtemp(prefix="sekisho-e2e-"))
        self.submission, self.submissions, self.exchange, self.http = free_ports(4)
        self.exchange_at = exchange or f"127.0.0.1:{self.exchange}"
        self.config = self.folder / "sekisho.toml"
        self.write_config(extra, classes, mail)
        self.processes = {}
        self.password = "correct horse battery"

    def write_config(self, extra="", classes="", mail=""):
        self.config.write_text(f"""
state_dir = "."
[provider]
name = "Example Net"
domain = "example.net"
[gate]
{self.gate}
[mail]
hostname = "mail.example.net"
submission = ["127.0.0.1:{self.submission}"]
submissions = ["127.0.0.1:{self.submissions}"]
exchange = ["{self.exchange_at}"]
{mail}
[http]
listen = ["127.0.0.1:{self.http}"]
{extra}
{classes}
""")

    def cli(self, *arguments, code=0, stdin=None):
        done = subprocess.run([*self.prefix, BINARY, "--config", self.config, *arguments], capture_output=True, text=True, input=stdin, timeout=60)
        if code is not None and done.returncode != code:
            raise AssertionError(f"{arguments}: exit {done.returncode}, wanted {code}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def cli_inside(self, place, *arguments):
        """The same in a network namespace: what the command looks at itself is there."""
        done = subprocess.run(["ip", "netns", "exec", place, BINARY, "--config", self.config, *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def json(self, *arguments):
        done = subprocess.run([*self.prefix, BINARY, "--config", self.config, "--json", *arguments], capture_output=True, text=True, timeout=60)
        return json.loads(done.stdout)

    def account(self, login="taro@example.net", *options):
        self.cli("account", "add", login, "--password-stdin", *options, stdin=self.password + "\n")
        return login

    def start(self, *roles):
        for role in roles or ("mail", "desk"):
            log = (self.folder / f"{role}.log").open("a")
            command = [*self.prefix, BINARY, role, "--config", self.config]
            if role == "gate" and self.gate_inside:
                command = ["ip", "netns", "exec", self.gate_inside, *command]
            self.processes[role] = subprocess.Popen(command, stdout=log, stderr=log)
        for role in roles or ("mail", "desk"):
            self.wait_up(role)
        return self

    def wait_up(self, role):
        def up():
            if self.processes[role].poll() is not None:
                raise AssertionError(f"{role} ended: {self.log(role)[-3000:]}")
            return subprocess.run([BINARY, "--config", self.config, "--json", role, "status"], capture_output=True).returncode == 0
        wait_for(f"{role} to be up", up)

    def kill(self, role, how=signal.SIGKILL):
        self.processes[role].send_signal(how)
        self.processes[role].wait(20)

    def log(self, role):
        return (self.folder / f"{role}.log").read_text(errors="replace")

    def stop(self):
        for role, process in self.processes.items():
            if process.poll() is None:
                process.terminate()
        for role, process in self.processes.items():
            code = process.wait(30)
            if code not in (0, -9):
                raise AssertionError(f"{role} ended with {code}:\n{self.log(role)[-4000:]}")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        try:
            self.stop()
        finally:
            for process in self.processes.values():
                if process.poll() is None:
                    process.kill()
                    process.wait()
            if kind is not None:
                for role in self.processes:
                    print(f"--- {role}.log\n{self.log(role)[-3000:]}")
            shutil.rmtree(self.folder, ignore_errors=True)

    # Clients

    def submit(self, login=None):
        """A signed-in session on 587."""
        session = smtplib.SMTP("127.0.0.1", self.submission, timeout=20)
        session.starttls(context=untrusting())
        if login:
            session.login(login, self.password)
        return session

    def mailbox(self):
        return [p for p in (self.folder / "maildir").rglob("*") if p.is_file() and p.parent.name == "new"]


def untrusting():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def message(subject, to="taro@example.net", sender="taro@example.net", body="Hello\r\n"):
    return f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\n{body}"


def main(scenarios):
    """Runs each scenario (a function without arguments); prints what failed, ends with counts."""
    failed = 0
    for scenario in scenarios:
        try:
            scenario()
            print(f"ok   {scenario.__name__}", flush=True)
        except Exception as error:  # a scenario's own failure, told with its trace
            import traceback
            traceback.print_exc()
            print(f"FAIL {scenario.__name__}: {error}", flush=True)
            failed += 1
    print(f"{len(scenarios) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
