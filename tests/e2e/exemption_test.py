"""A subscriber asks on the own page to run a mail server: looked up, granted, revoked when it no longer holds."""
import re
import socketserver
import sqlite3
import threading

from harness import Sekisho, free_ports, main, wait_for
from my_pages import Browser
from nameserver import NameServer

CLASSES = """
[[class]]
name = "subscribers"
prefixes = ["127.0.0.0/8"]
[[class]]
name = "static"
[[rule]]
name = "static"
from = "static"
to = "*"
[[rule]]
name = "op25b"
from = "subscribers"
to = "*"
action = "refuse"
"""
ADDRESS = bytes(10) + b"\xff\xff" + bytes([127, 0, 0, 1])
OPEN = 9223372036854775807


class Relay(socketserver.StreamRequestHandler):
    """A mail server that takes RCPT with what `server.answer` says."""

    def handle(self):
        self.wfile.write(b"220 mx.example.org ESMTP\r\n")
        for line in self.rfile:
            word = line[:4].upper()
            answer = {b"EHLO": b"250-mx\r\n250 SIZE", b"MAIL": b"250 ok", b"RCPT": self.server.answer, b"QUIT": b"221 bye"}
            self.server.heard.append(line.strip().decode())
            self.wfile.write(answer.get(word, b"500 what") + b"\r\n")
            if word == b"QUIT":
                return


def relay(answer):
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Relay, bind_and_activate=True)
    server.daemon_threads, server.answer, server.heard = True, answer, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def world(names, how, port, more=""):
    return Sekisho(
        classes=CLASSES,
        gate=f'engine = "none"\nexempt_class = "static"\nexempt_requests = "{how}"\nexempt_held_for = "0s"\n{more}',
        extra=f'[delivery]\nresolvers = ["{names.resolver}"]\nport = {port}\n')


def hold(s, line="L1"):
    """The line has 127.0.0.1, as RADIUS accounting would have said."""
    with sqlite3.connect(s.folder / "sekisho.db") as database:
        row = database.execute(
            "INSERT INTO sessions (nas, session, line, realm, started, ended, seen, ports) VALUES ('nas', 's1', ?, '', 0, ?, 0, 0)",
            (line, OPEN)).lastrowid
        database.execute("INSERT INTO held (first, length, ended, started, session) VALUES (?, 128, ?, 0, ?)", (ADDRESS, OPEN, row))
        database.execute("INSERT OR IGNORE INTO held_lengths VALUES (128)")


def begun(s):
    taro = s.account("taro@example.net", "--line", "L1")
    hold(s)
    s.start()
    browser = Browser(s)
    assert browser.sign_in(taro, s.password)[0] == 200
    return browser


def ask(browser, domain="example.net"):
    return browser.act("/en/my/exemption", "/exemption", do="ask", domain=domain, reason="mail of my club")


def shown(browser, text):
    return wait_for(f"{text!r} on the page", lambda: (t := browser.open("/en/my/exemption")[1]) and text in t and t, 40)


def leases(s):
    return [one for one in s.json("gate", "exempt", "list") if one["alive"]]


def what_holds_is_granted_and_what_no_longer_holds_is_revoked():
    with NameServer() as names, relay(b"550 5.7.1 relaying denied") as peer:
        names.publish(['@ IN TXT "v=spf1 ip4:127.0.0.1 -all"'])
        with world(names, "automatic", peer.server_address[1]) as s:
            browser = begun(s)
            status, text = ask(browser)
            assert status == 200 and "Your request is taken" in text, text
            assert "open request" in ask(browser)[1], "one at a time"
            page = shown(browser, "Open until")
            assert "example.net: pass by ip4:127.0.0.1" in page and "it refused another domain with 550" in page, page
            assert any("relay-test@mail.example.net" in line for line in peer.heard), peer.heard
            assert not any(line.upper().startswith("DATA") for line in peer.heard), peer.heard
            one = leases(s)[0]
            assert one["target"] == "127.0.0.1/32" and one["owner"] == "taro@example.net", one
            wait_for("the notice", lambda: any("Auto-Submitted: auto-generated" in m for m in mail_of(s)))
            s.cli("gate", "exempt", "revoke", str(one["id"]), "--reason", "abuse was seen")
            shown(browser, "closed again")
            wait_for("the second notice", lambda: len(mail_of(s)) == 2)
            assert leases(s) == []
            kinds = [e["kind"] for e in s.json("events", "--address", "127.0.0.1") if e["kind"].startswith("lease")]
            assert kinds == ["lease-ended", "lease-granted"], kinds


def mail_of(s):
    return [path.read_text(errors="replace") for path in s.mailbox()]


def an_open_relay_is_refused():
    with NameServer() as names, relay(b"250 ok") as peer:
        names.publish(['@ IN TXT "v=spf1 ip4:127.0.0.1 -all"'])
        with world(names, "automatic", peer.server_address[1]) as s:
            browser = begun(s)
            ask(browser)
            page = shown(browser, "it takes mail for other domains from anybody")
            assert "refused" in page and leases(s) == []


def an_spf_record_for_everybody_is_none():
    with NameServer() as names:
        names.publish(['@ IN TXT "v=spf1 +all"'])
        with world(names, "automatic", free_ports(1)[0]) as s:
            browser = begun(s)
            ask(browser)
            page = shown(browser, "pass by +all")
            assert "doesn" in page and leases(s) == [], (page, leases(s))


def an_operator_decides_and_the_owner_withdraws():
    with NameServer() as names:
        names.publish(['@ IN TXT "v=spf1 ip4:127.0.0.1 -all"'])
        with world(names, "operator", free_ports(1)[0]) as s:
            browser = begun(s)
            ask(browser)
            page = shown(browser, "our staff decides")
            assert leases(s) == []
            number = re.search(r'name="id" value="(\d+)"', page)[1]
            browser.act("/en/my/exemption", "/exemption", do="withdraw", id=number)
            assert "withdrawn" in browser.open("/en/my/exemption")[1]


def nobody_asks_where_it_is_off():
    with Sekisho(classes=CLASSES) as s:
        browser = begun(s)
        assert "my/exemption" not in browser.open("/en/my")[1]
        status, text = browser.open("/en/my/exemption")
        assert status == 200 and "Your own mail server" not in text


main([what_holds_is_granted_and_what_no_longer_holds_is_revoked, an_open_relay_is_refused, an_spf_record_for_everybody_is_none,
      an_operator_decides_and_the_owner_withdraws, nobody_asks_where_it_is_off])
