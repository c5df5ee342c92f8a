"""DMARC and TLS reports between two houses: one sees mail and TLS of the other's domains, tells it, and the other shows what it was told.

`Asker` publishes DMARC, MTA-STS and TLSRPT records in an NSD behind Unbound; `Teller` judges mail that says to be from
there, sends mail there, and reports. Python's own readers (email, gzip, xml.etree, json) and xmllint look at what it sends.
"""
import gzip
import http.server
import json
import os
import shutil
import smtplib
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree
import zipfile
from contextlib import closing
from email import message_from_bytes, policy
from pathlib import Path

import tls_world
from harness import Sekisho, free_ports, main, message, wait_for

SCHEMA = Path(__file__).resolve().parent.parent / "golden" / "report" / "dmarc-2.0.xsd"
CORPUS = Path(__file__).resolve().parent.parent / "fuzz" / "corpus"
NAMESPACE = "{urn:ietf:params:xml:ns:dmarc-2.0}"
NEEDED = ("/usr/sbin/nsd", "/usr/sbin/unbound", "/usr/bin/ldns-signzone", "/usr/bin/ldns-keygen", "/usr/bin/dig")
ASKER = "127.0.0.16"
GOOD, BAD = "198.51.100.10", "203.0.113.9"


class Collector:
    """An https URL that takes reports, with a certificate that nobody trusts; the first answer is 503."""

    def __init__(self, folder):
        self.taken, outer = [], self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.taken.append((self.path, self.headers["Content-Type"], body))
                self.send_response(503 if len(outer.taken) == 1 else 201)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *words):
                pass

        tls_world.run("openssl", "req", "-x509", *tls_world.CURVE, "-keyout", "collect.key", "-out", "collect.crt", "-subj", "/CN=nobody", "-days", 5, cwd=folder)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "collect.crt", folder / "collect.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}/tls"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Names(tls_world.Names):
    """What is beside the zones isn't there, instead of unknown: a walk up the tree asks "test", too."""

    def _configure(self):
        super()._configure()
        conf = self.folder / "unbound.conf"
        conf.write_text(conf.read_text().replace('local-zone: "test." nodefault', "\n".join(
            ['local-zone: "test." static', *(f'  local-zone: "{zone}." transparent' for zone in tls_world.ZONES)])))


