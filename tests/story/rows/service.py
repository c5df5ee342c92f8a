"""S24 to S27: accounts that come from elsewhere, what SMTP extensions do, and what stands behind the server."""

import os
import sqlite3
import time
from email.utils import parsedate_to_datetime

import clients
import names
from names import FOREIGN_SERVER, FOREIGN_USER, MAIL, PROVIDER
from peers.lib import dovecot, maildir, rspamd
from peers.lib.proc import run, until
from story import require, row

_HOLD = 6  # seconds
_HANAKO, _SABURO = f"hanako@{PROVIDER}", f"saburo@{PROVIDER}"
_OLD = {  # by what their old hashes are made
    "hachiro": ["doveadm", "pw", "-s", "SSHA", "-p"],
    "kuniko": ["doveadm", "pw", "-s", "MD5-CRYPT", "-p"],
    "toko": ["mkpasswd", "-m", "yescrypt"],
}
_OLD_PASSWORD = "furui-kotoba"


@row("S24", "accounts move in with their old hashes; the first login makes them anew")
def moved_in(story):
    made = {f"{name}@{PROVIDER}": run([*command, _OLD_PASSWORD]).stdout.strip() for name, command in _OLD.items()}
    users = os.path.join(story.scratch, "users")
    rows = [f"{login}:{old}:5000:5000::/nonexistent::\n" for login, old in made.items()]
    with open(users, "w") as file:
        file.writelines([*rows, "no login:{SSHA}x:::::\n"])
    provider = story.provider
    bad = provider.cli("account", "import", users, "--dry-run", check=False)
    said = bad.stdout + bad.stderr
    require(bad.returncode == 1 and f"{users}:{len(rows) + 1}:" in said, f"a wrong row: {said}")
    evidence = [f"dry run: {next(line for line in said.splitlines() if f'{users}:' in line)[:120]}"]
    with open(users, "w") as file:
        file.writelines(rows)
    dry = provider.cli("account", "import", users, "--dry-run").stdout
    require(not set(made) & _hashes(provider).keys(), "a dry run changed something")
    provider.cli("account", "import", users)
    before = _hashes(provider)
    require(all(login in before and "argon2id" not in before[login] for login in made), f"imported: {sorted(before)}")
    evidence.append(f"corrected: {' '.join(dry.split())[:110]}")
    for login, old in made.items():
        options = clients.starttls_auth(login, story.authority, password=_OLD_PASSWORD)
        letter = clients.swaks(FOREIGN_USER, names.SMTP, login, "friend@example.org", *options, port=587)
        require(letter.sent, f"{login}: {letter.text[-400:]}")
        story.at_other("friend@example.org", letter.message_id)
        after = _hashes(provider)[login]
        require(after.startswith("$argon2id$"), f"{login} keeps {after[:12]}")
        evidence.append(f"{login}: {old[:12]}... -> first login {letter.line(r'<.* 235 ')}, arrived; kept as {after[:30]}...")
    events = provider.wait_events("the journal", bool, "--account", next(iter(made)), "--limit", "50")
    require(any("made anew" in e.get("detail", "") for e in events), f"the journal: {events}")
    options = clients.starttls_auth(next(iter(made)), story.authority, password="not-" + _OLD_PASSWORD)
    wrong = clients.swaks(FOREIGN_USER, names.SMTP, _HANAKO, "friend@example.org", *options, port=587, body=False)
    require(wrong.has(r"<.* 535 5\.7\.8"), f"a wrong password: {wrong.text[-300:]}")
    return evidence


def _hashes(provider):
    with sqlite3.connect(f"file:{provider.state}/sekisho.db?mode=ro", uri=True) as database:
        return dict(database.execute("SELECT login, password_hash FROM accounts").fetchall())


@row("S25", "extensions that programs use: sent at a later time, told when it arrived")
def extensions(story):
    options = clients.starttls_auth(_SABURO, story.authority)
    # swaks closes the bracket after what it is given: with ENVID, whose value may hold one, the line is a right one.
    hold = f"{_SABURO}> HOLDFOR={_HOLD} ENVID=later"
    began = time.monotonic()
    letter = clients.swaks(FOREIGN_USER, names.SMTP, hold, "friend@example.org", *options, port=587)
    require(letter.sent and letter.has(r"<.*250[ -]FUTURERELEASE"), f"FUTURERELEASE: {letter.text[-500:]}")
    said = story.provider.cli("queue", "list", "--account", _SABURO).stdout
    # A machine with too much to do asks too late.
    asked = time.monotonic() - began
    require("waiting" in said or asked > _HOLD, f"not in the queue after {asked:.1f} s: {said}")
    evidence = [
        f"{letter.line(r'MAIL FROM')}: {letter.line(r'<.* 250 2[.]1[.]0')}",
        f"queue list after {asked:.1f} s: {' '.join(said.splitlines()[-1].split())[:120]}",
    ]
    # Told by the other provider's Postfix, which our server handed the wish on to.
    told = clients.msmtp(
        FOREIGN_USER, names.SMTP, _SABURO, _SABURO, "suzuki@example.org", story.authority, story.scratch,
        "--dsn-notify=success", "--dsn-return=hdrs",
    )  # fmt: skip
    require(told.sent and told.has("NOTIFY=SUCCESS"), f"msmtp: {told.text[-400:]}")
    notice = until("the notice", lambda: _notice(story, told.message_id), 20, step=0.2)
    require("Action: delivered" in notice, f"the notice: {notice[:600]}")
    who = next(line for line in notice.splitlines() if line.startswith("Reporting-MTA"))
    evidence.append(f"msmtp with NOTIFY=SUCCESS: Action: delivered, {who}")
    arrived = story.at_other("friend@example.org", letter.message_id)
    theirs, ours = [parsedate_to_datetime(field.rsplit(";", 1)[1]) for field in arrived.get_all("Received")[:2]]
    took = (theirs - ours).total_seconds()
    # Both say whole seconds.
    require(took >= _HOLD - 1, f"it was there after {took:.0f} s: {arrived.get_all('Received')}")
    evidence.append(f"{letter.message_id}: taken here at {ours:%T}, by {names.OTHER_MX} at {theirs:%T}")
    return evidence


