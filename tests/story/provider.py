"""Our provider: one sekisho.toml, the gate on the border router, mail server and desk on the mail host."""

import contextlib
import json
import os

import clients
import names
from names import GUIDE, MX, PROVIDER, SMTP
from peers.lib import netns
from peers.lib.proc import Failed, until

INTERFACES = ["outside"] + [host.name for host in names.HOSTS if host.router == "gate"]
LOGIN_FAILURES, RECIPIENTS, PENALTY_SECONDS = 6, 30, 5

# name, from, to, action, stage once enforced, note. Before that, every rule is in stage observe.
# In stage notify packets pass, and the exchange itself tells the client what to do (550).
RULES = [
    ("penalty", "penalty", "*", "refuse", "enforce", "judged to be no mail servers"),
    ("submission-out", "submission", "*", "pass", "enforce", "our submission servers deliver mail"),
    ("exchange-out", "exchange", "*", "pass", "enforce", "our exchange delivers mail"),
    ("static", "static", "*", "pass", "enforce", "home servers on static addresses send mail"),
    ("op25b", "subscribers", "*", "refuse", "enforce", "dynamic addresses send by port 587"),
    ("op25b-roaming", "roaming", "*", "refuse", "enforce", "the carrier's network, towards us as well"),
    ("ip25b-servers", "mail-servers", "exchange", "count", "enforce", "mail servers that we know"),
    ("ip25b-users", "others-dynamic", "exchange", "refuse", "notify", "end users use port 587"),
    ("ip25b-homes", "others-dynamic", "subscribers", "refuse", "enforce", "no servers on dynamic addresses"),
    ("ip25b-homes-any", "outside", "subscribers", "refuse", "enforce", "no servers on dynamic addresses"),
]
NOTES = {
    "subscribers": "dynamic addresses of our own access network",
    "static": "static addresses, which may run mail servers",
    "roaming": "access roamed from a wholesale carrier",
    "submission": "our submission servers",
    "exchange": "our mail exchangers",
    "mail-servers": "mail servers that we know",
    "penalty": "outside, found to be no mail servers",
    "others-dynamic": "dynamic addresses of other providers",
}


def _quoted(values):
    return "[" + ", ".join(f'"{v}"' for v in values) + "]"


def _endpoints(index, port):
    return _quoted([f"{names.MAIL.v4[index]}:{port}", f"[{names.MAIL.v6[index]}]:{port}"])