class World(tls_world.World):
    """The names of both houses, the asker's MTA-STS policy, the collector, and the two houses."""

    def __enter__(self):
        self.authority.leaf("policies", ["mta-sts.b.plain.test"])
        [self.port] = free_ports(1)
        self.policies = tls_world.Policies(self.authority, {"b.plain.test": tls_world.policy("testing", "mx-b.plain.test")})
        self.collector = Collector(self.folder)
        self.teller = self.new_teller("127.0.0.1@1")
        self.login = self.teller.account("taro@a.plain.test")
        self.teller.cli("dkim", "keygen")
        keys = [f'{key["name"].rstrip(".").removesuffix(".plain.test")} IN TXT {self.quoted(key["record"])}' for key in self.teller.json("dkim", "list")]
        self.names = Names(self.folder, {"plain.test": self.plain() + keys, "signed.test": self.signed()})
        self.names.start(self.processes)
        self.teller.write_config(*self.teller_config(self.names.resolver))
        self.asker = Sekisho(mail='domains = ["b.plain.test", "d.plain.test", "dane.signed.test"]', exchange=f"{ASKER}:{self.port}",
                             extra='[reports]\nreceive = "reports@b.plain.test"\n')
        for login in ("reports@b.plain.test", "third@d.plain.test", "reports@dane.signed.test", "user@b.plain.test", "user@dane.signed.test", "forged@b.plain.test"):
            self.asker.account(login)
        return self

    @staticmethod
    def quoted(text):
        return " ".join(f'"{text[i:i + 200]}"' for i in range(0, len(text), 200))

    def plain(self):
        rua = ",".join(["mailto:reports@b.plain.test!10m", "mailto:small@b.plain.test!10", "mailto:spy@c.plain.test", "mailto:third@d.plain.test"])
        return [
            'a IN TXT "v=spf1 ip4:127.0.0.1 -all"', "b IN MX 10 mx-b", "d IN MX 10 mx-b", "c IN MX 10 mx-b", f"mx-b IN A {ASKER}",
            f'b IN TXT "v=spf1 ip4:{GOOD} -all"', f'_dmarc.b IN TXT "v=DMARC1; p=reject; sp=none; rua={rua}; ruf=mailto:forged@b.plain.test,mailto:spy@c.plain.test"',
            'b.plain.test._report._dmarc.d IN TXT "v=DMARC1"',
            '_mta-sts.b IN TXT "v=STSv1; id=1;"', "mta-sts.b IN A 127.0.0.1",
            f'_smtp._tls.b IN TXT "v=TLSRPTv1; rua=mailto:reports@b.plain.test,{self.collector.url}"',
        ]

    def signed(self):
        return ["dane IN MX 10 mx.dane", f"mx.dane IN A {ASKER}", f"_{self.port}._tcp.mx.dane IN TLSA 3 1 1 {'ab' * 32}",
                '_smtp._tls.dane IN TXT "v=TLSRPTv1; rua=mailto:reports@dane.signed.test"']

    def teller_config(self, resolver, after="48h"):
        """extra, classes, mail; nothing goes by itself but where a scenario wants it"""
        return (f'[delivery]\nresolvers = ["{resolver}"]\ntrust_anchor = "{self.folder}/anchor"\ntrust_ca = "{self.folder}/ca.crt"\n'
                f'port = {self.port}\nmta_sts_port = {self.policies.port}\n[dkim]\ncheck_interval = "1s"\n'
                f'[reports]\nfrom = "dmarc@a.plain.test"\norganization = "House A"\nhttps_private = true\nsend_after = "{after}"\nspread = "0s"\n', "",
                'domains = ["a.plain.test"]\nxclient_from = ["127.0.0.1"]\npeer_check = "off"\ndmarc = "enforce"\nlookup_timeout = "5s"\n')

    def new_teller(self, resolver):
        (self.folder / "anchor").touch()
        extra, classes, mail = self.teller_config(resolver)
        return Sekisho(extra=extra, classes=classes, mail=mail)

    def __exit__(self, kind, value, trace):
        if kind is SystemExit and value.code == 0:
            kind = None  # main() ends so; there is nothing to show
        try:
            for house in (self.teller, self.asker):
                house.__exit__(kind, value, trace)
        finally:
            self.collector.stop()
            super().__exit__(kind, value, trace)


def arrives(house, client, subject, sender="bounce@b.plain.test", code=250):
    """At the teller, from a server with that address, in the name of the asker."""
    with smtplib.SMTP("127.0.0.1", house.exchange, timeout=30) as session:
        session.ehlo("proxy.test")
        assert session.docmd("XCLIENT", f"ADDR={client}")[0] == 220
        session.ehlo("relay.b.plain.test")
        assert session.mail(sender)[0] == 250
        assert session.rcpt("taro@a.plain.test")[0] == 250
        answer = session.data(message(subject, to="taro@a.plain.test", sender="Boss <boss@b.plain.test>"))
        assert answer[0] == code, answer


def database(house):
    return closing(sqlite3.connect(house.folder / "sekisho.db", timeout=10, isolation_level=None))


def a_day_passes(house):
    """What was seen was seen yesterday."""
    with database(house) as db:
        for table in ("dmarc_seen", "dmarc_published", "tls_seen"):
            db.execute(f"UPDATE {table} SET day = day - 1")


def seen(house):
    return {(one["kind"], one["domain"]): one["count"] for one in house.json("reports", "due")["reports"]}


def sent(house, *options):
    return {(one["kind"], one["domain"]): one for one in house.json("reports", "send", "--now", *options)["reports"]}


def queued(house):
    return house.json("queue", "list")


def ours(house):
    """Queue ids of what has no sender: the reports."""
    return [one["queue_id"] for one in queued(house) if one["sender"] == ""]


def reports_in_mailbox(house, domain=None):
    mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in house.mailbox()]
    return [mail for mail in mails if mail["Subject"].startswith("Report Domain:") and (domain is None or f"Report Domain: {domain} " in mail["Subject"])]


