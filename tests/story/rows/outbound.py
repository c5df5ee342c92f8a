"""S1 to S5: port 25 closed towards the outside, and for whom."""

import clients
import names
from names import CLASSES, DYNAMIC, FOREIGN_MX, FOREIGN_SERVER, HOME, INFECTED, INTERNET, MAIL, ROAMING, STATIC
from peers.lib import maildir
from peers.lib.proc import until
from story import family, require, row, victims


@row("S1", "OP25B: port 25 from our network to another operator's is blocked")
def op25b(story):
    evidence = story.refused(DYNAMIC, FOREIGN_MX, "op25b", INTERNET)
    letter = clients.swaks(DYNAMIC, names.OTHER_MX, "hanako@example.com", "boss@example.com")
    require(not letter.sent and letter.has("refused"), f"swaks on 25: {letter.text[-300:]}")
    evidence.append(f"swaks: {letter.line('refused')}")
    counted = story.provider.counter("op25b", "from")
    reached = story.triangle()
    grown = story.provider.counter("op25b", "from") - counted
    require(story.before["triangle"] == 3, f"before: {story.before['triangle']} of 3 forged answers arrived")
    require(reached == 0, f"{reached} answers from port 25 reached the line")
    require(grown >= 3, f"the gate counted {grown} answers from port 25")
    evidence.append(f"triangular: 3 answers from port 25 to the line before, 0 now; from-25 counter +{grown}")
    return evidence


@row("S2", "why: spam from people's PCs; who sends is seen and attributed")
def attributed(story):
    targets = victims()
    require(story.before["bot"] == len(targets), f"before: {story.before['bot']} of {len(targets)} took the spam")
    stored = len(story.outsiders.victims.messages())
    taken = clients.bot(INFECTED, targets)
    new = len(story.outsiders.victims.messages()) - stored
    require(taken == 0 and new == 0, f"{taken} servers took the spam, {new} messages stored")

    of_line = ("--line", INFECTED.line, "--kind", "gate-blocked", "--limit", "1000")
    tries = len(targets)

    def both_families():
        nonlocal tries
        # A bot does not give up. The gate reports a source some times a second only, and what it
        # held back is in the count of the source's next report.
        for destination in (targets[0], targets[-1]):
            clients.connect(INFECTED, destination)
            tries += 1
        events = story.provider.events(*of_line)
        families = {family(e["address"]) for e in events}
        return events if families == {4, 6} and sum(e["count"] for e in events) >= len(targets) else None

    events = until("blocked flows of the infected line", both_families, step=0.5)
    total = sum(e["count"] for e in events)
    require(total <= tries, f"{total} blocked flows are in the journal, but {INFECTED.ns} had {tries}")
    own = {family(a): a for a in INFECTED.addresses()}
    require(all(e["line"] == INFECTED.line for e in events), f"other lines: {events[0]}")
    require(all(e["address"] == own[family(e["address"])] for e in events), f"other addresses: {events}")
    who = story.provider.cli("line", INFECTED.ip4, "--json")
    require(who["certainty"] == "subscriber" and who["line"] == INFECTED.line, f"line: {who}")
    busiest = story.provider.cli("gate", "top", "--since", "1h", "--json")
    require(busiest[0]["line"] == INFECTED.line and busiest[0]["blocked"] > 0, f"gate top: {busiest[:2]}")
    seen = str(busiest)
    require(not any(target in seen for target in targets), f"gate top names destinations: {seen}")
    moved = _next_holder(story)
    return [
        f"{INFECTED.ns}: before {story.before['bot']} of {len(targets)} servers took the spam, now {taken}",
        f"events --line {INFECTED.line}: {total} blocked flows in {len(events)} rows, newest: "
        f"{events[0]['address']} rule {events[0].get('rule')}: {events[0].get('detail', '')}",
        f"gate top: {busiest[0]['line']} first of {len(busiest)}, {busiest[0]['blocked']} blocked, "
        f"{busiest[0]['would_block']} before that were only counted",
        f"line {INFECTED.ip4}: {who['certainty']} {who['line']} ({who['reason']})",
        moved,
    ]


