"""S19, S20, S23: under which name mail goes out, and what the other provider makes of it."""

import re

import clients
import names
from names import COMPANY, DYNAMIC, FOREIGN_MX, FOREIGN_USER, OTHER, PROVIDER
from peers.lib import maildir
from peers.lib.proc import until
from story import require, row

_HANAKO, _NATSU, _NANAKO = f"hanako@{PROVIDER}", f"natsu@{PROVIDER}", f"nanako@{PROVIDER}"


def judged(story, address, message_id):
    """What the other provider finds in its mailbox: the message, and mailauth's verdict by its DNS."""
    box = story.outsiders.other_mx.mailbox(address)
    read = maildir.wait(box, message_id, 20)
    verdict = clients.judge(FOREIGN_MX, maildir.find(box, message_id))
    require("spf" in verdict, f"mailauth: {verdict}")
    return read, verdict


def refused_as(story, address):
    options = clients.starttls_auth(_NATSU, story.authority)
    letter = clients.swaks(DYNAMIC, names.SMTP, address, "friend@example.org", *options, port=587)
    require(not letter.sent and letter.has(r"<.* 553 5\.7\.1"), f"as {address}: {letter.text[-400:]}")
    return letter.line(r"<.* 553 ")


def code_mail(story, address):
    """The link in the mail that only the address's owner reads."""
    def found():
        for path in maildir.files(story.outsiders.other_mx.mailbox(address)):
            text = maildir.read(path).get_content().replace("\r\n", "\n")
            link = re.search(r"^https?://\S+/sendas\?code=\S+$", text, re.M)
            if link:
                return link.group(0)
        return None

    return until(f"the code for {address}", found, 20)


def prove(link):
    """Opened in the hotel's browser and confirmed; the page's text."""
    status, page = clients.fetch(FOREIGN_USER, link, language="en")
    form = re.search(r'method="post" action="([^"]+)"', page)
    require(status == 200 and form, f"{link}: {status} {page[:300]}")
    action = form.group(1).replace("&amp;", "&")
    status, page = clients.fetch(FOREIGN_USER, f"http://{names.GUIDE}{action}", "-X", "POST", language="en")
    require(status == 200, f"POST {action}: {status} {page[:300]}")
    return page


@row("S19", "an address elsewhere, proven by its owner, and what becomes of its mail")
def send_as(story):
    boss, suzuki = f"boss@{COMPANY}", f"suzuki@{OTHER}"
    evidence = [f"before: {refused_as(story, boss)}"]
    told = story.provider.cli("account", "sendas", "add", _NATSU, boss, "--json")
    require((told["outlook"], told["spf"], told["proven"]) == ("passes", "pass", False), f"told of {boss}: {told}")
    refused_as(story, boss)
    link = code_mail(story, boss)
    page = prove(link)
    require(boss in page, f"the page after the code: {page[:300]}")
    evidence.append(f"the code came into {boss}'s mailbox at {names.OTHER_MX}, and its link was confirmed: {link.split('=')[0]}=...")
    letter = story.submit(DYNAMIC, _NATSU, boss, "friend@example.org")
    read, verdict = judged(story, "friend@example.org", letter.message_id)
    require(boss in read["From"] and boss in read["Return-Path"], f"{read['From']} {read['Return-Path']}")
    results = verdict["spf"]["result"], verdict["dmarc"]["result"]
    require(results == ("pass", "pass"), f"the other provider's verdict: {verdict}")
    evidence.append(f"told {told['outlook']}, and it arrives: spf={results[0]} ({verdict['spf']['domain']}), dmarc={results[1]}")
    # The domain of the other one says that mail by us is to be rejected: told before, not after.
    text = story.provider.cli("account", "sendas", "add", _NATSU, suzuki).stdout
    require("will be rejected" in text and f"{names.OTHER_SMTP}, port 465" in text, f"sendas add: {text}")
    prove(code_mail(story, suzuki))
    letter = story.submit(DYNAMIC, _NATSU, suzuki, "friend@example.org")
    _, verdict = judged(story, "friend@example.org", letter.message_id)
    require(verdict["dmarc"]["result"] == "fail" and verdict["dmarc"]["policy"] == "reject", f"{suzuki}: {verdict}")
    said = next(line.strip() for line in text.splitlines() if "will be rejected" in line)
    evidence.append(f"{suzuki}: told \"{said[:110]}\"; seen there: dmarc=fail p=reject")
    until("the warning", lambda: _warning(story), 15)
    evidence.append(f"and warned in her mailbox: {_warning(story)}")
    story.provider.cli("account", "sendas", "remove", _NATSU, boss)
    evidence.append(f"taken away: {refused_as(story, boss)}")
    return evidence


def _warning(story):
    for path in maildir.files(story.provider.maildir):
        read = maildir.read(path)
        if read["Auto-Submitted"] == "auto-generated" and names.OTHER_SMTP in str(read.get_content()) and "natsu" in str(read["To"]):
            return read["Subject"]
    return None


