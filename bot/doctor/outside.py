"""What anybody sees of an installation: its door, the certificate, the clock in its headers."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import httpx

from bot.doctor import Finding, fault, fine, note
from bot.doctor.inside import compared

LEAST_DAYS = 21  # who renews by himself does so with 30 days left
_REMEDIES = {
    "rasa": "Se Rasas log, og genstart Rasa. Imens svarer chatten med hovednumre.",
    "actions": "Se actions' log, og genstart actions. Imens svarer chatten med hovednumre.",
    "database": "Start databasen. Imens svarer chatten fra sidste læsning af tabellen.",
}


def look(client: httpx.Client, now: dt.datetime, within: bool) -> Iterator[Finding]:
    """Yield what is found; nothing but one fault where nobody answers. `within`: asked behind the proxy."""
    url = client.base_url
    if url.scheme == "https":
        yield certificate(url.host, url.port or 443, now)
    elif not within:
        yield note("Kryptering", f"{url.host} blev spurgt uden https", "Borgere skal altid ind over https.")
    try:
        health = client.get("/api/v1/health")
        parts = health.json()
        states = {name: str(parts[name]) for name in _REMEDIES}
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        said = f"ingen vejviser svarer på {url} ({type(error).__name__})"
        yield fault("Dør", said, "Start den (make run, docker compose up -d), eller ret --url. Se logs.")
        return
    yield fine("Dør", f"svarer på {url}")
    if "date" in health.headers:
        yield compared("dørens", parsedate_to_datetime(health.headers["date"]), now)
    for name, remedy in _REMEDIES.items():
        title = f"Del: {name}"
        yield fine(title, "oppe") if states[name] == "ok" else fault(title, "svarer ikke", remedy)


def certificate(host: str, port: int, now: dt.datetime) -> Finding:
    """Return how long the certificate of a host holds, as a browser would judge it."""
    name = "Certifikat"
    renew = "Se proxyens log: den fornyer selv, når porte 80 og 443 kan nås udefra og navnet peger hertil."
    try:
        with (
            socket.create_connection((host, port), timeout=10) as line,
            ssl.create_default_context().wrap_socket(line, server_hostname=host) as secured,
        ):
            found = secured.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return fault(name, f"{host}: en browser afviser det ({error.verify_message})", renew)
    except OSError as error:
        return fault(name, f"{host}:{port} svarer ikke over https ({type(error).__name__})", renew)
    ends = dt.datetime.fromtimestamp(ssl.cert_time_to_seconds(str(found["notAfter"])), dt.timezone.utc)
    days = (ends - now).days
    said = f"{host}: gælder {days} dage endnu"
    return fine(name, said) if days >= LEAST_DAYS else fault(name, said, renew)
