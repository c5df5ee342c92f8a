"""sekisho doctor: what is wrong is told with what to do, and what is good isn't called wrong."""
import subprocess

from harness import Sekisho, main

RULE = """
[[class]]
name = "subscribers"
prefixes = ["198.51.100.0/24"]
[[rule]]
name = "op25b"
from = "subscribers"
to = "*"
action = "refuse"
"""


def found(s, health):
    return [f"{one['area']}: {one['text']}" for one in s.json("doctor") if one["health"] == health]


def an_installation_that_runs_has_no_fault():
    with Sekisho(classes=RULE) as s:
        assert "the role gate does not run" in s.cli("doctor", code=0)
        s.start("gate", "mail", "desk")
        text = s.cli("doctor", code=0)
        for good in ("the role gate answers", "the role mail answers", "the role desk answers", "certificate is good until"):
            assert good in text, (good, text)
        assert found(s, "FAULT") == []
        assert any("self-signed" in one for one in found(s, "note")), found(s, "note")
        s.cli("gate", "rollback", "--yes", code=1)


def faults_are_told_with_what_to_do():
    with Sekisho() as s:
        key, certificate = s.folder / "key.pem", s.folder / "old.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
             "-subj", "/CN=elsewhere.example", "-keyout", key, "-out", certificate],
            check=True, capture_output=True,
        )
        (s.folder / "many.txt").write_text("".join(f"10.{i >> 8}.{i & 255}.1\n" for i in range(20_001)))
        tables = """
[[class]]
name = "subscribers"
files = ["many.txt"]
[[class]]
name = "everything"
prefixes = ["0.0.0.0/0", "::/0"]
[[rule]]
name = "shut"
from = "*"
to = "*"
action = "drop"
"""
        extra = f"""
[tls]
certificate = "{certificate}"
key = "{key}"
[queue]
free_space_min = "1024GiB"
"""
        s.write_config(extra=extra, classes=tables)
        text = s.config.read_text().replace('engine = "none"', 'engine = "nftables"\ninterfaces = ["nosuch0"]')
        s.config.write_text(text)
        told = s.cli("doctor", code=1)
        for wanted in (
            "new mail is answered 452", "the certificate is not for mail.example.net", "expires at",
            "20003 prefixes are too many for nftables", "there is no interface nosuch0", "-> mend gate.interfaces",
        ):
            assert wanted in told, (wanted, told)
        others = subprocess.run(["ip", "-o", "addr", "show", "scope", "global"], capture_output=True, text=True).stdout
        assert ("closed for this machine itself" in told) == bool(others.strip()), told
        s.config.write_text(text.replace('engine = "nftables"', 'engine = "none"\nmode = "observe"'))
        faults = found(s, "FAULT")  # nothing is closed while the gate observes
        assert not any("closed for this machine" in one for one in faults), faults
        noted = any("once enforced, port 25" in one for one in found(s, "note"))
        assert noted == bool(others.strip()), found(s, "note")
        s.config.write_text("nonsense = 1\n")
        assert "unknown key" in s.cli("doctor", code=2)


main([an_installation_that_runs_has_no_fault, faults_are_told_with_what_to_do])
