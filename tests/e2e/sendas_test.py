"""Sending as an address elsewhere: registered, proven by a mailed code, and told what its domain's SPF and DMARC make of it."""
import http.server
import os
import re
import smtplib
import ssl
import subprocess
import threading
import urllib.request
from email import message_from_bytes, policy
from socketserver import StreamRequestHandler, ThreadingTCPServer

from harness import Sekisho, main, message, wait_for
from my_pages import Browser
from nameserver import NameServer

ZONE = [
    'passes.outside IN TXT "v=spf1 ip4:192.0.2.25 -all"',
    '_dmarc.passes.outside IN TXT "v=DMARC1; p=reject"',
    '_dmarc.strict.outside IN TXT "v=DMARC1; p=reject"',
    "_submissions._tcp.strict.outside IN SRV 0 1 465 smtp.strict.outside.example.",
    "_submission._tcp.strict.outside IN SRV 0 1 587 smtp.strict.outside.example.",
    'plain.outside IN TXT "nothing"',
]
TARO = "taro@example.net"


class World(Sekisho):
    def __init__(self, mail=""):
        self.got = got = []

        class Sink(StreamRequestHandler):
            def handle(self):
                say = lambda line: self.wfile.write(line + b"\r\n")
                say(b"220 sink")
                for line in self.rfile:
                    word = line[:4].upper()
                    if word == b"DATA":
                        say(b"354 go")
                        lines = []
                        for part in self.rfile:
                            if part == b".\r\n":
                                break
                            lines.append(part[1:] if part.startswith(b"..") else part)
                        got.append(message_from_bytes(b"".join(lines), policy=policy.default))
                    say(b"221 bye" if word == b"QUIT" else b"250 sink")
                    if word == b"QUIT":
                        return

        ThreadingTCPServer.daemon_threads = True
        self.sink = ThreadingTCPServer(("127.0.0.1", 0), Sink)
        threading.Thread(target=self.sink.serve_forever, daemon=True).start()
        self.names = NameServer("example")
        self.names.publish(ZONE)
        self.extra = f'[delivery]\nresolvers = ["{self.names.resolver}"]\nsmarthost = "127.0.0.1:{self.sink.server_address[1]}"'
        super().__init__(extra=self.extra, mail=mail)
        self.account()

    def __exit__(self, *what):
        try:
            super().__exit__(*what)
        finally:
            self.sink.shutdown()
            self.names.__exit__(*what)

    def mails_to(self, address):
        return [mail for mail in self.got if mail["To"] == address]

    def code_for(self, address, before=0):
        mail = wait_for(f"the code for {address}", lambda: self.mails_to(address)[before:])[0]
        text = mail.get_content().replace("\r\n", "\n")
        code = re.search(r"^Code: (\S+)$", text, re.M).group(1)
        link = re.search(r"^https?://\S+/sendas\?code=\S+$", text, re.M).group(0)
        return code, link


def send(s, author, envelope=None):
    with s.submit(TARO) as session:
        try:
            session.sendmail(envelope or author, ["friend@else.test"], message("hello", to="friend@else.test", sender=author))
            return 250, ""
        except smtplib.SMTPSenderRefused as error:
            return error.smtp_code, error.smtp_error.decode()
        except smtplib.SMTPDataError as error:
            return error.smtp_code, error.smtp_error.decode()


def web(url, method="GET"):
    with urllib.request.urlopen(urllib.request.Request(url, method=method, data=b"" if method == "POST" else None), timeout=20) as answer:
        return answer.read().decode()


