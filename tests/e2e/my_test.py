"""The subscriber's own page of the real binary: what is done there holds at the mail server, and the other way round."""
import re
import smtplib

from harness import Sekisho, main, message, wait_for
from my_pages import Browser

NEW = "another long passphrase"


def can_log_in(s, login, password):
    session = s.submit()
    try:
        session.login(login, password)
        return True
    except smtplib.SMTPAuthenticationError:
        return False
    finally:
        session.quit()


def what_is_done_here_holds_at_the_mail_server():
    with Sekisho() as s:
        taro = s.account()
        s.start()
        browser = Browser(s)
        assert browser.open("/my")[0] == 200
        status, text = browser.sign_in(taro, "wrong")
        assert status == 403 and "wrong" in text, (status, text)
        status, text = browser.sign_in(taro, s.password)
        assert status == 200 and "Sign out everywhere" in text, (status, text)

        status, text = browser.act("/en/my/devices", "/devices", do="add", name="phone")
        made = re.search(r'class="reference">([a-z0-9-]+)<', text)[1]
        with s.submit() as session:
            session.login(taro, made)
            session.sendmail(taro, ["hanako@elsewhere.example"], message("by phone", "hanako@elsewhere.example"))
        assert Browser(s).sign_in(taro, made)[0] == 403, "an app password doesn't open the page"
        page = wait_for("the message and the login to be shown", lambda: (
            t := browser.open("/en/my")[1]) and "hanako@elsewhere.example" in t and "with the password for" in t and t)
        assert "Recipients a day" in page or "Recipients an hour" in page, "the use of limits, asked of the mail role"
        assert "wrong password" in page and "mail program" in page

        other = Browser(s)
        assert other.sign_in(taro, s.password)[0] == 200
        status, text = browser.act("/en/my/password", "/password", current=s.password, new=NEW, again=NEW)
        assert status == 200 and "The password is changed" in text, text
        assert "id=\"password\"" in other.open("/en/my")[1], "the other session has ended"
        assert can_log_in(s, taro, NEW) and not can_log_in(s, taro, s.password)
        assert can_log_in(s, taro, made), "app passwords stay"
        browser.act("/en/my/devices", "/devices", do="revoke", name="phone")
        assert not can_log_in(s, taro, made)

        s.cli("account", "disable", taro, "--reason", "misuse")
        assert "id=\"password\"" in browser.open("/en/my")[1]
        rows = s.json("events", "--account", taro)
        assert {"password changed on my page", 'app password "phone" made on my page', 'app password "phone" revoked on my page'} <= {
            e.get("detail") for e in rows}, rows
        for secret in (s.password, NEW, made):
            assert secret not in s.log("mail") + s.log("desk")


def a_link_of_support_opens_once():
    with Sekisho() as s:
        taro = s.account()
        s.start()
        assert "no account" in s.cli("account", "link", "nobody@example.net", code=1).lower()
        link = s.json("account", "link", taro)["link"]
        path = link[link.index("/", 8):]
        token = path.partition("token=")[2]
        browser = Browser(s)
        assert token.encode() not in (s.folder / "sekisho.db").read_bytes()
        browser.open(path)
        status, text = browser.act(path.replace("/ja/", "/en/"), "/link", token=token)
        assert status == 200 and taro in text, text
        status, text = browser.act("/en/my/password", "/password", new=NEW, again=NEW)
        assert status == 200 and can_log_in(s, taro, NEW), text
        assert Browser(s).act(path.replace("/ja/", "/en/"), "/link", token=token)[0] == 403
        details = [e.get("detail", "") for e in s.json("events", "--account", taro)]
        assert any(d.startswith("a link to my page made by") for d in details), details
        assert any(d.startswith("signed in to my page by the link of") for d in details), details


def who_chose_so_sends_nothing_from_abroad():
    with Sekisho() as s:  # whose networks 127.0.0.1 isn't of
        taro = s.account()
        s.start()
        browser = Browser(s)
        browser.sign_in(taro, s.password)
        with s.submit(taro) as session:
            assert session.mail(taro)[0] == 250
        with s.submit(taro) as session:
            assert "nothing is sent for your account" in browser.act("/en/my", "/abroad", stays_home="1")[1]
            wait_for("a running session to be refused", lambda: session.mail(taro)[0] == 550 or session.rset() and None)
        assert {e["rule"] for e in s.json("events", "--account", taro, "--kind", "refused")} == {"abroad"}
        # Whoever comes from abroad learns nothing of the password.
        assert not can_log_in(s, taro, s.password)
        last = s.json("events", "--account", taro, "--kind", "login-refused")[0]
        assert "from abroad, which its owner doesn't want" in last["detail"] and ": 535 5.7.8 " in last["detail"], last
        assert browser.act("/en/my", "/abroad", stays_home="0")[0] == 403, "from another network"
        link = s.json("account", "link", taro)["link"]
        path = link[link.index("/", 8):]
        browser.act(path.replace("/ja/", "/en/"), "/link", token=path.partition("token=")[2])
        assert browser.act("/en/my", "/abroad", stays_home="0")[0] == 200, "by a link of support"
        with s.submit(taro) as session:
            assert session.mail(taro)[0] == 250


def guessing_here_and_there_is_one_count():
    with Sekisho(mail="login_failures_per_hour = 4") as s:
        taro = s.account()
        s.start()
        browser = Browser(s)
        for n in range(2):
            assert browser.sign_in(taro, f"wrong {n}")[0] == 403
            assert not can_log_in(s, taro, f"bad {n}")
        status, text = browser.sign_in(taro, s.password)
        assert status == 429 and "too many wrong passwords" in text, (status, text)


main([what_is_done_here_holds_at_the_mail_server, a_link_of_support_opens_once, who_chose_so_sends_nothing_from_abroad, guessing_here_and_there_is_one_count])