def mail_and_tls_are_seen(world):
    teller, asker = world.teller.start("mail"), world.asker.start("mail")
    wait_for("our keys to sign", lambda: {key["state"] for key in teller.json("dkim", "list")} == {"signing"})
    for number in range(2):
        arrives(teller, GOOD, f"good {number}")
    for number in range(3):
        arrives(teller, BAD, f"bad {number}", code=550)
    with teller.submit(world.login) as session:
        assert session.sendmail(world.login, ["user@b.plain.test", "user@dane.signed.test"], message("hello", sender=world.login, to="undisclosed:;")) == {}
    wait_for("what was seen", lambda: seen(teller) == {("dmarc", "b.plain.test"): 5, ("tls", "b.plain.test"): 1, ("tls", "dane.signed.test"): 1})
    assert wait_for("the mail", lambda: len(asker.mailbox()) == 1), "DANE stops the other one"
    assert sent(teller) == {}, "the day isn't over"
    assert "no report is due" in teller.cli("reports", "send", "--now")
    assert "b.plain.test" in teller.cli("reports", "due")


def whom_it_would_go_to(world):
    a_day_passes(world.teller)
    would = sent(world.teller, "--dry-run")
    assert would[("dmarc", "b.plain.test")]["to"] == [
        "mailto:reports@b.plain.test!10m", "mailto:small@b.plain.test!10", "mailto:third@d.plain.test"], would
    assert "b.plain.test._report._dmarc.c.plain.test doesn't say" in world.teller.cli("reports", "send", "--now", "--dry-run")
    assert would[("tls", "b.plain.test")]["to"] == ["mailto:reports@b.plain.test", world.collector.url], would
    assert ours(world.teller) == []


def each_is_sent_once(world):
    teller, asker = world.teller, world.asker
    done = sent(teller)
    assert done[("dmarc", "b.plain.test")]["state"] == "done", done
    assert "by mail to reports@b.plain.test, third@d.plain.test" in done[("dmarc", "b.plain.test")]["detail"], done
    assert done[("tls", "dane.signed.test")]["state"] == "done", done
    # The URL said 503; it is asked again, the mail isn't sent again.
    assert done[("tls", "b.plain.test")]["state"] == "made", done
    assert sent(teller)[("tls", "b.plain.test")]["state"] == "done"
    assert sent(teller) == {} and seen(teller) == {}
    assert len(ours(teller)) == 3, queued(teller)
    teller.cli("queue", "retry", *ours(teller))
    wait_for("the reports", lambda: len(reports_in_mailbox(asker)) == 4)  # two of DMARC, two of TLS


def outsiders_can_read_them(world):
    mails = reports_in_mailbox(world.asker)
    dmarc = [mail for mail in mails if "TLS-Report-Domain" not in mail]
    assert len(dmarc) == 2 and dmarc[0]["Subject"].split("Report-ID: ")[1] == dmarc[1]["Subject"].split("Report-ID: ")[1]
    mail = dmarc[0]
    assert mail["From"].addresses[0].addr_spec == "dmarc@a.plain.test" and mail["Auto-Submitted"] == "auto-generated"
    assert "d=a.plain.test" in mail["DKIM-Signature"].replace(" ", "").replace("\r\n", ""), mail.items()
    [part] = list(mail.iter_attachments())
    assert part.get_content_type() == "application/gzip"
    receiver, about, begin, end = part.get_filename().removesuffix(".xml.gz").split("!")
    assert (receiver, about, int(end) - int(begin)) == ("a.plain.test", "b.plain.test", 86399), part.get_filename()
    xml = gzip.decompress(part.get_content())
    if shutil.which("xmllint"):
        checked = subprocess.run(["xmllint", "--noout", "--schema", SCHEMA, "-"], input=xml, capture_output=True)
        assert checked.returncode == 0, checked.stderr.decode()
    root = ElementTree.fromstring(xml)
    rows = {row.findtext(f".//{NAMESPACE}source_ip"): row for row in root.iter(f"{NAMESPACE}record")}
    def of(client, name):
        return rows[client].findtext(f".//{NAMESPACE}{name}")
    assert set(rows) == {GOOD, BAD} and (of(GOOD, "count"), of(BAD, "count")) == ("2", "3"), xml
    assert (of(GOOD, "disposition"), of(BAD, "disposition")) == ("pass", "reject"), xml
    evaluated = rows[GOOD].find(f".//{NAMESPACE}policy_evaluated")
    assert evaluated.findtext(f"{NAMESPACE}spf") == "pass" and evaluated.findtext(f"{NAMESPACE}dkim") == "fail", xml
    assert of(BAD, "envelope_from") == "b.plain.test" and of(BAD, "envelope_to") == "a.plain.test", xml
    published = root.find(f"{NAMESPACE}policy_published")
    assert [published.findtext(f"{NAMESPACE}{name}") for name in ("domain", "p", "sp", "discovery_method")] == [
        "b.plain.test", "reject", "none", "treewalk"], xml


