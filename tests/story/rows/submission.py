"""S7 to S9, S12, S15: authenticated submission and its limits."""

import time

import clients
import names
from names import COMPANY, DYNAMIC, FOREIGN_SMTP, FOREIGN_USER, GUIDE, INFECTED, MAIL, PROVIDER, ROAMING, STATIC, STRANGER
from peers.lib.proc import until
from provider import LOGIN_FAILURES, PENALTY_SECONDS, RECIPIENTS
from story import require, row

_HANAKO = f"hanako@{PROVIDER}"
_ELSEWHERE = f"hanako@{COMPANY}"


@row("S7", "remedy 2: our server to send only, for an address elsewhere")
def send_as(story):
    recipient = "boss@example.com"
    request = {"host": names.SMTP, "port": 587, "secure": False, "user": _HANAKO}
    request |= {"from": _ELSEWHERE, "to": recipient}
    letters = [
        story.submit(DYNAMIC, _HANAKO, _ELSEWHERE, recipient),
        clients.msmtp(DYNAMIC, names.SMTP, _HANAKO, _ELSEWHERE, recipient, story.authority, story.scratch),
        clients.nodemailer(DYNAMIC, request, story.authority),
    ]
    evidence = []
    for letter in letters:
        require(letter.sent, f"{letter.program}: {letter.text[-600:]}")
        arrived = story.at_other(recipient, letter.message_id)
        require(_ELSEWHERE in arrived["From"], f"From is {arrived['From']}")
        require(_ELSEWHERE in arrived["Return-Path"], f"Return-Path is {arrived['Return-Path']}")
        evidence.append(f"{letter.program} as {_ELSEWHERE} by {names.SMTP}: {letter.message_id} at the company's MX")
    tls = story.outsiders.other_mx.log_lines("TLS connection established from", names.MX)
    require(tls, "our server delivered without TLS to a server that offers it")
    evidence.append(f"delivery: {tls[-1].split(': ', 1)[1][:100]}")
    options = clients.starttls_auth(_HANAKO, story.authority)
    other = clients.swaks(DYNAMIC, names.SMTP, "president@example.com", recipient, *options, port=587)
    require(not other.sent and other.has(r"<.* 55\d 5\.7\."), f"another's address: {other.text[-400:]}")
    evidence.append(f"an address that isn't hers: {other.line(r'<.* 55[0-9] ')}")
    return evidence


@row("S8", "settings: 587, authentication; no mail without it")
def authentication(story):
    evidence = []
    bare = clients.swaks(DYNAMIC, names.SMTP, _HANAKO, "friend@example.org", port=587)
    require(not bare.sent and bare.has(r"<.* 530 "), f"without AUTH: {bare.text[-400:]}")
    require(not bare.has(r"<.*250[ -]AUTH"), "AUTH is offered before TLS")
    require(bare.has(r"<.*250[ -]STARTTLS"), "STARTTLS is not offered")
    evidence.append(f"587 without TLS: no AUTH offered, {bare.line(r'<.* 530 ')}")
    tls = ["--tls", "--tls-verify", "--tls-ca-path", story.authority.certificate]
    naked = clients.swaks(DYNAMIC, names.SMTP, _HANAKO, "friend@example.org", *tls, port=587)
    require(not naked.sent and naked.has(r"<.* 530 5\.7\.0"), f"TLS without AUTH: {naked.text[-400:]}")
    evidence.append(f"587 with TLS, no AUTH: {naked.line(r'<.* 530 ')}")
    for implicit, kind in ((False, "PLAIN"), (False, "LOGIN"), (True, "PLAIN")):
        letter = story.submit(DYNAMIC, _HANAKO, _HANAKO, "friend@example.org", implicit=implicit, kind=kind)
        story.at_other("friend@example.org", letter.message_id)
        accepted, queued = letter.line(r"<.* 235 "), letter.line(r"<.* 250 2\.[06]\.0 ")
        evidence.append(f"{'465' if implicit else '587'} {kind}: {accepted} / {queued}")
    for port in (587, 465):
        letter = clients.msmtp(
            DYNAMIC, names.SMTP, _HANAKO, _HANAKO, "friend@example.org", story.authority, story.scratch, port=port
        )
        require(letter.sent and letter.has("AUTH SCRAM-SHA-256"), f"msmtp {port}: {letter.text[-400:]}")
        story.at_other("friend@example.org", letter.message_id)
        evidence.append(f"{port} SCRAM-SHA-256 (msmtp): {letter.line('235 ')}")
    for version in ("tlsv1_2", "tlsv1_3"):
        options = [*clients.starttls_auth(_HANAKO, story.authority), "--tls-protocol", version]
        letter = clients.swaks(DYNAMIC, names.SMTP, _HANAKO, "friend@example.org", *options, port=587)
        require(letter.sent, f"{version}: {letter.text[-400:]}")
        evidence.append(letter.line("TLS started with cipher"))
    options = clients.starttls_auth(_HANAKO, story.authority, password="wrong-word")
    wrong = clients.swaks(DYNAMIC, names.SMTP, _HANAKO, "friend@example.org", *options, port=587)
    require(not wrong.sent and wrong.has(r"<.* 535 5\.7\.8"), f"wrong password: {wrong.text[-300:]}")
    evidence.append(f"wrong password: {wrong.line(r'<.* 535 ')}")
    return evidence


