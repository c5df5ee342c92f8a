"""What becomes of mail by rule (`[delivery.tls]`), by what the destination publishes (DANE, MTA-STS) and by what its
mail host shows: each cell of the table below is a domain of its own, to which one message goes. docs/delivery-tls.md
shows the table; this test fails when the page has another one.

dane: under TLS that a TLSA record verifies. cert: with a certificate that is trusted and for the host's name. tls: with
any certificate. plain: without TLS. later: nothing was sent, and it is tried again.
"""
import sys
from pathlib import Path

import harness
import tls_world
from harness import Sekisho, free_ports, main, wait_for

SHOWN = ("right", "other name", "expired", "self-signed", "no TLS")
TABLE = """
| rule | published | right | other name | expired | self-signed | no TLS |
|---|---|---|---|---|---|---|
| auto | nothing | tls | tls | tls | tls | plain |
| auto | TLSA 3: this key | dane | dane | dane | dane | later |
| auto | TLSA 3: another key | later | later | later | later | later |
| auto | TLSA 2: the CA | dane | later | later | later | later |
| auto | TLSA unusable | tls | tls | tls | tls | later |
| auto | TLSA forged | later | later | later | later | later |
| auto | TLSA without DNSSEC | tls | tls | tls | tls | plain |
| auto | STS enforce | cert | later | later | later | later |
| auto | STS enforce, other hosts | later | later | later | later | later |
| auto | STS testing, other hosts | tls | tls | tls | tls | plain |
| auto | STS without a policy | tls | tls | tls | tls | plain |
| auto | STS enforce, other hosts; TLSA 3: this key | dane | dane | dane | dane | later |
| required | nothing | tls | tls | tls | tls | later |
| required | TLSA 3: another key | later | later | later | later | later |
| required | STS enforce | cert | later | later | later | later |
| verified | nothing | cert | later | later | later | later |
| verified | TLSA 3: this key | dane | dane | dane | dane | later |
| verified, other hosts | nothing | later | later | later | later | later |
| dane | nothing | later | later | later | later | later |
| dane | STS enforce | later | later | later | later | later |
| dane | TLSA 3: this key | dane | dane | dane | dane | later |
| opportunistic | TLSA 3: another key | tls | tls | tls | tls | plain |
| opportunistic | STS enforce, other hosts | tls | tls | tls | tls | plain |
| none | TLSA 3: this key | plain | plain | plain | plain | plain |
"""
# What a message asks for itself; over Postfix, which doesn't offer REQUIRETLS, and over Sekisho, which does.
WISHES = """
| the message | rule | published | host | |
|---|---|---|---|---|
| REQUIRETLS | auto | nothing, with DNSSEC | Postfix | returned |
| REQUIRETLS | auto | nothing, with DNSSEC | Sekisho | cert |
| REQUIRETLS | auto | TLSA 3: this key | Sekisho | dane |
| REQUIRETLS | auto | TLSA 3: another key | Sekisho | later |
| REQUIRETLS | auto | nothing | Sekisho | returned |
| REQUIRETLS | auto | STS enforce | Sekisho | cert |
| REQUIRETLS | none | nothing, with DNSSEC | Sekisho | returned |
| TLS-Required: No | auto | TLSA 3: another key | Postfix | tls |
| TLS-Required: No | auto | STS enforce, other hosts | Postfix | tls |
| TLS-Required: No | verified, other hosts | nothing | Postfix | later |
"""
PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "delivery-tls.md"
ADDRESSES = {"right": "127.0.0.11", "other name": "127.0.0.12", "expired": "127.0.0.13", "self-signed": "127.0.0.14",
             "no TLS": "127.0.0.15", "Sekisho": "127.0.0.16"}
CERTIFICATES = {"right": "right", "other name": "other", "expired": "old", "self-signed": "own", "no TLS": None}


