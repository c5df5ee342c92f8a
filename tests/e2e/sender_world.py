"""A namespace with the addresses of other mail servers, NSD with their signed zones, Unbound, rbldnsd; and mail from there."""
import base64
import os
import shutil
import smtplib
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Sekisho  # noqa: E402
from peers.lib import dns, netns  # noqa: E402
from peers.lib.proc import Processes, until  # noqa: E402

SPACE = f"sk-auth-{os.getpid()}"
AUTHORITY, RESOLVER, LISTS, NOBODY = "203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.9"
OURS = "192.0.2.25"
SERVER, STRANGER = "198.51.100.10", "198.51.100.66"
SERVER6, OURS6 = "2001:db8:51::10", "2001:db8:25::25"


def made_key():
    """An Ed25519 key by OpenSSL: its seed and its public half, in base64."""
    def openssl(*command, stdin=None):
        return subprocess.run(["openssl", *command], input=stdin, capture_output=True, check=True).stdout
    pem = openssl("genpkey", "-algorithm", "ED25519")
    seed, public = openssl("pkey", "-outform", "DER", stdin=pem), openssl("pkey", "-pubout", "-outform", "DER", stdin=pem)
    return base64.b64encode(seed[-32:]), base64.b64encode(public[-32:]).decode()


def made_rsa_key():
    """A key of RSA by OpenSSL, as dkimpy reads it, and its record in strings of at most 255 octets."""
    def openssl(*command, stdin=None):
        return subprocess.run(["openssl", *command], input=stdin, capture_output=True, check=True).stdout
    pem = openssl("genrsa", "-traditional", "2048")
    record = "v=DKIM1; k=rsa; p=" + base64.b64encode(openssl("rsa", "-pubout", "-outform", "DER", stdin=pem)).decode()
    return pem, " ".join(f'"{record[i:i + 200]}"' for i in range(0, len(record), 200))


class World:
    """The namespace with its DNS."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="sekisho-auth-")
        os.chmod(self.folder, 0o755)
        self.processes = Processes(os.path.join(self.folder, "logs"))

    def __enter__(self):
        try:
            self.build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def build(self):
        netns.create(SPACE, resolver=RESOLVER)
        every = [AUTHORITY, RESOLVER, LISTS, NOBODY, OURS, SERVER, STRANGER]
        netns.batch(SPACE, [f"address add {a}/32 dev lo" for a in every])
        netns.batch(SPACE, [f"address add {a}/128 dev lo nodad" for a in (SERVER6, OURS6)])
        zones = dns.Zones(os.path.join(self.folder, "zones"), AUTHORITY, "2001:db8:53::1")
        for name in ("sender.net.", "strict.org.", "forward.org.", "100.51.198.in-addr.arpa."):
            zones.zone(name)
        zones.zone("1.5.0.0.8.b.d.0.1.0.0.2.ip6.arpa.")
        zones.host("mx.sender.net.", SERVER)
        zones.pointer(STRANGER, "relay.forward.org.")  # which leads nowhere: neither server nor client
        zones.zone("sender.net.", [
            f"mx.sender.net. AAAA {SERVER6}",
            "@ MX 10 mx",
            '@ TXT "v=spf1 mx a:mx.sender.net -all exp=why.sender.net"',
            'why TXT "%{i} is no server of %{d}"',
            '_dmarc TXT "v=DMARC1; p=none; sp=quarantine"',
            'news TXT "v=spf1 include:sender.net -all"',
            'mx TXT "v=spf1 a -all"',
        ])
        self.key, public = made_key()
        self.rsa, list_key = made_rsa_key()
        zones.zone("forward.org.", [f'list._domainkey TXT {list_key}'])
        zones.zone("strict.org.", [
            '@ TXT "v=spf1 ip4:198.51.100.77 -all"',
            '_dmarc TXT "v=DMARC1; p=reject"',
            f'peer._domainkey TXT "v=DKIM1; k=ed25519; p={public}"',
        ])
        # A delegation without a signature, to who serves the lists.
        zones.records["."] += ["lists.org. NS ns.lists.org.", f"ns.lists.org. A {LISTS}"]
        anchor = zones.sign()
        dns.start_nsd(self.processes, SPACE, os.path.join(self.folder, "zones"), zones, [AUTHORITY])
        self.lists()
        folder = os.path.join(self.folder, "unbound")
        os.makedirs(folder)
        dns.start_unbound(
            self.processes, SPACE, folder, [RESOLVER], AUTHORITY, "2001:db8:53::1", anchor, ["0.0.0.0/0", "::0/0"]
        )

    def lists(self):
        folder = Path(self.folder, "lists")
        folder.mkdir()
        (folder / "bl").write_text(f":127.0.0.4:a spammer\n{STRANGER}\n:127.0.0.10:a line\n198.51.100.64/28\n")
        (folder / "wl").write_text(f":127.0.10.2:known\n{SERVER}\n")
        rbldnsd = shutil.which("rbldnsd", path=os.environ["PATH"] + ":/usr/sbin")
        zones = ["bl.lists.org:ip4set:bl", "wl.lists.org:ip4set:wl"]
        command = [rbldnsd, "-n", "-u", "nobody", "-w", str(folder), "-b", f"{LISTS}/53", *zones]
        process = self.processes.start("rbldnsd", netns.argv(SPACE, command))
        until("rbldnsd to answer", lambda: process.require_alive() and dns.dig(
            SPACE, LISTS, "66.100.51.198.bl.lists.org", "A", seconds=1))

    def __exit__(self, *_):
        self.processes.stop_all()
        netns.remove(SPACE)
        shutil.rmtree(self.folder, ignore_errors=True)


def sekisho(mail="", resolver=RESOLVER):
    s = Sekisho(
        # A restart reads the spool's segments: small ones, for the sanitizers' sake.
        extra=f'[queue]\nsegment_size = "2MiB"\n[delivery]\nresolvers = ["{resolver}"]',
        mail=f'message_size_max = "256KiB"\n{mail}',
        exchange=f'{OURS}:25", "[{OURS6}]:25',
        prefix=netns.argv(SPACE, []),
    )
    s.account()
    return s


def text(author, subject, *fields):
    lines = [*fields, f"From: {author}", "To: taro@example.net", f"Subject: {subject}", "", "Hello", ""]
    return "\r\n".join(lines)


def send(client, sender, body, helo="mx.sender.net"):
    """From one of the namespace's addresses; the code and text of the refusal, or of the acceptance."""
    with netns.inside(SPACE):
        session = smtplib.SMTP(local_hostname=helo, timeout=30, source_address=(client, 0))
        session.connect(OURS6 if ":" in client else OURS, 25)
    with session:
        session.ehlo()
        session.mail(sender)
        code, answer = session.rcpt("taro@example.net")
        if code == 250:
            code, answer = session.data(body)
        return code, answer.decode()
