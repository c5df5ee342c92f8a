"""S21, S22: who misuses an account, and who knocks at port 25."""

import re
import smtplib

import clients
import names
from names import CABLE, DYNAMIC, FOREIGN_SMTP, MAIL, PROVIDER, SHOP, SHOP_SERVER, VICTIMS
from peers.lib.proc import until
from rows.inbound import known
from story import require, row

_HANAKO, _NATSU, _NANAKO = f"hanako@{PROVIDER}", f"natsu@{PROVIDER}", f"nanako@{PROVIDER}"
# Small numbers, so that a bot of eight addresses is enough for every stage.
_SLOW = 10
_CONDUCT = f"""
[conduct]
mode = "enforce"
network_v4 = 32
networks_max = 2
network_points = 10
strangers_max = 5
stranger_points = 5
slow_at = 20
hold_at = 50
suspend_at = 90
password_at = 1000
slow_recipients_per_hour = {_SLOW}
abuse_mail = "kuro@{PROVIDER}"
"""
_STAGES = ["normal", "slow", "hold", "suspended"]


def _stolen(story):
    """The bot: from address after address, to strangers. (stages, mails, networks, what it was answered last)"""
    stages, answer, sessions = ["normal"], "", {}
    for turn in range(28):
        source = f"203.0.113.{208 + turn % 8}"
        try:
            if source not in sessions:
                sessions[source] = clients.logged_in(VICTIMS, _NATSU, story.authority, source)
            to = f"victim{turn}@{names.ANYBODY}"
            text = clients.message(_NATSU, to, clients.message_id("stolen")).replace("\n", "\r\n")
            sessions[source].sendmail(_NATSU, [to], text.encode(), mail_options=["BODY=8BITMIME"])
        except (smtplib.SMTPException, OSError) as error:
            answer = str(error)
        now = story.provider.cli("conduct", "show", _NATSU, "--json")["stage"]
        if now != stages[-1]:
            stages.append(now)
        if now == "suspended":
            break
    for session in sessions.values():
        session.close()
    return stages, turn + 1, len(sessions), answer


def _at_victims(story):
    """Recipients of what the victims' servers took."""
    found = set()
    for path in story.outsiders.victims.messages():
        with open(path, errors="replace") as file:
            found |= {line.split("<")[1].split(">")[0] for line in file if line.startswith("X-Rcpt-Args: <")}
    return found


def _queue(story):
    """Recipient -> why it is held, of what natsu's account sent."""
    rows = story.provider.cli("queue", "list", "--account", _NATSU, "--json")
    return {to["address"]: one["hold_reason"] for one in rows if one["state"] == "held" for to in one["recipients"]}


