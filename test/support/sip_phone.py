"""Phones that register, and registrars that the switch registers at."""

from support.sip import Agent, Caller, Dialog, dashed
from support.sip_message import challenge_of, credentials, unique

FINAL = ("2xx", "3xx", "4xx", "5xx", "6xx")


class Phone(Caller):
    """A device of the terminal `user`; it keeps one Call-ID."""

    def __init__(self, address, switch, user, password="secret", **kwargs):
        super().__init__(address, switch=switch, user=user, **kwargs)
        self.password = password
        self.register_as(user)

    def register_as(self, user):
        """From now on for this user, with a Call-ID of its own."""
        host = "%s:%d" % self.switch
        self.own = Dialog(self, unique("reg-"),
                          f"<sip:{user}@{self.address}>;tag={unique('a')}",
                          f"<sip:{user}@{host}>", self.switch, f"sip:{host}")

    def ask(self, **headers):
        """One REGISTER without credentials, or with those it is given."""
        self.own.invite = self.own.request("REGISTER", dashed(headers))
        return self.own

    def final(self, within=5.0):
        return self.own.expect(FINAL, within)

    def answer_to(self, challenge, password=None, algorithm=None, header=None,
                  **wrong):
        """The header line that answers it."""
        rows = challenge.all("www-authenticate") + \
            challenge.all("proxy-authenticate")
        given = [challenge_of(v) for v in rows]
        row = next(c for c in given if algorithm is None or
                   c.get("algorithm", "MD5") == algorithm)
        header = header or ("Authorization" if challenge.code == 401
                            else "Proxy-Authorization")
        return {header: credentials(
            row, "REGISTER", wrong.pop("uri", self.own.target),
            wrong.pop("username", self.user), password or self.password,
            **wrong)}

    def try_again(self, challenge, password=None, headers=None, **how):
        self.ask(**{**(headers or {}),
                    **self.answer_to(challenge, password, **how)})
        return self.final()

    def register(self, code=200, password=None, **headers):
        """Both requests; expires: value of the header."""
        rows = {k.capitalize(): v for k, v in headers.items()}
        self.ask(**rows)
        answer = self.final()
        if answer.code in (401, 407):
            answer = self.try_again(answer, password, rows)
        assert answer.code == code, (answer.first, code)
        return answer

    def granted(self, answer):
        """{Contact: seconds} of a 200."""
        rows = [v for line in answer.all("contact") for v in line.split(",")]
        return {v[v.index("<") + 1:v.index(">")]:
                int(v.split("expires=")[1].split(";")[0]) for v in rows}


class Registrar(Agent):
    """Answers REGISTER by a script: rows (code, headers), the last one again
    and again; 0 is silence. A 401 is sent until there are credentials."""

    def __init__(self, address, script=((200, {}),), **kwargs):
        self.script = list(script)
        super().__init__(address, **kwargs)

    def on_request(self, request):
        if request.method != "REGISTER":
            super().on_request(request)
            return
        code, rows = self.script[0]
        if callable(rows):
            code, rows = rows(request)
        if len(self.script) > 1:
            self.script.pop(0)
        if code:
            self.say(request, code, dict(rows))


def asks_digest(then=(200, {}), realm="upstream", code=401):
    """Row of a Registrar: a challenge for who comes without credentials."""
    header = "WWW-Authenticate" if code == 401 else "Proxy-Authenticate"
    wanted = "authorization" if code == 401 else "proxy-authorization"

    def rule(request):
        if request.get(wanted):
            return then
        return code, {header: f'Digest realm="{realm}", nonce="'
                              f'{unique("n")}", algorithm=MD5, qop="auth"'}
    return 200, rule