def _next_holder(story):
    """The dynamic address passes to another line: what it does from then on is that line's."""
    outsiders, provider, heir = story.outsiders, story.provider, "shinichi"
    of_heir = ("--line", heir, "--kind", "gate-blocked")
    require(not provider.events(*of_heir), f"{heir} is blamed for what {INFECTED.line} did")
    # A last burst, of which the gate still holds back a part when the address changes hands.
    clients.bot(INFECTED, [FOREIGN_MX.ip4] * 16)
    outsiders.session("Stop", INFECTED, INFECTED.line)
    outsiders.session("Start", INFECTED, heir)
    tries = 0

    def seen():
        # The gate reports a source some times a second only; the bot's burst may have used that up.
        nonlocal tries
        tries += 1
        clients.connect(INFECTED, FOREIGN_MX.ip4)
        return provider.events(*of_heir)

    try:
        events = until(f"blocked flows of {heir}", seen, step=0.5)
    finally:
        outsiders.session("Stop", INFECTED, heir)
        outsiders.session("Start", INFECTED, INFECTED.line)
    total = sum(e["count"] for e in events)
    require(total <= tries, f"{heir} is blamed for {total} flows, but had {tries}")
    return f"{events[0]['address']} passed on by RADIUS to {heir}: the next flow is {heir}'s ({total} of {tries})"


@row("S3", "roamed access: also blocked towards our own server on 25")
def roaming(story):
    evidence = story.refused(ROAMING, MAIL, "op25b-roaming", MAIL.ns)
    evidence += story.refused(ROAMING, FOREIGN_MX, "op25b-roaming", INTERNET)
    verdict = story.provider.explain(ROAMING.ip6, MAIL.ip6)["to_port_25"]
    require(verdict["client_class"] == "roaming", f"explain: {verdict}")
    require((verdict["server_class"], verdict["rule"]) == ("exchange", "op25b-roaming"), f"explain: {verdict}")
    login = "ichiro@example.net"
    letter = story.submit(ROAMING, login, login, "friend@example.org")
    story.at_other("friend@example.org", letter.message_id)
    evidence.append(f"explain: {verdict['client_class']} -> {verdict['server_class']}: {verdict['action']}")
    evidence.append(f"587 from there works: {letter.message_id} in friend@example.org's mailbox")
    return evidence


def exemption(story):
    """A line that is exempt for a time: by its name, so that it holds whatever address it has."""
    reach = {a: clients.connect(DYNAMIC, a).outcome for a in FOREIGN_MX.addresses()}
    require(set(reach.values()) == {"refused"}, f"a dynamic line without exemption: {reach}")
    wide = story.provider.cli(
        "gate", "exempt", "add", CLASSES["subscribers"][0], "--owner", "x", "--reason", "x", place=names.GATE, check=False
    )
    require(wide.returncode == 2 and "wider than" in wide.stderr, f"the whole pool: {wide}")
    lease = story.provider.cli(
        "gate", "exempt", "add", "--line", DYNAMIC.line, "--owner", "ticket 25", "--reason", "moves her server",
        "--for", "1h", "--json", place=names.GATE,
    )  # fmt: skip
    require(lease["in_force"], f"not in force: {lease}")
    for destination in FOREIGN_MX.addresses():
        probe = clients.connect(DYNAMIC, destination)
        require(probe.outcome == "open", f"exempt, to {destination}:25: {probe}")
    why = story.provider.explain(DYNAMIC.ip4, FOREIGN_MX.ip4)
    require(why["to_port_25"]["rule"] == "static" and "ticket 25" in why["steps"][-1], f"explain: {why}")
    verdict = story.provider.cli("gate", "exempt", "list", "--json", place=names.GATE)
    require([one["id"] for one in verdict] == [lease["id"]], f"list: {verdict}")
    story.provider.cli("gate", "exempt", "revoke", str(lease["id"]), "--reason", "moved", place=names.GATE)
    again = [clients.connect(DYNAMIC, destination).outcome for destination in FOREIGN_MX.addresses()]
    require(again == ["refused", "refused"], f"revoked: {again}")
    told = story.provider.wait_events(
        "the exemption in the journal", lambda e: len(e) == 2, "--line", DYNAMIC.line,
        "--kind", "lease-granted", "--kind", "lease-ended",
    )  # fmt: skip
    return [
        f"exemption {lease['id']} of line {DYNAMIC.line} (ticket 25, one hour): 25 open on {lease['in_force']}",
        f"gate explain: {why['steps'][-1][:110]}",
        f"revoked: refused again; journal: {told[0]['detail'][:90]}",
        f"the whole pool is not exempted: {wide.stderr.strip()[:90]}",
    ]


