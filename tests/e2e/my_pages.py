"""A browser without scripts for the subscriber's own page."""
import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request


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
