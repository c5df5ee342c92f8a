"""S10, S11, S13, S14: port 25 towards us is for mail servers; the move to enforcement."""

import datetime
import re

import clients
import names
from names import DYNAMIC, FOREIGN_MX, FOREIGN_SERVER, FOREIGN_USER, GUIDE, INFECTED, MAIL, ROAMING
from peers.lib.proc import until
from story import family, require, row

_REFERENCE = re.compile(r"\breference ([A-Za-z0-9-]{4,40})\b")


def told(letter):
    """The refusal on port 25: (reply text, guide's address, reference number)."""
    replies = letter.replies("550")
    text = " ".join(reply[4:] for reply in replies)
    require(replies and "5.7." in replies[0], f"no 550 5.7.x: {letter.text[-500:]}")
    require("587" in text, f"the reply does not name port 587: {text}")
    url = re.search(r"https?://[^\s>)]+", text)
    require(url and GUIDE in url.group(0), f"the reply does not name the guide: {text}")
    reference = _REFERENCE.search(text)
    require(reference, f"the reply has no reference number: {text}")
    return replies[0], url.group(0).rstrip(".,;"), reference.group(1)


def as_user(host, sender, recipient, destination=names.MX):
    letter = clients.swaks(host, destination, sender, recipient)
    require(not letter.sent, f"an end user's mail on 25 was taken: {letter.text[-300:]}")
    return letter


def known(story, reference):
    """What support finds by the number that the subscriber was told."""
    return story.provider.wait_events(f"reference {reference}", bool, "--reference", reference)


@row("S10", "IP25B: port 25 from outside to our network is restricted")
def ip25b(story):
    evidence = []
    for host, rule in ((FOREIGN_USER, "ip25b-homes"), (FOREIGN_MX, "ip25b-homes-any")):
        for destination in DYNAMIC.addresses():
            counted = story.provider.counter(rule)
            seen = story.syns(host, family(destination), DYNAMIC.ns)
            probe = clients.connect(host, destination)
            arrived = story.syns(host, family(destination), DYNAMIC.ns) - seen
            require(probe.outcome == "refused" and arrived == 0, f"{host.ns} to {destination}:25: {probe}")
            grown = story.provider.counter(rule) - counted
            require(grown > 0, f"rule {rule} counted nothing")
            evidence.append(f"{host.ns} -> a dynamic line {destination}:25 {probe}; rule {rule} +{grown}")
    was = story.before[FOREIGN_USER.name, DYNAMIC.ip4]
    evidence.append(f"observed before: {was.outcome}, \"{was.reason[:40]}\"")
    taken = clients.swaks(FOREIGN_SERVER, names.MX, "news@lists.example.org", "saburo@example.net")
    require(taken.sent, f"a mail server on our MX: {taken.text[-400:]}")
    story.at_home(taken.message_id)
    evidence.append(f"a mail server on our MX is welcome: {taken.message_id} in saburo's mailbox")
    options = clients.starttls_auth("suzuki@example.org", story.authority)
    sender = ["suzuki@example.org", "saburo@example.net"]
    letter = clients.swaks(FOREIGN_USER, names.OTHER_SMTP, *sender, *options, port=587)
    require(letter.sent, f"suzuki by her own provider: {letter.text[-300:]}")
    story.at_home(letter.message_id)
    verified = story.outsiders.other_smtp.log_lines("Verified TLS connection established to", names.MX)
    require(verified, "the other provider's Postfix did not verify our exchange by DANE")
    evidence.append(f"real Postfix to our MX: {letter.message_id}; {verified[-1].split(': ', 1)[1][:80]}")
    for address in MAIL.addresses():
        line, _, _ = told(as_user(FOREIGN_USER, "suzuki@example.org", "hanako@example.net", address))
        evidence.append(f"an end user on our MX {address}: {line}")
    return evidence


