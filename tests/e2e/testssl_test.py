"""What testssl.sh says of the TLS on 587 and 465: nothing that is worse than LOW. Both are looked at whole, beside each other."""
import concurrent.futures
import json
import shutil
import subprocess

from harness import Sekisho, main

# Of a certificate that a test makes for an hour on loopback; everything else counts.
OF_THE_TEST = {
    "cert_notAfter", "cert_expirationStatus", "cert_notBefore", "cert_validityPeriod",  # it is a young one that ends soon
    "cert_revocation", "cert_crlDistributionPoints", "cert_ocspURL",  # nobody publishes what its authority has taken back
}


def make(folder, *words):
    subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)


def certify(folder):
    """A certificate for localhost and the authority that gave it."""
    make(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "60", "-subj", "/CN=Test authority", "-keyout", "ca-key.pem", "-out", "ca.pem")
    make(folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "request.pem")
    (folder / "names").write_text("subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n")
    make(folder, "x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-days", "60", "-extfile", "names", "-out", "leaf.pem")
    (folder / "cert.pem").write_bytes((folder / "leaf.pem").read_bytes() + (folder / "ca.pem").read_bytes())


WHOLE = ("--protocols", "--std", "--fs", "--server-preference", "--server-defaults", "--vulnerable")


def look(s, port, *options):
    told = s.folder / f"testssl-{port}.json"
    done = subprocess.run(
        ["testssl", "--quiet", "--color", "0", "--warnings", "off", "--ip", "127.0.0.1", "--add-ca", s.folder / "ca.pem", "--jsonfile", told,
         *options, f"localhost:{port}"],
        capture_output=True, text=True, timeout=400, stdin=subprocess.DEVNULL, cwd=s.folder)
    assert told.exists(), done.stdout[-2000:] + done.stderr[-2000:]
    return json.loads(told.read_text())


def judge(found):
    names = {one["id"] for one in found}
    assert {"TLS1_2", "TLS1_3", "cert_chain_of_trust", "heartbleed"} <= names, f"it has not looked at all: {sorted(names)}"
    by = {one["id"]: one for one in found}
    assert by["TLS1_3"]["finding"].startswith("offered"), by["TLS1_3"]
    worse = [one for one in found if one["severity"] in ("MEDIUM", "HIGH", "CRITICAL", "FATAL") and one["id"] not in OF_THE_TEST]
    assert not worse, json.dumps(worse, indent=1)


def nothing_is_worse_than_low():
    s = Sekisho(mail="connections_per_address_max = 1000")
    certify(s.folder)
    s.write_config(mail="connections_per_address_max = 1000", extra='[tls]\ncertificate = "cert.pem"\nkey = "key.pem"\n')
    with s:
        s.start("mail")
        with concurrent.futures.ThreadPoolExecutor() as both:
            looks = [both.submit(look, s, s.submission, "--starttls", "smtp", *WHOLE), both.submit(look, s, s.submissions, *WHOLE)]
            for one in looks:
                judge(one.result())


if __name__ == "__main__":
    if not shutil.which("testssl"):
        raise SystemExit(77)
    main([nothing_is_worse_than_low])
