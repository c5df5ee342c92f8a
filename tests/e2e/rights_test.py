"""Who may send as whom: addresses, whole domains, aliases, delegates; told by the command line, the API and the subscriber's page."""
import email
import email.policy
import smtplib

from harness import Sekisho, main, message, wait_for

TARO, BOSS, HANAKO = "taro@example.net", "boss@example.net", "hanako@example.net"


def sends(s, login, author, envelope=None):
    with s.submit(login) as session:
        try:
            session.sendmail(envelope or author, [HANAKO], message("x", to=HANAKO, sender=author))
            return 250
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            return error.smtp_code


def changes(s, account):
    return [e["detail"] for e in s.json("events", "--account", account, "--kind", "account-changed")]


def a_domain_is_for_sending():
    with Sekisho(mail='from_check = "enforce"\nfrom_unaligned = "allow"\n') as s:
        s.account(TARO, "--domain", "shop.example")
        s.account(HANAKO)
        s.start("mail")
        assert sends(s, TARO, TARO) == 250
        assert sends(s, TARO, "anything@shop.example") == 250
        assert sends(s, TARO, "x@sub.shop.example") == 553
        assert sends(s, TARO, "x@shop.example.org") == 553
        assert sends(s, TARO, HANAKO, envelope="x@shop.example") == 550, "From is looked at as well"
        assert sends(s, HANAKO, "anything@shop.example") == 553
        # It is for sending: nothing is received by it, and it is one account's.
        assert "@shop.example" in s.cli("account", "set", HANAKO, "--domain", "shop.example", code=1)
        assert s.json("account", "show", TARO)["domains"] == ["shop.example"]
        told = s.json("account", "set", TARO, "--address", TARO, "--address", "@EXAMPLE.net")
        assert (told["addresses"], told["domains"]) == ([TARO], ["example.net"]), told
        assert sends(s, TARO, "printer@example.net") == 250, "a domain of ours"
        with s.submit(HANAKO) as session:
            session.ehlo()
            assert session.mail(HANAKO)[0] == 250
            assert session.rcpt("printer@example.net")[0] == 550, "who has a domain receives nothing by it"
        s.cli("account", "set", TARO, "--no-domains", "--name", "Taro")
        assert sends(s, TARO, "printer@example.net") == 553
        assert s.json("account", "show", TARO)["name"] == "Taro"
        assert "nothing to set" in s.cli("account", "set", TARO, code=2)
        assert "is not a domain" in s.cli("account", "set", TARO, "--domain", "-x", code=2)
        assert any("domains shop.example" in one or "domains example.net" in one for one in changes(s, TARO)), changes(s, TARO)


def who_gets_an_aliases_mail_may_answer_as_it():
    with Sekisho(mail='from_check = "enforce"\nfrom_unaligned = "allow"\n') as s:
        s.account(TARO)
        s.account(HANAKO)
        s.start("mail")
        assert sends(s, TARO, "sales@example.net") == 553
        s.cli("alias", "add", "sales@example.net", TARO, "partner@else.test")
        s.cli("alias", "add", "office@example.net", "sales@example.net")
        s.cli("alias", "add", "@example.net", TARO)
        assert sends(s, TARO, "sales@example.net") == 250
        assert sends(s, TARO, "office@example.net") == 250, "by way of another"
        assert sends(s, TARO, "anybody@example.net") == 553, "a catch-all lets nobody be everybody"
        assert sends(s, HANAKO, "sales@example.net") == 553
        assert s.json("account", "show", TARO)["rights"]["aliases"] == ["sales@example.net", "office@example.net"]
        s.cli("alias", "remove", "sales@example.net")
        assert sends(s, TARO, "sales@example.net") == 553


