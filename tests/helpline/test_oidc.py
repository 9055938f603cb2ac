"""Coming in through the association's own login: a small real OpenID provider on loopback, with real signatures."""

from __future__ import annotations

import re
import secrets
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask import Flask, jsonify, request
from joserfc import jwt
from joserfc.jwk import RSAKey

from bot.edge.settings import SettingsError
from bot.helpline.app import create_app
from bot.helpline.settings import Settings
from bot.helpline.staff import Role, StaffBook
from bot.knowledge.database import make_engine
from tests.conftest import MONDAY
from tests.helpline.conftest import NOBODY, listen


class Provider:
    """Vouches for whoever `claims` says, once for each code."""

    def __init__(self):
        self.key = RSAKey.generate_key(2048, parameters={"kid": "1", "use": "sig", "alg": "RS256"})
        self.claims, self.nonces, self.audience, self.challenges = {}, {}, "vejviser", {}
        app = Flask("provider")
        app.add_url_rule("/.well-known/openid-configuration", "meta", self.meta)
        app.add_url_rule("/keys", "keys", lambda: jsonify({"keys": [self.key.as_dict(private=False)]}))
        app.add_url_rule("/token", "token", self.token, methods=["POST"])
        self.url, self.stop = listen(app)

    def meta(self):
        return jsonify(
            issuer=self.url,
            authorization_endpoint=f"{self.url}/authorize",
            token_endpoint=f"{self.url}/token",
            jwks_uri=f"{self.url}/keys",
            id_token_signing_alg_values_supported=["RS256"],
        )

    def code_for(self, location):
        """What the person's browser brings back after logging in there."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert asked["code_challenge_method"] == "S256" and asked["response_type"] == "code"
        code = secrets.token_hex(8)
        self.nonces[code], self.challenges[code] = asked["nonce"], asked["code_challenge"]
        return code, asked["state"]

    def token(self):
        now = int(time.time())
        nonce = self.nonces.pop(request.form["code"], None)
        if nonce is None or not request.form.get("code_verifier"):
            return jsonify(error="invalid_grant"), 400
        claims = {"iss": self.url, "aud": self.audience, "sub": "1", "iat": now, "exp": now + 60, "nonce": nonce}
        signed = jwt.encode({"alg": "RS256", "kid": "1"}, claims | self.claims, self.key)
        return jsonify(access_token="x", token_type="Bearer", expires_in=60, id_token=signed)


@pytest.fixture(scope="module")
def provider():
    found = Provider()
    yield found
    found.stop()


@pytest.fixture
def app(provider, table, clock):
    StaffBook(make_engine(table)).add("bodil@sind.dk", "Bodil", None, [Role("volunteer")], MONDAY)
    environ = {
        "VEJVISER_OIDC_ISSUER": provider.url,
        "VEJVISER_OIDC_CLIENT_ID": "vejviser",
        "VEJVISER_OIDC_CLIENT_SECRET": "hemmelig",
    }
    provider.audience, provider.claims = "vejviser", {"email": "Bodil@sind.dk", "email_verified": True}
    settings = Settings.read(environ, "test")
    return create_app(NOBODY, NOBODY, table, clock=clock, settings=settings, limited=False)


def comes_back(app, provider, begin="/login/oidc", **changed):
    client = app.test_client()
    code, state = provider.code_for(client.get(begin).location)
    return client, client.get("/login/oidc/svar", query_string={"code": code, "state": state, **changed})


def test_who_is_vouched_for_and_has_an_account_comes_in(app, provider):
    client, answer = comes_back(app, provider)
    assert answer.location == "/" and client.get("/koe").status_code == 200
    assert "Du logger ind med foreningens login" in client.get("/mig").text


def test_who_asked_for_a_page_comes_to_it_and_to_no_other_site(app, provider):
    page = app.test_client().get("/koe?vis=mine", follow_redirects=True).text
    (begin,) = re.findall(r'href="(/login/oidc[^"]*)"', page)
    client, answer = comes_back(app, provider, begin)
    assert answer.location == "/koe?vis=mine" and client.get("/koe").status_code == 200
    for away in ("//evil.example", "/\t/evil.example", "/\\evil.example", "https://evil.example", "/" + 5000 * "a"):
        _, answer = comes_back(app, provider, f"/login/oidc?{urlencode({'naeste': away})}")
        assert answer.location == "/", away


def test_the_page_asked_for_outlives_a_login_that_failed_and_nothing_older_does(app, provider):
    client, answer = comes_back(app, provider, "/login/oidc?naeste=/mig", code="x")
    assert answer.location == "/login?naeste=/mig"
    code, state = provider.code_for(client.get("/login/oidc").location)
    assert client.get("/login/oidc/svar", query_string={"code": code, "state": state}).location == "/"


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "fremmed@sind.dk", "email_verified": True},
        {"email": "bodil@sind.dk", "email_verified": False},
        {"email": "bodil@sind.dk"},
        {"email": ["bodil@sind.dk"], "email_verified": True},
        {},
    ],
)
def test_who_has_no_account_or_is_not_vouched_for_stays_outside(app, provider, claims):
    provider.claims = claims
    client, answer = comes_back(app, provider)
    assert answer.location.startswith("/login") and client.get("/koe").status_code == 302
    assert "Du har ingen konto her endnu" in client.get("/login").text


def test_a_swapped_state_a_code_used_twice_or_a_token_for_somebody_else_is_refused(app, provider):
    for changed in ({"state": "x"}, {"code": "x"}):
        client, answer = comes_back(app, provider, **changed)
        assert answer.location.startswith("/login") and client.get("/koe").status_code == 302, changed
    provider.audience = "en anden"
    client, answer = comes_back(app, provider)
    assert answer.location.startswith("/login") and client.get("/koe").status_code == 302


def test_a_closed_account_does_not_come_in_this_way_either(app, provider, table):
    book = StaffBook(make_engine(table))
    bodil = book.by_login("bodil@sind.dk")
    book.change(bodil.id, "Bodil", [Role("volunteer")], active=False)
    client, _ = comes_back(app, provider)
    assert client.get("/koe").status_code == 302


def test_an_account_without_a_password_has_none_to_guess(app):
    assert app.config["STAFF"].check("bodil@sind.dk", "", MONDAY) is None


def test_settings_that_are_half_are_refused():
    with pytest.raises(SettingsError, match="CLIENT_SECRET"):
        Settings.read({"VEJVISER_OIDC_ISSUER": "https://x", "VEJVISER_OIDC_CLIENT_ID": "x"}, "test")
    secret = "kX9-2_vQ7mTz4LrB8nWc5YpD1sHf3JgA6uE0"
    given = {name: "x" for name in ("VEJVISER_OIDC_CLIENT_ID", "VEJVISER_OIDC_CLIENT_SECRET")}
    with pytest.raises(SettingsError, match="https"):
        Settings.read({**given, "VEJVISER_ENV": "production", "VEJVISER_OIDC_ISSUER": "http://x"}, secret)
