"""The subscriber's own page of the real binary: what is done there holds at the mail server, and the other way round."""
import http.cookiejar
import re
import smtplib
import urllib.error
import urllib.parse
import urllib.request

from harness import Sekisho, main, message, wait_for

NEW = "another long passphrase"


class Browser:
    def __init__(self, s):
        self.base = f"http://127.0.0.1:{s.http}"
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def open(self, path, form=None):
        """(status, text) after redirects."""
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        try:
            with self.opener.open(self.base + path, data, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def act(self, page, action, **fields):
        text = self.open(page)[1]
        form = re.search(r'name="form" value="([0-9a-f]+)"', text)[1]
        return self.open(f"/en/my{action}", {"form": form, **fields})

    def sign_in(self, login, password):
        return self.act("/en/my", "/sign-in", login=login, password=password)


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
            e["detail"] for e in rows}, rows
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
        details = [e["detail"] for e in s.json("events", "--account", taro)]
        assert any(d.startswith("a link to my page made by") for d in details), details
        assert any(d.startswith("signed in to my page by the link of") for d in details), details


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


main([what_is_done_here_holds_at_the_mail_server, a_link_of_support_opens_once, guessing_here_and_there_is_one_count])
