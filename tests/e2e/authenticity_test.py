"""SPF, DMARC and lists on the exchange: a real NSD, Unbound and rbldnsd, swaks as the other server, authres as the reader.

Everything lives in one namespace, whose loopback device has the addresses of all.
"""
import signal
import subprocess
import sys
from email import message_from_bytes
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.append("/usr/lib/python3/dist-packages")  # Debian's authres, whichever Python runs this

from harness import main, wait_for  # noqa: E402
from peers.lib import netns  # noqa: E402
from sender_world import OURS, NOBODY, RESOLVER, SERVER, SERVER6, SPACE, STRANGER, World, sekisho, send, text  # noqa: E402

FORGED = [
    "Authentication-Results: mail.example.net; dmarc=pass header.from=bank.org",
    'authentication-results: (really) "MAIL.example.net" (1) / 1;\n\tdmarc=pass header.from=bank.org',
    "Authentication-Results : example.net; spf=pass smtp.mailfrom=bank.org",
]


def delivered(s, subject):
    def found():
        for path in s.mailbox():
            one = message_from_bytes(path.read_bytes())
            if one["Subject"] == subject:
                return one
        return None
    return wait_for(f"the mail {subject!r}", found)


def results(mail):
    """Our field as authres reads it: method -> result."""
    import authres
    field = mail.get_all("Authentication-Results")[0]
    read = authres.AuthenticationResultsHeader.parse("Authentication-Results: " + " ".join(field.split()))
    assert read.authserv_id == "mail.example.net", field
    return {one.method: one for one in read.results}


