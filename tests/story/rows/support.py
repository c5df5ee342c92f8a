"""S17: support looks a subscriber up and sees why mail did not go."""

import clients
import names
from names import DYNAMIC, FOREIGN_MX, FOREIGN_USER, GUIDE, INFECTED, PROVIDER
from rows.inbound import told
from peers.lib.proc import until
from story import require, row


def _one_line(event):
    shown = ("kind", "address", "line", "account", "rule", "detail")
    return " ".join(f"{key}={event[key]}" for key in shown if event.get(key))[:150]


@row("S17", "questions: support sees why mail did not go")
def lookup(story):
    provider, evidence = story.provider, []
    # By line: a call from home, the company's mail does not go.
    clients.connect(DYNAMIC, FOREIGN_MX.ip4)
    blocked = provider.wait_events("hanako's line", bool, "--line", DYNAMIC.line, "--kind", "gate-blocked")
    require(all(e["line"] == DYNAMIC.line for e in blocked), f"foreign rows: {blocked}")
    require(blocked[0].get("rule") == "op25b", f"the rule isn't named: {blocked[0]}")
    evidence.append(f"by line: {_one_line(blocked[0])}")
    # By reference number: a call from a hotel.
    refusal = clients.swaks(FOREIGN_USER, names.MX, "saburo@example.net", "ichiro@example.net")
    _, _, reference = told(refusal)
    found = provider.wait_events(f"reference {reference}", bool, "--reference", reference)
    require(found[0]["address"] == FOREIGN_USER.ip6 or found[0]["address"] == FOREIGN_USER.ip4, f"{found[0]}")
    evidence.append(f"by reference {reference}: {_one_line(found[0])}")
    # By account: a wrong password.
    options = clients.starttls_auth("ichiro@example.net", story.authority, password="old-password")
    clients.swaks(FOREIGN_USER, names.SMTP, "ichiro@example.net", "friend@example.org", *options, port=587)
    logins = provider.wait_events(
        "ichiro's refused login", bool, "--account", "ichiro@example.net", "--kind", "login-refused"
    )
    evidence.append(f"by account: {_one_line(logins[0])}")
    # By address.
    provider.wait_events("the infected PC's address", bool, "--address", INFECTED.ip4, "--kind", "gate-blocked")
    # By message: where it went, and one that could not be delivered.
    letter = story.submit(DYNAMIC, "hanako@example.net", "hanako@example.net", "friend@example.org")
    arrived = story.at_other("friend@example.org", letter.message_id)
    steps = _trace_until(provider, letter.message_id, "delivered")
    require("250" in steps[-1].get("detail", ""), f"the remote reply is missing: {steps[-1]}")
    evidence.append(f"trace {letter.message_id}: {' -> '.join(e['kind'] for e in steps)}, {steps[-1]['detail'][:60]}")
    require(steps[0]["queue_id"] in str(arrived.get_all("Received")), "the queue id isn't in the trace fields")
    lost = story.submit(DYNAMIC, "hanako@example.net", "hanako@example.net", "nobody@example.org")
    steps = _trace_until(provider, lost.message_id, "bounced")
    require("550" in steps[-1].get("detail", ""), f"the remote refusal is missing: {steps[-1]}")
    evidence.append(f"trace of one that bounced: {steps[-1]['recipient']}: {steps[-1]['detail'][:80]}")
    status, body = clients.fetch(DYNAMIC, f"http://{GUIDE}/en/contact")
    require(status == 200 and f"support@{PROVIDER}" in body, "the guide does not name support's address")
    return evidence


def _trace_until(provider, message_id, kind):
    """The trace in order of time, once it holds an event of the kind."""
    def found():
        done = provider.cli("trace", message_id, check=False)
        if done.returncode != 0 or kind not in done.stdout:
            return None
        [message] = provider.cli("trace", message_id, "--json")["messages"]
        return message["events"]

    return until(f"{message_id} to be {kind}", found, 20, step=0.2)
