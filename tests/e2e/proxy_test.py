"""Who is behind a proxy: HAProxy with both versions of its header, swaks with XCLIENT; and TLS by ALPN."""
import shutil
import smtplib
import socket
import ssl
import subprocess
import sys

from harness import Sekisho, free_ports, main, untrusting, wait_for

if not shutil.which("haproxy") and not shutil.which("haproxy", path="/usr/sbin"):
    print("haproxy is not installed")
    sys.exit(77)


class HaProxy:
    """In front of some ports: `ports` are those, and how their servers are spoken to."""

    def __init__(self, s, ports):
        self.ports = free_ports(len(ports))
        text = "global\n  log stdout format raw local0\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 20s\n  timeout server 20s\n"
        for i, (port, how) in enumerate(ports):
            text += f"listen l{i}\n  bind 127.0.0.1:{self.ports[i]}\n  server s{i} 127.0.0.1:{port} {how}\n"
        config = s.folder / "haproxy.cfg"
        config.write_text(text)
        self.log = (s.folder / "haproxy.log").open("w")
        self.process = subprocess.Popen(["/usr/sbin/haproxy", "-db", "-f", config], stdout=self.log, stderr=self.log)

    def __enter__(self):
        for port in self.ports:
            wait_for("haproxy", lambda: connects(port))
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)


def connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
        return True
    except OSError:
        return False


def peers_of(s, kind):
    return [e["address"] for e in s.json("events", "--kind", kind)]


def haproxy_tells_the_client_with_both_versions():
    with Sekisho(mail='proxy_from = ["127.0.0.1"]') as s:
        login = s.account()
        s.start("mail")
        with HaProxy(s, [(s.exchange, "send-proxy"), (s.exchange, "send-proxy-v2"), (s.submissions, "send-proxy-v2")]) as h:
            for i, source in ((0, "127.0.0.9"), (1, "127.0.0.10")):
                session = smtplib.SMTP("127.0.0.1", h.ports[i], source_address=(source, 0), timeout=20)
                session.ehlo("far.example")
                session.mail("a@far.example")
                code, text = session.rcpt("b@elsewhere.example")
                assert code == 550, (code, text)
                session.quit()
            wait_for("the refusals", lambda: {"127.0.0.9", "127.0.0.10"} <= set(peers_of(s, "refused")))
            tls = smtplib.SMTP_SSL("127.0.0.1", h.ports[2], context=untrusting(), source_address=("127.0.0.11", 0), timeout=20)
            tls.login(login, s.password)
            tls.quit()
            wait_for("the login", lambda: "127.0.0.11" in peers_of(s, "login-accepted"))
        direct = socket.create_connection(("127.0.0.1", s.exchange), 20)
        direct.sendall(b"EHLO far.example\r\n")
        try:
            heard = direct.recv(100)
        except ConnectionResetError:  # closed with our EHLO unread
            heard = b""
        assert heard == b"", "a listed proxy without header is closed unheard"
        wait_for("its warning", lambda: "MAIL_NO_PROXY_HEADER" in s.log("mail"))


def swaks_says_xclient():
    with Sekisho(mail='xclient_from = ["127.0.0.1"]') as s:
        s.start("mail")
        command = [
            "swaks", "--server", f"127.0.0.1:{s.exchange}", "--helo", "mx.far.example", "--from", "a@far.example",
            "--to", "b@elsewhere.example", "--xclient", "ADDR=198.51.100.9 NAME=mx.far.example", "--quit-after", "RCPT",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert "XCLIENT NAME ADDR" in done.stdout and "550 5.7.1" in done.stdout, done.stdout + done.stderr
        wait_for("the refusal", lambda: "198.51.100.9" in peers_of(s, "refused"))
        session = smtplib.SMTP("127.0.0.1", s.exchange, source_address=("127.0.0.9", 0), timeout=20)
        session.ehlo()
        assert not session.has_extn("xclient"), "XCLIENT is offered to who is not listed"
        assert session.docmd("XCLIENT ADDR=198.51.100.9")[0] == 500
        session.quit()


def port_443_is_for_who_asks_for_smtp():
    [port] = free_ports(1)
    with Sekisho(mail=f'submissions_alpn = ["127.0.0.1:{port}"]') as s:
        login = s.account()
        s.start("mail")

        def greeted(protocols):
            context = untrusting()
            if protocols:
                context.set_alpn_protocols(protocols)
            with context.wrap_socket(socket.create_connection(("127.0.0.1", port), 20)) as tls:
                return tls.selected_alpn_protocol(), tls.recv(1000).decode()

        assert greeted(["smtp"])[0] == "smtp" and greeted(["h2", "smtp"])[1].startswith("220 mail.example.net")
        assert greeted(["http/1.1"])[1].startswith("HTTP/1.1 ")
        assert greeted([])[1].startswith("HTTP/1.1 ")
        try:
            greeted(["imap"])
            raise AssertionError("another protocol was served")
        except ssl.SSLError as error:
            assert "no application protocol" in str(error).lower().replace("_", " "), error
        browser = subprocess.run(["curl", "-sk", "-m", "20", f"https://127.0.0.1:{port}/"], capture_output=True, text=True)
        assert "for sending mail" in browser.stdout, browser
        context = untrusting()
        context.set_alpn_protocols(["smtp"])
        session = smtplib.SMTP_SSL("127.0.0.1", port, context=context, timeout=20)
        session.login(login, s.password)
        session.quit()


main([haproxy_tells_the_client_with_both_versions, swaks_says_xclient, port_443_is_for_who_asks_for_smtp])
