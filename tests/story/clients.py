"""What people and machines at the ends do: connect, send with real mail programs, fetch pages."""

import base64
import email
import email.policy
import errno
import itertools
import json
import os
import re
import smtplib
import socket
import ssl
import struct
import time
import uuid
from dataclasses import dataclass, field

import names
from peers.lib import netns
from peers.lib.proc import run

HERE = os.path.dirname(os.path.abspath(__file__))
_AT_ONCE_S = 3.0
_REFUSED = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES, errno.ECONNRESET)
_serial = itertools.count(1)


@dataclass
class Probe:
    """How a TCP connection went: outcome is open, refused or silent."""

    outcome: str
    reason: str
    milliseconds: int

    def __str__(self):
        return f"{self.reason} after {self.milliseconds} ms"


def connect(host, destination, port=25, seconds=_AT_ONCE_S):
    """Opens a connection from the host; says whether it opened, was refused, or met silence."""
    family = socket.AF_INET6 if ":" in destination else socket.AF_INET
    with netns.inside(host.ns):
        end = socket.socket(family, socket.SOCK_STREAM)
    start = time.monotonic()

    def spent():
        return int((time.monotonic() - start) * 1000)

    with end:
        end.settimeout(seconds)
        try:
            end.connect((destination, port))
            greeting = end.recv(512).decode(errors="replace").strip() if port in (25, 587) else ""
            return Probe("open", greeting or "connected", spent())
        except TimeoutError:
            return Probe("silent", "no answer", spent())
        except OSError as error:
            outcome = "refused" if error.errno in _REFUSED else "silent"
            return Probe(outcome, errno.errorcode.get(error.errno, str(error)), spent())


class _BotSession(smtplib.SMTP):
    """smtplib with its socket made inside a namespace."""

    def __init__(self, host, seconds, source=""):
        self._source, self._address = host, source
        super().__init__(timeout=seconds, local_hostname="pc")

    def _get_socket(self, host, port, timeout):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with netns.inside(self._source.ns):
            end = socket.socket(family, socket.SOCK_STREAM)
        end.settimeout(timeout)
        if self._address:
            end.bind((self._address, 0))
        end.connect((host, port))
        return end


def bot(host, destinations, seconds=2.0):
    """The infected PC: one spam to each server. Returns how many took it."""
    taken = 0
    for destination in destinations:
        try:
            session = _BotSession(host, seconds)
            session.connect(destination, 25)
            text = f"From: x@y.invalid\r\nSubject: cheap\r\nMessage-ID: {message_id('bot')}\r\n\r\nbuy\r\n"
            session.sendmail("x@y.invalid", ["victim@elsewhere.invalid"], text)
            session.quit()
            taken += 1
        except (OSError, smtplib.SMTPException):
            continue
    return taken


def logged_in(host, login, authority, source="", seconds=30):
    """A session of a program that has the login's password, from one of the host's addresses."""
    session = _BotSession(host, seconds, source)
    session.connect(names.MAIL.v4[1], 587)
    session._host = names.SMTP  # the certificate's name
    try:
        session.starttls(context=ssl.create_default_context(cafile=authority.certificate))
        session.login(login, names.PASSWORDS[login])
    except smtplib.SMTPException:
        session.close()
        raise
    return session


def forged_syn(host, source, destination, port=25):
    """Sends one SYN with another's source address, as triangular spamming does."""
    ports = struct.pack("!HH", 40000 + next(_serial) % 20000, port)
    segment = ports + struct.pack("!IIBBHHH", next(_serial), 0, 5 << 4, 2, 65535, 0, 0)
    ends = socket.inet_aton(source) + socket.inet_aton(destination)
    pseudo = ends + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(segment))
    segment = segment[:16] + struct.pack("!H", _checksum(pseudo + segment)) + segment[18:]
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0, 64, socket.IPPROTO_TCP, 0) + ends
    with netns.inside(host.ns):
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    with raw:
        raw.sendto(header + segment, (destination, 0))


def _checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def message_id(tag):
    return f"<{tag}.{next(_serial)}.{uuid.uuid4().hex[:10]}@story.lab>"


def message(sender, recipient, identity, subject="A letter"):
    return (
        f"From: <{sender}>\nTo: <{recipient}>\nSubject: {subject}\nMessage-ID: {identity}\n"
        f"Date: {time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime())}\n"
        "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"
        "\nこんにちは。 A line that starts with a dot follows.\n.dot\n"
    )


@dataclass
class Transcript:
    """What a mail program saw, and how it ended."""

    program: str
    status: int
    text: str
    message_id: str = ""
    lines: list = field(default_factory=list)

    def __post_init__(self):
        self.lines = [line.rstrip() for line in self.text.splitlines()]

    @property
    def sent(self):
        return self.status == 0

    def has(self, pattern):
        return re.search(pattern, self.text) is not None

    def line(self, pattern):
        """The first line that matches, for evidence; empty when none does."""
        return next((line.strip() for line in self.lines if re.search(pattern, line)), "")

    def replies(self, code):
        """Server replies with this code, swaks' arrows taken off."""
        found = [re.match(rf"^<[~*=-]+\*{{0,2}}\s+({code}[ -].*)$", line) for line in self.lines]
        return [match.group(1) for match in found if match]


