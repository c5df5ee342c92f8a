"""The guide's examples for programs that send by themselves, run as they stand on its page, against the real server."""
import html
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

from harness import Sekisho, main, wait_for

MODULES = Path(__file__).resolve().parents[1] / "story" / "node_modules"


def certificate(folder):
    """For localhost, signed by itself: what a program that verifies can trust."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )


def examples(s):
    with urllib.request.urlopen(f"http://127.0.0.1:{s.http}/en/devices", timeout=20) as answer:
        page = answer.read().decode()
    found = re.findall(r"<h3>(.*?)</h3>\s*<pre[^>]*><code>(.*?)</code></pre>", page, re.S)
    return {html.unescape(name).split()[0]: html.unescape(text) for name, text in found}


def the_examples_send():
    s = Sekisho(mail="")
    certificate(s.folder)
    s.write_config(extra=f"""
[tls]
certificate = "cert.pem"
key = "key.pem"
[settings]
outgoing_host = "localhost"
submission_port = {s.submission}
submissions_port = {s.submissions}
""")
    with s:
        s.account()
        s.start("mail", "desk")
        trust = {"SSL_CERT_FILE": str(s.folder / "cert.pem"), "CURL_CA_BUNDLE": str(s.folder / "cert.pem"), "NODE_EXTRA_CA_CERTS": str(s.folder / "cert.pem")}
        env = {**os.environ, **trust, "MAIL_PASSWORD": s.password, "NODE_PATH": str(MODULES)}
        (s.folder / "mail.eml").write_text("From: taro@example.net\r\nTo: hanako@example.com\r\nSubject: Report\r\n\r\nAll is well.\r\n")
        shown = examples(s)
        assert set(shown) == {"Python", "Node.js", "PHP", "Shell"}, shown
        assert str(s.submissions) in shown["PHP"] and "'ssl'" in shown["PHP"], shown["PHP"]
        for name, command in (
            ("Python", [sys.executable, "-c"]),
            ("Node.js", ["node", "-e"]),
            ("Shell", ["sh", "-c"]),
        ):
            text = shown[name].replace("PASSWORD\"", s.password + "\"").replace(":PASSWORD'", f":{s.password}'")
            if name == "Node.js":  # as in a module, where await stands by itself
                text = f"(async () => {{ {text} }})()"
            before = len(s.json("events", "--kind", "accepted"))
            done = subprocess.run([*command, text], env=env, cwd=s.folder, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, (name, text, done.stderr)
            wait_for(f"the mail from {name}", lambda: len(s.json("events", "--kind", "accepted")) == before + 1)


main([the_examples_send])
