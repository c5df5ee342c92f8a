"""Milters: libmilter itself in all that it can ask for, opendkim that signs, rspamd that refuses and marks, clamav-milter; and each away."""
import os
import shutil
import signal
import smtplib
import subprocess
import sys
import tempfile
from pathlib import Path

DEBIAN = "/usr/bin/python3"
if os.path.realpath(sys.executable) != os.path.realpath(DEBIAN):
    os.execv(DEBIAN, [DEBIAN, *sys.argv])  # python3-milter and python3-dkim are modules of Debian's own interpreter

import dkim  # noqa: E402  dkimpy

from harness import Sekisho, free_ports, main, message, wait_for  # noqa: E402

PROGRAMS = {name: shutil.which(name, path="/usr/sbin:/usr/bin") for name in ("opendkim", "rspamd", "clamd", "clamav-milter")}
if not all(PROGRAMS.values()):
    print("not installed:", [name for name, path in PROGRAMS.items() if not path])
    sys.exit(77)

TARO = "taro@example.net"
GTUBE = "JS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
EICAR = r"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-" + "ANTIVIRUS-TEST-FILE!$H+H*"


class Daemons:
    """Programs in a folder of their own, ended in the end."""

    def __init__(self):
        self.folder, self.processes = Path(tempfile.mkdtemp(prefix="sekisho-milters-")), []

    def start(self, name, *command):
        log = (self.folder / f"{name}.log").open("a")
        self.processes.append(subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True))
        return self.processes[-1]

    def log(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def libmilter(self):
        socket, log = self.folder / "own.sock", self.folder / "said"
        process = self.start("own", DEBIAN, Path(__file__).with_name("libmilter_peer.py"), f"unix:{socket}", log)
        wait_for("the milter's socket", socket.exists)
        return process

    def said(self):
        return (self.folder / "said").read_text().splitlines()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for process in self.processes:
            # rspamd has children, which outlive it.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        if kind is not None:
            for path in self.folder.glob("*.log"):
                print(f"--- {path.name}\n{path.read_text(errors='replace')[-1500:]}")
        shutil.rmtree(self.folder, ignore_errors=True)


def table(name, socket, more=""):
    return f'[[milter]]\nname = "{name}"\nsocket = "{socket}"\n{more}\n'


def asking(subject, *what, to=TARO):
    return "".join(f"X-Do: {one}\r\n" for one in what) + message(subject, to=to)


def arrived(s, subject, count=1):
    """The messages with this subject in the mailbox, when so many are there."""
    def found():
        all_of_it = [p.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n").decode() for p in s.mailbox()]
        mine = [text for text in all_of_it if f"Subject: {subject}\r\n" in text]
        return mine if len(mine) >= count else None
    return wait_for(f"the message {subject}", found)


def refusal(session, text, sender=TARO, to=(TARO,)):
    try:
        session.sendmail(sender, list(to), text)
    except smtplib.SMTPDataError as error:
        return f"{error.smtp_code} {error.smtp_error.decode()}"
    except smtplib.SMTPRecipientsRefused as error:
        code, what = next(iter(error.recipients.values()))
        return f"{code} {what.decode()}"
    return None


def milter_status(s, name):
    return next(one for one in s.json("mail", "status")["milters"] if one["milter"] == name)


def libmilter_is_told_all_and_gets_what_it_asks_for():
    with Daemons() as d, Sekisho(extra=table("own", f"unix:{d.folder}/own.sock", 'content_timeout = "1s"\nspam_verdicts = true')) as s:
        d.libmilter()
        s.account(TARO, "--address", TARO, "--address", "no-100%@example.net", "--address", "later@example.net", "--address", "nowhere@example.net")
        s.account("hanako@example.net")
        s.start()
        with s.submit(TARO) as session:
            session.sendmail(TARO, [TARO], asking("plain"), rcpt_options=["NOTIFY=NEVER"])
            arrived(s, "plain")
            said = d.said()
            queue_id = next(line for line in said if " mail " in line).split("i=")[1].split()[0]
            assert f"queued as {queue_id}" in s.log("mail") or queue_id in s.cli("events"), queue_id
            for word in ("auth_authen}=taro@example.net", "{auth_type}=", "{client_addr}=127.0.0.1", "{tls_version}=TLSv1.3", "j=mail.example.net"):
                assert any(word in line for line in said), (word, said)
            assert any("rcpt <taro@example.net> NOTIFY=NEVER" in line for line in said), said
            assert "header Subject='plain'" in said, said

            # What it wants changed, all at once, on the second message of the same connection.
            session.sendmail(TARO, [TARO], asking(
                "changed", "insert X-First=1", "add X-Last=folded\\n", "change Subject=other", "body more",
                "from yamada@example.org", "rcpt <hanako@example.net>", "unrcpt <taro@example.net>", "progress"))
            [got] = arrived(s, "other")
            assert "Delivered-To: hanako@example.net" in got or "hanako" in str([p for p in s.mailbox()]), got
            assert "Return-Path: <yamada@example.org>" in got, got
            assert got.endswith("\r\n\r\nreplaced\r\nmore\r\n") and "Hello" not in got, got
            assert got.index("Received:") < got.index("X-First: 1\r\n") < got.index("X-Do:") < got.index("X-Last:"), got
            assert sum(" connect " in line for line in d.said()) == 1, d.said()

            # Recipients: refused with its own words, put off, thrown away.
            assert refusal(session, asking("x"), to=["no-100%@example.net"]) == "550 5.7.1 100% not for you\n5.7.1 second line"
            assert refusal(session, asking("x"), to=["later@example.net"]).startswith("450 4.7.1 "), "later"
            assert refusal(session, asking("gone"), to=["nowhere@example.net"]) is None
            assert "milter:own" in s.cli("events", "--kind", "dropped"), s.cli("events", "--kind", "dropped")
            # The whole message: refused, thrown away, held.
            assert refusal(session, asking("y", "refuse it is spam")) == "554 5.7.1 it is spam"
            assert refusal(session, asking("discarded", "discard")) is None
            assert refusal(session, asking("held", "hold looks odd")) is None
            held = s.json("queue", "list", "--held")
            assert len(held) == 1 and "milter own: looks odd" in str(held), held
            s.cli("queue", "release", held[0]["queue_id"])
            arrived(s, "held")
            # It doesn't answer in time: put off, and the next message is taken by a new connection.
            assert refusal(session, asking("slow", "sleep 3")).startswith("450 4.7.1 "), "slow"
            assert refusal(session, asking("after")) is None
            # A large body comes in pieces.
            assert refusal(session, message("large", body="x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 3000)) is None
        assert [line for line in d.said() if line.startswith("body ")][-4:-1] == ["body 65535"] * 3, d.said()[-8:]
        conduct = s.cli("conduct", "show", TARO)
        assert "called spam: own: 554 5.7.1 it is spam" in conduct, conduct
        one = milter_status(s, "own")
        assert one["quarantined"] == 1 and one["discarded"] == 2 and one["changed"] == 1 and one["rejected"] == 2 and not one["down"], one
        metrics = subprocess.run(["curl", "-sS", f"http://127.0.0.1:{s.http}/metrics"], capture_output=True, text=True).stdout
        assert "# TYPE sekisho_mail_milters_content_seconds histogram" in metrics, metrics[:2000]
        assert 'sekisho_mail_milters_content_seconds_bucket{milter="own",le="+Inf"}' in metrics

        # On the exchange, a HELO that isn't wanted, told at RCPT.
        with smtplib.SMTP("127.0.0.1", s.exchange, local_hostname="unwanted.example", timeout=20) as session:
            assert refusal(session, message("z"), sender="a@example.org") == "554 5.7.1 this HELO is not wanted"


def a_milter_that_is_away_is_put_up_with_as_stated():
    [port] = free_ports(1)
    for away, wanted in (("tempfail", "450 4.7.1 "), ("reject", "550 5.7.1 "), ("accept", None)):
        more = f'away = "{away}"\nservices = ["submission"]'
        with Daemons() as d, Sekisho(extra=table("gone", f"inet:{port}@127.0.0.1", more) + table("own", f"unix:{d.folder}/own.sock", more)) as s:
            process = d.libmilter()
            s.account()
            s.start("mail")
            with s.submit(TARO) as session:
                got = refusal(session, message("a"))
                assert (got or "").startswith(wanted or "") and bool(got) == bool(wanted), (away, got)
                if away == "accept":
                    arrived(s, "a")
                    # It dies in the middle of a message.
                    assert refusal(session, asking("b", "die")) is None
                    arrived(s, "b")
                    process.wait(20)
            doctor = s.cli("doctor", code=None)
            assert f"gone at inet:{port}@127.0.0.1 is away" in doctor, doctor
            assert ("own at unix" in doctor and ("speaks version 6" in doctor) == (away != "accept")), doctor
            assert milter_status(s, "gone")["down"] and milter_status(s, "gone")["away"] >= 1
            # The exchange doesn't ask them.
            with smtplib.SMTP("127.0.0.1", s.exchange, timeout=20) as session:
                assert refusal(session, message("c"), sender="a@example.org") is None


def opendkim(d):
    [port] = free_ports(1)
    pem = subprocess.run(["openssl", "genrsa", "-traditional", "2048"], capture_output=True, check=True).stdout
    (d.folder / "key.pem").write_bytes(pem)
    (d.folder / "key.pem").chmod(0o600)
    der = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], input=pem, capture_output=True, check=True).stdout
    (d.folder / "opendkim.conf").write_text(
        f"Domain example.net\nSelector milter\nKeyFile {d.folder}/key.pem\nSocket inet:{port}@127.0.0.1\nMode s\nMacroList daemon_name|submission\n"
        f"Canonicalization relaxed/simple\nRequireSafeKeys no\nSyslog no\nBackground no\nOversignHeaders From\n")
    d.start("opendkim", PROGRAMS["opendkim"], "-f", "-x", d.folder / "opendkim.conf", "-P", d.folder / "opendkim.pid")
    return f"inet:127.0.0.1:{port}", der


def rspamd(d):
    [port] = free_ports(1)
    (d.folder / "tld").write_text("net\norg\n")
    (d.folder / "rspamd.conf").write_text(f"""
options {{
    pidfile = "{d.folder}/rspamd.pid"; tempdir = "{d.folder}"; url_tld = "{d.folder}/tld"; cache_file = "{d.folder}/symbols";
    hs_cache_dir = "{d.folder}"; disable_hyperscan = true; filters = ""; explicit_modules = []; gtube_patterns = "all"; enable_test_patterns = true;
    control_socket = "{d.folder}/control mode=0600"; dns {{ nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; }}
}}
logging {{ type = "console"; level = "info"; }}
actions {{ reject = 15; add_header = 6; greylist = null; }}
worker "rspamd_proxy" {{
    bind_socket = "127.0.0.1:{port}"; milter = yes; timeout = 20s; count = 1; upstream "local" {{ default = yes; self_scan = yes; }}
    reject_message = "Spam message rejected"; spam_header = "X-Spam";
}}
""")
    d.start("rspamd", PROGRAMS["rspamd"], "-f", "-i", "-c", d.folder / "rspamd.conf")
    return f"inet:127.0.0.1:{port}"


def clamav(d):
    """clamd with the one signature of the test file, and its milter."""
    (d.folder / "db").mkdir()
    (d.folder / "db" / "test.ndb").write_text(f"Test.Eicar:0:*:{EICAR.encode().hex()}\n")
    os.chmod(d.folder, 0o755)
    (d.folder / "clamd.conf").write_text(
        f"DatabaseDirectory {d.folder}/db\nLocalSocket {d.folder}/clamd.sock\nForeground yes\nLogFile {d.folder}/clamd.log\nTemporaryDirectory {d.folder}\n"
        f"User root\nScanPE no\nScanELF no\nScanOLE2 no\nScanPDF no\nScanSWF no\nScanHTML no\n")
    (d.folder / "clamav-milter.conf").write_text(
        f"MilterSocket unix:{d.folder}/clam.sock\nClamdSocket unix:{d.folder}/clamd.sock\nForeground yes\nOnInfected Reject\nRejectMsg virus %v\n"
        f"LogFile {d.folder}/clamav-milter.log\nUser root\nLogInfected Basic\nTemporaryDirectory {d.folder}\n")
    d.start("clamd", PROGRAMS["clamd"], "-c", d.folder / "clamd.conf")
    wait_for("clamd", (d.folder / "clamd.sock").exists, 60)
    d.start("clamav", PROGRAMS["clamav-milter"], "-c", d.folder / "clamav-milter.conf")
    return f"unix:{d.folder}/clam.sock"


def four_real_ones_in_a_row():
    with Daemons() as d:
        spam, virus = rspamd(d), clamav(d)
        sign, der = opendkim(d)
        verdicts = "spam_verdicts = true\nconnect_timeout = \"10s\""
        milters = table("rspamd", spam, verdicts) + table("clamav", virus, verdicts) + table("opendkim", sign, 'services = ["submission"]')
        with Sekisho(extra=milters) as s:
            s.account()
            s.start("mail")
            wait_for("the milters", lambda: s.cli("doctor", code=None).count("speaks version") == 3, 60)
            with s.submit(TARO) as session:
                assert refusal(session, message("clean")) is None
                [got] = arrived(s, "clean")
                assert "DKIM-Signature:" in got and got.index("Received:") < got.index("DKIM-Signature:"), got
                import base64
                record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)
                assert dkim.verify(got.encode(), dnsfunc=lambda name, timeout=5: record if name.startswith(b"milter._domainkey") else None), got
                got = refusal(session, message("gtube", body="X" + GTUBE + "\r\n"))
                assert got and got.startswith("554 5.7.1 ") and "Gtube" in got or "Spam" in got, got
                assert refusal(session, message("marked", body="Y" + GTUBE + "\r\n")) is None
                [got] = arrived(s, "marked")
                assert "X-Spam: Yes\r\n" in got, got
                assert dkim.verify(got.encode(), dnsfunc=lambda name, timeout=5: record), "signed before the mark"
                got = refusal(session, message("virus", body=EICAR + "\r\n"))
                assert got and got.startswith("550 5.7.1 ") and "Test.Eicar" in got, got
            conduct = s.cli("conduct", "show", TARO)
            assert "rspamd: X-Spam: Yes" in conduct and "clamav: 550" in conduct, conduct
            # The other way in.
            with smtplib.SMTP("127.0.0.1", s.exchange, timeout=20) as session:
                got = refusal(session, message("gtube", sender="a@example.org", body="X" + GTUBE + "\r\n"), sender="a@example.org")
                assert got and got.startswith("554 5.7.1 "), got
                assert refusal(session, message("foreign", sender="a@example.org"), sender="a@example.org") is None
            [got] = arrived(s, "foreign")
            assert "DKIM-Signature" not in got, got


main([
    libmilter_is_told_all_and_gets_what_it_asks_for,
    a_milter_that_is_away_is_put_up_with_as_stated,
    four_real_ones_in_a_row,
])
