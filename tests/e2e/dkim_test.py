"""DKIM and the DNS: keys are made, published and rotated; our signatures before opendkim, dkimpy and mailauth, and theirs before us."""
import base64
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DEBIAN = "/usr/bin/python3"
if os.path.realpath(sys.executable) != os.path.realpath(DEBIAN):
    os.execv(DEBIAN, [DEBIAN, *sys.argv])  # python3-dkim is a module of Debian's own interpreter

import dkim  # dkimpy

from harness import Sekisho, main, message, wait_for
from nameserver import NameServer

NODE = Path(__file__).resolve().parent.parent / "story" / "node" / "dkim.mjs"
HOST = ["mail 1 IN A 192.0.2.25", "mail 1 IN AAAA 2001:db8::25"]


def configured(names, more=""):
    return Sekisho(extra=f'[delivery]\nresolvers = ["{names.resolver}"]\n[dkim]\ncheck_interval = "1s"\n{more}')


def keys(server):
    return server.json("dkim", "list")


def records(server):
    """Name -> text of our keys."""
    return {key["name"]: key["record"] for key in keys(server)}


def zone(server, *leave_out):
    """The lines that `sekisho dns` prints, without those that contain any of the words."""
    # What isn't there, and why, is told beside the zone.
    told = server.cli("dns").splitlines()
    assert any("no MTA-STS records: mail.mta_sts is" in line for line in told), told
    lines = [line for line in told if not line.startswith("sekisho: ")]
    return HOST + [line for line in lines if not line.startswith(";") and line and not any(word in line for word in leave_out)]


def sent(server, subject, **parts):
    """The message as it came into the mailbox."""
    with server.submit(server.login) as session:
        session.sendmail(server.login, [server.login], message(subject, **parts).encode(), mail_options=["BODY=8BITMIME"])

    def arrived():
        for path in server.mailbox():
            content = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")  # a mailbox has the ends of lines of its system
            if f"Subject: {subject}\r\n".encode() in content:
                path.unlink()
                return content
        return None
    return wait_for(f"the message {subject}", arrived)


# The peers: a list of (selector, passed) each.

def by_dkimpy(content, texts):
    verifier = dkim.DKIM(content)
    count = sum(1 for name, _ in verifier.headers if name.lower() == b"dkim-signature")
    results = []
    for index in range(count):
        verifier = dkim.DKIM(content)
        try:
            passed = verifier.verify(idx=index, dnsfunc=lambda name, timeout=5: texts.get(name.decode().rstrip(".")))
        except dkim.DKIMException:
            passed = False
        results.append((verifier.selector.decode() if getattr(verifier, "selector", None) else "", passed))
    return results


