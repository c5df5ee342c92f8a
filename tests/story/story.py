"""What a row is, and what rows share: the world, the peers, and what was seen before the gate enforced."""

import os
from dataclasses import dataclass, field

import clients
import names
from names import DYNAMIC, FOREIGN_MX, FOREIGN_USER, INFECTED, MAIL, ROAMING
from peers.lib import maildir
from peers.lib.proc import Failed, until

ROWS = []


@dataclass
class Row:
    id: str
    says: str
    walk: object


def row(identity, says):
    """Declares a function(story) as the row of one sentence; it returns its evidence lines."""

    def declare(function):
        ROWS.append(Row(identity, says, function))
        return function

    return declare


def require(condition, text):
    if not condition:
        raise Failed(text)


def family(address):
    return 6 if ":" in address else 4


def victims():
    """Sixteen addresses of each family that a bot tries."""
    return [f"203.0.113.{n}" for n in range(208, 224)] + [f"2001:db8:f00:d::{n:x}" for n in range(1, 17)]


@dataclass
class Story:
    world: object
    processes: object
    outsiders: object
    provider: object
    out: str  # report and pictures, kept
    scratch: str  # gone after the run
    before: dict = field(default_factory=dict)

    @property
    def authority(self):
        return self.outsiders.authority

    def picture(self, name):
        return os.path.join(self.out, f"{name}.png")

    # What the far end saw.

    def syns(self, host, version, place=names.INTERNET):
        return self.world.connections(place, host, version)

    def at_other(self, address, message_id, seconds=20):
        """The message in the other provider's real mailbox."""
        return maildir.wait(self.outsiders.other_mx.mailbox(address), message_id, seconds)

    def at_home(self, message_id, seconds=20):
        """The message in a mailbox of ours."""
        return maildir.wait(self.provider.maildir, message_id, seconds)

    # Before the gate enforces: everything passes, so that each blocking row could fail.

    def walk_before(self):
        for host in (DYNAMIC, ROAMING, INFECTED):
            self._probe(host, FOREIGN_MX, names.INTERNET)
        for host in (DYNAMIC, ROAMING):
            self._probe(host, MAIL, MAIL.ns)
        self._probe(FOREIGN_USER, DYNAMIC, DYNAMIC.ns)
        self.before["bot"] = clients.bot(INFECTED, victims())
        letter = clients.swaks(DYNAMIC, names.OTHER_MX, "hanako@example.com", "boss@example.com")
        require(letter.sent, f"before enforcement mail on 25 must pass: {letter.text[-400:]}")
        self.at_other("boss@example.com", letter.message_id)
        self.before["letter"] = letter.message_id
        self.before["triangle"] = self.triangle()

    def _probe(self, host, target, place):
        for destination in target.addresses():
            version = family(destination)
            seen = self.syns(host, version, place)
            probe = clients.connect(host, destination)
            require(
                probe.outcome == "open" and self.syns(host, version, place) == seen + 1,
                f"before enforcement {host.ns} to {destination} port 25 must pass: {probe}",
            )
            self.before[host.name, destination] = probe

    def triangle(self):
        """Answers from port 25 that reach the dynamic line after a SYN with its forged address."""
        before = self.world.answers()
        for _ in range(3):
            clients.forged_syn(FOREIGN_USER, DYNAMIC.ip4, FOREIGN_MX.ip4)
        try:
            until("answers", lambda: self.world.answers() >= before + 3, 1.0)
        except Failed:
            pass
        return self.world.answers() - before

    # Assertions that several rows share.

    def refused(self, host, target, rule, place):
        """Refused at once on both families, nothing arrived, and the gate counted it."""
        evidence = []
        for destination in target.addresses():
            version = family(destination)
            seen, counted = self.syns(host, version, place), self.provider.counter(rule)
            probe = clients.connect(host, destination)
            arrived = self.syns(host, version, place) - seen
            grown = self.provider.counter(rule) - counted
            require(probe.outcome == "refused", f"{host.ns} to {destination}:25: {probe}")
            require(arrived == 0, f"{arrived} packets of {host.ns} reached {place}")
            require(grown > 0, f"rule {rule} counted nothing for {destination}")
            was = self.before[host.name, destination]
            evidence.append(
                f"{host.ns} -> {destination}:25 {probe}; rule {rule} +{grown}, beyond the gate +0; "
                f"observed before: open, \"{was.reason[:40]}\""
            )
        return evidence

    def submit(self, host, login, sender, recipient, *, implicit=False, kind="PLAIN"):
        """One letter through our own server with swaks."""
        options = clients.starttls_auth(login, self.authority, tls_on_connect=implicit, kind=kind)
        port = 465 if implicit else 587
        letter = clients.swaks(host, names.SMTP, sender, recipient, *options, port=port)
        require(letter.sent, f"{host.ns} on {port}: {letter.text[-600:]}")
        return letter