def swaks(host, server, sender, recipient, *options, port=25, body=True, words=""):
    """swaks: every protocol line is in the transcript. `words` are put at the end of the body."""
    identity = message_id("swaks")
    command = ["swaks", "--server", server, "--port", port, "--from", sender, "--to", recipient]
    command += ["--helo", f"{host.name}.client.invalid", "--timeout", "15", *options]
    text = message(sender.split(">")[0], recipient, identity) + (words and words + "\n")
    if body:
        command += ["--data", "-"]
    done = netns.inside_run(host.ns, command, check=False, timeout=40, input=text)
    return Transcript("swaks", done.returncode, done.stdout + done.stderr, identity)


def starttls_auth(login, authority, password=None, tls_on_connect=False, kind="PLAIN"):
    """swaks' options for authenticated submission with a verified certificate."""
    password = password or {**names.PASSWORDS, **names.OTHER_ACCOUNTS}[login]
    tls = ["--tls-on-connect"] if tls_on_connect else ["--tls"]
    return [*tls, "--tls-verify", "--tls-ca-path", authority.certificate] + [
        "--auth", kind, "--auth-user", login, "--auth-password", password,
    ]  # fmt: skip


def msmtp(host, server, login, sender, recipient, authority, directory, *options, port=587, mechanism="scram-sha-256"):
    """msmtp, as a cron job or a NAS would call it."""
    identity = message_id("msmtp")
    password = {**names.PASSWORDS, **names.OTHER_ACCOUNTS}[login]
    path = os.path.join(directory, f"msmtp-{next(_serial)}.rc")
    with open(path, "w") as file:
        file.write(
            f"account lab\nhost {server}\nport {port}\nfrom {sender}\nauth {mechanism}\nuser {login}\n"
            f"password {password}\ntls on\ntls_starttls {'off' if port == 465 else 'on'}\n"
            f"tls_trust_file {authority.certificate}\ntimeout 15\n"
        )
    os.chmod(path, 0o600)
    command = ["msmtp", "-d", "-C", path, "-a", "lab", *options, recipient]
    done = netns.inside_run(
        host.ns, command, check=False, timeout=40, input=message(sender, recipient, identity)
    )
    return Transcript("msmtp", done.returncode, done.stdout + done.stderr, identity)


def node(host, script, request, timeout=60):
    """Runs one of our small programs around npm packages; JSON in, JSON out."""
    command = ["node", os.path.join(HERE, "node", script)]
    done = netns.inside_run(host.ns, command, check=False, timeout=timeout, input=json.dumps(request))
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        return {"error": (done.stdout + done.stderr).strip()[-800:]}


def nodemailer(host, request, authority):
    """nodemailer: request has host, port, secure, user, from, to (or autoconfig with the URL)."""
    identity = message_id("nodemailer")
    login = request["user"]
    answer = node(
        host,
        "send.mjs",
        {
            **request,
            "password": {**names.PASSWORDS, **names.OTHER_ACCOUNTS}[login],
            "ca": authority.certificate,
            "messageId": identity,
        },
    )
    text = "\n".join(answer.get("log", [])) + "\n" + (answer.get("response") or answer.get("error", ""))
    result = Transcript("nodemailer", 0 if "response" in answer else 1, text, identity)
    result.answer = answer
    return result


def fetch(host, url, *options, language=None):
    """curl: (status, body)."""
    command = ["curl", "-sS", "-L", "--max-time", "10", "-w", "\n%{http_code}", *options, url]
    if language:
        command += ["-H", f"Accept-Language: {language}"]
    done = netns.inside_run(host.ns, command, check=False, timeout=20)
    body, _, status = done.stdout.rpartition("\n")
    return int(status or 0), body if body else done.stderr


def judge(host, path):
    """What the other provider makes of a message in its mailbox, by mailauth and the DNS there."""
    with open(path, "rb") as file:
        content = file.read().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    read = email.message_from_bytes(content, policy=email.policy.default)
    helo, address = re.match(r"from (\S+) \(\S+ \[(?:IPv6:)?([^\]]+)\]\)", " ".join(read["Received"].split())).groups()
    request = {"message": base64.b64encode(content).decode(), "ip": address, "helo": helo, "mta": names.OTHER_MX}
    return node(host, "judge.mjs", request | {"sender": read["Return-Path"].strip("<> ")})


def photograph(host, shots):
    """Chromium in the host's namespace: shots are {url, file, width, language}; gives text and title."""
    return node(host, "shoot.mjs", {"shots": shots}, timeout=90)


def require_programs():
    """Names of programs that the story needs and that are not there."""
    needed = ["ip", "nft", "nsd", "unbound", "ldns-keygen", "postfix", "dovecot", "swaks", "msmtp"]
    needed += ["opendkim", "rspamd", "doveadm", "mkpasswd", "radclient", "chromium", "node", "npm", "curl", "dig", "openssl", "smtp-sink"]
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [p for p in needed if not any(os.access(os.path.join(d, p), os.X_OK) for d in path.split(":"))]


def install_node_packages():
    """npm's packages, once; the lock file pins them."""
    if not os.path.isdir(os.path.join(HERE, "node_modules", "nodemailer")):
        run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=HERE, timeout=240)
