"""A client of SCRAM-SHA-256 and -PLUS over SMTP AUTH (RFC 5802, RFC 7677, RFC 4954), written from the RFCs."""
import base64
import hashlib
import hmac
import os


def digest(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


def b64(data):
    return base64.b64encode(data).decode()


class Refused(Exception):
    def __init__(self, code, text):
        super().__init__(f"{code} {text}")
        self.code, self.text = code, text


def scram(session, login, password, gs2="n,,", binding=b"", mechanism="SCRAM-SHA-256"):
    """Signs in on an smtplib session; raises Refused with the reply, AssertionError when the server can't prove itself."""
    nonce = b64(os.urandom(18))
    bare = f"n={login.replace('=', '=3D').replace(',', '=2C')},r={nonce}"
    code, text = session.docmd("AUTH", f"{mechanism} {b64((gs2 + bare).encode())}")
    if code != 334:
        raise Refused(code, text.decode())
    server_first = base64.b64decode(text).decode()
    fields = dict(part.split("=", 1) for part in server_first.split(","))
    assert fields["r"].startswith(nonce)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
    client_key = digest(salted, b"Client Key")
    without_proof = f"c={b64(gs2.encode() + binding)},r={fields['r']}"
    message = f"{bare},{server_first},{without_proof}".encode()
    signature = digest(hashlib.sha256(client_key).digest(), message)
    proof = bytes(a ^ b for a, b in zip(client_key, signature))
    code, text = session.docmd(b64(f"{without_proof},p={b64(proof)}".encode()))
    if code != 334:
        raise Refused(code, text.decode())
    assert base64.b64decode(text) == b"v=" + base64.b64encode(digest(digest(salted, b"Server Key"), message)), "the server's proof"
    code, text = session.docmd("")
    if code != 235:
        raise Refused(code, text.decode())