def _notice(story, identity):
    for path in maildir.files(story.provider.maildir):
        read = maildir.read(path)
        if read.get_content_type() == "multipart/report" and identity in read.as_string():
            return read.as_string().replace("\r\n", "\n")
    return None


@row("S26", "mailboxes in Dovecot: by LMTP, and whom it doesn't know is refused at once")
def mailboxes(story):
    place = os.path.join(story.scratch, "store")
    host = MAIL.v4[1]
    fetch = dovecot.start_store(story.processes, MAIL.ns, place, {_HANAKO: names.PASSWORDS[_HANAKO]}, address=host)
    with story.provider.settings(delivery=f'local = "lmtp"\nlmtp = "{host}:24"'):
        letter = clients.swaks(FOREIGN_SERVER, names.MX, "news@lists.example.org", _HANAKO)
        require(letter.sent, f"to Dovecot: {letter.text[-300:]}")
        text = until("the letter in Dovecot", lambda: fetch(_HANAKO, letter.message_id), 15, step=0.2)
        require(not maildir.find(story.provider.maildir, letter.message_id), "it is in our own Maildir, too")
        nobody = clients.swaks(FOREIGN_SERVER, names.MX, "news@lists.example.org", _SABURO)
        require(not nobody.sent and nobody.has(r"<.* 550 5\.1\.1"), f"no mailbox there: {nobody.text[-300:]}")
    again = clients.swaks(FOREIGN_SERVER, names.MX, "news@lists.example.org", _SABURO)
    require(again.sent, f"back in Maildirs: {again.text[-300:]}")
    story.at_home(again.message_id)
    delivered = next(line for line in text.splitlines() if line.startswith("Delivered-To:"))
    return [
        f"25 -> LMTP -> Dovecot, as doveadm fetch shows it: {letter.message_id} ({delivered.strip()})",
        f"whom Dovecot doesn't know, asked at RCPT: {nobody.line(r'<.* 550 ')}",
        f"and by reload back to Maildirs: {again.message_id}",
    ]


@row("S27", "a filter of others: spam refused on both ways in, the rest marked")
def filtered(story):
    socket = rspamd.start(story.processes, MAIL.ns, os.path.join(story.scratch, "rspamd"))
    milter = f'\n[[milter]]\nname = "rspamd"\nsocket = "{socket}"\nspam_verdicts = true\nconnect_timeout = "10s"\n'
    with story.provider.settings(more=milter):
        until("the milter", lambda: "speaks version" in story.provider.cli("doctor", check=False).stdout, 20, step=0.5)
        options = clients.starttls_auth(_SABURO, story.authority)
        clean = clients.swaks(FOREIGN_SERVER, names.MX, "news@lists.example.org", _SABURO)
        require(clean.sent, f"clean mail: {clean.text[-300:]}")
        story.at_home(clean.message_id)
        outside = clients.swaks(FOREIGN_SERVER, names.MX, "news@lists.example.org", _SABURO, words="X" + rspamd.GTUBE)
        inside = clients.swaks(FOREIGN_USER, names.SMTP, _SABURO, "friend@example.org", *options, port=587, words="X" + rspamd.GTUBE)
        for letter in (outside, inside):
            require(not letter.sent and letter.has(r"<.* 554 5\.7\.1"), f"spam: {letter.text[-400:]}")
        marked = clients.swaks(FOREIGN_SERVER, names.MX, "news@lists.example.org", _SABURO, words="Y" + rspamd.GTUBE)
        require(marked.sent, f"what is to be marked: {marked.text[-300:]}")
        read = story.at_home(marked.message_id)
        require(read["X-Spam"] == "Yes", f"not marked: {read.items()}")
        shown = story.provider.cli("conduct", "show", _SABURO).stdout
        require("rspamd: " in shown, f"its sender's record: {shown}")
    line = next(line.strip() for line in shown.splitlines() if "rspamd: " in line)
    return [
        f"rspamd on 25: {outside.line(r'<.* 554 ')}; on 587: {inside.line(r'<.* 554 ')}",
        f"clean mail passed ({clean.message_id}); marked: X-Spam: {read['X-Spam']}",
        f"counted against the account that sent it: {line[:100]}",
    ]
