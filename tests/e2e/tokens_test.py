"""Logins without a password: bearer tokens of an issuer (curl, nodemailer), certificates (curl)."""
import base64
import shutil
import smtplib
import subprocess
from pathlib import Path

from harness import Sekisho, main, message, untrusting, wait_for
from issuer import Issuer, oauth, openssl

STORY = Path(__file__).resolve().parent.parent / "story"


def curl(s, url, *options):
    letter = s.folder / "letter.eml"
    letter.write_text(message("by curl"))
    command = ["curl", "-sSk", "-m", "30", "--url", url, "--mail-from", "taro@example.net", "--mail-rcpt", "taro@example.net",
               "--upload-file", letter, *map(str, options)]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def curl_sends_with_a_token():
    with Sekisho() as s:
        issuer = Issuer(s.folder)
        s.write_config(extra=oauth(issuer))
        login = s.account()
        s.start("mail")
        for way in ("OAUTHBEARER", "XOAUTH2"):
            with_token = ("--user", login, "--login-options", f"AUTH={way}", "--oauth2-bearer")
            good = curl(s, f"smtps://127.0.0.1:{s.submissions}", *with_token, issuer.token(login))
            assert good.returncode == 0, (way, good.stderr)
            starttls = curl(s, f"smtp://127.0.0.1:{s.submission}", "--ssl-reqd", *with_token, issuer.token(login))
            assert starttls.returncode == 0, (way, starttls.stderr)
            for wrong in (issuer.token(login, seconds=-600), issuer.token("hanako@example.net"), issuer.token(login, aud="web"),
                          issuer.token(login, iss="https://other.example"), issuer.token(login)[:-8] + "AAAAAAAA"):  # fmt: skip
                bad = curl(s, f"smtps://127.0.0.1:{s.submissions}", *with_token, wrong)
                assert bad.returncode == 67, (way, bad)
        wait_for("four mails", lambda: len(s.mailbox()) == 4)
        reasons = " ".join(e["detail"] for e in wait_for("the refusals", lambda: s.json("events", "--kind", "login-refused")))
        for why in ("expired", "token is of hanako@example.net", "audience", "issuer", "signature"):
            assert why in reasons, (why, reasons)
        session = smtplib.SMTP("127.0.0.1", s.submission, timeout=20)
        session.ehlo()
        assert not session.has_extn("auth"), "a token before TLS"
        session.quit()


def an_issuer_that_is_away_is_no_wrong_password():
    with Sekisho() as s:
        issuer = Issuer(s.folder)
        issuer.away = True
        s.write_config(extra=oauth(issuer))
        login = s.account()
        s.start("mail")
        session = s.submit()
        session.ehlo()
        answer = session.docmd("AUTH", "XOAUTH2 " + base64.b64encode(f"user={login}\1auth=Bearer {issuer.token(login)}\1\1".encode()).decode())
        assert answer[0] == 454, answer
        session.quit()


def nodemailer_sends_with_a_token():
    if not (STORY / "node_modules" / "nodemailer").exists() or not shutil.which("node"):
        print("     (nodemailer is not installed)")
        return
    with Sekisho() as s:
        issuer = Issuer(s.folder)
        s.write_config(extra=oauth(issuer))
        login = s.account()
        s.start("mail")
        script = f"""
require("nodemailer").createTransport({{host: "127.0.0.1", port: {s.submissions}, secure: true, tls: {{rejectUnauthorized: false}},
  auth: {{type: "OAuth2", user: "{login}", accessToken: "{issuer.token(login)}"}}}})
  .sendMail({{from: "{login}", to: "{login}", subject: "by nodemailer", text: "x"}}).then(r => console.log(r.response))
"""
        done = subprocess.run(["node", "-e", script], capture_output=True, text=True, cwd=STORY, timeout=60)
        assert "queued as" in done.stdout, done


def a_certificate_logs_in():
    with Sekisho() as s:
        f = s.folder

        def certificate(name, ca, extensions):
            (f / f"{name}.ext").write_text(extensions)
            openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f / f"{name}.key",
                    "-out", f / f"{name}.csr", "-subj", f"/CN={name}")  # fmt: skip
            openssl("x509", "-req", "-in", f / f"{name}.csr", "-CA", f / f"{ca}.pem", "-CAkey", f / f"{ca}.key", "-CAcreateserial",
                    "-days", "2", "-extfile", f / f"{name}.ext", "-out", f / f"{name}.pem")  # fmt: skip

        for ca in ("ca", "other"):
            openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f / f"{ca}.key",
                    "-out", f / f"{ca}.pem", "-days", "2", "-subj", f"/CN={ca}")  # fmt: skip
        certificate("taro", "ca", "subjectAltName = email:Taro@example.net\n")
        certificate("machine", "ca", "subjectAltName = DNS:printer.example.net\n")
        certificate("forged", "other", "subjectAltName = email:taro@example.net\n")
        fingerprint = openssl("x509", "-in", f / "machine.pem", "-noout", "-fingerprint", "-sha256").decode().strip().partition("=")[2]
        printer = fingerprint.replace(":", "").lower()
        s.write_config(extra=f'[tls]\nclient_ca = "{f}/ca.pem"\nclient_logins = ["{printer}=taro@example.net"]\n')
        login = s.account()
        s.start("mail")
        url = f"smtps://127.0.0.1:{s.submissions}"
        for name in ("taro", "machine"):
            sent = curl(s, url, "--cert", f / f"{name}.pem", "--key", f / f"{name}.key", "--login-options", "AUTH=EXTERNAL", "--user", f"{login}:")
            assert sent.returncode == 0, (name, sent.stderr)
        wait_for("two mails", lambda: len(s.mailbox()) == 2)

        def session(name):
            context = untrusting()
            if name:
                context.load_cert_chain(f / f"{name}.pem", f / f"{name}.key")
            out = smtplib.SMTP_SSL("127.0.0.1", s.submissions, context=context, timeout=20)
            out.ehlo()
            return out

        for name in ("forged", None):
            one = session(name)
            assert "EXTERNAL" not in one.esmtp_features["auth"], name
            assert one.docmd("AUTH EXTERNAL =")[0] in (504, 535), name
            one.login(login, s.password)  # a strange certificate is no harm
            one.quit()
        one = session("taro")
        assert one.docmd("AUTH EXTERNAL " + base64.b64encode(b"hanako@example.net").decode())[0] == 535
        one.quit()


main([curl_sends_with_a_token, an_issuer_that_is_away_is_no_wrong_password, nodemailer_sends_with_a_token, a_certificate_logs_in])
