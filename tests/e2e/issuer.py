"""An issuer of bearer tokens, with its keys on 127.0.0.1."""
import base64
import http.server
import json
import subprocess
import threading
import time


def base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def openssl(*arguments, **options):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, timeout=60, **options)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout


class Issuer:
    """Signs RS256 with the openssl command, and publishes its keys on 127.0.0.1."""

    def __init__(self, folder):
        self.key, self.id, self.away = folder / "issuer.key", "first", False
        self.new_key("first")
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps({"keys": [issuer.jwk]}).encode()
                self.send_response(503 if issuer.away else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"

    def new_key(self, name):
        self.id = name
        openssl("genrsa", "-out", self.key, "2048")
        modulus = bytes.fromhex(openssl("rsa", "-in", self.key, "-noout", "-modulus").decode().strip().partition("=")[2])
        self.jwk = {"kty": "RSA", "kid": name, "use": "sig", "n": base64url(modulus), "e": "AQAB"}

    def token(self, email, seconds=600, **claims):
        claims = {"iss": "https://login.example", "aud": "mail", "exp": int(time.time()) + seconds, "email": email, **claims}
        text = ".".join(base64url(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": self.id}, claims))
        return text + "." + base64url(openssl("dgst", "-sha256", "-sign", self.key, input=text.encode()))


def oauth(issuer):
    return f"""
[oauth]
keys = "{issuer.url}"
issuer = "https://login.example"
audiences = ["mail"]
"""
