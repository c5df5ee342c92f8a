"""Known servers and known clients, as cases for bench_peer.

Servers: the hosts that greylisting programs ship as good senders (Debian's postgrey and sqlgrey, GPL-2; both read where they are
installed or unpacked, nothing of them is kept here). An entry that is a pattern stands for some names of its form, an entry that is a
domain for the host of that name. Nobody knows today's DNS of them offline, so each is judged as the settings below have it.

Clients: names that SpamAssassin's rules call dynamic (Apache-2.0; names are made from its patterns), and the forms in clients.txt,
which are ours.
"""
import argparse
import random
import re
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import sre_parse

PACKAGES = {
    "postgrey": "usr/share/postgrey/whitelist_clients",
    "sqlgrey": "etc/sqlgrey/clients_fqdn_whitelist",
    "spamassassin": "usr/share/spamassassin/20_dynrdns.cf",
}
PER_PATTERN = 5
HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)+$", re.I)


def of_pattern(parsed, rng):
    """One text that the parsed pattern matches; look-arounds are left to a check of the whole."""
    out = []
    for operator, argument in parsed:
        name = str(operator)
        if name == "LITERAL":
            out.append(chr(argument))
        elif name == "NOT_LITERAL":
            out.append("x")
        elif name == "ANY":
            out.append(rng.choice("abcdefgh"))
        elif name == "IN":
            out.append(of_set(argument, rng))
        elif name in ("MAX_REPEAT", "MIN_REPEAT"):
            least, most, inner = argument
            for _ in range(rng.randint(least, min(int(most), least + 2))):
                out.append(of_pattern(inner, rng))
        elif name == "SUBPATTERN":
            out.append(of_pattern(argument[-1], rng))
        elif name == "BRANCH":
            out.append(of_pattern(rng.choice(argument[1]), rng))
    return "".join(out)


def of_set(items, rng):
    allowed = "abcdefghijklmnopqrstuvwxyz0123456789-."
    inside, negated = set(), False
    for operator, argument in items:
        name = str(operator)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            inside.add(chr(argument))
        elif name == "RANGE":
            inside.update(chr(c) for c in range(argument[0], argument[1] + 1))
        elif name == "CATEGORY":
            kind = str(argument)
            inside.update(c for c in allowed + " " if {
                "CATEGORY_DIGIT": c.isdigit(), "CATEGORY_NOT_DIGIT": not c.isdigit(),
                "CATEGORY_SPACE": c == " ", "CATEGORY_NOT_SPACE": c != " ",
                "CATEGORY_WORD": c.isalnum(), "CATEGORY_NOT_WORD": not c.isalnum()}[kind])
    # Letters and digits before punctuation: names are mostly made of those.
    good = [c for c in allowed if (c in inside) != negated]
    plain = [c for c in good if c.isalnum()]
    return rng.choice(plain or good or sorted(inside))


def address(rng):
    return f"203.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"


def names_of_list(path, rng):
    for line in path.read_text(errors="replace").splitlines():
        entry = line.split("#", 1)[0].strip()
        if len(entry) > 2 and entry[0] == "/":
            pattern = entry.strip("/")
            for _ in range(PER_PATTERN):
                name = of_pattern(sre_parse.parse(pattern), rng)
                if HOST.match(name) and re.search(pattern, name):
                    yield name
        else:
            name = entry.removeprefix("*.").removeprefix(".").lower()
            if HOST.match(name) and not name.replace(".", "").isdigit():
                yield name


def with_octets(name, pattern):
    """The first four numbers become the octets of the line's address, where the pattern still matches: that is whence they come."""
    octets = iter(["{a}", "{b}", "{c}", "{d}"])
    if len(re.findall(r"\d+", name)) < 4:
        return name
    form = re.sub(r"\d+", lambda _: next(octets), name, count=4)
    return form if re.match(pattern, filled(form, "203.0.113.7"), re.I) else name