@row("S9", "587 and 465 are not subject to OP25B, from anywhere to anywhere")
def open_everywhere(story):
    evidence, opened = [], 0
    for host in (DYNAMIC, STATIC, ROAMING, INFECTED):
        for destination in FOREIGN_SMTP.addresses():
            for port in (587, 465):
                probe = clients.connect(host, destination, port)
                require(probe.outcome == "open", f"{host.ns} to {destination}:{port}: {probe}")
                opened += 1
    evidence.append(f"another provider's 587 and 465 from 4 classes, IPv4 and IPv6: {opened} of {opened} open")
    for destination in (MAIL.v4[1], MAIL.v6[1]):
        for port in (587, 465):
            probe = clients.connect(FOREIGN_USER, destination, port)
            require(probe.outcome == "open", f"outside to our {destination}:{port}: {probe}")
    evidence.append("our 587 and 465 from another provider's dynamic address, IPv4 and IPv6: open")
    for host, implicit in ((DYNAMIC, False), (ROAMING, True)):
        options = clients.starttls_auth(_ELSEWHERE, story.authority, tls_on_connect=implicit)
        port = 465 if implicit else 587
        letter = clients.swaks(host, names.OTHER_SMTP, _ELSEWHERE, "friend@example.org", *options, port=port)
        require(letter.sent, f"{host.ns} by the other provider: {letter.text[-400:]}")
        story.at_other("friend@example.org", letter.message_id)
        evidence.append(f"{host.ns} by {names.OTHER_SMTP}:{port}: {letter.message_id} arrived")
    return evidence


def judged(story):
    """The loop: the exchange judges, the gate keeps out, and lets go at the end."""
    evidence = []
    for address in MAIL.addresses():
        letter = clients.swaks(STRANGER, address, "a@example.org", "hanako@example.net", "--helo", "pc")
        refused = letter.line(r"<.* 550 5\.7\.1")
        require(not letter.sent and refused and "mail servers" in refused, f"no server: {letter.text[-400:]}")
        began = time.monotonic()
        # A connection that was open when the penalty came meets silence: not long, then the next.
        until(
            f"the gate to refuse {STRANGER.ns}",
            lambda: clients.connect(STRANGER, address, seconds=0.2).outcome == "refused", 1, step=0.02,
        )  # fmt: skip
        evidence.append(f"{STRANGER.ns}: {refused[:120]}; within {(time.monotonic() - began) * 1000:.0f} ms the gate refuses it")
    counted = story.provider.counter("penalty")
    require(counted >= 2, f"rule penalty counted {counted}")
    server = clients.swaks(names.FOREIGN_MX, names.MX, "friend@example.org", "hanako@example.net", "--helo", names.OTHER_MX)
    require(server.sent, f"a mail server that the policy does not name: {server.text[-400:]}")
    evidence.append(f"a mail server that the policy does not name is judged one: {server.message_id} taken")
    leases = story.provider.cli("gate", "penalty", "list", "--json", place=names.GATE)
    require(len(leases) == 2 and "no name in the DNS" in leases[0]["reason"], f"penalties: {leases}")
    for address in MAIL.addresses():
        until(f"the end of the penalty at {address}", lambda a=address: clients.connect(STRANGER, a).outcome == "open", PENALTY_SECONDS + 3)
    evidence.append(f"after {PENALTY_SECONDS} s it may knock again; the reason on record: {leases[0]['reason'][:100]}")
    return evidence