class Web:
    """The autoconfiguration of a domain, by HTTPS on port 443 of an address of its own."""

    def __init__(self, folder, host, document):
        cert, key = folder / "web.pem", folder / "web-key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={host}", "-addext",
                        f"subjectAltName=DNS:{host}", "-keyout", key, "-out", cert], check=True, capture_output=True)
        self.certificate, self.asked = cert, asked = cert, []

        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append((self.headers["Host"], self.path))
                found = self.path == "/.well-known/autoconfig/mail/config-v1.1.xml"
                self.send_response(200 if found else 404)
                self.end_headers()
                self.wfile.write(document.encode() if found else b"no")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.77", 443), Page)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def who_has_no_srv_records_is_asked_for_his_settings():
    """The way to the domain's own server is told by its autoconfiguration, too."""
    if os.geteuid() != 0:
        print("     needs port 443: left out")
        return
    document = """<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="web.outside.example">
<outgoingServer type="smtp"><hostname>smtp.web.outside.example</hostname><port>587</port><socketType>STARTTLS</socketType></outgoingServer>
</emailProvider></clientConfig>"""
    with World() as s:
        s.names.publish([*ZONE, '_dmarc.web.outside IN TXT "v=DMARC1; p=reject"', "web.outside IN A 127.0.0.77"])
        web = Web(s.folder, "web.outside.example", document)
        try:
            s.write_config(extra=s.extra + f'\ntrust_ca = "{web.certificate}"')
            s.start("mail", "desk")
            told = s.json("account", "sendas", "add", TARO, "boss@web.outside.example")
            assert told["outlook"] == "rejected", told
            assert "smtp.web.outside.example" in str(told) and "587" in str(told), told
            assert ("web.outside.example", "/.well-known/autoconfig/mail/config-v1.1.xml") in web.asked, web.asked
            assert all("boss" not in path for _, path in web.asked), web.asked
        finally:
            web.server.shutdown()
            web.server.server_close()


def an_address_is_proven_by_its_code():
    with World() as s:
        s.start("mail", "desk")
        boss = "boss@plain.outside.example"
        assert send(s, boss)[0] == 553
        told = s.json("account", "sendas", "add", TARO, boss)
        assert told["outlook"] == "unaligned" and told["proven"] is False and "code" not in told, told
        assert send(s, boss)[0] == 553, "a registration alone gives no right"
        code, link = s.code_for(boss)
        assert "code" in s.cli("account", "sendas", "prove", TARO, boss, "abcd-efgh", code=1)
        page = web(link)
        assert boss in page and TARO in page and "method=\"post\"" in page, page
        assert s.json("account", "sendas", "list", TARO)["addresses"][0]["proven"] is False, "a look at the link proved it"
        action = re.search(r'method="post" action="([^"]+)"', page).group(1)
        done = web(f"http://127.0.0.1:{s.http}{action}", "POST")
        assert boss in done, done
        assert "not valid" in web(link.replace("/sendas?", "/en/sendas?")), "a code counts once"
        listed = s.json("account", "sendas", "list", TARO)["addresses"]
        assert [(one["address"], one["proven"]) for one in listed] == [(boss, True)], listed
        assert send(s, boss) == (250, "")
        wait_for("its delivery", lambda: s.mails_to("friend@else.test"))
        assert not s.mails_to(TARO), "no warning for what is not harmed"
        database = (s.folder / "sekisho.db").read_bytes()
        assert code.encode() not in database and code.replace("-", "").encode() not in database
        # A session that runs on loses the right with the next mail.
        with s.submit(TARO) as session:
            session.ehlo()
            assert session.mail(boss)[0] == 250
            session.rset()
            s.cli("account", "sendas", "remove", TARO, boss)
            wait_for("the session to see it", lambda: session.mail(boss)[0] == 553 or session.rset()[0] != 250)
        details = [e["detail"] for e in s.json("events", "--account", TARO) if e["kind"] == "account-changed"]
        assert sum(boss in one for one in details) >= 4, details


def the_owner_does_it_on_my_page():
    with World() as s:
        s.start("mail", "desk")
        boss = "boss@plain.outside.example"
        browser = Browser(s)
        assert browser.sign_in(TARO, s.password)[0] == 200
        for bad in ("nobody", "hanako@example.net", "", "x" * 300 + "@outside.example"):
            status, text = browser.act("/en/my/sendas", "/sendas", do="add", address=bad)
            assert status == 422 and "give a whole address" in text, (bad, status, text)
        status, text = browser.act("/en/my/sendas", "/sendas", do="add", address=boss)
        assert status == 200 and "A code is on its way" in text and "Will mail as this address arrive?" in text, text
        assert "waits for the code" in text and send(s, boss)[0] == 553
        code, link = s.code_for(boss)
        assert code not in text, "only who reads that mail knows it"
        action = re.search(r'method="post" action="([^"]+)"', web(link)).group(1)
        web(f"http://127.0.0.1:{s.http}{action}", "POST")
        status, text = browser.open("/en/my/sendas")
        assert status == 200 and boss in text and "may be used" in text, text
        assert send(s, boss) == (250, "")
        status, text = browser.act("/en/my/sendas", "/sendas", do="add", address=boss)
        assert status == 422 and "already" in text, text
        status, text = browser.act("/en/my/sendas", "/sendas", do="remove", address=boss)
        assert status == 200 and "It is removed" in text and boss not in text, text
        assert send(s, boss)[0] == 553
        assert browser.open("/en/my/sendas", {"do": "add", "address": boss})[0] == 403, "without the form's own mark"
        assert any("by my page" in e["detail"] for e in s.json("events", "--account", TARO) if e["kind"] == "account-changed")