def tls_reports_say_why(world):
    by_domain = {mail["TLS-Report-Domain"]: mail for mail in reports_in_mailbox(world.asker) if "TLS-Report-Domain" in mail}
    assert set(by_domain) == {"b.plain.test", "dane.signed.test"}
    def content(mail):
        assert mail.get_content_type() == "multipart/report" and mail["Content-Type"].params["report-type"] == "tlsrpt"
        assert mail["TLS-Report-Submitter"] == "a.plain.test"
        [part] = [part for part in mail.walk() if part.get_content_type() == "application/tlsrpt+gzip"]
        return json.loads(gzip.decompress(part.get_payload(decode=True)))
    sts = content(by_domain["b.plain.test"])
    [one] = sts["policies"]
    assert one["policy"]["policy-type"] == "sts" and "mode: testing" in one["policy"]["policy-string"], sts
    assert one["policy"]["mx-host"] == ["mx-b.plain.test"]
    assert one["summary"] == {"total-successful-session-count": 0, "total-failure-session-count": 1}, sts
    [failure] = one["failure-details"]
    # Sekisho's own certificate, for mail.example.net.
    assert failure["result-type"] in ("certificate-not-trusted", "certificate-host-mismatch"), sts
    assert failure["receiving-mx-hostname"] == "mx-b.plain.test" and failure["receiving-ip"] == ASKER, sts
    assert failure["sending-mta-ip"] == "127.0.0.1" or failure["sending-mta-ip"].startswith("127."), sts
    [one] = content(by_domain["dane.signed.test"])["policies"]
    assert one["policy"] == {"policy-type": "tlsa", "policy-string": [f"3 1 1 {'ab' * 32}"], "policy-domain": "mx.dane.signed.test"}, one
    assert one["failure-details"][0]["result-type"] == "validation-failure", one
    # By https: twice, since the first was refused, with the same bytes.
    (path, kind, first), (_, _, second) = world.collector.taken
    assert path == "/tls" and kind == "application/tlsrpt+gzip" and first == second
    assert json.loads(gzip.decompress(first)) == sts


def the_asker_shows_them(world):
    asker = world.asker
    wait_for("the reports to be read", lambda: len(asker.json("reports", "list")["reports"]) == 2)
    kinds = {one["kind"]: one for one in asker.json("reports", "list")["reports"]}
    assert (kinds["dmarc"]["good"], kinds["dmarc"]["bad"], kinds["dmarc"]["organization"]) == (2, 3, "House A"), kinds
    sources = {one["source"]: one for one in asker.json("reports", "dmarc")["sources"]}
    assert (sources[BAD]["failed"], sources[BAD]["refused"], sources[GOOD]["passed"]) == (3, 3, 2), sources
    text = asker.cli("reports", "dmarc", "--domain", "b.plain.test")
    assert f"{BAD} sends as b.plain.test without aligned SPF or DKIM: 3 messages, 100% fail, 3 were quarantined or refused" in text, text
    assert f"{GOOD} sends as b.plain.test: 2 messages, all pass by SPF alone" in text, text
    assert "House A to b.plain.test (sts): 0 sessions held, 1 failed" in asker.cli("reports", "tls")
    assert "p=reject" in asker.cli("reports", "show", str(kinds["dmarc"]["id"]))
    assert asker.json("reports", "show", str(kinds["tls"]["id"]))["policies"][0]["failed"] == 1
    records = asker.cli("dns")
    assert 'v=TLSRPTv1; rua=mailto:reports@b.plain.test' in records and "d.plain.test._report._dmarc.b.plain.test" in records, records
    status = asker.json("mail", "status")["reports"]
    assert status["received_total"] == 2 and status["refused_total"] == 0, status