@row("S12", "accept from particular servers; control rates")
def limits(story):
    counted = story.provider.counter("ip25b-servers")
    probe = clients.connect(names.FOREIGN_SERVER, MAIL.ip4)
    grown = story.provider.counter("ip25b-servers") - counted
    require(probe.outcome == "open" and grown > 0, f"known mail server: {probe}, counter +{grown}")
    evidence = [f"class mail-servers on our 25: {probe.reason}; rule ip25b-servers +{grown}"]

    evidence += judged(story)

    recipients = ",".join(f"r{n}@example.org" for n in range(RECIPIENTS + 5))
    options = [*clients.starttls_auth("shiro@example.net", story.authority), "--quit-after", "RCPT"]
    many = clients.swaks(DYNAMIC, names.SMTP, "shiro@example.net", recipients, *options, port=587, body=False)
    taken, refused = len(many.replies("250 2.1.5")), many.replies("4[0-9][0-9]")
    require(taken == RECIPIENTS, f"{taken} recipients were taken of the {RECIPIENTS} allowed an hour")
    require(refused and str(RECIPIENTS) in refused[0], f"the limit isn't named: {refused[:1]}")
    evidence.append(f"{taken} recipients taken, then: {refused[0]}")
    story.provider.wait_events("the limit in the journal", bool, "--account", "shiro@example.net", "--kind", "refused")

    for attempt in range(LOGIN_FAILURES):
        # Distinct passwords: a program that repeats one wrong password is not a guesser.
        guess = clients.starttls_auth("goro@example.net", story.authority, password=f"guess-{attempt}")
        wrong = clients.swaks(
            INFECTED, names.SMTP, "goro@example.net", "friend@example.org", *guess, port=587, body=False
        )
        require(wrong.has(r"<.* 535 "), f"guess {attempt + 1}: {wrong.text[-300:]}")
    right = clients.starttls_auth("goro@example.net", story.authority)
    late = clients.swaks(INFECTED, names.SMTP, "goro@example.net", "friend@example.org", *right, port=587)
    require(not late.sent, "after too many guesses the login is still accepted")
    said = late.line(r"<.* (4[25][14]|535|550) ")
    require(said and not late.has(r"<.* 535 5\.7\.8"), f"the limit isn't named: {late.text[-300:]}")
    evidence.append(f"{LOGIN_FAILURES} wrong passwords, then even the right one: {said}")
    refusals = story.provider.wait_events(
        "refused logins", lambda e: len(e) >= LOGIN_FAILURES, "--account", "goro@example.net", "--kind", "login-refused"
    )
    evidence.append(f"events --account goro@example.net: {len(refusals)} login-refused, {refusals[0].get('detail')}")
    return evidence


@row("S15", "remedy: SMTP AUTH and the other port; programs set themselves up")
def autoconfig(story):
    url = f"http://autoconfig.{PROVIDER}/mail/config-v1.1.xml?emailaddress={_HANAKO}"
    evidence = []
    for host in (DYNAMIC, FOREIGN_USER):
        request = {"autoconfig": url, "user": _HANAKO, "from": _HANAKO, "to": "friend@example.org"}
        letter = clients.nodemailer(host, request, story.authority)
        require(letter.sent, f"nodemailer by autoconfig: {letter.text[-600:]}")
        used = letter.answer["used"]
        require(used["host"] == names.SMTP and used["port"] in (587, 465), f"autoconfig said {used}")
        require("xml" in used["type"], f"content type {used['type']}")
        story.at_other("friend@example.org", letter.message_id)
        evidence.append(
            f"{host.ns}: nodemailer took {used['host']}:{used['port']} user {used['user']} from {url.split('?')[0]}"
            f" and sent {letter.message_id}, which arrived"
        )
    status, body = clients.fetch(DYNAMIC, f"http://{GUIDE}/.well-known/autoconfig/mail/config-v1.1.xml")
    require(status == 200 and names.SMTP in body, f".well-known: {status} {body[:200]}")
    evidence.append(f".well-known/autoconfig: {status}, names {names.SMTP}")
    return evidence
