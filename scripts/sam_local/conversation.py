"""A session from its first to its last request, over `sam local start-api`, losing every container in the middle."""

import secrets
from .browser import Answer, Browser
from .containers import Containers
from .report import Report, unless
from .sam import ORIGIN, Api, Sam, usages

REFRESH_COOKIE = "__Host-refresh"
RECONNECT_COOKIE = "__Host-reconnect"


def run(sam: Sam, containers: Containers, report: Report) -> None:
    """Holds the conversation."""
    with sam.api() as api:
        Conversation(api, containers, report).hold()


class Conversation:
    """The steps of one conversation; each is one check."""

    def __init__(self, api: Api, containers: Containers, report: Report) -> None:
        self._api, self._containers, self._report = api, containers, report
        self._browser = Browser(api.port)
        self._session = ""
        self._invocations = 0

    def hold(self) -> None:
        """All steps, in order."""
        self._ask_as_browsers_do()
        self._connect()
        self._poll("poll")
        key, lost = self._refresh()
        self._kill_every_container()
        self._refresh_again(key, lost)
        self._poll("poll")
        self._list()
        self._reconnect()
        self._poll("poll")
        self._log_out()

    def _ask_as_browsers_do(self) -> None:
        asked = self._browser.send("OPTIONS", "/refresh", access_control_request_method="POST")
        allowed = asked.headers["access-control-allow-origin"], asked.headers["access-control-allow-credentials"]
        self._expect("preflight", asked, 200, unless(allowed == (ORIGIN, "true"), f"what is allowed is {allowed}"))
        policy = self._browser.send("GET", "/session-policy")
        self._expect("policy", policy, 200, unless(policy.headers["etag"], "it has no ETag"))
        self._expect(
            "policy, known", self._browser.send("GET", "/session-policy", if_none_match=policy.headers["etag"]), 304
        )

    def _connect(self) -> None:
        user = {"username": f"ada-{secrets.token_hex(4)}", "password": secrets.token_hex(16)}
        registered = self._browser.send("POST", "/register", user)
        self._expect("register", registered, 201)
        self._browser.keep(registered)
        connected = self._browser.send(
            "POST", "/connect", {"credential": {"kind": "password", **user}, "remember": True}
        )
        both = set(connected.cookies()) == {REFRESH_COOKIE, RECONNECT_COOKIE}
        self._expect("connect", connected, 201, unless(both, f"it sets {set(connected.cookies())}"))
        self._browser.keep(connected)
        self._session = session_of(connected)

    def _poll(self, step: str) -> None:
        polled = self._browser.send("POST", "/validate-session", {"lastActiveMsAgo": 0})
        self._expect(step, polled, 200, unless(session_of(polled) == self._session, "it is another session"))

    def _refresh(self) -> tuple[str, Answer]:
        """A refresh whose answer never arrives: nothing of it is kept but what the client stored before."""
        key = secrets.token_hex(16)
        lost = self._browser.send("POST", "/refresh", idempotency_key=key)
        replaced = lost.cookies().get(REFRESH_COOKIE) not in (None, self._browser.cookies[REFRESH_COOKIE])
        self._expect("refresh, its answer is lost", lost, 200, unless(replaced, "the token is not replaced"))
        return key, lost

    def _kill_every_container(self) -> None:
        killed = self._containers.existing()
        self._containers.remove(killed)
        alive = [name for name, containers in self._containers.existing().items() if containers]
        missing = [name for name, containers in killed.items() if not containers]
        self._report.check(
            f"{sum(map(len, killed.values()))} containers are killed",
            unless(not alive, f"{alive} are alive") or unless(not missing, f"{missing} had none"),
        )

    def _refresh_again(self, key: str, lost: Answer) -> None:
        again = self._browser.send("POST", "/refresh", idempotency_key=key)
        same = again.cookies().get(REFRESH_COOKIE) == lost.cookies().get(REFRESH_COOKIE)
        self._expect("the same refresh again", again, 200, unless(same, "it is another token"))
        self._browser.keep(again)

    def _list(self) -> None:
        listed = self._browser.send("GET", "/sessions")
        ids = [session["id"] for session in (listed.body or {}).get("sessions", [])]
        self._expect("list", listed, 200, unless(ids == [self._session], "it is not this session alone"))

    def _reconnect(self) -> None:
        # What is left to a browser that lost its session.
        self._browser.access_token = None
        del self._browser.cookies[REFRESH_COOKIE]
        credential = {"kind": "reconnect"}
        opened = self._browser.send(
            "POST", "/connect", {"credential": credential}, idempotency_key=secrets.token_hex(16)
        )
        fresh = session_of(opened) not in ("", self._session)
        self._expect("reconnect", opened, 201, unless(fresh, "it is the session of before"))
        self._browser.keep(opened)
        self._session = session_of(opened)

    def _log_out(self) -> None:
        logged_out = self._browser.send("POST", "/logout")
        left = {name for name, value in logged_out.cookies().items() if value}
        cleared = logged_out.cookies() == {REFRESH_COOKIE: "", RECONNECT_COOKIE: ""}
        self._expect("logout", logged_out, 204, unless(cleared, f"cookies are left: {left}"))
        after = self._browser.send("GET", "/session")
        told = (after.body or {}).get("code"), (after.body or {}).get("reason")
        self._expect("last words", after, 401, unless(told == ("session_ended", "logout"), f"they are {told}"))

    def _expect(self, step: str, answer: Answer, status: int, problem: str | None = None) -> None:
        """Reports a step with what its invocation took."""
        if answer.status != status:
            problem = f"expected {status}: {answer.body}"
        used = usages(self._api.log())
        new, self._invocations = used[self._invocations :], len(used)
        self._report.check(f"{step:<34} {answer.status:<5} {', '.join(map(str, new))}", problem)


def session_of(answer: Answer) -> str:
    """The id of the session in an answer; empty where there is none."""
    session = (answer.body or {}).get("session") or {}
    return str(session.get("id", ""))