def _slowed(story):
    """Another account is seen in five networks and writes to one friend only: slow, and no more than that."""
    for last in range(216, 221):
        session = clients.logged_in(VICTIMS, _NANAKO, story.authority, f"203.0.113.{last}")
    now = story.provider.cli("conduct", "show", _NANAKO, "--json")
    require(now["stage"] == "slow", f"five networks: {now}")
    with session:
        session.ehlo()
        session.mail(_NANAKO)
        answers = [session.rcpt("friend@example.org") for _ in range(_SLOW + 1)]
    codes = [code for code, _ in answers]
    require(codes[:-1] == [250] * _SLOW and codes[-1] // 100 == 4, f"slow: {answers}")
    story.provider.cli("conduct", "undo", _NANAKO, "--reason", "she travels")
    return f"{_NANAKO}, from five networks: slow, {_SLOW} recipients taken, then {codes[-1]} {answers[-1][1].decode()[:110]}"


@row("S21", "a stolen password: slowed, held, suspended; and the neighbour sends on")
def stolen(story):
    provider = story.provider
    with provider.settings(more=_CONDUCT):
        stages, mails, networks, answer = _stolen(story)
        seen = provider.cli("conduct", "show", _NATSU).stdout
        require(stages == _STAGES, f"stages: {stages}, {mails} mails from {networks} networks, last {answer}: {seen}")
        steps = provider.wait_events("every stage in the journal", lambda e: len(e) >= 3, "--account", _NATSU, "--kind", "conduct-changed")
        evidence = [f"{mails} mails from {networks} networks: {' -> '.join(stages)}", f"journal: {steps[-1]['detail'][:120]}"]
        options = clients.starttls_auth(_NATSU, story.authority)
        evidence.append(_slowed(story))
        late = clients.swaks(VICTIMS, names.SMTP, _NATSU, f"late@{names.ANYBODY}", *options, port=587)
        require(not late.sent and late.has(r"<.* 525 5\.7\.13"), f"suspended: {late.text[-400:]}")
        evidence.append(f"the bot, even with the right password: {late.line(r'<.* 525 ')}")
        held = _queue(story)
        require(held and all(why.startswith("conduct: ") for why in held.values()), f"queue: {held}")
        require(not set(held) & _at_victims(story), "what is held was delivered")
        why = provider.cli("why", _NATSU, "--json")
        require(why["cause"].startswith("It may not send: ") and "sekisho conduct undo" in why["do"], f"why: {why}")
        evidence.append(f"why {_NATSU}: {why['cause'][:130]}")
        # Whose password is not stolen sends on, from the very line of the account's owner.
        letter = story.submit(DYNAMIC, _HANAKO, _HANAKO, "friend@example.org")
        story.at_other("friend@example.org", letter.message_id)
        neighbour = provider.cli("conduct", "show", _HANAKO, "--json")
        require(neighbour["stage"] == "normal" and neighbour["score"] < 20, f"the neighbour: {neighbour}")
        evidence.append(f"{_HANAKO} on the same line {DYNAMIC.line}: stage normal, {letter.message_id} arrived")
        provider.cli("conduct", "undo", _NATSU, "--reason", "password changed")
        until("the held mail to go out", lambda: set(held) <= _at_victims(story), 20, step=0.2)
        again = story.submit(DYNAMIC, _NATSU, _NATSU, "friend@example.org")
        evidence.append(f"conduct undo: {len(held)} held messages went out, and {again.message_id} at once")
    return evidence


def _explained(story, address, helo, sender):
    return story.provider.cli("peer", "explain", address, "--helo", helo, "--from", sender, "--json")


@row("S22", "who connects to 25: a server passes, a line is refused, the unknown comes again")
def connecting(story):
    with story.provider.settings(mail='greylist = "on"\ngreylist_delay = "2s"'):
        return _server(story) + _line(story) + _unknown(story)


def _server(story):
    options = clients.starttls_auth("suzuki@example.org", story.authority)
    letter = clients.swaks(names.FOREIGN_USER, names.OTHER_SMTP, "suzuki@example.org", _HANAKO, *options, port=587)
    require(letter.sent, f"suzuki by her own provider: {letter.text[-300:]}")
    story.at_home(letter.message_id)
    told_later = story.outsiders.other_smtp.log_lines("450 4.7.1", names.MX)
    require(not told_later, f"a server was told to come again: {told_later[-1:]}")
    seen = _explained(story, FOREIGN_SMTP.ip4, names.OTHER_SMTP, "suzuki@example.org")
    require(seen["opinion"] == "server", f"peer explain: {seen}")
    return [f"peer explain {FOREIGN_SMTP.ip4}: {seen['opinion']} ({seen['score']:+d}); its mail {letter.message_id} taken at once"]


def _line(story):
    letter = clients.swaks(CABLE, MAIL.ip4, "a@example.org", _HANAKO, "--helo", "pc")
    require(not letter.sent, f"a foreign line: {letter.text[-300:]}")
    line = letter.line(r"<.* 550 5\.7\.1 ")
    found = re.search(r"\(reference (\w+)\)", line)
    require(found, f"no reference: {letter.text[-400:]}")
    reference = found.group(1)
    events = known(story, reference)
    require(events[0]["address"] == CABLE.ip4, f"reference {reference}: {events[0]}")
    why = story.provider.cli("why", reference, "--json")
    seen = _explained(story, CABLE.ip4, "pc", "a@example.org")
    kinds = {one["kind"]: one["weight"] for one in seen["reasons"]}
    require(seen["opinion"] == "client" and kinds.get("name_dynamic", 0) < 0, f"peer explain: {seen}")
    return [
        f"a dynamic line that no class names: {line[:120]}",
        f"reference {reference}: {events[0]['kind']}, {why['cause'][:100]}",
        f"peer explain {CABLE.ip4}: {seen['opinion']} ({seen['score']:+d}), {', '.join(f'{k} {w:+d}' for k, w in kinds.items())}",
    ]


def _unknown(story):
    sender, helo = f"owner@{SHOP}", f"mail.{SHOP}"
    seen = _explained(story, SHOP_SERVER.ip4, helo, sender)
    require(seen["opinion"] == "unknown", f"peer explain: {seen}")
    shop = story.outsiders.shop
    first = clients.message_id("shop")
    shop.send(sender, _HANAKO, clients.message(sender, _HANAKO, first))
    story.at_home(first, 30)
    later = shop.log_lines("status=deferred", "450 4.7.1")
    require(later, f"it was not told to come again: {shop.log_lines('status=')[-2:]}")
    second = clients.message_id("shop")
    shop.send(sender, f"saburo@{PROVIDER}", clients.message(sender, f"saburo@{PROVIDER}", second))
    story.at_home(second)
    require(len(shop.log_lines("status=deferred", "450 4.7.1")) == len(later), "told again although it came again")
    return [
        f"peer explain {SHOP_SERVER.ip4}: {seen['opinion']} ({seen['score']:+d})",
        f"real Postfix there: {later[0].split('said: ')[-1][:110]}",
        f"it came again by itself: {first} arrived; its next one {second} at once",
    ]