class Provider:
    def __init__(self, processes, binary, directory, outsiders):
        self.processes, self.binary, self.outsiders = processes, binary, outsiders
        self.config = os.path.join(directory, "sekisho.toml")
        self.state = os.path.join(directory, "state")
        self.maildir = os.path.join(self.state, "mail")
        self.roles = {}
        os.makedirs(self.state, exist_ok=True)

    def write(self, enforced, op25b_steps="", mail="", delivery="", more=""):
        """With steps, op25b waits for them in stage observe; the rest is put into its section, or at the end."""
        general = f"""state_dir = "{self.state}"

[provider]
name = "Tsubame Net"
name_ja = "つばめネット"
domain = "{PROVIDER}"
support_mail = "support@{PROVIDER}"
support_phone = "052-000-0000"
guide_url = "http://{GUIDE}"

[log]
format = "json"

[gate]
engine = "xdp"
mode = "enforce"
xdp_mode = "auto"
interfaces = {_quoted(INTERFACES)}
events_per_line_per_minute = 1000
exempt_class = "static"
dnsbl = ["bl.{names.OTHER}"]
penalty_class = "penalty"
penalty_for = "{PENALTY_SECONDS}s"
condition_interval = "1s"

[radius]
listen = ["{names.GATE4}:1813"]

[[radius.client]]
from = "{names.CORE.ip4}/32"
secret = "{names.RADIUS_SECRET}"

[mail]
hostname = "{MX}"
domains = ["{PROVIDER}"]
submission = {_endpoints(1, 587)}
submissions = {_endpoints(1, 465)}
exchange = {_endpoints(0, 25)}
login_failures_per_hour = {LOGIN_FAILURES}
recipients_per_hour = {RECIPIENTS}
peer_check = "{'enforce' if enforced else 'observe'}"
{mail}

[tls]
certificate = "{self.outsiders.our_certificate}"
key = "{self.outsiders.our_key}"

[queue]
retry = ["2s", "5s", "30s"]

[delivery]
resolvers = ["{names.CORE.ip4}"]
trust_anchor = "{self.outsiders.anchor}"
maildir = "{self.maildir}"
{delivery}

[http]
listen = {_endpoints(2, 80)}

[settings]
outgoing_host = "{SMTP}"
incoming_host = "imap.{PROVIDER}"
"""
        classes = "".join(
            f'\n[[class]]\nname = "{name}"\nnote = "{NOTES[name]}"\nprefixes = {_quoted(prefixes)}\n'
            for name, prefixes in names.CLASSES.items()
        )
        regions = "".join(
            f'\n[[region]]\nname = "{name}"\nprefixes = {_quoted(prefixes)}\n' for name, prefixes in names.REGIONS.items()
        )
        rules = "".join(
            f'\n[[rule]]\nname = "{name}"\nfrom = "{source}"\nto = "{to}"\naction = "{action}"\n'
            f'stage = "{stage if enforced and not (name == "op25b" and op25b_steps) else "observe"}"\nnote = "{note}"\n'
            f'steps = [{op25b_steps if name == "op25b" else ""}]\n'
            for name, source, to, action, stage, note in RULES
        )
        with open(self.config + ".new", "w") as file:
            file.write(general + classes + regions + rules + more)
        os.replace(self.config + ".new", self.config)

    def cli(self, *arguments, place=names.MAIL.ns, check=True, stdin=None):
        """Runs the command line; with --json among the arguments the answer is parsed."""
        command = [self.binary, "--config", self.config, *arguments]
        done = netns.inside_run(place, command, check=False, input=stdin, timeout=30)
        if check and done.returncode != 0:
            raise Failed(f"sekisho {' '.join(map(str, arguments))}: exit {done.returncode} {done.stdout}{done.stderr}")
        if "--json" in arguments:
            try:
                return json.loads(done.stdout)
            except ValueError:
                raise Failed(f"sekisho {' '.join(arguments)}: no JSON: {done.stdout}{done.stderr}") from None
        return done

    def start(self):
        self.write(enforced=False)
        self.cli("config", "check")
        for login, addresses, line in names.ACCOUNTS:
            self.add_account(login, addresses, line)
        for role, place in (("gate", names.GATE), ("mail", names.MAIL.ns), ("desk", names.MAIL.ns)):
            command = netns.argv(place, [self.binary, "--config", self.config, role])
            self.roles[role] = self.processes.start(f"sekisho-{role}", command)
        self._ready("gate", lambda: self.cli("gate", "status", check=False).returncode == 0)
        for port, address in ((25, names.MAIL.v4[0]), (587, names.MAIL.v6[1])):
            self._ready("mail", lambda p=port, a=address: clients.connect(names.CORE, a, p).outcome == "open")
        self._ready("desk", lambda: clients.fetch(names.CORE, f"http://{GUIDE}/")[0] == 200)

    def _ready(self, role, condition):
        def ready():
            self.roles[role].require_alive()
            return condition()

        until(f"sekisho {role} to be ready", ready, 20, step=0.1)

    def add_account(self, login, addresses, line="", *options):
        arguments = ["account", "add", login, "--json", *options]
        for address in addresses:
            arguments += ["--address", address]
        if line:
            arguments += ["--line", line]
        password = names.PASSWORDS.get(login)
        if password:
            arguments.append("--password-stdin")
        return self.cli(*arguments, stdin=(password or "") + "\n")

    def enforce(self):
        """Puts every rule in force without restarting anything."""
        self.write(enforced=True)
        self.cli("reload", "gate", "mail", "desk")

        wanted = {name: stage for name, _, _, _, stage, _ in RULES}

        def in_force():
            return {rule["name"]: rule["stage"] for rule in self.status()["rules"]} == wanted

        until("the enforced policy", in_force)

    @contextlib.contextmanager
    def settings(self, **what):
        """Settings besides, as for write(), put in force for the block without restarting anything."""
        self.write(enforced=True, **what)
        self.cli("reload", "mail", "desk")
        try:
            yield
        finally:
            self.write(enforced=True)
            self.cli("reload", "mail", "desk")

    def status(self):
        return self.cli("gate", "status", "--json")

    def counter(self, rule, direction="to"):
        """Packets that met the rule; direction is to or from (port 25)."""
        for entry in self.status()["rules"]:
            if entry["name"] == rule:
                return entry[direction]["packets"]
        raise Failed(f"gate status has no rule {rule}")

    def explain(self, source, destination):
        return self.cli("gate", "explain", source, destination, "--json")

    def events(self, *options):
        return self.cli("events", "--json", *options)

    def wait_events(self, what, condition, *options, seconds=10):
        """The events found by `options` once condition(events) holds; Failed after the bound."""

        def found():
            events = self.events(*options)
            return events if events and condition(events) else None

        return until(what, found, seconds, step=0.2)

    def publish_keys(self):
        """Puts into the DNS what `sekisho dns` prints of our DKIM keys; they sign when it returns."""
        def keys():
            return self.cli("dkim", "list", "--json")

        until("our DKIM keys", keys)
        if {key["state"] for key in keys()} != {"signing"}:
            lines = self.cli("dns").stdout.splitlines()
            self.outsiders.publish(f"{PROVIDER}.", [line for line in lines if "_domainkey" in line or "_dmarc" in line])
            self.cli("dkim", "check")
            until("our keys to sign", lambda: {key["state"] for key in keys()} == {"signing"})
        return keys()

    def mailbox(self):
        return self.maildir
