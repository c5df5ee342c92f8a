"""S4, S6, S16, S18: the guide as a subscriber sees it, photographed in the subscriber's own network."""

import clients
import names
from names import COMPANY, DYNAMIC, FOREIGN_SMTP, FOREIGN_USER, GUIDE, PROVIDER, ROAMING, STATIC
from peers.lib import dns
from story import require, row

HOME, CHECK, SETTINGS, SETUP = "/", "/check", "/settings", "/setup?address="
PHONE, DESKTOP = 390, 1200


def url(path, language=None):
    join = "&" if "?" in path else "?"
    return f"http://{GUIDE}{path}" + (f"{join}lang={language}" if language else "")


def visit(story, host, pages):
    """Photographs (path, file name, width, language) and asserts that each page is whole."""
    locale = {"ja": "ja-JP", "en": "en-US"}
    shots = [
        {"url": url(path, language), "file": story.picture(name), "width": width, "language": locale[language]}
        for path, name, width, language in pages
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
    home, english, phone, check = visit(
        story,
        DYNAMIC,
        [
            (HOME, "S4-guide-ja", DESKTOP, "ja"),
            (HOME, "S4-guide-en", DESKTOP, "en"),
            (HOME, "S4-guide-phone", PHONE, "ja"),
            (CHECK, "S4-check-dynamic", PHONE, "ja"),
        ],
    )
    for page in (home, phone):
        says(page, "25", "587", names.SMTP, "つばめネット", f"support@{PROVIDER}")
    says(english, "OP25B", "IP25B", "587", names.SMTP, "Tsubame Net")
    evidence.append(f"the guide says why, and both remedies: {home['file']}, {english['file']}, {phone['file']}")
    for host, word in ((DYNAMIC, "subscribers"), (STATIC, "static"), (ROAMING, "roaming")):
        status, body = clients.fetch(host, url(CHECK, "en"))
        own = [address for address in host.addresses() if address in body]
        require(status == 200 and own, f"check from {host.ns} does not show its address: {status} {body[:300]}")
        verdict = story.provider.explain(own[0], names.FOREIGN_MX.ip4)["to_port_25"]
        require(verdict["client_class"] == word, f"explain: {verdict}")
        evidence.append(f"check from {host.ns}: {own[0]}, {word}, {verdict['action']}")
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
    page, check = visit(
        story, DYNAMIC, [(HOME, "S6-remedies", DESKTOP, "en"), (CHECK, "S6-check", DESKTOP, "en")]
    )
    says(page, "587")
    evidence.append(f"the page: {page['file']}, {check['file']}")
    return evidence


@row("S16", "an image of the detailed settings")
def pictures(story):
    phone, desktop, english = visit(
        story,
        DYNAMIC,
        [
            (SETTINGS, "S16-settings-phone", PHONE, "ja"),
            (SETTINGS, "S16-settings-ja", DESKTOP, "ja"),
            (SETTINGS, "S16-settings-en", DESKTOP, "en"),
        ],
    )
    for page in (phone, desktop, english):
        says(page, names.SMTP, "587")
        drawn = [text for text in page["pictures"] if names.SMTP in text and "587" in text]
        require(drawn, f"no picture shows {names.SMTP} and 587: {page['pictures'][:5]}")
    return [
        f"{len(desktop['pictures'])} pictures, made from our names ({names.SMTP}, 587)",
        f"seen: {phone['file']}, {desktop['file']}, {english['file']}",
    ]


@row("S18", "new mail account set-up")
def new_account(story):
    login = f"rokuro@{PROVIDER}"
    made = story.provider.add_account(login, [login], "", "--generate")
    require(len(made.get("password", "")) >= 12, f"account add: {made}")
    page, phone = visit(
        story, DYNAMIC, [(SETUP + login, "S18-setup", DESKTOP, "ja"), (SETUP + login, "S18-setup-phone", PHONE, "ja")]
    )
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