@row("S11", "servers use 25, users 587; a user on 25 is told in the reply")
def told_apart(story):
    tls = ["--tls", "--quit-after", "EHLO"]
    hello = clients.swaks(FOREIGN_SERVER, names.MX, "a@lists.example.org", "b@example.net", *tls, body=False)
    require(hello.has(r"<~.*250[ -]") and not hello.has(r"250[ -]AUTH"), f"port 25: {hello.text[-400:]}")
    evidence = [f"25 after STARTTLS: {hello.line(r'<~.*250.')} ... no AUTH among {len(hello.replies('250'))} lines"]
    relay = clients.swaks(FOREIGN_SERVER, names.MX, "news@lists.example.org", "friend@example.org")
    require(not relay.sent and relay.has(r"<.* 55[04] 5\.7\.1"), f"relaying: {relay.text[-300:]}")
    evidence.append(f"a mail server for a foreign domain: {relay.line(r'<.* 55[04] ')}")
    line, url, reference = told(as_user(FOREIGN_USER, "suzuki@example.org", "saburo@example.net"))
    events = known(story, reference)
    seen = f"{events[0]['kind']} from {events[0]['address']}"
    evidence.append(line)
    evidence.append(f"reference {reference} in the journal: {seen}")
    page = url
    require(page.endswith(f"/25?ref={reference}"), f"the address in the reply is not that of this refusal: {page}")
    same = f"-{family(events[0]['address'])}"
    status, body = clients.fetch(FOREIGN_USER, page, same, language="en")
    require(status == 200 and "465" in body and reference in body and "Refused at" in body, f"{page}: {status} {body[:300]}")
    _, stranger = clients.fetch(DYNAMIC, page, language="en")
    require("Refused at" not in stranger, "a stranger is told about another's refusal")
    evidence.append(f"{page} says when, to that address only")
    return evidence


@row("S13", "every customer has to change: who still uses 25, stage by stage")
def migration(story):
    waiting = story.before["would-block"]
    lines = {e.get("line"): e for e in waiting}
    for host in (DYNAMIC, ROAMING, INFECTED):
        require(host.line in lines, f"{host.line} used 25 while observed, but is not listed: {sorted(map(str, lines))}")
    counts = {}
    for e in waiting:
        if e.get("line"):
            counts[e["line"]] = counts.get(e["line"], 0) + e["count"]
    stages = {rule["name"]: rule["stage"] for rule in story.before["status"]["rules"]}
    require(stages["op25b"] == "observe", f"stages before: {stages}")
    now = {rule["name"]: rule["stage"] for rule in story.provider.status()["rules"]}
    require(now["op25b"] == "enforce", f"stages now: {now}")
    passed = story.before["letter"]
    listing = ", ".join(f"{line} {count}" for line, count in sorted(counts.items()))
    staged = _by_the_clock(story)
    return [
        f"observe: {listing} would-block flows listed by line, and the mail still passed ({passed} arrived)",
        f"gate status: op25b {stages['op25b']} -> {now['op25b']} by reload, no restart",
        *staged,
    ]


def _by_the_clock(story):
    """One region before the other, from a time on; and back, which needs no file."""
    provider = story.provider

    def outcome(host):
        return clients.connect(host, FOREIGN_MX.ip4).outcome

    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=6)
    when = at.isoformat(timespec="seconds")
    provider.write(enforced=True, op25b_steps=f'{{ at = {when}, stage = "enforce", regions = ["hills"] }}')
    applied = provider.cli("gate", "apply", "--yes").stdout
    require("stage enforce -> observe" in applied, f"gate apply: {applied}")
    require(outcome(DYNAMIC) == outcome(INFECTED) == "open", "a step that is still to come blocks")
    plan = provider.cli("gate", "plan").stdout
    require("op25b.1" in plan and "coming" in plan, f"gate plan: {plan}")
    until("the hills' step", lambda: outcome(DYNAMIC) == "refused", 15, step=0.3)
    require(outcome(INFECTED) == "open", "the coast is not to be closed yet")
    counted = provider.counter("op25b.1")
    provider.cli("gate", "rollback", "--yes", "--note", "everywhere at once")
    require(outcome(INFECTED) == outcome(DYNAMIC) == "refused", "after the rollback")
    provider.write(enforced=True)
    provider.cli("gate", "apply", "--yes")
    return [
        f"gate apply with a step at {when} for region hills: {DYNAMIC.ns} open, then refused by the clock "
        f"(op25b.1 +{counted}), {INFECTED.ns} of the coast open; gate rollback: both refused",
    ]


@row("S14", "with IP25B on, our addresses from outside on 25 fail, and are told")
def our_addresses(story):
    sender, recipient = "saburo@example.net", "hanako@example.net"
    line, url, reference = told(as_user(FOREIGN_USER, sender, recipient))
    events = known(story, reference)
    require(events[0].get("sender", "").strip("<>") == sender, f"the journal's sender: {events[0]}")
    letter = story.submit(FOREIGN_USER, sender, sender, recipient)
    arrived = story.at_home(letter.message_id)
    require(sender in arrived["From"], f"From is {arrived['From']}")
    status, _ = clients.fetch(FOREIGN_USER, url)
    require(status == 200, f"{url}: {status}")
    return [
        f"25 from {FOREIGN_USER.ip4} as {sender}: {line}",
        f"not lost silently: reference {reference} -> {events[0]['kind']}, {events[0].get('detail', '')[:80]}",
        f"the same letter by 587 from there: {letter.message_id} in hanako's mailbox",
    ]
