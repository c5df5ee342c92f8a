"""A wrong file names file, line and key, exits 2, and starts nothing; a wrong reload leaves the old file in force."""
import re
import smtplib
import sqlite3
import subprocess

from harness import BINARY, Sekisho, main, wait_for


def faults_name_file_line_and_key():
    with Sekisho() as s:
        text = s.config.read_text()
        s.config.write_text(text.replace("[http]", "recipients_mux = 5\n[http]"))
        line = 1 + s.config.read_text().splitlines().index("recipients_mux = 5")
        out = s.cli("config", "check", code=2)
        assert f"sekisho.toml:{line}: mail.recipients_mux: unknown key; did you mean" in out, out
        for role in ("gate", "mail", "desk", "run"):
            done = subprocess.run([BINARY, role, "--config", s.config], capture_output=True, text=True, timeout=60)
            assert done.returncode == 2 and "recipients_mux" in done.stderr, done
        assert not (s.folder / "sekisho.db").exists(), "something was started half-way"


def defaults_are_good():
    with Sekisho() as s:
        s.config.write_text(s.cli("config", "defaults"))
        assert "good" in s.cli("config", "check")


def bad_usage_exits_2():
    done = subprocess.run([BINARY, "nonsense"], capture_output=True, text=True)
    assert done.returncode == 2, done
    done = subprocess.run([BINARY, "--version"], capture_output=True, text=True)
    assert done.returncode == 0 and re.match(r"sekisho \d+\.\d+", done.stdout), done


def reload_keeps_connections():
    with Sekisho() as s:
        login = s.account()
        s.start("mail")
        session = s.submit(login)
        good = s.config.read_text()
        s.config.write_text(good.replace("[http]", 'recipients_max = "many"\n[http]'))
        out = s.cli("reload", "mail", code=2)
        assert "recipients_max" in out, out
        assert session.noop()[0] == 250
        s.config.write_text(good.replace("[http]", 'message_size_max = "1MiB"\n[http]'))
        s.cli("reload", "mail")
        assert session.noop()[0] == 250, "the reload dropped a connection"
        fresh = smtplib.SMTP("127.0.0.1", s.submission, timeout=20)
        fresh.ehlo()
        assert fresh.esmtp_features["size"] == str(1024 * 1024), fresh.esmtp_features
        fresh.quit()
        session.quit()


def a_new_certificate_reaches_new_connections_only():
    with Sekisho() as s:
        login = s.account()
        s.start("mail")
        session = s.submit(login)
        before = session.sock.getpeercert(True)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=new", "-keyout", s.folder / "tls/key.pem", "-out", s.folder / "tls/certificate.pem"],
            check=True, capture_output=True)
        s.cli("reload", "mail")
        assert session.noop()[0] == 250
        after = s.submit(login)
        assert after.sock.getpeercert(True) != before
        (s.folder / "tls/key.pem").write_text("no key")
        s.cli("reload", "mail", code=1)
        assert s.submit(login).noop()[0] == 250, "the old certificate must stay in force"


def a_watched_prefix_file_is_put_in_force():
    with Sekisho(classes='[[class]]\nname = "pool"\nfiles = ["pool.txt"]\n') as s:
        (s.folder / "pool.txt").write_text("192.0.2.0/25\n")
        s.start("mail")
        (s.folder / "pool.txt").write_text("192.0.2.0/24\n")
        wait_for("the reload", lambda: '"RELOADED"' in s.log("mail"))
        (s.folder / "pool.txt").write_text("192.0.2.1/24\n")
        wait_for("the refusal", lambda: '"RELOAD_REFUSED"' in s.log("mail"))
        assert "pool.txt:1" in s.log("mail")


def what_is_older_than_retention_says_is_forgotten():
    with Sekisho(extra='[retention]\nevents = "2d"\n') as s:
        s.account()  # makes the database
        with sqlite3.connect(s.folder / "sekisho.db") as database:
            for days in (1, 3):
                database.execute(
                    "INSERT INTO events (at, kind, address, line, account, queue_id, message_id, sender, recipient, rule, count, detail, reference)"
                    " VALUES ((strftime('%s', 'now') - ? * 86400) * 1000, 0, '192.0.2.1', '', '', '', '', '', '', ?, 1, '', '')",
                    (days, f"{days}-days-old"))
        database.close()
        assert len(s.json("events", "--address", "192.0.2.1")) == 2
        s.start("mail")
        wait_for("the old row to go", lambda: [e["rule"] for e in s.json("events", "--address", "192.0.2.1")] == ["1-days-old"])
        assert '"events":1' in s.log("mail"), s.log("mail")


def what_mail_programs_are_told():
    with Sekisho(mail='[settings]\nincoming_host = "imap.elsewhere.test"\n') as s:
        told = s.json("config", "settings")
        assert (told["outgoing_host"], told["outgoing_port"], told["security"]) == ("mail.example.net", 465, "SSL/TLS"), told
        assert told["incoming_host"] == "imap.elsewhere.test" and told["provider"] == "Example Net", told
        assert told["shown"] in s.cli("config", "settings")


main([faults_name_file_line_and_key, defaults_are_good, bad_usage_exits_2, reload_keeps_connections,
      a_new_certificate_reaches_new_connections_only, a_watched_prefix_file_is_put_in_force, what_is_older_than_retention_says_is_forgotten,
      what_mail_programs_are_told])