def names_of_rules(path, rng):
    """Names that a rule for the reverse name (rdns=) matches."""
    for rule in re.findall(r"header\s+(__RDNS_\w+)\s+X-Spam-Relays-External\s*=~\s*/(.+)/i?\s*$", path.read_text(), re.M):
        name, pattern = rule
        if name in ("__RDNS_STATIC", "__RDNS_NONE") or "rdns=" not in pattern:
            continue
        pattern = pattern.split("rdns=", 1)[1]
        for _ in range(PER_PATTERN * 4):
            text = of_pattern(sre_parse.parse(pattern), rng).strip().lower().strip("-.")
            # A pattern says how a name begins; the rest of it is some provider's domain.
            if not re.search(r"\.[a-z]{2,}\.[a-z]{2,}$", text):
                text += ".example-access.net"
            text = re.sub(r"\.{2,}", ".", text)
            if HOST.match(text) and re.match(pattern, text, re.I):
                yield with_octets(text, pattern)


def names_of_forms(path, rng):
    for line in path.read_text().splitlines():
        form = line.split("#", 1)[0].strip()
        if form:
            for _ in range(PER_PATTERN):
                yield form


def filled(name, ip):
    """The octets of the address in a form: {a} to {d}, {A} to {D} of three digits, {h} in hexadecimal."""
    a, b, c, d = (int(part) for part in ip.split("."))
    return name.format(a=a, b=b, c=c, d=d, A=f"{a:03}", B=f"{b:03}", C=f"{c:03}", D=f"{d:03}", h=f"{a:02x}{b:02x}{c:02x}{d:02x}")


def server_settings(name, rng):
    yield "as it should be", name, 1, name, 1
    yield "greets by another name", name, 1, f"mail.{name.split('.', 1)[1] if name.count('.') > 1 else name}", 1
    yield "greets by a name that leads elsewhere", name, 1, name, 0
    yield "its name leads elsewhere", name, 0, name, 1


def client_settings(name, rng):
    yield "greets by its line's name", name, 1, name, 1
    yield "greets as a PC", name, 1, f"DESKTOP-{rng.randint(10000, 99999)}", 0
    yield "greets by somebody's name", name, 1, "mail.bank.example", 0
    yield "greets by an address", name, 1, "[192.168.1.2]", 0


def unpacked(package, folder):
    """Where a package's file is: installed, or fetched by apt and unpacked here."""
    installed = Path("/", PACKAGES[package])
    if installed.is_file():
        return installed
    command = ["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", package]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        sys.exit(f"{installed} isn't there, and {package} can't be fetched: {done.stderr.strip()}")
    archive = next(Path(folder).glob(f"{package}_*.deb"))
    subprocess.run(["dpkg-deb", "-x", archive, Path(folder, package)], check=True)
    return Path(folder, package, PACKAGES[package])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=25)
    rng = random.Random(parser.parse_args().seed)
    with tempfile.TemporaryDirectory() as folder:
        places = {package: unpacked(package, folder) for package in PACKAGES}
        sources = [
            ("server", "postgrey", names_of_list(places["postgrey"], rng), server_settings),
            ("server", "sqlgrey", names_of_list(places["sqlgrey"], rng), server_settings),
            ("client", "spamassassin", names_of_rules(places["spamassassin"], rng), client_settings),
            ("client", "forms", names_of_forms(Path(__file__).with_name("clients.txt"), rng), client_settings),
        ]
        for truth, source, names, settings in sources:
            for name in dict.fromkeys(names) if source != "forms" else names:
                ip = address(rng)
                full = filled(name, ip) if truth == "client" else name
                for setting, ptr, leads_back, helo, helo_leads_back in settings(full, rng):
                    print(truth, source, setting, ip, ptr, leads_back, helo, helo_leads_back, sep="\t")
    return 0


if __name__ == "__main__":
    sys.exit(main())