def by_mailauth(content, texts):
    request = {"verify": base64.b64encode(content).decode(), "records": texts}
    done = subprocess.run(["node", NODE], input=json.dumps(request), capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return [(one["selector"], one["result"] == "pass") for one in json.loads(done.stdout)]


def opendkim(content, options):
    with tempfile.TemporaryDirectory(prefix="sekisho-opendkim-") as folder:
        path = Path(folder)
        (path / "message").write_bytes(content)
        (path / "conf").write_text("Syslog no\nUserID root\nRequireSafeKeys no\n" + options(path))
        done = subprocess.run(["opendkim", "-x", path / "conf", "-vvv", "-t", path / "message"], capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr


def by_opendkim(content, texts):
    """It judges one signature a run: each is shown to it alone."""
    results = []
    fields, rest = split_signatures(content)
    for field in fields:
        def options(path):
            (path / "keys").write_text("".join(f"{name} {text}\n" for name, text in texts.items()))
            return f"Mode v\nTestPublicKeys {path}/keys\n"
        out = opendkim(field + rest, options)
        selector = next(part.split(b"=")[1].strip(b"; ") for part in field.replace(b"\r\n", b"").split(b" ") if part.startswith(b"s="))
        results.append((selector.decode(), "succeeded" in out))
    return results


def split_signatures(content):
    """The DKIM-Signature fields at the message's start or below trace fields, and everything else."""
    head, body = content.split(b"\r\n\r\n", 1)
    fields, current = [], []
    for line in head.split(b"\r\n"):
        if line[:1] in (b" ", b"\t"):
            current[-1] += b"\r\n" + line
        else:
            current.append(line)
    fields = [field + b"\r\n" for field in current if field.lower().startswith(b"dkim-signature:")]
    others = [field + b"\r\n" for field in current if not field.lower().startswith(b"dkim-signature:")]
    return fields, b"".join(others) + b"\r\n" + body


PEERS = {"dkimpy": by_dkimpy, "mailauth": by_mailauth, "opendkim": by_opendkim}


def our_signatures_pass_everywhere():
    with NameServer() as names, configured(names) as server:
        server.login = server.account()
        server.start("mail")
        made = wait_for("both keys", lambda: len(keys(server)) == 2 and keys(server))
        assert {key["state"] for key in made} == {"waiting"}, made
        assert b"DKIM-Signature" not in sent(server, "before"), "nobody could verify it"

        names.publish(zone(server))
        wait_for("both keys to sign", lambda: {key["state"] for key in keys(server)} == {"signing"})
        time.sleep(1.5)  # the role looks at the list every second
        content = sent(server, "after", body="Hello  \r\n\r\n.dot\r\nこんにちは\r\n\r\n\r\n")
        texts = records(server)
        assert len(split_signatures(content)[0]) == 2, content
        selectors = sorted(key["selector"] for key in keys(server))
        tampered = {
            "body": content.replace(b"Hello", b"Hullo"),
            "header": content.replace(b"Subject: after", b"Subject: later"),
            "added": b"Subject: more\r\n" + content,
        }
        for name, peer in PEERS.items():
            results = peer(content, texts)
            assert sorted(results) == [(selector, True) for selector in selectors], (name, results)
            for what, changed in tampered.items():
                results = peer(changed, texts)
                assert len(results) == 2 and not any(passed for _, passed in results), (name, what, results)
        own = folder_file(server, content)
        assert "pass example.net" in server.cli("dkim", "verify", own)
        assert "fail example.net" in server.cli("dkim", "verify", folder_file(server, tampered["body"]), code=1)
        assert server.json("mail", "status")["messages"]["signed"] == 1
        # Off and on again while it runs.
        server.write_config(f'[delivery]\nresolvers = ["{names.resolver}"]\n[dkim]\nsign = false\n')
        server.cli("reload")
        wait_for("signing to stop", lambda: b"DKIM-Signature" not in sent(server, f"off{time.monotonic_ns()}"))


def folder_file(server, content):
    path = server.folder / f"message-{time.monotonic_ns()}"
    path.write_bytes(content)
    return path


def made_key(algorithm):
    """PEM and record of a key that OpenSSL made."""
    kind = ["-algorithm", "ED25519"] if algorithm == "ed25519-sha256" else ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
    pem = subprocess.run(["openssl", "genpkey", *kind], capture_output=True, check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubout", "-outform", "DER"], input=pem, capture_output=True, check=True).stdout
    public = der[-32:] if algorithm == "ed25519-sha256" else der
    return pem, f"v=DKIM1; k={algorithm.split('-')[0]}; p={base64.b64encode(public).decode()}"


def sign_by_dkimpy(content, pem, algorithm, how, length=False):
    if algorithm == "ed25519-sha256":  # it wants the seed
        der = subprocess.run(["openssl", "pkey", "-outform", "DER"], input=pem, capture_output=True, check=True).stdout
        pem = base64.b64encode(der[-32:])
    head, body = how.split("/")
    return dkim.sign(content, b"peer", b"example.net", pem, canonicalize=(head.encode(), body.encode()),
                     signature_algorithm=algorithm.encode(), length=length)


def sign_by_mailauth(content, pem, algorithm, how):
    request = {"sign": base64.b64encode(content).decode(), "domain": "example.net", "selector": "peer", "key": pem.decode(),
               "algorithm": algorithm, "canonicalization": how}
    done = subprocess.run(["node", NODE], input=json.dumps(request), capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)["signatures"].encode()


def sign_by_opendkim(content, pem, algorithm, how):
    def options(path):
        (path / "key").write_bytes(pem)
        return (f"Mode s\nDomain example.net\nSelector peer\nKeyFile {path}/key\nCanonicalization {how}\n"
                f"SignatureAlgorithm {algorithm}\n")
    out = opendkim(content, options)
    lines = out.splitlines()
    start = next((i for i, line in enumerate(lines) if "DKIM-Signature" in line), None)
    if start is None:
        raise AssertionError(f"opendkim signed nothing: {out}")
    first = lines[start]
    field = ["DKIM-Signature: " + first[first.index("v=1"):].rstrip("'\r\n")]
    for line in lines[start + 1:]:
        if not line.startswith(("\t", " ")):
            break
        field.append(line.rstrip("'\r"))
    return ("\r\n".join(field) + "\r\n").encode()


def their_signatures_pass_here():
    content = message("theirs", body="a  b \r\n\r\nc\r\n\r\n").encode()
    signers = {"dkimpy": sign_by_dkimpy, "mailauth": sign_by_mailauth, "opendkim": sign_by_opendkim}
    seen = set()
    with NameServer() as names, configured(names) as server:
        for algorithm in ("rsa-sha256", "ed25519-sha256"):
            pem, record = made_key(algorithm)
            halves = " ".join(f'"{record[i:i + 200]}"' for i in range(0, len(record), 200))
            names.publish([f"peer._domainkey IN TXT {halves}"])
            for name, sign in signers.items():
                for how in ("simple/simple", "relaxed/relaxed", "relaxed/simple"):
                    field = sign(content, pem, algorithm, how)
                    answer = server.json("dkim", "verify", folder_file(server, field + content))["signatures"]
                    assert [one["result"] for one in answer] == ["pass"], (name, algorithm, how, answer, field)
                    assert answer[0]["algorithm"] == algorithm
                    for changed in (content.replace(b"a  b", b"a  B"), content.replace(b"theirs", b"ours")):
                        answer = server.json("dkim", "verify", folder_file(server, field + changed))["signatures"]
                        assert [one["result"] for one in answer] == ["fail"], (name, how, answer)
                    seen.add((name, algorithm))
            field = sign_by_dkimpy(content, pem, algorithm, "relaxed/simple", length=True)
            answer = server.json("dkim", "verify", folder_file(server, field + content + b"an advertisement\r\n"))["signatures"]
            assert answer[0]["result"] == "policy", answer
        assert len(seen) == 6, seen


def the_dns_is_compared():
    with NameServer() as names, configured(names) as server:
        empty = server.cli("dns", "check", code=1)
        assert "missing !" in empty and "example.net. 3600 IN MX 10 mail.example.net." in empty, empty
        server.cli("mail", "status", code=1)  # nothing runs; keygen needs no server
        server.cli("dkim", "keygen")
        assert "already" in server.cli("dkim", "keygen")
        assert server.cli("dkim", "check", code=1).count("waits for its record") == 2
        server.start("mail")  # for the certificate
        lines = zone(server)
        assert any(" TLSA 3 1 1 " in line for line in lines), lines
        names.publish(lines)
        good = server.json("dns", "check")
        assert {one["state"] for one in good} == {"right"}, [one for one in good if one["state"] != "right"]
        server.cli("dns", "check", code=0)

        names.publish([line for line in lines if " SRV " not in line and "_dmarc" not in line])
        server.cli("dns", "check", code=0)
        states = {(one["name"], one["state"]) for one in server.json("dns", "check")}
        assert ("_submission._tcp.example.net", "missing") in states and ("_dmarc.example.net", "missing") in states, states

        changed = [line.replace("MX 10 mail.example.net.", "MX 10 ns.example.net.") for line in lines]
        names.publish(changed)
        text = server.cli("dns", "check", code=1)
        assert "different !" in text and "there is 10 ns.example.net." in text, text

        other = made_key("ed25519-sha256")[1]
        names.publish([line if "k=ed25519" not in line else f'{line.split()[0]} 1 IN TXT "{other}"' for line in lines])
        wrong = [one for one in server.json("dns", "check") if one["fault"]]
        assert [one["state"] for one in wrong] == ["different"] and wrong[0]["there"] == [other], wrong
        assert "NotFound" not in server.cli("dns", "--domain", "example.org", code=1)


def keys_rotate_and_retire():
    with NameServer() as names, configured(names) as server:
        server.login = server.account()
        server.start("mail")
        wait_for("both keys", lambda: len(keys(server)) == 2)
        names.publish(zone(server))
        wait_for("both keys to sign", lambda: {key["state"] for key in keys(server)} == {"signing"})
        old = {key["selector"] for key in keys(server)}
        text = server.cli("dkim", "rotate")
        assert text.count("_domainkey.example.net. 3600 IN TXT") == 2 and "sign on" in text, text
        new = {key["selector"] for key in keys(server)} - old
        assert len(new) == 2
        time.sleep(1.5)
        before, _ = split_signatures(sent(server, "overlap"))
        assert {selector(field) for field in before} == old, "until the DNS has the new ones"

        names.publish(zone(server))  # old and new
        wait_for("the new keys to sign", lambda: all(
            key["state"] == ("signing" if key["selector"] in new else "retired") for key in keys(server)))
        time.sleep(1.5)
        content = sent(server, "rotated")
        assert {selector(field) for field in split_signatures(content)[0]} == new
        assert all(passed for _, passed in by_dkimpy(content, records(server)))
        listed = server.cli("dkim", "list")
        assert listed.count("publish until") == 2, listed
        gone = sorted(old)[0]
        server.cli("dkim", "retire", gone, "--now")
        assert not (server.folder / "dkim" / "example.net" / f"{gone}.pem").exists()
        assert gone in server.cli("dkim", "list", "--all") and gone not in server.cli("dkim", "list")
        server.cli("dkim", "retire", "nothing", code=1)
        mode = os.stat(server.folder / "dkim" / "example.net" / f"{sorted(new)[0]}.pem").st_mode
        assert mode & 0o777 == 0o600, oct(mode)


def selector(field):
    return next(part.strip()[2:] for part in field.decode().split(";") if part.strip().startswith("s="))


main([our_signatures_pass_everywhere, their_signatures_pass_here, the_dns_is_compared, keys_rotate_and_retire])
