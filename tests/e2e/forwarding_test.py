"""Aliases, catch-all, forwards: where mail goes, under which sender (SRS, against Perl's Mail::SRS), sealed how (ARC, against dkimpy and mailauth), and back."""
import base64
import json
import os
import re
import smtplib
import socketserver
import subprocess
import sys
import threading
from pathlib import Path

DEBIAN = "/usr/bin/python3"
if os.path.realpath(sys.executable) != os.path.realpath(DEBIAN):
    os.execv(DEBIAN, [DEBIAN, *sys.argv])  # python3-dkim is a module of Debian's own interpreter

import dkim  # noqa: E402  dkimpy

from harness import Sekisho, main, message, wait_for  # noqa: E402
from nameserver import NameServer  # noqa: E402

NODE = Path(__file__).resolve().parent.parent / "story" / "node" / "dkim.mjs"
HOST = ["mail 1 IN A 192.0.2.25", "mail 1 IN AAAA 2001:db8::25"]
TARO, HANAKO, OUTSIDE = "taro@example.net", "hanako@example.net", "x@other.example"
SECRET = "a secret of both"


class Elsewhere(socketserver.ThreadingTCPServer):
    """Every other provider: takes all mail but for `full@`, and keeps (sender, recipients, message)."""

    allow_reuse_address = daemon_threads = True

    def __init__(self):
        self.mails = []
        super().__init__(("127.0.0.1", 0), ElsewhereSession)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def mail(self, subject, to):
        def found():
            return [one for one in self.mails if f"Subject: {subject}\r\n".encode() in one[2] and to in one[1]]
        return wait_for(f"{subject} for {to} in {self.mails}", found)[0]

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class ElsewhereSession(socketserver.StreamRequestHandler):
    def handle(self):
        def say(text):
            self.wfile.write(text.encode() + b"\r\n")
        say("220 elsewhere.test")
        sender, recipients = "", []
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"MAIL":
                sender, recipients = line.decode().split("<")[1].split(">")[0], []
            if verb == b"RCPT":
                recipients.append(line.decode().split("<")[1].split(">")[0])
                if recipients[-1].startswith("full@"):
                    recipients.pop()
                    say("552 5.2.2 full")
                    continue
            if verb == b"DATA":
                say("354 go" if recipients else "554 nobody")
                if not recipients:
                    continue
                content = b""
                while (more := self.rfile.readline()) not in (b".\r\n", b""):
                    content += more
                self.server.mails.append((sender, recipients, content))
            say("221 bye" if verb == b"QUIT" else "250 ok")
            if verb == b"QUIT":
                return


def perl(code, *arguments):
    done = subprocess.run(["perl", "-MMail::SRS", "-e", f"my $s = Mail::SRS->new(Secret => ['{SECRET}'], HashLength => 6, MaxAge => 21); {code}", *arguments],
                          capture_output=True, text=True, timeout=60)
    return done.stdout.strip() if done.returncode == 0 else None


def house(elsewhere, names=None, more=""):
    resolvers = f'resolvers = ["{names.resolver}"]\n' if names else ""
    return Sekisho(mail='xclient_from = ["127.0.0.1"]\nlookup_timeout = "5s"\npeer_check = "off"\n',
                   extra=f'[delivery]\nsmarthost = "127.0.0.1:{elsewhere.server_address[1]}"\n{resolvers}'
                         f'[dkim]\ncheck_interval = "1s"\n[forwarding]\nsrs_secrets = ["{SECRET}"]\n{more}')


def send(s, subject, to, sender="a@author.example.net", content=None, client=None, code=None):
    """As another server; the refusal, if `code` is wanted."""
    with smtplib.SMTP("127.0.0.1", s.exchange, timeout=30) as session:
        if client:
            session.ehlo("proxy.example.net")
            assert session.docmd("XCLIENT", f"ADDR={client}")[0] == 220
        session.ehlo("relay.author.example.net")
        assert session.mail(sender)[0] == 250
        answer = session.rcpt(to)
        if answer[0] == 250:
            answer = session.data(content if content is not None else message(subject, to=to, sender=sender))
        assert answer[0] == (code or 250), answer
        return answer[1].decode()


def here(s, subject, whose):
    """How often the message is in the mailbox."""
    paths = [p for p in s.mailbox() if f"Subject: {subject}\n" in p.read_text().replace("\r", "")]
    return sum(f"Delivered-To: {whose}" in p.read_text() for p in paths)


