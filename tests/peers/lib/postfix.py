"""Real Postfix instances side by side: own configuration, queue and data for each."""

import os
import pwd
import signal

from peers.lib import netns
from peers.lib.proc import Failed, run, until

_SERVICES = """\
pickup    unix  n - n 60    1 pickup
cleanup   unix  n - n -     0 cleanup
qmgr      unix  n - n 300   1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n -     - trivial-rewrite
bounce    unix  - - n -     0 bounce
defer     unix  - - n -     0 bounce
trace     unix  - - n -     0 bounce
verify    unix  - - n -     1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n -     - proxymap
proxywrite unix - - n -     1 proxymap
smtp      unix  - - n -     - smtp
relay     unix  - - n -     - smtp
error     unix  - - n -     - error
retry     unix  - - n -     - error
discard   unix  - - n -     - discard
local     unix  - n n -     - local
virtual   unix  - n n -     - virtual
lmtp      unix  - - n -     - lmtp
anvil     unix  - - n -     1 anvil
scache    unix  - - n -     1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """One instance, in a network namespace or (None) in ours. Mail for `mailboxes` goes to one Maildir an address, below `maildir`."""

    def __init__(self, processes, namespace, directory, hostname):
        self.processes, self.namespace, self.hostname = processes, namespace, hostname
        self.config = os.path.join(directory, "etc")
        self.queue = os.path.join(directory, "queue")
        self.data = os.path.join(directory, "data")
        self.maildir = os.path.join(directory, "mail")
        self.log = os.path.join(directory, "postfix.log")
        self.mailboxes = []
        self.domains = []
        self.services = []
        postfix = pwd.getpwnam("postfix")
        self.uid, self.gid = postfix.pw_uid, postfix.pw_gid
        for path in (self.config, self.queue, self.data, self.maildir):
            os.makedirs(path, exist_ok=True)
        for path in (self.data, self.maildir):
            os.chown(path, self.uid, self.gid)
        self.parameters = {
            "compatibility_level": "3.6",
            "queue_directory": self.queue,
            "data_directory": self.data,
            "maillog_file": self.log,
            "maillog_file_prefixes": directory,
            "myhostname": hostname,
            "mydestination": "",
            "mynetworks": "127.0.0.0/8 [::1]/128",
            "inet_interfaces": "all",
            "inet_protocols": "all",
            "alias_maps": "",
            "alias_database": "",
            "local_recipient_maps": "",
            "biff": "no",
            "smtp_dns_support_level": "dnssec",
            "smtp_tls_security_level": "dane",
            "smtp_tls_loglevel": "1",
            "smtpd_tls_loglevel": "1",
            "smtpd_peername_lookup": "yes",
            "smtpd_client_connection_rate_limit": "0",
            "minimal_backoff_time": "5s",
            "queue_run_delay": "5s",
            "in_flow_delay": "0",
        }

    def tls(self, certificate, key):
        self.parameters |= {
            "smtpd_tls_chain_files": f"{key}, {certificate}",
            "smtpd_tls_security_level": "may",
        }

    def takes_mail_for(self, domains, mailboxes):
        self.domains, self.mailboxes = list(domains), list(mailboxes)

    def listen(self, port, *options):
        lines = [f"{port} inet n - n - - smtpd"] + [f"  -o {option}" for option in options]
        self.services.append("\n".join(lines))

    def submission(self, sasl_socket):
        """587 with STARTTLS and 465 with implicit TLS, nothing without authentication."""
        common = [
            "smtpd_sasl_auth_enable=yes",
            "smtpd_sasl_type=dovecot",
            f"smtpd_sasl_path={sasl_socket}",
            "smtpd_tls_auth_only=yes",
            "smtpd_relay_restrictions=permit_sasl_authenticated,reject",
            "smtpd_recipient_restrictions=permit_sasl_authenticated,reject",
        ]
        self.listen(587, "smtpd_tls_security_level=encrypt", *common)
        self.listen(465, "smtpd_tls_wrappermode=yes", *common)

    def start(self):
        """Begins to start, which takes Postfix' own scripts some seconds; see ready()."""
        self._write()
        command = self._inside(["postfix", "-c", self.config, "start-fg"])
        self.process = self.processes.start(f"postfix-{self.hostname}", command)

    def ready(self):
        def started():
            self.process.require_alive()
            return "daemon started" in self.log_text()

        until(f"Postfix {self.hostname} to start", started, 20)

    def stop(self):
        """Ends its master, which leaves the session of the scripts that start it."""
        try:
            with open(os.path.join(self.queue, "pid", "master.pid")) as file:
                pid = int(file.read())
            os.kill(pid, signal.SIGTERM)
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return
        until(f"Postfix {self.hostname} to end", lambda: not os.path.exists(f"/proc/{pid}"), 20)

    def log_text(self):
        if not os.path.exists(self.log):
            return ""
        with open(self.log, errors="replace") as file:
            return file.read()

    def log_lines(self, *words):
        return [line for line in self.log_text().splitlines() if all(word in line for word in words)]

    def mailbox(self, address):
        return os.path.join(self.maildir, address)

    def send(self, sender, recipient, message):
        """Hands a message to this instance's own sendmail command."""
        command = ["sendmail", "-C", self.config, "-i", "-f", sender, recipient]
        done = run(self._inside(command), input=message, check=False)
        if done.returncode != 0:
            raise Failed(f"sendmail: {done.stderr}")

    def _inside(self, command):
        return netns.argv(self.namespace, command) if self.namespace else command

    def _write(self):
        boxes = os.path.join(self.config, "mailboxes")
        with open(boxes, "w") as file:
            file.writelines(f"{address} {address}/\n" for address in self.mailboxes)
        values = dict(self.parameters)
        if self.domains:
            values |= {
                "virtual_mailbox_domains": " ".join(self.domains),
                "virtual_mailbox_maps": f"texthash:{boxes}",
                "virtual_mailbox_base": self.maildir,
                "virtual_uid_maps": f"static:{self.uid}",
                "virtual_gid_maps": f"static:{self.gid}",
                "virtual_minimum_uid": "1",
            }
        with open(os.path.join(self.config, "main.cf"), "w") as file:
            file.writelines(f"{name} = {value}\n" for name, value in values.items())
        with open(os.path.join(self.config, "master.cf"), "w") as file:
            file.write("\n".join(self.services) + "\n" + _SERVICES)