class Cell:
    """A domain, its mail host and what becomes of a message to it."""

    def __init__(self, number, rule, published, shown, expected, wish=""):
        self.rule, self.published, self.shown, self.expected, self.wish = rule, published, shown, expected, wish
        self.zone = "signed.test" if "TLSA" in published.replace("TLSA without DNSSEC", "") or "with DNSSEC" in published else "plain.test"
        self.domain, self.host = f"d{number}.{self.zone}", f"h{number}.{self.zone}"
        self.address = f"user@{self.domain}"

    def __str__(self):
        return " | ".join(word for word in (self.wish, self.rule, self.published, self.shown) if word)

    def lines(self, port, digests):
        """Of its zone."""
        label = self.domain.split(".")[0]
        mine = self.host.split(".")[0]
        lines = [f"{label} IN MX 10 {mine}", f"{mine} IN A {ADDRESSES[self.shown]}"]
        here = digests.get(self.shown, digests["right"])
        tlsa = {"3: this key": f"3 1 1 {here}", "3: another key": f"3 1 1 {'ab' * 32}", "2: the CA": f"2 1 1 {digests['CA']}",
                "unusable": f"1 1 1 {here}", "forged": f"3 1 1 {tls_world.Names.SIGNED_AS}", "without DNSSEC": f"3 1 1 {'ab' * 32}"}
        for kind, record in tlsa.items():
            if f"TLSA {kind}" in self.published:
                lines.append(f"_{port}._tcp.{mine} IN TLSA {record}")
        if "STS" in self.published:
            lines += [f'_mta-sts.{label} IN TXT "v=STSv1; id=1;"', f"mta-sts.{label} IN A 127.0.0.1"]
        return lines

    def policy(self):
        if "STS" not in self.published or "without" in self.published:
            return None
        mode = "testing" if "testing" in self.published else "enforce"
        return tls_world.policy(mode, "*.elsewhere.test" if "other hosts" in self.published else self.host)

    def rule_line(self):
        words = self.rule.split(", ")
        return f'"{self.domain}" = "{words[0]}{" *.elsewhere.test" if len(words) > 1 else ""}"'


def rows(table):
    return [[word.strip() for word in line.strip("|").split("|")] for line in table.strip().splitlines()[2:]]


def all_cells():
    cells = []
    for rule, published, *outcomes in rows(TABLE):
        for shown, expected in zip(SHOWN, outcomes, strict=True):
            cells.append(Cell(len(cells), rule, published, shown, expected))
    for wish, rule, published, host, expected in rows(WISHES):
        cells.append(Cell(len(cells), rule, published, "right" if host == "Postfix" else "Sekisho", expected, wish))
    return cells


def outcome_of(event):
    detail = event["detail"]
    if event["kind"] == "deferred":
        return "later"
    if event["kind"] == "bounced":
        return "returned" if "5.7.30" in detail else detail
    if "no TLS" in detail:
        return "plain"
    if "verified by DANE" in detail:
        return "dane"
    # "trusted": nobody asked for a certificate, and it was a right one.
    return "tls" if "not verified" in detail or ", trusted" in detail else "cert" if ", verified" in detail else detail


def build(world, cells, port):
    authority = world.authority
    good = [f"*.{zone}" for zone in tls_world.ZONES]
    authority.leaf("right", good)
    authority.leaf("other", ["elsewhere.test"])
    authority.leaf("old", good, days=-1)
    authority.leaf("own", good, own=True)
    policies = {cell.domain: cell.policy() for cell in cells if cell.policy()}
    authority.leaf("policies", [f"mta-sts.{cell.domain}" for cell in cells if "STS" in cell.published])
    digests = {shown: authority.spki(name) for shown, name in CERTIFICATES.items() if name} | {"CA": authority.spki("ca")}
    world.policies = tls_world.Policies(authority, policies)
    lines = {zone: [line for cell in cells if cell.zone == zone for line in cell.lines(port, digests)] for zone in tls_world.ZONES}
    world.names = tls_world.Names(world.folder, lines)
    world.names.start(world.processes)
    credentials = {shown: (ADDRESSES[shown], name) for shown, name in CERTIFICATES.items()}
    world.mail_hosts(port, credentials, [cell.domain for cell in cells])