def a_delegate_sends_as_its_owner_until_either_goes():
    with Sekisho(mail='from_check = "enforce"\nfrom_unaligned = "allow"\n') as s:
        for login in (TARO, HANAKO):
            s.account(login)
        s.account(BOSS, "--address", BOSS, "--address", "director@example.net", "--domain", "boss.example")
        s.start("mail", "desk")
        assert sends(s, TARO, BOSS) == 553
        s.cli("account", "delegate", "add", BOSS, TARO)
        assert "already" in s.cli("account", "delegate", "add", BOSS, TARO, code=1)
        assert "no account" in s.cli("account", "delegate", "add", BOSS, "nobody@example.net", code=1)
        assert "its own addresses anyway" in s.cli("account", "delegate", "add", BOSS, BOSS, code=2)
        for his in (BOSS, "director@example.net", "x@boss.example", TARO):
            assert sends(s, TARO, his) == 250, his
        assert sends(s, HANAKO, BOSS) == 553 and sends(s, BOSS, TARO) == 553, "the right has one direction"
        listed = s.json("account", "delegate", "list", TARO)
        assert [(one["owner"], one["delegate"]) for one in listed] == [(BOSS, TARO)], listed
        shown = s.json("account", "show", TARO)["rights"]["delegated"]
        assert {"address": "director@example.net", "owner": BOSS} in shown, shown
        assert TARO in s.cli("account", "show", BOSS)
        rights = s.json("account", "sendas", "list", TARO)["rights"]
        assert {"address": "@boss.example", "owner": BOSS} in rights["delegated"], rights
        assert any(f"delegate {TARO}: allowed" in one for one in changes(s, BOSS)), changes(s, BOSS)
        assert any(f"may send as {BOSS}: allowed" in one for one in changes(s, TARO)), changes(s, TARO)
        # An owner who may not send lends nothing.
        s.cli("account", "disable", BOSS)
        assert sends(s, TARO, BOSS) == 553
        s.cli("account", "enable", BOSS)
        # A session that runs on loses the right with the next mail.
        with s.submit(TARO) as session:
            session.ehlo()
            assert session.mail(BOSS)[0] == 250
            session.rset()
            s.cli("account", "delegate", "remove", BOSS, TARO)
            wait_for("the session to see it", lambda: session.mail(BOSS)[0] == 553 or session.rset()[0] != 250)
        assert "no delegate" in s.cli("account", "delegate", "remove", BOSS, TARO, code=1)
        s.cli("account", "delegate", "add", BOSS, TARO)
        s.cli("account", "delegate", "add", HANAKO, TARO)
        s.cli("account", "remove", BOSS)
        assert [one["owner"] for one in s.json("account", "delegate", "list", TARO)] == [HANAKO]
        s.cli("account", "remove", TARO)
        assert s.json("account", "delegate", "list", HANAKO) == []


def the_page_says_what_may_be_used():
    from my_pages import Browser
    with Sekisho() as s:
        s.account(TARO, "--domain", "shop.example")
        s.account(BOSS)
        s.cli("account", "delegate", "add", BOSS, TARO)
        s.cli("alias", "add", "sales@example.net", TARO)
        s.start("mail", "desk")
        browser = Browser(s)
        page = browser.sign_in(TARO, s.password)[1]
        for shown in ("@shop.example", "sales@example.net", BOSS):
            assert shown in page, (shown, page)


def notices_are_in_the_language_of_the_account():
    with Sekisho(extra='[conduct]\nmode = "enforce"\n') as s:
        s.account(TARO, "--language", "en")
        assert "--language" in s.cli("account", "set", TARO, "--language", "de", code=None)
        assert s.json("account", "show", TARO)["language"] == "en"
        s.start("mail")

        def notice(count):
            files = wait_for("a notice", lambda: (lambda all: all if len(all) == count else None)(s.mailbox()))
            mail = email.message_from_bytes(max(files, key=lambda p: p.stat().st_mtime_ns).read_bytes(), policy=email.policy.default)
            return mail["Subject"] + mail.get_content()

        def japanese(text):
            return any("\u3040" <= c <= "\u30ff" for c in text)

        s.cli("account", "suspend", TARO, "--reason", "test")
        first = notice(1)
        assert "may not send" in first and not japanese(first), first
        s.cli("account", "set", TARO, "--language", "ja")
        s.cli("conduct", "undo", TARO, "--reason", "test")
        second = notice(2)
        assert japanese(second) and "Thank you" not in second, second
        s.cli("account", "set", TARO, "--language", "both")
        s.cli("account", "suspend", TARO, "--reason", "test")
        third = notice(3)
        assert japanese(third) and "may not send" in third, third


main([a_domain_is_for_sending, who_gets_an_aliases_mail_may_answer_as_it, a_delegate_sends_as_its_owner_until_either_goes,
      the_page_says_what_may_be_used, notices_are_in_the_language_of_the_account])