@row("S20", "what leaves is signed, and passes DKIM, SPF and DMARC elsewhere")
def signed(story):
    keys = story.provider.publish_keys()
    evidence = [f"sekisho dns: {', '.join(key['name'] for key in keys)} published; dkim list: signing"]

    def passed():
        # The role looks at its keys again at the first check after they sign.
        letter = story.submit(DYNAMIC, _HANAKO, _HANAKO, "boss@example.com")
        read, verdict = judged(story, "boss@example.com", letter.message_id)
        return (read, verdict) if read["DKIM-Signature"] else None

    read, verdict = until("a signed letter", passed, 20, step=1)
    results = [(one["result"], one["domain"]) for one in verdict["dkim"]]
    require(results == [("pass", PROVIDER)] * len(keys), f"mailauth: {verdict}")
    require(verdict["spf"]["result"] == "pass" and verdict["dmarc"]["result"] == "pass", f"mailauth: {verdict}")
    evidence.append(
        f"mailauth at {FOREIGN_MX.ns} by DNS: " + ", ".join(f"dkim=pass {one['selector']} ({one['algorithm']})" for one in verdict["dkim"])
        + f", spf={verdict['spf']['result']}, dmarc={verdict['dmarc']['result']}"
    )
    found = [" ".join(field.split()) for field in read.get_all("Authentication-Results")]
    require(any("dkim=pass" in field and f"header.d={PROVIDER}" in field for field in found), f"opendkim: {found}")
    evidence.append(f"opendkim behind the other Postfix, at DATA: {next(f for f in found if 'dkim=pass' in f)[:120]}")
    # Changed on the way it passes nowhere: what says pass above can say fail.
    path = maildir.find(story.outsiders.other_mx.mailbox("boss@example.com"), read["Message-ID"])
    with open(path, "rb") as file:
        content = file.read()
    changed = story.scratch + "/changed"
    with open(changed, "wb") as file:
        file.write(content.replace(b"starts with a dot", b"starts with a lie"))
    verdict = clients.judge(FOREIGN_MX, changed)
    require(verdict["dkim"] and all(one["result"] != "pass" for one in verdict["dkim"]), f"changed: {verdict}")
    evidence.append(f"one word changed: dkim={verdict['dkim'][0]['result']}, {verdict['dkim'][0]['comment']}")
    return evidence


@row("S23", "sent on to another provider under our name; a bounce finds its way back")
def forwarded(story):
    story.provider.publish_keys()
    author, friend, moved = f"suzuki@{OTHER}", f"friend@{OTHER}", f"moved@{OTHER}"
    story.provider.cli("account", "forward", "set", _NANAKO, friend, "--no-copy")
    options = clients.starttls_auth(author, story.authority)

    def write():
        letter = clients.swaks(FOREIGN_USER, names.OTHER_SMTP, author, _NANAKO, *options, port=587)
        require(letter.sent, f"suzuki by her own provider: {letter.text[-300:]}")
        return letter.message_id

    identity = write()
    read, verdict = judged(story, friend, identity)
    sender = read["Return-Path"].strip("<> ")
    require(re.fullmatch(rf"SRS0=\S+={re.escape(OTHER)}=suzuki@{re.escape(PROVIDER)}", sender), f"Return-Path: {sender}")
    require((verdict["spf"]["result"], verdict["spf"]["domain"]) == ("pass", PROVIDER), f"mailauth: {verdict}")
    require(verdict["arc"]["result"] == "pass", f"the seal: {verdict}")
    shown = story.provider.cli("srs", "show", sender).stdout.strip()
    require(shown == author, f"srs show: {shown}")
    evidence = [
        f"{author} -> {_NANAKO} -> {friend}: Return-Path {sender}",
        f"seen there: spf=pass ({PROVIDER}), arc=pass i={verdict['arc']['instance']}; srs show: {shown}",
    ]
    # Taken there, and found to lead nowhere only after that: their notice comes to us.
    story.provider.cli("account", "forward", "set", _NANAKO, moved, "--no-copy")
    identity = write()
    back = until("the bounce in the author's mailbox", lambda: _bounce(story, author, identity), 30, step=0.2)
    require("MAILER-DAEMON@" + names.OTHER_MX in str(back["From"]), f"whose notice: {back['From']}")
    require(any(f"by {names.MX}" in field for field in back.get_all("Received")), f"not by us: {back.get_all('Received')}")
    evidence.append(f"bounce of {moved} by {names.OTHER_MX} to SRS0=...@{PROVIDER}, by us to {author}: {back['Subject']}")
    forged = sender.replace("=suzuki@", "=boss@")
    letter = clients.swaks(names.FOREIGN_SERVER, names.MX, "<>", forged)
    require(not letter.sent and letter.has(r"<.* 550 5\.7\.1"), f"a forged one: {letter.text[-300:]}")
    evidence.append(f"forged: {letter.line(r'<.* 550 ')}")
    story.provider.cli("account", "forward", "remove", _NANAKO)
    return evidence


def _bounce(story, address, identity):
    for path in maildir.files(story.outsiders.other_mx.mailbox(address)):
        read = maildir.read(path)
        if read.get_content_type() == "multipart/report" and identity in read.as_string():
            return read
    return None