def sender(world, cells, port):
    """The Sekisho that sends."""
    rules = "\n".join(cell.rule_line() for cell in cells if cell.rule != "auto")
    return Sekisho(mail="recipients_max = 1000\nrecipients_per_hour = 10000", extra=f"""
[delivery]
resolvers = ["{world.names.resolver}"]
trust_anchor = "{world.folder}/anchor"
trust_ca = "{world.folder}/ca.crt"
port = {port}
mta_sts_port = {world.policies.port}
concurrency = 20
[delivery.tls]
{rules}
""")


def taker(world, cells, port):
    """The Sekisho that takes, with REQUIRETLS."""
    domains = ", ".join(f'"{cell.domain}"' for cell in cells if cell.shown == "Sekisho")
    return Sekisho(mail=f'domains = [{domains}]\nspf = "off"\ndmarc = "off"', exchange=f'{ADDRESSES["Sekisho"]}:{port}', extra=f"""
[tls]
certificate = "{world.folder}/right.chain"
key = "{world.folder}/right.key"
[delivery]
resolvers = ["{world.names.resolver}"]
""")


def send(sekisho, login, cells, options=(), header=""):
    with sekisho.submit(login) as session:
        text = header + harness.message("cells", to="undisclosed:;")
        refused = session.sendmail(login, [cell.address for cell in cells], text, mail_options=options)
        assert refused == {}, refused


def outcomes(sekisho, cells):
    kinds = ("delivered", "deferred", "bounced")
    wanted = {cell.address for cell in cells}

    def all_there():
        events = [event for event in sekisho.json("events", "--limit", "5000") if event["kind"] in kinds]
        found = {event["recipient"]: event for event in events}
        return found if wanted <= found.keys() else None
    return wait_for("an outcome for each cell", all_there, 120)


def every_cell_is_as_the_table_says():
    cells = all_cells()
    [port] = free_ports(1)
    with tls_world.World() as world:
        build(world, cells, port)
        with sender(world, cells, port) as sekisho, taker(world, cells, port) as other:
            login = sekisho.account()
            for cell in cells:
                if cell.shown == "Sekisho":
                    other.account(cell.address)
            other.start("mail")
            sekisho.start("mail")
            send(sekisho, login, [cell for cell in cells if not cell.wish])
            send(sekisho, login, [cell for cell in cells if cell.wish == "REQUIRETLS"], ["REQUIRETLS"])
            send(sekisho, login, [cell for cell in cells if cell.wish.startswith("TLS-Req")], header="TLS-Required: No\r\n")
            found = outcomes(sekisho, cells)
            wrong = [f"{cell}: {outcome_of(found[cell.address])}, not {cell.expected}: {found[cell.address]['detail']}"
                     for cell in cells if outcome_of(found[cell.address]) != cell.expected]
            assert not wrong, "\n".join(wrong)
            # Their word for it: what isn't delivered has not gone anywhere.
            delivered = {cell.address for cell in cells if cell.expected in ("dane", "cert", "tls", "plain")}
            at_postfix = {cell.address for cell in cells if cell.shown != "Sekisho"}
            wait_for("Postfix to say what it took", lambda: world.taken() == delivered & at_postfix)
            print(f"     {len(cells)} cells")


def the_page_shows_the_table():
    page = PAGE.read_text()
    assert TABLE.strip() in page and WISHES.strip() in page, f"{PAGE} has another table"


if __name__ == "__main__":
    lacking = tls_world.missing()
    if lacking:
        print(f"skipped: {', '.join(lacking)}")
        sys.exit(77)
    main([every_cell_is_as_the_table_says, the_page_shows_the_table])