def our_reports_are_not_reported(world):
    """Nor those of others: what comes to the address for reports isn't evidence."""
    wait_for("nothing more to be seen", lambda: seen(world.teller) == {})
    teller = world.teller.json("mail", "status")["reports"]
    assert teller["recorded_total"] == 7 and teller["lost_total"] == 0 and teller["sent_total"] == 3, teller


def broken_ones_stay_mail(world):
    asker = world.asker
    def mail(text):
        with smtplib.SMTP(ASKER, world.port, timeout=30) as session:
            session.sendmail("x@elsewhere.test", ["reports@b.plain.test"], text)
    before = len(asker.mailbox())
    mail(message("no report", to="reports@b.plain.test", sender="x@elsewhere.test"))
    mail((CORPUS / "report_incoming_fuzz" / "zip.eml").read_bytes())  # about example.com
    wait_for("both in the mailbox", lambda: len(asker.mailbox()) == before + 2)
    wait_for("both to be counted", lambda: asker.json("mail", "status")["reports"]["refused_total"] == 2)
    log = asker.log("mail")
    assert "REPORT_NOT_READ" in log and "no attachment of it is a report" in log and "REPORT_NOT_OURS" in log, log[-2000:]


def files_are_read_too(world):
    folder = Path(tempfile.mkdtemp())
    old = (CORPUS / "report_dmarc_xml_fuzz" / "rfc7489.xml").read_text().replace("Example.COM", "b.plain.test").replace("example.com", "b.plain.test")
    with zipfile.ZipFile(folder / "old.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big.example!b.plain.test!1335571200!1335657599.xml", old)
    assert world.asker.cli("reports", "read", str(folder / "old.zip")).strip() == "1 taken, 0 known already"
    assert world.asker.cli("reports", "read", str(folder / "old.zip")).strip() == "0 taken, 1 known already"
    (folder / "bomb.xml.gz").write_bytes(gzip.compress(bytes(64 << 20)))
    assert "too large when it is unpacked" in world.asker.cli("reports", "read", str(folder / "bomb.xml.gz"), code=1)
    text = world.asker.cli("reports", "dmarc")
    assert "2001:db8::7 sends as b.plain.test without aligned SPF or DKIM: 1,200 messages, 100% fail. It shows that it is bulk.example" in text, text
    assert world.asker.json("reports", "dmarc", "--verified")["sources"] == []
    shutil.rmtree(folder)


def copy_of(house):
    """The rows of the day, as they are before they are reported."""
    with database(house) as db:
        return {table: db.execute(f"SELECT * FROM {table}").fetchall() for table in ("dmarc_seen", "dmarc_published", "tls_seen")}


def back_to_made(house, rows, queue_id=None):
    """As a crash leaves it: the job is written, what follows isn't."""
    with database(house) as db:
        for table, all_of in rows.items():
            for row in all_of:
                db.execute(f"INSERT OR REPLACE INTO {table} VALUES ({','.join('?' * len(row))})", row)
        db.execute("UPDATE report_jobs SET state = 1, open = 'mailto:reports@b.plain.test', detail = '', queue_id = COALESCE(?, queue_id) "
                   "WHERE kind = 'dmarc' AND day = (SELECT MAX(day) FROM report_jobs WHERE kind = 'dmarc')", (queue_id,))


