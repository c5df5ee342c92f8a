"""Everybody in the world who is not our provider's software: DNS, the other provider, home servers."""

import os
import signal

import names
from names import COMPANY, HOME, OTHER, PROVIDER
from peers.lib import certs, dns, dovecot, opendkim, radius
from peers.lib.postfix import Postfix
from peers.lib.proc import until
from peers.lib.sink import Sink


class Outsiders:
    def __init__(self, processes, directory):
        self.processes, self.directory = processes, directory
        self.authority = certs.Authority(os.path.join(directory, "ca"))
        self.our_certificate, self.our_key = self.authority.issue(
            [names.SMTP, names.MX, names.GUIDE, f"autoconfig.{PROVIDER}", PROVIDER]
        )
        self.other_mx_certificate, self.other_mx_key = self.authority.issue([names.OTHER_MX])
        self.other_smtp_certificate, self.other_smtp_key = self.authority.issue([names.OTHER_SMTP])

    def start(self):
        self._names()
        self._other_mx()
        self._other_submission()
        self._home_server()
        self._shop_server()
        self.victims = Sink(self.processes, names.VICTIMS.ns, self._place("victims"))
        self.open_relay = Sink(self.processes, names.DYNAMIC.ns, self._place("open-relay"))
        for postfix in (self.other_mx, self.other_smtp, self.home, self.shop):
            postfix.ready()

    def _place(self, name):
        path = os.path.join(self.directory, name)
        os.makedirs(path, exist_ok=True)
        return path

    def _names(self):
        server = names.DNS
        zones = dns.Zones(self._place("dns"), server.ip4, server.ip6)
        zones.zone(
            f"{PROVIDER}.",
            [
                f"@ MX 10 {names.MX}.",
                '@ TXT "v=spf1 mx a:%s -all"' % names.SMTP,
                f"_submission._tcp SRV 0 1 587 {names.SMTP}.",
                f"_submissions._tcp SRV 0 1 465 {names.SMTP}.",
                f"_25._tcp.mx TLSA {certs.tlsa(self.our_certificate)}",
            ],
        )
        zones.zone(
            f"{OTHER}.",
            [
                f"@ MX 10 {names.OTHER_MX}.",
                '@ TXT "v=spf1 a:%s -all"' % names.OTHER_SMTP,
                f"_submission._tcp SRV 0 1 587 {names.OTHER_SMTP}.",
                f"_submissions._tcp SRV 0 1 465 {names.OTHER_SMTP}.",
                f"_25._tcp.mx TLSA {certs.tlsa(self.other_mx_certificate)}",
                # A block list (RFC 5782) that knows the infected PC.
                f"{'.'.join(reversed(names.INFECTED.ip4.split('.')))}.bl A 127.0.0.2",
                '_dmarc TXT "v=DMARC1; p=reject"',
                "many MX 10 sink.many",
                f"sink.many A {names.VICTIMS.ip4}",
            ],
        )
        zones.zone(
            f"{COMPANY}.",
            [
                f"@ MX 10 {names.OTHER_MX}.",
                '@ TXT "v=spf1 a:%s include:%s -all"' % (names.OTHER_SMTP, PROVIDER),
                f"_submission._tcp SRV 0 1 587 {names.OTHER_SMTP}.",
                f"_submissions._tcp SRV 0 1 465 {names.OTHER_SMTP}.",
                f"home MX 10 {HOME}.",
                'home TXT "v=spf1 mx -all"',
                '_dmarc TXT "v=DMARC1; p=quarantine"',
                f"mail.shop A {names.SHOP_SERVER.ip4}",
                "shop MX 10 mail.shop",
            ],
        )
        for reverse in ("2.0.192", "100.51.198", "113.0.203"):
            zones.zone(f"{reverse}.in-addr.arpa.")
        zones.zone("8.b.d.0.1.0.0.2.ip6.arpa.")
        mail = names.MAIL
        for index, name in enumerate((names.MX, names.SMTP, names.GUIDE)):
            zones.host(f"{name}.", mail.v4[index], mail.v6[index])
        for name in (f"autoconfig.{PROVIDER}.", f"imap.{PROVIDER}."):
            which = 2 if name.startswith("autoconfig") else 1
            zones.zone(f"{PROVIDER}.", [f"{name} A {mail.v4[which]}", f"{name} AAAA {mail.v6[which]}"])
        zones.host(f"{names.OTHER_MX}.", *names.FOREIGN_MX.addresses())
        zones.host(f"{names.OTHER_SMTP}.", *names.FOREIGN_SMTP.addresses())
        zones.host(f"lists.{OTHER}.", *names.FOREIGN_SERVER.addresses())
        zones.host(f"{HOME}.", *names.STATIC.addresses())
        for host, domain in ((names.DYNAMIC, PROVIDER), (names.INFECTED, PROVIDER), (names.FOREIGN_USER, OTHER)):
            generic = host.ip4.replace(".", "-")
            zones.host(f"{generic}.dyn.{domain}.", *host.addresses())
        zones.host(f"ab050.adsl.{OTHER}.", *names.CABLE.addresses())
        # Whoever rents the shop its server has named the address, and never made that name.
        zones.pointer(names.SHOP_SERVER.ip4, f"vs060.hosting.{OTHER}.")
        zones.host(f"cust-{names.ROAMING.line}.pool.{PROVIDER}.", *names.ROAMING.addresses())
        self.anchor = zones.sign()
        self.zones = zones
        self.nsd = dns.start_nsd(self.processes, server.ns, zones.directory, zones, server.addresses())
        self.unbound = dns.start_unbound(
            self.processes, names.CORE.ns, self._place("resolver"), names.CORE.addresses(),
            server.ip4, server.ip6, self.anchor, ["0.0.0.0/0", "::/0"],
        )  # fmt: skip

    def publish(self, zone, records):
        """Puts records into a zone of which everybody may have asked already."""
        self.zones.zone(zone, records)
        self.zones.sign_again(zone)
        name, kind = records[-1].split()[0], [word for word in records[-1].split() if word in ("TXT", "A", "MX")][0]
        self.nsd.signal(signal.SIGHUP)
        until("the new zone", lambda: dns.dig(names.CORE.ns, names.DNS.ip4, name, kind, seconds=1))
        self.unbound.signal(signal.SIGHUP)  # it forgets what it has
        until("the resolver to know it", lambda: dns.dig(names.CORE.ns, names.CORE.ip4, name, kind, seconds=1))

    def _other_mx(self):
        verifier = opendkim.start_verifier(
            self.processes, names.FOREIGN_MX.ns, self._place("other-verifier"), names.OTHER_MX, names.CORE.ip4
        )
        aliases = os.path.join(self._place("other-mx"), "aliases")
        with open(aliases, "w") as file:
            # Has moved on, to where nobody is: found out when the mail was taken.
            file.write(f"moved@{OTHER} moved@nowhere.{OTHER}\n")
        self.other_mx = Postfix(self.processes, names.FOREIGN_MX.ns, self._place("other-mx"), names.OTHER_MX)
        self.other_mx.tls(self.other_mx_certificate, self.other_mx_key)
        self.other_mx.takes_mail_for([OTHER, COMPANY], names.OTHER_MAILBOXES)
        self.other_mx.parameters |= {
            "smtpd_milters": verifier,
            "milter_default_action": "accept",
            "virtual_alias_maps": f"texthash:{aliases}",
        }
        self.other_mx.listen(25)
        self.other_mx.start()

    def _other_submission(self):
        place = self._place("other-submission")
        socket = dovecot.start_auth(
            self.processes, names.FOREIGN_SMTP.ns, self._place("other-auth"), names.OTHER_ACCOUNTS
        )
        self.other_smtp = Postfix(self.processes, names.FOREIGN_SMTP.ns, place, names.OTHER_SMTP)
        self.other_smtp.tls(self.other_smtp_certificate, self.other_smtp_key)
        self.other_smtp.submission(socket)
        self.other_smtp.start()

    def _home_server(self):
        self.home = Postfix(self.processes, names.STATIC.ns, self._place("home"), HOME)
        self.home.takes_mail_for([HOME], [f"me@{HOME}"])
        self.home.listen(25)
        self.home.start()

    def _shop_server(self):
        """Sends only; comes again soon when it is told to."""
        self.shop = Postfix(self.processes, names.SHOP_SERVER.ns, self._place("shop"), f"mail.{names.SHOP}")
        self.shop.parameters |= {
            "inet_protocols": "ipv4", "minimal_backoff_time": "2s", "maximal_backoff_time": "2s", "queue_run_delay": "2s",
        }  # fmt: skip
        self.shop.start()

    def sessions(self):
        """Tells the gate by RADIUS who holds which address."""
        for host in names.SUBSCRIBERS:
            self.session("Start", host, host.line)

    def session(self, status, host, line):
        """The access server's word that a line's session on the host's addresses starts or stops."""
        # A wholesale carrier's access server names the provider in the realm.
        user = f"{line}@{PROVIDER}"
        attributes = radius.session(
            user, status, f"s-{line}", names.NAS, host.ip4, delegated6=host.prefix6
        )
        return radius.send(names.CORE.ns, f"{names.GATE4}:1813", names.RADIUS_SECRET, attributes)
