"""A certificate authority for a test, and server certificates signed by it (ECDSA P-256)."""

import hashlib
import os

from peers.lib.proc import run


class Authority:
    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        self.certificate = os.path.join(directory, "ca.pem")
        self.key = os.path.join(directory, "ca.key")
        run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
            + ["-keyout", self.key, "-out", self.certificate, "-days", "30", "-subj", "/CN=Lab authority"]
            + ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
        )

    def issue(self, names):
        """Returns (certificate, key) as PEM files for the DNS names, the first being the CN."""
        stem = os.path.join(self.directory, names[0])
        request, certificate, key = stem + ".csr", stem + ".pem", stem + ".key"
        extensions = stem + ".ext"
        with open(extensions, "w") as file:
            file.write("subjectAltName=" + ",".join(f"DNS:{name}" for name in names))
            file.write("\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n")
        run(
            ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
            + ["-keyout", key, "-out", request, "-subj", f"/CN={names[0]}"]
        )
        run(
            ["openssl", "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key]
            + ["-CAcreateserial", "-days", "29", "-out", certificate, "-extfile", extensions]
        )
        return certificate, key


def tlsa(certificate):
    """The data of a TLSA record "3 1 1" (RFC 6698 §2.1): SHA-256 of the public key."""
    public = run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"]).stdout
    path = certificate + ".pub"
    with open(path, "w") as file:
        file.write(public)
    der = path + ".der"
    run(["openssl", "pkey", "-pubin", "-in", path, "-outform", "DER", "-out", der])
    with open(der, "rb") as file:
        return "3 1 1 " + hashlib.sha256(file.read()).hexdigest()
