"""The way of a message through the real binary: submitted, durable, delivered, traced; and what is refused."""
import base64
import email
import email.policy
import json
import re
import smtplib
import socket
import subprocess
import time

from harness import Sekisho, main, message, untrusting, wait_for


def submitted_and_delivered_on_both_ports():
    with Sekisho() as s:
        login = s.account()
        s.start()
        with s.submit(login) as session:
            session.sendmail(login, [login], message("by 587"))
        tls = smtplib.SMTP_SSL("127.0.0.1", s.submissions, context=untrusting(), timeout=20)
        tls.login(login, s.password)
        tls.sendmail(login, [login], message("by 465"))
        tls.quit()
        for port, ssl in ((s.submission, "0"), (s.submissions, "1")):
            done = subprocess.run(["perl", "-e", PERL, str(port), ssl, login, s.password], capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
        wait_for("four mails", lambda: len(s.mailbox()) == 4)
        assert sum("Subject: perl" in text and "\n.dot" in text for text in (p.read_text() for p in s.mailbox())) == 2
        text = "".join(p.read_text() for p in s.mailbox())
        assert "Subject: by 587" in text and "Subject: by 465" in text
        assert "with ESMTPSA" in text and "Return-Path: <taro@example.net>" in text, text
        assert "Message-ID:" in text and "Date:" in text, "the repair of RFC 6409 8 is missing"
        wait_for("an empty queue", lambda: s.json("queue", "list") == [])
        events = wait_for("the events", lambda: [e for e in s.json("events") if e["kind"] == "delivered"])
        rows = s.json("trace", events[0]["queue_id"])["messages"][0]["events"]
        assert [r["kind"] for r in rows] == ["accepted", "delivered"], rows
        assert s.json("trace", events[0]["message_id"])["messages"][0]["queue_id"] == events[0]["queue_id"]


def no_mail_without_login_and_no_login_without_tls():
    with Sekisho() as s:
        login = s.account()
        s.start("mail")
        plain = smtplib.SMTP("127.0.0.1", s.submission, timeout=20)
        plain.ehlo()
        assert not plain.has_extn("auth"), "AUTH is offered before TLS"
        assert plain.docmd("MAIL FROM:<taro@example.net>")[0] == 530
        code, text = plain.docmd("AUTH", "PLAIN " + base64.b64encode(b"\0a\0b").decode())
        assert code == 538, (code, text)
        plain.quit()
        session = s.submit()
        session.ehlo()
        assert "SCRAM-SHA-256" in session.esmtp_features["auth"]
        assert session.mail(login)[0] == 530
        session.quit()


def wrong_password_and_unknown_user_look_alike():
    with Sekisho() as s:
        s.account()
        s.start("mail")
        seen = set()
        for user, password in (("taro@example.net", "wrong password"), ("nobody@example.net", "wrong password")):
            session = s.submit()
            try:
                session.login(user, password)
                raise AssertionError("a wrong login was accepted")
            except smtplib.SMTPAuthenticationError as error:
                seen.add((error.smtp_code, error.smtp_error))
            session.close()
        assert len(seen) == 1 and next(iter(seen))[0] == 535, seen
        def reasons():
            text = " ".join(e["detail"] for e in s.json("events", "--kind", "login-refused"))
            return "wrong-password" in text and "unknown-user" in text
        wait_for("the events, in which support sees the difference", reasons)


def a_login_sends_as_itself_only():
    with Sekisho() as s:
        login = s.account()
        s.start("mail")
        session = s.submit(login)
        code, text = session.mail("somebody@else.example")
        assert code == 553 and b"taro@example.net" in text, (code, text)
        session.quit()


def a_message_says_it_is_from_the_login_too():
    with Sekisho() as s:
        login = s.account()
        s.start()
        with s.submit(login) as session:
            try:
                session.sendmail(login, [login], message("forged", sender="boss@example.com"))
                raise AssertionError("a foreign From was taken")
            except smtplib.SMTPDataError as refused:
                text = refused.smtp_error.decode()
                assert refused.smtp_code == 550 and "boss@example.com" in text and f"allowed: {login}" in text, text
            session.sendmail(login, [login], message("mine", sender=f"Taro <{login.upper()}>"))
        wait_for("the message", s.mailbox)
        assert [e["rule"] for e in s.json("events", "--kind", "refused")] == ["from"]
        s.write_config(mail='from_check = "observe"')
        s.cli("reload", "mail")
        with s.submit(login) as session:
            session.sendmail(login, [login], message("forged", sender="boss@example.com"))
        assert "FROM_FOREIGN" in s.log("mail")
        s.write_config(mail='from_check = "rewrite"')
        s.cli("reload", "mail")
        with s.submit(login) as session:
            session.sendmail(login, [login], message("from the printer", sender="Scanner <scan@old.example.com>"))
        texts = wait_for("the printer's", lambda: [text for text in (p.read_text() for p in s.mailbox()) if "from the printer" in text])
        assert f'From: "Scanner" <{login}>\n' in texts[0].replace("\r", "") and "Reply-To: scan@old.example.com" in texts[0], texts


def a_message_is_held_for_as_long_as_was_asked():
    with Sekisho(mail='hold_longest = "1h"') as s:
        login = s.account()
        s.start()
        with s.submit(login) as session:
            session.ehlo()
            assert session.has_extn("futurerelease"), session.esmtp_features
            assert session.mail(login, ["HOLDFOR=3601"])[0] == 501
            session.sendmail(login, [login], message("never"), mail_options=["HOLDFOR=3000"])
            begun = time.monotonic()
            session.sendmail(login, [login], message("later"), mail_options=["HOLDFOR=5"])
            session.sendmail(login, [login], message("now"))
        wait_for("the one that isn't held", s.mailbox)
        s.kill("mail")  # what is held is on the disk
        s.start("mail")
        wait_for("the held one", lambda: len(s.mailbox()) == 2)
        assert time.monotonic() - begun >= 4.9, time.monotonic() - begun
        (never,) = s.json("queue", "list")
        s.cli("queue", "drop", never["queue_id"])
        s.write_config(mail='hold_longest = "0s"')
        s.cli("reload", "mail")
        with s.submit(login) as session:
            session.ehlo()
            assert not session.has_extn("futurerelease")
            assert session.mail(login, ["HOLDFOR=5"])[0] == 555


def who_holds_a_message_does_not_shorten_the_wait_that_was_asked_for():
    with Sekisho(mail='hold_longest = "1h"') as s:
        login = s.account()
        s.start()
        begun = time.monotonic()
        with s.submit(login) as session:
            session.sendmail(login, [login], message("later"), mail_options=["HOLDFOR=15"])
            session.sendmail(login, [login], message("never"), mail_options=["HOLDFOR=3000"])
        ids = [entry["queue_id"] for entry in s.json("queue", "list")]
        s.cli("queue", "hold", ids[0], "--reason", "a test")
        s.cli("queue", "release", ids[0])
        s.cli("account", "suspend", login, "--reason", "a test")
        wait_for("both are held", lambda: len(s.json("queue", "list", "--held")) == 2)
        s.cli("conduct", "undo", login, "--reason", "a test")
        wait_for("both wait", lambda: not s.json("queue", "list", "--held"))
        # Its owner is told of the suspension meanwhile.
        wait_for("the one", lambda: [one for one in s.mailbox() if b"Subject: later" in one.read_bytes()], 60)
        assert time.monotonic() - begun >= 14.9, time.monotonic() - begun
        (left,) = s.json("queue", "list")
        assert left["queue_id"] == ids[1], left


def what_others_could_not_take_is_encoded_anew():
    long_line = "0123456789" * 500
    with Sekisho() as s:
        login = s.account()
        s.start()
        with s.submit(login) as session:
            session.sendmail(login, [login], f"From: {login}\r\nSubject: long\r\n\r\n{long_line}\r\n")
            raw = f"From: 山田 太郎 <{login}>\r\nTo: {login}\r\nSubject: 見積もり\r\n\r\nraw\r\n"
            session.sendmail(login, [login], raw.encode())
            session.sendmail(login, [login], "no header at all")
            for bad, word in ((f"From: {login}\r\nTo: <<>>\r\n\r\nx", "field To"),
                              (f"Subject: x\r\nno field\r\nFrom: {login}\r\n\r\nx", "no field"),
                              (f"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n{long_line}\r\n--b--\r\n", "signed")):
                try:
                    session.sendmail(login, [login], bad)
                    raise AssertionError("taken: " + bad[:100])
                except smtplib.SMTPDataError as refused:
                    assert refused.smtp_code == 550 and word in refused.smtp_error.decode(), refused
        done = subprocess.run(["swaks", "--server", f"127.0.0.1:{s.submission}", "--tls", "--auth", "PLAIN", "--auth-user", login, "--auth-password", s.password,
                               "--from", login, "--to", login, "--header", "Subject: swaks 山", "--body", long_line], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout
        wait_for("four mails", lambda: len(s.mailbox()) == 4)
        found = {}
        for path in s.mailbox():
            data = path.read_bytes()
            assert max(len(line) for line in data.splitlines()) <= 998
            assert data.split(b"\n\n")[0].split(b"\r\n\r\n")[0].isascii(), data[:2000]
            mail = email.message_from_bytes(data, policy=email.policy.default)
            found[mail["Subject"] or ""] = mail
        assert set(found) == {"long", "見積もり", "", "swaks 山"}, set(found)
        assert found["long"].get_content().strip() == long_line
        assert found["swaks 山"].get_content().strip() == long_line
        assert found["見積もり"]["From"].addresses[0].display_name == "山田 太郎"


def a_login_on_port_25_is_told_the_way_and_a_reference():
    with Sekisho() as s:
        s.account()
        s.start()
        with smtplib.SMTP("127.0.0.1", s.exchange, timeout=20) as session:
            session.starttls(context=untrusting())
            session.ehlo()
            code, text = session.docmd("AUTH", "PLAIN " + base64.b64encode(b"\0a\0b").decode())
        assert code == 503 and "port 587" in text.decode(), (code, text)
        reference = re.search(r"\(reference (\S+)\)", text.decode()).group(1)
        event = wait_for("the event", lambda: s.json("events", "--reference", reference))[0]
        assert event["rule"] == "misplaced" and event["address"] == "127.0.0.1", event
        assert "port 587" in s.cli("why", reference), "support finds nothing"


def who_guesses_recipients_is_closed_and_nobody_waits_for_587():
    with Sekisho(mail="unknown_recipients_max = 5") as s:
        s.account()
        s.start("mail")
        session = smtplib.SMTP("127.0.0.1", s.exchange, timeout=20)
        session.ehlo()
        session.mail("a@far.example")
        codes = [session.rcpt(f"guess{i}@example.net")[0] for i in range(5)]
        assert codes == [550] * 5, codes
        assert session.getreply()[0] == 421
        early = socket.create_connection(("127.0.0.1", s.submission), timeout=20)
        assert early.recv(4) == b"220 ", "who waits is greeted without a wait"
        early.close()


def disabled_accounts_are_told_so_by_their_own_reply():
    with Sekisho() as s:
        login = s.account()
        s.cli("account", "disable", login, "--reason", "sends spam")
        s.start("mail")
        session = s.submit()
        try:
            session.login(login, s.password)
            raise AssertionError("a disabled account signed in")
        except smtplib.SMTPAuthenticationError as error:
            assert error.smtp_code in (525, 535), error
        session.close()
        s.cli("account", "enable", login)
        wait_for("the login", lambda: s.submit(login).noop()[0] == 250)


def the_exchange_takes_mail_for_our_domain_only():
    with Sekisho() as s:
        s.account()
        s.start("mail")
        session = smtplib.SMTP("127.0.0.1", s.exchange, timeout=20)
        session.ehlo("mx.outside.example")
        assert not session.has_extn("auth"), "port 25 offers AUTH"
        session.mail("someone@outside.example")
        code, text = session.rcpt("other@outside.example")
        assert code == 550 and b"5.7.1" in text, (code, text)
        code, text = session.rcpt("nobody@example.net")
        assert code == 550 and b"5.1.1" in text, (code, text)
        assert session.rcpt("taro@example.net")[0] == 250
        code, _ = session.data(message("from outside", sender="someone@outside.example"))
        assert code == 250
        wait_for("the mail", lambda: s.mailbox())


def ours_on_25_are_told_587_and_the_guide():
    with Sekisho(classes='[[class]]\nname = "subscribers"\nprefixes = ["127.0.0.0/8"]\n[[class]]\nname="exchange"\nprefixes=["127.0.0.1/32"]\n'
                         '[[rule]]\nname = "op25b"\nfrom = "subscribers"\nto = "*"\naction = "refuse"\nstage = "notify"\n') as s:
        s.account()
        s.start("mail")
        session = smtplib.SMTP("127.0.0.1", s.exchange, timeout=20, source_address=("127.0.0.2", 0))
        session.ehlo("pc")
        session.mail("taro@example.net")
        code, text = session.rcpt("taro@example.net")
        assert code == 550 and b"5.7" in text and b"587" in text and b"http" in text, (code, text)
        reference = re.search(r"reference (\w+)", text.decode()).group(1)
        rows = wait_for("the event", lambda: s.json("events", "--reference", reference))
        assert rows[0]["address"] == "127.0.0.2", rows


def bounces_come_back_as_a_dsn():
    with Sekisho(extra='[delivery]\nresolvers = ["127.0.0.1@1"]\nsmarthost = "127.0.0.1:1"\n[queue]\nretry = ["1s"]\nexpire = "1m"\n') as s:
        login = s.account()
        s.start("mail")
        with s.submit(login) as session:
            session.sendmail(login, ["someone@outside.example"], message("will wait", to="someone@outside.example"))
        entry = wait_for("a try", lambda: [e for e in s.json("queue", "list") if e["attempts"] > 0])[0]
        s.cli("queue", "hold", entry["queue_id"], "--reason", "test")
        assert s.json("queue", "show", entry["queue_id"])["state"] == "held"
        s.cli("queue", "release", entry["queue_id"])
        wait_for("the DSN", lambda: [p for p in s.mailbox() if "multipart/report" in p.read_text()], 100)
        wait_for("an empty queue", lambda: s.json("queue", "list") == [])


def queue_commands_say_what_is_wrong():
    with Sekisho() as s:
        s.start("mail")
        assert "no" in s.cli("queue", "show", "nonsense", code=1)
        s.stop()
        assert "is it running" in s.cli("queue", "list", code=1)


PERL = """
use Net::SMTP; use IO::Socket::SSL;
my ($port, $ssl, $login, $password) = @ARGV;
my $smtp = Net::SMTP->new('127.0.0.1', Port => $port, Timeout => 20, SSL => $ssl, SSL_verify_mode => SSL_VERIFY_NONE) or die "connect: $@";
$ssl or $smtp->starttls(SSL_verify_mode => SSL_VERIFY_NONE) or die 'STARTTLS: ' . $smtp->message;
$smtp->auth($login, $password) or die 'AUTH: ' . $smtp->message;
$smtp->mail($login) && $smtp->to($login) && $smtp->data("From: $login\\nTo: $login\\nSubject: perl $ssl\\n\\n.dot\\n") or die $smtp->message;
$smtp->quit;
"""


def programs_send():
    with Sekisho() as s:
        login = s.account()
        s.start("mail")
        done = subprocess.run(["swaks", "--server", f"127.0.0.1:{s.submission}", "--tls", "--auth", "LOGIN", "--auth-user", login,
                               "--auth-password", s.password, "--from", login, "--to", login, "--header", "Subject: swaks"],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout
        done = subprocess.run(["msmtp", "--host=127.0.0.1", f"--port={s.submissions}", "--tls=on", "--tls-starttls=off", "--tls-certcheck=off",
                               "--auth=scram-sha-256", f"--user={login}", f"--passwordeval=echo '{s.password}'", f"--from={login}", login],
                              input=message("msmtp"), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        for port, ssl in ((s.submission, "0"), (s.submissions, "1")):
            done = subprocess.run(["perl", "-e", PERL, str(port), ssl, login, s.password], capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
        wait_for("four mails", lambda: len(s.mailbox()) == 4)
        assert sum("Subject: perl" in text and "\n.dot" in text for text in (p.read_text() for p in s.mailbox())) == 2


def malformed_input_never_becomes_mail():
    with Sekisho() as s:
        s.account()
        s.start("mail")
        for body in (b"a\nb", b"a\rb", b"a\0b", b"a\n.\nQUIT\r\n", b"a\r\n.\nMAIL FROM:<x@y>\r\n"):
            raw = socket.create_connection(("127.0.0.1", s.exchange), timeout=20)
            file = raw.makefile("rwb")
            file.readline()
            for command in (b"HELO mx.outside.example", b"MAIL FROM:<a@outside.example>", b"RCPT TO:<taro@example.net>", b"DATA"):
                file.write(command + b"\r\n")
                file.flush()
                file.readline()
            file.write(b"Subject: x\r\n\r\n" + body + b"\r\n.\r\n")
            file.flush()
            reply = file.readline()
            assert reply.startswith(b"5"), (body, reply)
            raw.close()
        raw = socket.create_connection(("127.0.0.1", s.exchange), timeout=20)
        file = raw.makefile("rwb")
        file.readline()
        file.write(b"X" * 5000 + b"\r\n")
        file.flush()
        assert file.readline().startswith(b"500 5."), "an oversize line"
        raw.close()
        assert s.mailbox() == [] and s.json("queue", "list") == []


main([
    submitted_and_delivered_on_both_ports,
    no_mail_without_login_and_no_login_without_tls,
    wrong_password_and_unknown_user_look_alike,
    a_login_sends_as_itself_only,
    a_message_says_it_is_from_the_login_too,
    a_message_is_held_for_as_long_as_was_asked,
    who_holds_a_message_does_not_shorten_the_wait_that_was_asked_for,
    what_others_could_not_take_is_encoded_anew,
    a_login_on_port_25_is_told_the_way_and_a_reference,
    who_guesses_recipients_is_closed_and_nobody_waits_for_587,
    disabled_accounts_are_told_so_by_their_own_reply,
    the_exchange_takes_mail_for_our_domain_only,
    ours_on_25_are_told_587_and_the_guide,
    bounces_come_back_as_a_dsn,
    queue_commands_say_what_is_wrong,
    programs_send,
    malformed_input_never_becomes_mail,
])