def codes_are_limited():
    with World() as s:
        s.start("mail")
        boss = "boss@plain.outside.example"
        for _ in range(3):
            s.cli("account", "sendas", "add", TARO, boss)
        assert "too many codes" in s.cli("account", "sendas", "add", TARO, boss, code=1)
        s.cli("account", "sendas", "remove", TARO, boss)
        assert "too many codes" in s.cli("account", "sendas", "add", TARO, boss, code=1)
        first, _ = s.code_for(boss)
        assert "not registered" in s.cli("account", "sendas", "prove", TARO, boss, first, code=1)
        for wrong, why in (("taro@example.net", "is ours"), ("no address", "address"), (f"x@{'a' * 300}.test", "")):
            assert why in s.cli("account", "sendas", "add", TARO, wrong, code=2)
        s.cli("account", "sendas", "add", "nobody@example.net", boss, code=1)
        s.cli("account", "sendas", "add", TARO, boss, "--without-code", "the contract of 1 April")
        assert send(s, boss) == (250, "")


def a_policy_that_rejects_is_told_before():
    with World() as s:
        s.start("mail")
        boss = "boss@strict.outside.example"
        text = s.cli("account", "sendas", "add", TARO, boss)
        assert "will be rejected" in text and "smtp.strict.outside.example, port 465, SSL/TLS" in text, text
        assert "相手に断られます" in text, text
        code, _ = s.code_for(boss)
        s.cli("account", "sendas", "prove", TARO, boss, code.upper())
        assert send(s, boss) == (250, "")
        assert send(s, boss) == (250, "")
        mailbox = wait_for("the warning", lambda: s.mailbox())
        assert len(mailbox) == 1, "one warning a day"
        warning = message_from_bytes(mailbox[0].read_bytes(), policy=policy.default)
        assert warning["Auto-Submitted"] == "auto-generated" and "smtp.strict.outside.example" in warning.get_content(), warning
        s.write_config(s.extra, "", 'from_unaligned = "refuse"')
        s.cli("reload")
        code, answer = send(s, boss)
        assert code == 550 and "p=reject" in answer and "smtp.strict.outside.example port 465" in answer, answer
        refused = [e for e in s.json("events", "--account", TARO) if e["kind"] == "refused"]
        assert refused[0]["rule"] == "unaligned", refused
        assert send(s, TARO) == (250, "")
        s.write_config(s.extra, "", 'from_unaligned = "rewrite"')
        s.cli("reload")
        assert send(s, boss) == (250, "")
        (sent,) = wait_for("the mail under our name", lambda: [mail for mail in s.got if mail["Reply-To"] == boss])
        assert sent["From"] == TARO, sent
        accepted = [e for e in s.json("events", "--account", TARO) if e["kind"] == "accepted"]
        assert accepted[0]["sender"] == TARO, "SPF looks at the reverse-path"
        s.write_config(s.extra, "", 'from_unaligned = "allow"')
        s.cli("reload")
        assert send(s, boss) == (250, "")


def a_domain_that_lists_us_passes():
    with World() as s:
        s.start("mail")
        # The smarthost is 127.0.0.1: the owner of the domain lists it.
        s.names.publish([line.replace("192.0.2.25 -all", "127.0.0.1 -all") for line in ZONE])
        told = s.json("account", "sendas", "add", TARO, "boss@passes.outside.example")
        assert (told["outlook"], told["spf"], told["dmarc"]) == ("passes", "pass", "pass"), told
        s.names.publish(ZONE)
        told = s.json("account", "sendas", "add", TARO, "boss@passes.outside.example")
        assert (told["outlook"], told["spf"], told["dmarc"]) == ("rejected", "fail", "fail"), told


main([an_address_is_proven_by_its_code, who_has_no_srv_records_is_asked_for_his_settings, the_owner_does_it_on_my_page, codes_are_limited, a_policy_that_rejects_is_told_before, a_domain_that_lists_us_passes])