def addresses_lead_where_they_should():
    with Elsewhere() as elsewhere, house(elsewhere) as s:
        s.account(TARO)
        s.account(HANAKO)
        s.cli("alias", "add", "sales@example.net", "team@example.net", OUTSIDE)
        s.cli("alias", "add", "team@example.net", TARO, HANAKO)
        s.cli("alias", "add", "a@example.net", "b@example.net")
        s.cli("alias", "add", "b@example.net", "a@example.net")
        assert "is an address of the account" in s.cli("alias", "add", TARO, HANAKO, code=None)
        assert "not one of mail.domains" in s.cli("alias", "add", "x@other.example", HANAKO, code=None)
        assert len(s.json("alias", "list")) == 4
        s.start("mail")
        send(s, "sales", "sales@example.net")
        sender, _, content = elsewhere.mail("sales", OUTSIDE)
        wait_for("both copies", lambda: here(s, "sales", TARO) == 1 and here(s, "sales", HANAKO) == 1)
        # Nobody elsewhere learns who else has it; the way it went is marked.
        assert b"Delivered-To: sales@example.net\r\n" in content and b"hanako" not in content, content
        # The sender is ours, as Perl's Mail::SRS would have made it; and it leads back.
        assert re.fullmatch(r"SRS0=[A-Za-z0-9+/]{6}=[A-Z2-7]{2}=author\.example\.net=a@example\.net", sender), sender
        assert perl("print $s->reverse($ARGV[0])", sender) == "a@author.example.net", sender
        assert perl("print $s->forward($ARGV[0], 'example.net')", "a@author.example.net") == sender
        assert s.cli("srs", "show", sender).strip() == "a@author.example.net"

        assert "5.4.6" in send(s, "circle", "a@example.net", code=550)
        assert "no such user" in send(s, "nobody", "nobody@example.net", code=550)
        s.cli("alias", "add", "@example.net", HANAKO)
        send(s, "rest", "nobody@example.net")
        wait_for("what nobody has", lambda: here(s, "rest", HANAKO) == 1)
        s.cli("alias", "remove", "@example.net")
        send(s, "nobody", "nobody@example.net", code=550)

        # An account that forwards, with and without a copy; from our own sender nothing is rewritten.
        s.cli("account", "forward", "set", TARO, OUTSIDE)
        send(s, "copy", TARO)
        elsewhere.mail("copy", OUTSIDE)
        wait_for("the copy", lambda: here(s, "copy", TARO) == 1)
        s.cli("account", "forward", "set", TARO, OUTSIDE, "--no-copy")
        with s.submit(HANAKO) as session:
            session.sendmail(HANAKO, [TARO], message("ours", to=TARO, sender=HANAKO))
        assert elsewhere.mail("ours", OUTSIDE)[0] == HANAKO
        # It comes back from there: refused, not sent round again.
        returned = "Delivered-To: taro@example.net\r\n" + message("round", to=TARO, sender="a@author.example.net")
        assert "forwarded here before" in send(s, "round", TARO, content=returned, code=554)
        assert here(s, "ours", TARO) == 0
        s.cli("account", "forward", "remove", TARO)
        send(s, "stays", TARO)
        wait_for("the message that stays", lambda: here(s, "stays", TARO) == 1)


def bounces_find_their_way_back():
    with Elsewhere() as elsewhere, house(elsewhere) as s:
        s.account(TARO)
        s.cli("account", "forward", "set", TARO, "full@other.example", OUTSIDE, "--no-copy")
        s.start("mail")
        send(s, "bounced", TARO)
        sender, recipients, _ = elsewhere.mail("bounced", OUTSIDE)
        assert recipients == [OUTSIDE]
        # Refused at once: our own notice goes to who wrote it.
        bounce = wait_for("our notice", lambda: [one for one in elsewhere.mails if one[1] == ["a@author.example.net"]])[0]
        assert bounce[0] == "" and b"full@other.example" in bounce[2], bounce
        # Refused later: theirs comes here, and goes on.
        send(s, "theirs", sender, sender="")
        assert elsewhere.mail("theirs", "a@author.example.net")[0] == ""
        send(s, "lower", sender.lower(), sender="")
        elsewhere.mail("lower", "a@author.example.net")
        # Not for others, not forged, not old.
        assert "notifications only" in send(s, "x", sender, code=550)
        assert "forged" in send(s, "x", sender.replace("=a@", "=victim@"), sender="", code=550)
        old = perl("no warnings 'redefine'; *Mail::SRS::timestamp_create = sub { my ($t, $x) = @_; $x = time() - 86400 * 40; "
                   "$x = int($x / 86400); my @b = ('A'..'Z', '2'..'7'); $b[($x >> 5) & 31] . $b[$x & 31] }; print $s->forward('a@author.example.net', 'example.net')")
        assert old and "expired" in send(s, "x", old, sender="", code=550), old
        # A second hop: the first one's proof stays, and bounces go to it.
        first = perl("print $s->forward('a@author.example.net', 'first.example')")
        send(s, "second", TARO, sender=first)
        second = elsewhere.mail("second", OUTSIDE)[0]
        assert second.startswith("SRS1=") and perl("print $s->reverse($ARGV[0])", second) == first, (first, second)
        send(s, "back", second, sender="")
        assert elsewhere.mail("back", first)[0] == ""


