#!/usr/bin/python3
"""Makes chains.json: messages sealed by dkimpy (Debian's python3-dkim with python3-authres) and by mailauth (npm, MIT), the
keys to check them by, and who sealed. Signatures are new with each run; the verdicts that the test asks for are not."""
import json
import subprocess
import sys
import time
from pathlib import Path

import dkim

HERE = Path(__file__).resolve().parent
MAILAUTH = HERE.parents[2] / "tests" / "story" / "node_modules" / "mailauth"
MESSAGE = (b"From: Hanako <hanako@author.example>\r\nTo: list@list.example\r\nSubject: Minutes\r\n"
           b"Date: Tue, 24 Nov 2026 09:00:00 +0900\r\nMessage-ID: <m1@author.example>\r\n\r\nThe minutes.\r\n\r\nHanako\r\n")
NODE = """
const { sealMessage } = require(process.argv[1]);
let parts = []; process.stdin.on('data', (d) => parts.push(d)).on('end', async () => {
  const o = JSON.parse(Buffer.concat(parts));
  const headers = await sealMessage(Buffer.from(o.message, 'latin1'), o.options);
  process.stdout.write(headers.toString('latin1') + o.message);
});
"""


def key(domain, kind="rsa"):
    """A key pair; returns (private PEM, TXT record)."""
    pem = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], capture_output=True, check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubout", "-outform", "DER"], input=pem, capture_output=True, check=True).stdout
    import base64
    traditional = subprocess.run(["openssl", "rsa", "-traditional"], input=pem, capture_output=True, check=True).stdout
    return traditional, f"v=DKIM1; k={kind}; p={base64.b64encode(der).decode()}"


def by_dkimpy(message, domain, pem, results, cv):
    """Sealed as `domain`, which found `results` when the message came in."""
    arc = f"arc={cv};\r\n " if cv else ""
    with_results = f"Authentication-Results: mx.{domain}; {arc}{results}\r\n".encode() + message
    fields = dkim.arc_sign(with_results, b"s1", domain.encode(), pem, f"mx.{domain}".encode(),
                           include_headers=[b"from", b"to", b"subject", b"date", b"message-id"], timestamp=int(time.time()))
    assert fields, "nothing was sealed"
    return b"".join(fields) + message


def by_mailauth(message, domain, pem, results, cv):
    options = {"signingDomain": domain, "selector": "s1", "privateKey": pem.decode(), "authResults": f"mx.{domain};\r\n {results}",
               "cv": cv or "none", "signTime": int(time.time())}
    done = subprocess.run(["node", "-e", NODE, str(MAILAUTH)], input=json.dumps({"message": message.decode("latin1"), "options": options}).encode(),
                          capture_output=True, check=True)
    return done.stdout


def main():
    keys, pems = {}, {}
    for domain in ("forward.example", "list.example", "school.example"):
        pems[domain], keys[f"s1._domainkey.{domain}"] = key(domain)
    chains = []
    for tool, seal in (("dkimpy", by_dkimpy), ("mailauth", by_mailauth)):
        once = seal(MESSAGE, "forward.example", pems["forward.example"], "spf=pass smtp.mailfrom=author.example", "")
        chains.append({"name": f"{tool} once", "message": once.decode("latin1"), "sealers": ["forward.example"], "oldest": 0})
        twice = seal(once, "school.example", pems["school.example"], "dkim=pass header.d=author.example", "pass")
        chains.append({"name": f"{tool} twice", "message": twice.decode("latin1"), "sealers": ["forward.example", "school.example"], "oldest": 0})
        footer = once.replace(b"Hanako\r\n", b"Hanako\r\n-- \r\nlist.example\r\n").replace(b"\r\nSubject: ", b"\r\nSubject: [list] ")
        listed = seal(footer, "list.example", pems["list.example"], "dmarc=pass header.from=author.example", "pass")
        chains.append({"name": f"{tool} through a list", "message": listed.decode("latin1"), "sealers": ["forward.example", "list.example"], "oldest": 2})
    mixed = by_mailauth(chains[0]["message"].encode("latin1"), "list.example", pems["list.example"], "spf=pass smtp.mailfrom=author.example", "pass")
    chains.append({"name": "dkimpy, then mailauth", "message": mixed.decode("latin1"), "sealers": ["forward.example", "list.example"], "oldest": 0})
    broken = by_dkimpy(chains[0]["message"].encode("latin1"), "list.example", pems["list.example"], "spf=pass smtp.mailfrom=author.example", "fail")
    chains.append({"name": "dkimpy, sealed as broken", "message": broken.decode("latin1"), "sealers": [], "oldest": 0})
    (HERE / "chains.json").write_text(json.dumps({"made": int(time.time()), "keys": keys, "chains": chains}, indent=1) + "\n")
    print(f"{len(chains)} chains")


if __name__ == "__main__":
    sys.exit(main())
