"""Exim, OpenSMTPD, Haraka and Postfix beside us: they bring mail to port 25, send by our submission as their smarthost, and take what we deliver."""
import base64
import os
import smtplib
import sys
import tempfile
from contextlib import contextmanager
from email import message_from_string, policy
from pathlib import Path

from harness import Sekisho, main, wait_for
from other_servers import Exim, Haraka, OpenSmtpd, Other, Smarthost
from peers.lib import caged
from postfix_peer import Postfix
from sink import Sink
from tls_world import Authority

if os.geteuid() != 0 or not os.path.exists("/usr/sbin/postfix"):
    print("postfix is not installed, or this is not root")
    sys.exit(77)

DOMAIN = "peers.example.org"
# Lines that a careless server changes: dots, an empty end, blanks, a long line, another character set.
BODY = ".\r\n..two\r\nblanks at the end  \r\n" + "x" * 900 + "\r\n\r\n" + base64.b64encode("こんにちは".encode()).decode() + "\r\n\r\n"


def mail(sender, to, subject):
    return f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@{DOMAIN}>\r\nDate: Fri, 27 Nov 2026 12:00:00 +0900\r\n\r\n{BODY}"


class PostfixServer(Other):
    """postfix_peer's, with the same face as the others."""

    def launch(self):
        back = self.back
        passwords = self.folder / "passwords"
        passwords.write_text(f"[127.0.0.1]:{back.port} {back.login}:{back.password}\n")
        at = self.authority.folder
        self.server = Postfix(
            self.domain, mynetworks="127.0.0.0/8", smtpd_relay_restrictions="permit_mynetworks,reject", transport_maps=f"inline:{{ {self.domain}=smtp:[127.0.0.1]:{self.forth} }}",
            relayhost=f"[127.0.0.1]:{back.port}", smtp_tls_security_level="encrypt" if back.login else "may", smtp_tls_wrappermode="yes" if back.implicit else "no",
            smtpd_tls_security_level="may", smtpd_tls_cert_file=at / "mx.chain", smtpd_tls_key_file=at / "mx.key",
            smtp_sasl_auth_enable="yes" if back.login else "no", smtp_sasl_password_maps=f"texthash:{passwords}", smtp_sasl_security_options="noanonymous")
        self.server.services.append("smtp unix - - n - - smtp")
        self.server.listen(f"127.0.0.1:{self.port}")
        self.server.start()

    def __exit__(self, *what):
        self.server.__exit__(*what)


OTHERS = [PostfixServer, Exim, OpenSmtpd, Haraka]


@contextmanager
def world(kind, smarthost):
    """One server of another, whose domain goes to a sink, and ours, which sends what is for that domain to it."""
    with tempfile.TemporaryDirectory(prefix="sekisho-servers-") as folder, Sink() as sink:
        authority = Authority(Path(folder))
        authority.leaf("mx", [f"mx.{DOMAIN}"])
        Path(folder).chmod(0o755)
        (Path(folder) / "mx.key").chmod(0o644)
        with Sekisho() as ours, kind(DOMAIN, smarthost(ours), sink.port, authority) as other:
            ours.write_config(f'[queue]\nretry = ["2s"]\n[[route]]\nname = "other"\ndomains = ["{DOMAIN}"]\nvia = ["127.0.0.1:{other.port}"]\n')
            ours.account()
            ours.start("mail")
            yield ours, other, sink


def inject(other, sender, to, subject):
    with smtplib.SMTP("127.0.0.1", other.port, timeout=20) as session:
        session.sendmail(sender, [to], mail(sender, to, subject))


def body_of(text):
    return text.replace("\r\n", "\n").partition("\n\n")[2]


def arrived(ours, subject):
    texts = wait_for(f"{subject} in the mailbox", lambda: [t for t in (p.read_text() for p in ours.mailbox()) if f"Subject: {subject}\n" in t.replace("\r", "")], 40)
    assert len(texts) == 1, f"{len(texts)} copies"
    return message_from_string(texts[0], policy=policy.default), texts[0]


def it_brings_mail_to_port_25(kind):
    with world(kind, lambda ours: Smarthost(ours.exchange)) as (ours, other, _):
        inject(other, f"boss@{DOMAIN}", "taro@example.net", "in")
        parsed, text = arrived(ours, "in")
        assert body_of(text) == BODY.replace("\r\n", "\n"), text
        received = parsed.get_all("Received")[0]
        assert f"mx.{DOMAIN}" in received and ("ESMTPS" in received or not other.tls), received


def it_sends_by_our_submission(kind, implicit):
    smarthost = lambda ours: Smarthost(ours.submissions if implicit else ours.submission, "taro@example.net", ours.password, implicit)  # noqa: E731
    with world(kind, smarthost) as (ours, other, _):
        inject(other, "taro@example.net", "taro@example.net", "sent")
        parsed, text = arrived(ours, "sent")
        assert body_of(text) == BODY.replace("\r\n", "\n"), text
        assert "ESMTPSA" in parsed.get_all("Received")[0], parsed.get_all("Received")
        logins = ours.json("events", "--kind", "login-accepted")
        assert logins and logins[0]["account"] == "taro@example.net", logins


def it_takes_what_we_deliver(kind):
    with world(kind, lambda ours: Smarthost(ours.exchange)) as (ours, other, sink):
        with ours.submit("taro@example.net") as session:
            session.sendmail("taro@example.net", [f"a@{DOMAIN}", f"b@{DOMAIN}"], mail("taro@example.net", f"a@{DOMAIN}", "out"))
        wait_for("both recipients at the far end", lambda: sorted(to for m in sink.mails for to in m["recipients"]) == [f"a@{DOMAIN}", f"b@{DOMAIN}"], 40)
        for one in sink.mails:
            assert unstuffed(body_of(one["body"])) == BODY.replace("\r\n", "\n"), one["body"]
        steps = ours.json("events", "--kind", "delivered")
        assert len(steps) == 2 and all(("no TLS" not in step["detail"]) == other.tls for step in steps), steps
        assert ours.json("queue", "list") == []


def unstuffed(text):
    """The sink keeps what is on the wire (RFC 5321 section 4.5.2)."""
    return "\n".join(line.removeprefix(".") if line.startswith(".") else line for line in text.split("\n"))


def with_each(scenario, *more):
    out = []
    for kind in OTHERS:
        def one(kind=kind):
            scenario(kind, *more)
        one.__name__ = f"{kind.__name__}: {scenario.__name__}{' on 465' if more == (True,) else ''}"
        out.append(one)
    return out


if __name__ == "__main__":
    try:
        caged.unpacked("opensmtpd"), caged.unpacked("exim4-daemon-light", "exim4-base")
    except caged.Missing as why:
        print(why)
        sys.exit(77)
    main(with_each(it_brings_mail_to_port_25) + with_each(it_sends_by_our_submission, False) + with_each(it_takes_what_we_deliver) +
         [f for f in with_each(it_sends_by_our_submission, True) if not f.__name__.startswith("Haraka")])