def conditions(story):
    """Exemptions that ask something of the DNS, as NSD and a validating resolver answer it."""
    def add(address, *options):
        return story.provider.cli(
            "gate", "exempt", "add", address, "--owner", "ticket 26", "--reason", "a server", "--json", *options, place=names.GATE
        )  # fmt: skip

    fine = add(ROAMING.ip4, "--reverse-name", f"cust-{ROAMING.line}.pool.{names.PROVIDER}", "--unlisted")
    listed = add(INFECTED.ip4, "--unlisted")
    require(not listed["in_force"], f"in force before it was looked up: {listed}")
    until("the exemption whose name is right", lambda: clients.connect(ROAMING, FOREIGN_MX.ip4).outcome == "open", 10)
    ended = story.provider.wait_events(
        "the end of the listed one", lambda events: any(f"exemption {listed['id']} " in e["detail"] for e in events),
        "--kind", "lease-ended", "--address", INFECTED.ip4,
    )  # fmt: skip
    require("is listed by bl." in ended[0]["detail"], f"why it ended: {ended[0]}")
    bot = clients.connect(INFECTED, FOREIGN_MX.ip4)
    require(bot.outcome == "refused", f"the listed PC: {bot}")
    story.provider.cli("gate", "exempt", "revoke", str(fine["id"]), "--reason", "done", place=names.GATE)
    return [
        f"exemption of {ROAMING.ip4} while its reverse name is right and no list has it: open",
        f"journal: {ended[0]['detail'][:110]}",
    ]


@row("S5", "a mail server at home: static addresses pass, others use 587")
def home_server(story):
    evidence = []
    for destination in FOREIGN_MX.addresses():
        probe = clients.connect(STATIC, destination)
        require(probe.outcome == "open", f"static to {destination}:25: {probe}")
        evidence.append(f"{STATIC.ns} -> {destination}:25 {probe}")
    home = story.outsiders.home
    identity = clients.message_id("home")
    home.send(f"me@{HOME}", "friend@example.org", clients.message(f"me@{HOME}", "friend@example.org", identity))
    arrived = story.at_other("friend@example.org", identity)
    evidence.append(f"home Postfix delivered {identity}: {' '.join(arrived['Received'].split())[:100]}")
    reply = clients.swaks(FOREIGN_SERVER, HOME, "news@lists.example.org", f"me@{HOME}")
    require(reply.sent, f"mail to the home server: {reply.text[-300:]}")
    maildir.wait(home.mailbox(f"me@{HOME}"), reply.message_id)
    evidence.append(f"mail to the home server arrived: {reply.message_id}")
    evidence += exemption(story)
    evidence += conditions(story)
    nas = clients.msmtp(
        DYNAMIC, names.SMTP, "hanako@example.net", "hanako@example.net", "friend@example.org",
        story.authority, story.scratch,
    )  # fmt: skip
    require(nas.sent, f"msmtp: {nas.text[-400:]}")
    story.at_other("friend@example.org", nas.message_id)
    evidence.append(f"a program on a dynamic address by 587 (msmtp): {nas.message_id} arrived")
    return evidence
