"""S4, S6, S16, S18: the guide as a subscriber sees it, photographed in the subscriber's own network."""

import clients
import names
from names import COMPANY, DYNAMIC, FOREIGN_SMTP, FOREIGN_USER, GUIDE, PROVIDER, ROAMING, STATIC
from peers.lib import dns
from story import require, row

PHONE, DESKTOP = 390, 1200
# What the check says to the reader of each line; one of them in Japanese.
VERDICTS = [
    (DYNAMIC, "ja/check", "ポート25は止まっています"),
    (DYNAMIC, "en/check", "Port 25 is closed"),
    (ROAMING, "en/check", "Port 25 is closed"),
    (STATIC, "en/check", "Port 25 is open"),
    (FOREIGN_USER, "en/check", "This is not a Tsubame Net line"),
]


def url(page):
    return f"http://{GUIDE}/{page}"


def visit(story, host, pages):
    """Photographs (page, file name, width) and asserts that each page is whole."""
    shots = [
        {"url": url(page), "file": story.picture(name), "width": width, "language": page[:2]}
        for page, name, width in pages
    ]
    answer = clients.photograph(host, shots)
    require("pages" in answer, f"chromium in {host.ns}: {answer.get('error')}")
    for page, shot in zip(answer["pages"], shots):
        require(page["status"] == 200, f"{shot['url']}: {page['status']}")
        require(not page["broken"], f"{shot['url']}: pictures missing: {page['broken']}")
        require(page["overflow"] <= 0, f"{shot['url']} is {page['overflow']} px wider than {shot['width']}")
    return answer["pages"]


def says(page, *words):
    missing = [word for word in words if word not in page["text"]]
    require(not missing, f"{page['file']} does not say {missing}: {page['text'][:400]}")


@row("S4", "from home, mail of a company or another provider no longer leaves")
def explained(story):
    letter = clients.swaks(DYNAMIC, names.OTHER_MX, f"hanako@{COMPANY}", "boss@example.com")
    require(not letter.sent and letter.has("refused"), f"the company's mail on 25: {letter.text[-300:]}")
    evidence = [f"{letter.line('refused')} (before: {story.before['letter']} arrived)"]
    pages = [
        ("ja/op25b", "S4-op25b-ja", DESKTOP),
        ("ja/remedies", "S4-remedies-ja-phone", PHONE),
        ("en/op25b", "S4-op25b-en", DESKTOP),
        ("en/remedies", "S4-remedies-en", DESKTOP),
        ("ja/", "S4-start-ja-phone", PHONE),
    ]
    op25b, remedies, op25b_en, remedies_en, start = visit(story, DYNAMIC, pages)
    for page in (op25b, remedies, start):
        says(page, "25", "587", "つばめネット")
    says(op25b_en, "mail of your company or of another provider may not be sent", "Tsubame Net")
    says(remedies_en, "Way 1", "Way 2", names.SMTP, "587")
    says(remedies, names.SMTP)
    evidence.append("why, and both remedies: " + ", ".join(p["file"] for p in (op25b, remedies_en, start)))
    return evidence + own_case(story)


def own_case(story):
    """The check, opened on each kind of line, says what is true for that line."""
    evidence = []
    for host, page, verdict in VERDICTS:
        name = f"S4-check-{host.name}-{page[:2]}"
        seen, _ = visit(story, host, [(page, name, DESKTOP), (page, f"{name}-phone", PHONE)])
        own = [address for address in host.addresses() if address in seen["text"]]
        require(own, f"{seen['file']} does not show the reader's address: {seen['text'][:400]}")
        says(seen, verdict)
        rule = story.provider.explain(own[0], names.FOREIGN_MX.ip4)["to_port_25"]
        evidence.append(f"check from {host.ns} {own[0]} ({rule['client_class']}): {verdict}: {seen['file']}")
    status, body = clients.fetch(DYNAMIC, url("en/check"))
    strangers = [h.ip4 for h in names.SUBSCRIBERS if h is not DYNAMIC and h.ip4 in body]
    require(status == 200 and not strangers, f"{DYNAMIC.ns} is shown what belongs to {strangers}")
    return evidence


@row("S6", "remedy 1: the provider that manages the address")
def other_provider(story):
    answer, flags = dns.dig(DYNAMIC.ns, names.CORE.ip4, f"_submission._tcp.{COMPANY}", "SRV", flags=True)
    require(answer and names.OTHER_SMTP in answer[0] and "ad" in flags, f"SRV: {answer} {flags}")
    evidence = [f"SRV of {COMPANY}, validated: {answer[0]}"]
    login = f"hanako@{COMPANY}"
    for destination in FOREIGN_SMTP.addresses():
        options = clients.starttls_auth(login, story.authority)
        letter = clients.swaks(DYNAMIC, destination, login, "boss@example.com", *options, port=587)
        require(letter.sent, f"the company's own submission server: {letter.text[-400:]}")
        story.at_other("boss@example.com", letter.message_id)
        evidence.append(f"{login} by {destination}:587: {letter.message_id} arrived")
    pages = [("en/remedies", "S6-remedies", DESKTOP), (f"en/setup?address={login}", "S6-setup", DESKTOP)]
    page, setup = visit(story, DYNAMIC, pages)
    says(page, "Way 1", "ask the company that manages the address", "587")
    says(setup, COMPANY, "is not an address of Tsubame Net")
    evidence.append(f"the guide says so: {page['file']}, for this address {setup['file']}")
    return evidence


@row("S16", "an image of the detailed settings")
def pictures(story):
    pages = [
        ("ja/settings", "S16-settings-ja-phone", PHONE),
        ("ja/settings", "S16-settings-ja", DESKTOP),
        ("en/settings", "S16-settings-en", DESKTOP),
    ]
    phone, desktop, english = visit(story, DYNAMIC, pages)
    for page in (phone, desktop, english):
        says(page, names.SMTP, "587", "465")
        drawn = [text for text in page["pictures"] if names.SMTP in text and ("587" in text or "465" in text)]
        require(len(drawn) >= 2, f"not two pictures show {names.SMTP} and its port: {page['pictures'][:5]}")
    return [
        f"pictures made from our own names: {next(t for t in english['pictures'] if names.SMTP in t)[:120]}",
        f"seen: {phone['file']}, {desktop['file']}, {english['file']}",
    ]


@row("S18", "new mail account set-up")
def new_account(story):
    login = f"rokuro@{PROVIDER}"
    made = story.provider.add_account(login, [login], "", "--generate")
    require(len(made.get("password", "")) >= 12, f"account add: {made}")
    pages = [
        (f"ja/setup?address={login}", "S18-setup-ja", DESKTOP),
        (f"ja/setup?address={login}", "S18-setup-ja-phone", PHONE),
    ]
    page, phone = visit(story, DYNAMIC, pages)
    says(page, login, names.SMTP, "587")
    options = clients.starttls_auth(login, story.authority, password=made["password"])
    letter = clients.swaks(FOREIGN_USER, names.SMTP, login, "friend@example.org", *options, port=587)
    require(letter.sent, f"the new account: {letter.text[-400:]}")
    story.at_other("friend@example.org", letter.message_id)
    reply = clients.swaks(names.FOREIGN_SERVER, names.MX, "friend@lists.example.org", login)
    require(reply.sent, f"mail to the new account: {reply.text[-300:]}")
    story.at_home(reply.message_id)
    return [
        f"account add --generate {login}: a password of {len(made['password'])} characters, shown once",
        f"sends at once: {letter.message_id} arrived; receives: {reply.message_id}",
        f"its own set-up page: {page['file']}, {phone['file']}",
    ]