def chain_by_mailauth(content, texts):
    request = {"arc": base64.b64encode(content).decode(), "records": texts}
    done = subprocess.run(["node", NODE], input=json.dumps(request), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["result"]


def chain_by_dkimpy(content, texts):
    cv, results, reason = dkim.arc_verify(content, dnsfunc=lambda name, timeout=5: texts.get(name.decode().rstrip(".")))
    return cv.decode() if cv else f"none: {reason}"


def forwarded_mail_is_sealed():
    with Elsewhere() as elsewhere, NameServer() as names, house(elsewhere, names) as s:
        s.account(TARO)
        s.cli("account", "forward", "set", TARO, OUTSIDE, "--no-copy")
        s.start("mail")
        wait_for("our keys", lambda: len(s.json("dkim", "list")) == 2)
        told = s.cli("dns").splitlines()  # what is missing, and why, is told beside it
        lines = [line for line in told if line and not line.startswith((";", "sekisho: "))]
        pem = subprocess.run(["openssl", "genrsa", "-traditional", "2048"], capture_output=True, check=True).stdout
        der = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], input=pem, capture_output=True, check=True).stdout
        record = "v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode()
        other = " ".join(f'"{record[i:i + 200]}"' for i in range(0, len(record), 200))
        names.publish(HOST + lines + [
            f"s1._domainkey.list 1 IN TXT {other}", 'author 1 IN TXT "v=spf1 ip4:192.0.2.0/24 -all"', '_dmarc.author 1 IN TXT "v=DMARC1; p=none; psd=n"'])
        wait_for("our keys to sign", lambda: {key["state"] for key in s.json("dkim", "list")} == {"signing"})
        texts = {key["name"].rstrip("."): key["record"].encode() for key in s.json("dkim", "list")}
        texts["s1._domainkey.list.example.net"] = record.encode()
        plain = {name: text.decode() for name, text in texts.items()}
        client, kept = "192.0.2.99", {}

        def sealed(subject, content):
            def with_seal():
                send(s, subject, TARO, content=content, client=client)
                got = elsewhere.mail(subject, OUTSIDE)[2]
                elsewhere.mails.clear()
                return got if b"ARC-Seal: i=" in got.split(b"\r\n")[0] else None
            return wait_for(f"a seal on {subject}", with_seal)

        content = sealed("first", message("first", to=TARO, sender="a@author.example.net"))
        assert chain_by_dkimpy(content, texts) == "pass" and chain_by_mailauth(content, plain) == "pass", content
        assert b"i=1; mail.example.net" in content.replace(b"\r\n", b"") and b"cv=none" in content, content
        assert b"spf=pass" in content.split(b"ARC-Authentication-Results:")[1].split(b"Delivered-To")[0], content
        tampered = content.replace(b"Hello", b"Hullo")
        assert chain_by_dkimpy(tampered, texts) == "fail" and chain_by_mailauth(tampered, plain) == "fail"

        # Sealed before by a list, with dkimpy: the chain goes on.
        listed = b"Authentication-Results: list.example.net; arc=none; spf=pass smtp.mailfrom=author.example.net\r\n" + \
            message("second", to=TARO, sender="a@author.example.net").encode().replace(b"Subject:", b"Date: Fri, 27 Nov 2026 09:00:00 +0900\r\nSubject:")
        fields = dkim.arc_sign(listed, b"s1", b"list.example.net", pem, b"list.example.net", include_headers=[b"from", b"to", b"subject", b"date"])
        listed = b"".join(fields) + listed
        content = sealed("second", listed)
        kept["second"] = content
        assert b"ARC-Seal: i=2;" in content and b"cv=pass" in content, content
        assert chain_by_dkimpy(content, texts) == "pass" and chain_by_mailauth(content, plain) == "pass", content
        # Broken on the way: said so, and nothing vouched for.
        broken = listed.replace(b"Hello", b"Hullo").replace(b"Subject: second", b"Subject: third")
        content = sealed("third", broken)
        kept["third"] = content
        assert b"ARC-Seal: i=2;" in content and b"cv=fail" in content, content
        assert chain_by_dkimpy(content, texts) != "pass" and chain_by_mailauth(content, plain) == "fail", content
        # Our own verifier says of what we sealed what theirs say.
        s.cli("account", "forward", "remove", TARO)
        for subject, verdict in (("second", "pass"), ("third", "fail")):
            send(s, subject, TARO, content=kept[subject].replace(b"Delivered-To: taro@example.net\r\n", b"Delivered-To: t@elsewhere.example\r\n"), client=client)
            wait_for(f"{subject} here", lambda: here(s, subject, TARO) == 1)
            [text] = [p.read_text() for p in s.mailbox() if f"Subject: {subject}\n" in p.read_text().replace("\r", "")]
            assert f"arc={verdict}" in text, text


main([
    addresses_lead_where_they_should,
    bounces_find_their_way_back,
    forwarded_mail_is_sealed,
])
