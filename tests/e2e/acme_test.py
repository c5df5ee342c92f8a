"""A certificate by ACME from pebble, a real authority for tests: got, renewed and put in force while connections live."""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from harness import Sekisho, free_ports, main, message, wait_for
from tls_world import Authority

if not shutil.which("pebble") or not shutil.which("lego"):
    print("pebble or lego is not installed")
    sys.exit(77)

NAMES = ["mail.example.net", "guide.example.net"]


@contextmanager
def pebble(http_port, reject_nonces=20):
    """The directory's URL and the file of who signs for it. Every name is 127.0.0.1 to this authority."""
    with tempfile.TemporaryDirectory(prefix="sekisho-pebble-") as folder:
        at = Path(folder)
        authority = Authority(at)
        authority.leaf("localhost", ["localhost"])
        directory, management, dns, control, tls = free_ports(5)
        (at / "pebble.json").write_text(json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{directory}", "managementListenAddress": f"127.0.0.1:{management}",
            "certificate": str(at / "localhost.chain"), "privateKey": str(at / "localhost.key"), "httpPort": http_port, "tlsPort": tls}}))
        log = (at / "log").open("a")
        environment = {**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": str(reject_nonces)}
        servers = [
            subprocess.Popen(["pebble-challtestsrv", "-defaultIPv6", "", "-dns01", f"127.0.0.1:{dns}", "-management", f"127.0.0.1:{control}",
                              "-http01", "", "-https01", "", "-tlsalpn01", ""], stdout=log, stderr=log),
            subprocess.Popen(["pebble", "-config", at / "pebble.json", "-dnsserver", f"127.0.0.1:{dns}"], stdout=log, stderr=log, env=environment)]
        try:
            def up():
                assert all(server.poll() is None for server in servers), (at / "log").read_text()[-2000:]
                with socket.socket() as one:
                    return one.connect_ex(("127.0.0.1", directory)) == 0
            wait_for("pebble", up)
            yield f"https://localhost:{directory}/dir", str(at / "ca.crt")
        except BaseException:
            print((at / "log").read_text()[-2000:])
            raise
        finally:
            for server in servers:
                server.terminate()
                server.wait(20)


def settings(directory, ca, port, more=""):
    return (f'[acme]\ndirectory = "{directory}"\nmail = "noc@example.net"\nagree = true\nnames = {json.dumps(NAMES)}\n'
            f'listen = ["127.0.0.1:{port}"]\nca = "{ca}"\n{more}')


def certificate(port, starttls=False):
    """(names, issuer, serial) of who answers there, by openssl: untrusted ones too."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *(["-starttls", "smtp"] if starttls else [])]
    got = subprocess.run(command, input="QUIT\n", capture_output=True, text=True, timeout=20).stdout
    text = subprocess.run(["openssl", "x509", "-noout", "-ext", "subjectAltName", "-issuer", "-serial"], input=got, capture_output=True, text=True).stdout
    return text


def it_is_got_and_renewed_while_connections_live():
    (port,) = free_ports(1)
    with pebble(port) as (directory, ca), Sekisho(extra=settings(directory, ca, port)) as server:
        login = server.account()
        server.start("mail")
        assert "Pebble" not in certificate(server.submissions), "the first one is our own"
        resting = server.submit(login)
        server.start("desk")
        wait_for("the certificate", lambda: "Pebble" in certificate(server.submissions), 60)
        first = certificate(server.submissions)
        assert all(name in first for name in NAMES), first
        assert certificate(server.submission, True) == first
        shown = server.json("certificate", "show")
        assert shown["due"] == "" and not shown["self_signed"] and "failure" not in shown, shown
        # The session that began under the old one goes on.
        resting.sendmail(login, [login], message("goes on"))
        wait_for("its mail", server.mailbox)

        assert "is good" in server.cli("certificate", "renew")
        key = (server.folder / "tls" / "key.pem").read_bytes()
        server.cli("certificate", "renew", "--force")
        second = certificate(server.submissions)
        assert "Pebble" in second and second != first, second
        assert resting.noop()[0] == 250
        assert (server.folder / "tls" / "key.pem").read_bytes() == key, "TLSA records name the key"
        mode = (server.folder / "tls" / "key.pem").stat().st_mode & 0o777
        assert mode == 0o600, oct(mode)

        # Apple's profile is signed with it, and good for who trusts the authority.
        profile = urllib.request.urlopen(f"http://127.0.0.1:{server.http}/mail/apple.mobileconfig?address={login}", timeout=10).read()
        done = subprocess.run(["openssl", "cms", "-verify", "-inform", "DER", "-noverify"], input=profile, capture_output=True, timeout=20)
        assert done.returncode == 0 and b"<plist" in done.stdout and login.encode() in done.stdout, done.stderr

        # Anything else on the plain port goes to the guide; nothing leads out of the folder.
        def plain(path):
            try:
                return urllib.request.build_opener(NoRedirect).open(f"http://127.0.0.1:{port}{path}", timeout=10).status
            except urllib.error.HTTPError as error:
                return error.code
        assert plain("/setup") == 301
        assert plain("/.well-known/acme-challenge/none") == 404
        assert plain("/.well-known/acme-challenge/..%2f..%2f..%2fsekisho.toml") in (301, 400, 404)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def what_goes_wrong_is_told_and_not_tried_too_often():
    port, nobody = free_ports(2)
    # The authority can't reach us: it knocks elsewhere.
    with pebble(nobody) as (directory, ca), Sekisho(extra=settings(directory, ca, port)) as server:
        server.start("mail", "desk")
        failure = wait_for("the failure", lambda: server.json("certificate", "show").get("failure"), 60)
        assert failure["count"] == 1 and "acme" in failure["why"].lower(), failure
        assert "a new one is needed: the certificate is self-signed" in server.cli("certificate", "show")
        assert "ACME_FAILED" in server.log("desk")
        server.kill("desk", 15)
        server.start("desk")
        assert server.log("desk").count("ACME_DUE") == 1, "a restart gives no other try"
        with server.submit() as session:
            assert session.noop()[0] == 250, "the old certificate stays"
    with Sekisho(extra='[acme]\ndirectory = "https://localhost:1/dir"\n') as server:
        told = server.cli("config", "check", server.config, code=2)
        assert "acme.agree" in told and "acme.mail" in told, told
    with Sekisho() as server:
        assert "acme.directory is empty" in server.cli("certificate", "renew", code=2)


if __name__ == "__main__":
    main([it_is_got_and_renewed_while_connections_live, what_goes_wrong_is_told_and_not_tried_too_often])
