"""A real Postfix as the mail server of others: several smtpd listeners of one instance, which throws away what it takes."""
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from harness import wait_for

SERVICES = """\
pickup    unix  n - n 60    1 pickup
cleanup   unix  n - n -     0 cleanup
qmgr      unix  n - n 300   1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n -     - trivial-rewrite
bounce    unix  - - n -     0 bounce
defer     unix  - - n -     0 bounce
trace     unix  - - n -     0 bounce
proxymap  unix  - - n -     - proxymap
proxywrite unix - - n -     1 proxymap
error     unix  - - n -     - error
retry     unix  - - n -     - error
discard   unix  - - n -     - discard
anvil     unix  - - n -     1 anvil
postlog   unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """Takes any mail for the domains and their subdomains."""

    def __init__(self, domain, **parameters):
        # Postfix' own users must be able to reach what is theirs.
        self.folder = Path(tempfile.mkdtemp(prefix="sekisho-postfix-"))
        self.folder.chmod(0o755)
        self.etc, self.log_file = self.folder / "etc", self.folder / "postfix.log"
        for name in ("etc", "queue", "data"):
            (self.folder / name).mkdir()
        os.chown(self.folder / "data", pwd.getpwnam("postfix").pw_uid, -1)
        self.services, self.process = [], None
        self.parameters = {
            "compatibility_level": "3.6",
            "queue_directory": self.folder / "queue",
            "data_directory": self.folder / "data",
            "maillog_file": self.log_file,
            "maillog_file_prefixes": self.folder,
            "myhostname": f"mx.{domain}",
            "mydestination": "",
            "mynetworks": "192.0.2.1",
            "relay_domains": domain,
            "parent_domain_matches_subdomains": "relay_domains",
            "smtpd_relay_restrictions": "reject_unauth_destination",
            "transport_maps": "static:discard:",
            "alias_maps": "",
            "alias_database": "",
            "smtpd_tls_loglevel": "1",
            "smtpd_peername_lookup": "no",
            "smtpd_client_connection_rate_limit": "0",
            "smtp_dns_support_level": "disabled",
            "in_flow_delay": "0",
            **parameters,
        }

    def listen(self, at, *options):
        """`at`: "127.0.0.1:2525"."""
        self.services.append("\n".join([f"{at} inet n - n - - smtpd", *(f"  -o {option}" for option in options)]))

    def start(self):
        (self.etc / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in self.parameters.items()))
        (self.etc / "master.cf").write_text("\n".join(self.services) + "\n" + SERVICES)
        out = (self.folder / "out").open("a")
        self.process = subprocess.Popen(["/usr/sbin/postfix", "-c", self.etc, "start-fg"], stdout=out, stderr=out)

        def started():
            if self.process.poll() is not None:
                raise AssertionError(f"Postfix ended: {(self.folder / 'out').read_text()}{self.log()}")
            return "daemon started" in self.log()
        wait_for("Postfix to start", started, 60)
        return self

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def lines(self, *words):
        return [line for line in self.log().splitlines() if all(word in line for word in words)]

    def connections(self):
        return len(self.lines("smtpd[", ": connect from"))

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        # Postfix' scripts, which were started, don't pass a signal on to the master.
        pid = self.folder / "queue" / "pid" / "master.pid"
        if self.process.poll() is None and pid.exists():
            os.kill(int(pid.read_text()), signal.SIGTERM)
        elif self.process.poll() is None:
            self.process.terminate()
        self.process.wait(30)
        if kind is not None:
            print(f"--- postfix.log\n{self.log()[-3000:]}")
        shutil.rmtree(self.folder, ignore_errors=True)