def a_crash_sends_it_once(world):
    teller = world.teller
    with database(teller) as db:  # another day
        db.execute("UPDATE report_jobs SET day = day - 1")
    arrives(teller, BAD, "again", code=550)
    wait_for("it to be seen", lambda: seen(teller) == {("dmarc", "b.plain.test"): 1})
    a_day_passes(teller)
    rows = copy_of(teller)
    assert sent(teller)[("dmarc", "b.plain.test")]["state"] == "done"
    [mail] = ours(teller)
    teller.cli("queue", "hold", mail)
    # Between the queue and the note of it.
    teller.kill("mail")
    back_to_made(teller, rows)
    teller.start("mail")
    assert sent(teller) == {} and ours(teller) == [mail], queued(teller)
    # Between the note that it is made, and the queue.
    teller.kill("mail")
    with database(teller) as db:
        db.execute("UPDATE report_jobs SET day = day - 10")
        db.execute("INSERT INTO report_jobs SELECT kind, day + 10, domain, state, id || '.b', queue_id, open, tries, first_try, next_try, detail "
                   "FROM report_jobs WHERE kind = 'dmarc' ORDER BY day DESC LIMIT 1")
    other = mail[:-1] + ("0" if mail[-1] != "0" else "1")
    back_to_made(teller, rows, queue_id=other)
    teller.start("mail")
    assert sent(teller)[("dmarc", "b.plain.test")]["state"] == "done"
    assert set(ours(teller)) == {mail, other}, queued(teller)
    assert sent(teller) == {}


def by_itself_at_its_time(world):
    """After a stop over midnight, without a command."""
    teller = world.teller
    with database(teller) as db:
        db.execute("UPDATE report_jobs SET day = day - 20")
    arrives(teller, BAD, "late", code=550)
    before = set(ours(teller))
    wait_for("it to be seen", lambda: seen(teller) == {("dmarc", "b.plain.test"): 1})
    teller.kill("mail")
    with database(teller) as db:
        for table in ("dmarc_seen", "dmarc_published"):
            db.execute(f"UPDATE {table} SET day = day - 2")
    teller.write_config(*world.teller_config(world.names.resolver, after="1m"))
    teller.start("mail")
    wait_for("the report", lambda: set(ours(teller)) - before)


def a_single_failure_is_told_at_once(world):
    """Where the operator wants it: to whom the record's ruf names and who may have it, without anybody's name."""
    teller = world.teller
    extra, classes, mail = world.teller_config(world.names.resolver)
    teller.write_config(extra + "failures = true\nfailures_per_day = 1\n", classes, mail)
    teller.cli("reload")
    for number in range(2):
        arrives(teller, BAD, f"forged {number}", code=550)

    def told():
        paths = [path for path in world.asker.mailbox() if "forged@b.plain.test" in str(path)]
        return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in paths]

    [report] = wait_for("the failure report", told)
    assert report.get_content_type() == "multipart/report" and report["Content-Type"].params["report-type"] == "feedback-report", report
    text, feedback, header = report.iter_parts()
    assert feedback.get_content_type() == "message/feedback-report" and header.get_content_type() == "text/rfc822-headers", report
    fields = dict(line.split(": ", 1) for line in feedback.as_bytes().decode().replace("\r\n", "\n").split("\n\n", 1)[1].splitlines() if ": " in line)
    assert (fields["Feedback-Type"], fields["Auth-Failure"], fields["Reported-Domain"]) == ("auth-failure", "dmarc", "b.plain.test"), fields
    assert (fields["Source-IP"], fields["Delivery-Result"], fields["Identity-Alignment"]) == (BAD, "reject", "none"), fields
    assert report["DKIM-Signature"] and "dmarc@a.plain.test" in report["From"], report
    whole = report.as_bytes()
    assert b"Boss" not in whole and b"boss@" not in whole and b"forged 0" not in whole and b"taro@" not in whole, whole
    assert "b.plain.test" in header.as_bytes().decode(), header
    time.sleep(2)
    assert len(told()) == 1, "one a day"
    assert not [one for one in queued(teller) if "spy@" in str(one)], "who has not said that he wants it"


def main_in_a_world():
    lacking = [program for program in NEEDED if not os.path.exists(program)]
    if lacking or os.geteuid() != 0:
        print(f"skipped: needs {lacking or 'root'}")
        sys.exit(77)
    with World() as world:
        def scenario(work):
            def run():
                work(world)
            run.__name__ = work.__name__
            return run
        main([scenario(work) for work in (
            mail_and_tls_are_seen, whom_it_would_go_to, each_is_sent_once, outsiders_can_read_them, tls_reports_say_why, the_asker_shows_them,
            our_reports_are_not_reported, broken_ones_stay_mail, files_are_read_too, a_crash_sends_it_once, by_itself_at_its_time, a_single_failure_is_told_at_once)])


main_in_a_world()