def a_server_of_the_sender_passes():
    with sekisho() as s:
        s.start("mail")
        body = Path(s.folder, "mail.txt")
        foreign = "Authentication-Results: mx.other.org; spf=pass smtp.mailfrom=a.org"
        body.write_text(text("News <a@news.sender.net>", "passes", *FORGED, foreign).replace("\r\n", "\n"))
        command = ["swaks", "--server", OURS, "--local-interface", SERVER, "--helo", "mx.sender.net", "--from",
                   "bounce@sender.net", "--to", "taro@example.net", "--data", f"@{body}"]
        done = subprocess.run(netns.argv(SPACE, command), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        mail = delivered(s, "passes")
        fields = mail.get_all("Authentication-Results")
        assert len(fields) == 2 and "mx.other.org" in fields[1] and "bank.org" not in str(mail), mail.items()
        got = results(mail)
        assert {name: one.result for name, one in got.items()} == {"iprev": "pass", "spf": "pass", "dmarc": "pass"}, fields
        assert [one.value for one in got["dmarc"].properties][:1] == ["news.sender.net"], fields
        received_spf = mail["Received-SPF"]
        assert received_spf.startswith("pass (mail.example.net: domain of bounce@sender.net"), received_spf
        assert 'mechanism=mx' in received_spf, received_spf
        names = list(mail.keys())
        assert names[2:5] == ["Authentication-Results", "Received-SPF", "Received"], names
        accepted = [e for e in s.json("events", "--address", SERVER) if e["kind"] == "accepted"]
        assert accepted[0]["detail"] == "spf=pass dmarc=pass (p=quarantine)", accepted
        assert send(SERVER6, "", text("a@sender.net", "six"))[0] == 250
        mail = delivered(s, "six")
        assert results(mail)["dmarc"].result == "pass" and "smtp.helo=mx.sender.net" in str(mail), mail.items()


def by_default_failures_are_recorded():
    with sekisho() as s:
        s.start("mail")
        code, answer = send(STRANGER, "a@sender.net", text("a@strict.org", "recorded"))
        assert code == 250, answer
        mail = delivered(s, "recorded")
        got = results(mail)
        assert got["spf"].result == "fail" and got["dmarc"].result == "fail", mail.items()
        assert "p=reject dis=reject" in mail["Authentication-Results"], mail.items()
        code, answer = send(STRANGER, "", text("a@forward.org", "by helo"), helo="mx.sender.net")
        assert code == 250, answer
        mail = delivered(s, "by helo")
        assert "spf=fail smtp.helo=mx.sender.net" in " ".join(mail["Authentication-Results"].split()), mail.items()
        assert results(mail)["dmarc"].result == "none", mail.items()


def what_is_enforced_is_refused():
    with sekisho('spf = "enforce"\ndmarc = "enforce"') as s:
        s.start("mail")
        code, answer = send(STRANGER, "a@sender.net", text("a@sender.net", "no"))
        assert (code, answer[:6]) == (550, "5.7.23"), answer
        assert f"sender.net says: {STRANGER} is no server of sender.net" in answer, answer
        code, answer = send(STRANGER, "a@forward.org", text("a@strict.org", "no"))
        assert (code, answer[:5]) == (550, "5.7.1") and "DMARC policy of strict.org" in answer, answer
        code, answer = send(STRANGER, "a@forward.org", text("a@sub.sender.net", "quarantined"))
        assert code == 250, answer
        assert "dis=quarantine" in delivered(s, "quarantined")["Authentication-Results"]
        code, answer = send(STRANGER, "a@forward.org", text("a@strict.org, b@sender.net", "two authors"))
        assert code == 250, answer
        code, answer = send(STRANGER, "a@forward.org", text("a@strict.org", "two fields", "From: b@forward.org"))
        assert (code, answer[:5]) == (550, "5.6.0"), answer
        refused = {e["rule"]: e["detail"] for e in s.json("events", "--address", STRANGER) if e["kind"] == "refused"}
        assert set(refused) == {"spf", "dmarc"} and "550 5.7.23" in refused["spf"], refused
        s.write_config(f'[delivery]\nresolvers = ["{RESOLVER}"]', "", 'spf = "off"\ndmarc = "off"')
        s.cli("reload")
        code, answer = send(STRANGER, "a@sender.net", text("a@strict.org", "off"))
        assert code == 250, answer
        assert "spf=" not in str(delivered(s, "off"))


def a_signature_vouches_where_spf_does_not(world):
    """What a list or a forwarder sends on: SPF knows nothing of it, the author's signature holds."""
    import dkim  # dkimpy
    def signed(subject, body="Hello"):
        content = text("a@strict.org", subject).replace("Hello", body).encode()
        return dkim.sign(content, b"peer", b"strict.org", world.key, signature_algorithm=b"ed25519-sha256").decode() + content.decode()

    with sekisho('dmarc = "enforce"') as s:
        s.start("mail")
        code, answer = send(STRANGER, "list@forward.org", signed("forwarded"))
        assert code == 250, answer
        mail = delivered(s, "forwarded")
        got = results(mail)
        assert (got["dkim"].result, got["dmarc"].result) == ("pass", "pass"), mail.items()
        assert ("d", "strict.org") in [(one.name, one.value) for one in got["dkim"].properties], mail.items()
        code, answer = send(STRANGER, "list@forward.org", signed("changed").replace("Hello", "Hello, buy"))
        assert (code, answer[:5]) == (550, "5.7.1") and "DKIM: fail of strict.org" in answer, answer
        code, answer = send(STRANGER, "list@forward.org", signed("no key").replace("s=peer", "s=none"))
        assert code == 550, answer


def a_trusted_chain_vouches_for_what_a_list_changed(world):
    """dkimpy seals as the list does: what it found when the mail came in, and the mail as it sends it on."""
    import dkim
    def sealed(subject):
        changed = text("a@strict.org", f"[list] {subject}").encode() + b"-- \r\nthe list\r\n"
        found = b"Authentication-Results: mx.forward.org; dmarc=pass header.from=strict.org\r\n"
        fields = dkim.arc_sign(found + changed, b"list", b"forward.org", world.rsa, b"mx.forward.org",
                               include_headers=[b"from", b"to", b"subject"])
        return b"".join(fields).decode() + changed.decode()

    with sekisho('dmarc = "enforce"') as s:
        s.start("mail")
        code, answer = send(STRANGER, "list@forward.org", sealed("not trusted"))
        assert (code, answer[:5]) == (550, "5.7.1"), answer
        s.write_config(f'[delivery]\nresolvers = ["{RESOLVER}"]', "", 'dmarc = "enforce"\narc_trusted = ["forward.org"]')
        s.cli("reload")
        code, answer = send(STRANGER, "list@forward.org", sealed("trusted"))
        assert code == 250, answer
        mail = delivered(s, "[list] trusted")
        got = results(mail)
        assert (got["arc"].result, got["dmarc"].result) == ("pass", "fail"), mail.items()
        assert "vouches for it" in " ".join(mail["Authentication-Results"].split()), mail.items()
        code, answer = send(STRANGER, "list@forward.org", sealed("forged").replace("Hello", "Hello, buy"))
        assert code == 550, answer
        details = [e["detail"] for e in s.json("events", "--address", STRANGER) if e["kind"] == "accepted"]
        assert "arc=pass (forward.org) dmarc=fail (p=reject)" in details[0], details
        file = Path(s.folder, "sealed.eml")
        file.write_bytes(sealed("file").encode())
        out = s.cli("dkim", "verify", str(file), code=1)
        assert "ARC chain: pass\n  1 sealed by forward.org, which found mx.forward.org; dmarc=pass" in out, out


def a_dead_dns_refuses_nothing():
    with sekisho('spf = "enforce"\ndmarc = "enforce"\nlookup_timeout = "300ms"', resolver=NOBODY) as s:
        s.start("mail")
        code, answer = send(STRANGER, "a@sender.net", text("a@strict.org", "in the dark"))
        assert code == 250, answer
        mail = delivered(s, "in the dark")
        assert {name: one.result for name, one in results(mail).items()} == {
            "iprev": "temperror", "spf": "temperror", "dmarc": "temperror"}, mail.items()
        out = s.cli("peer", "explain", STRANGER, "--from", "a@sender.net")
        assert "could not all be looked up" in out and "SPF temperror" in out, out


def explained_with_every_weight():
    lists = 'dnsbl = ["bl.lists.org=127.0.0.8/29*35", "nonesuch.lists.org"]\ndnswl = ["wl.lists.org"]'
    with sekisho(lists) as s:
        bad = s.json("peer", "explain", "198.51.100.70", "--helo", "localhost", "--from", "a@sender.net")
        weights = {one["reason"]: one["weight"] for one in bad["reasons"]}
        assert weights["it is on the block list bl.lists.org (127.0.0.10)"] == -35, bad
        assert bad["opinion"] == "client" and bad["spf"]["result"] == "fail", bad
        assert bad["score"] == sum(weights.values()), bad
        spammer = s.json("peer", "explain", STRANGER)
        assert not any("bl.lists.org (127.0.0.4)" in one["reason"] for one in spammer["reasons"]), spammer
        out = s.cli("peer", "explain", SERVER, "--helo", "mx.sender.net", "--from", "a@sender.net")
        for line in (
            f"{SERVER}: server (+",
            "  +25  it is on the list of known servers wl.lists.org (127.0.10.2)",
            "  +15  the SPF record of sender.net names it as a sender",
            "  +20  it greets as \"mx.sender.net\", a name that leads to its address",
            f"SPF pass: the domain of a@sender.net designates {SERVER} as permitted sender",
        ):
            assert line in out, (line, out)
        assert "is not an IP address" in s.cli("peer", "explain", "nowhere", code=2)
        s.cli("peer", "explain", SERVER, "--from", "not an address", code=2)


def who_is_not_known_comes_again():
    with sekisho('greylist = "on"\ngreylist_delay = "2s"') as s:
        s.start("mail")
        body = text("a@forward.org", "greylisted")
        refused = send(STRANGER, "a@forward.org", body, helo="mx.forward.org")
        assert refused[0] == 450 and refused[1].startswith("4.7.1 "), refused
        s.kill("mail", signal.SIGTERM)
        s.start("mail")
        wait_for("the stranger to be known", lambda: send(STRANGER, "a@forward.org", body, "mx.forward.org")[0] == 250)
        assert send(STRANGER, "b@other.org", text("b@other.org", "known now"), "mx.forward.org")[0] == 250
        # A server is never asked to come again.
        assert send(SERVER, "a@sender.net", text("a@sender.net", "at once"))[0] == 250
        events = s.json("events", "--address", STRANGER)
        assert any(e["rule"] == "greylist" for e in events if e["kind"] == "refused"), events


def main_in_a_world():
    if not netns.have_root():
        print("skipped: needs root for a network namespace")
        sys.exit(0)
    with World() as world:
        def a_signature_vouches():
            a_signature_vouches_where_spf_does_not(world)

        def a_trusted_chain_vouches():
            a_trusted_chain_vouches_for_what_a_list_changed(world)

        main([
            a_server_of_the_sender_passes,
            by_default_failures_are_recorded,
            what_is_enforced_is_refused,
            a_signature_vouches,
            a_trusted_chain_vouches,
            a_dead_dns_refuses_nothing,
            explained_with_every_weight,
            who_is_not_known_comes_again,
        ])


main_in_a_world()
