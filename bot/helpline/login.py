"""Coming in and going out: with a local account, or through the association's own OpenID Connect."""

from __future__ import annotations

import re
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import OAuth
from flask import Flask, current_app, flash, redirect, render_template, request, session, url_for
from flask_login import LoginManager, current_user, login_user, logout_user
from flask_wtf import FlaskForm
from joserfc.errors import JoseError
from requests import RequestException
from wtforms import PasswordField, StringField

from bot.handoff.models import Staff
from bot.helpline.access import EVERYBODY, allowed, view
from bot.helpline.context import book, me, now, trace
from bot.helpline.settings import Settings
from bot.helpline.staff import TRIES, Person, StaffError

REFUSED = (
    f"Brugernavn eller adgangskode passer ikke. Efter {TRIES} forkerte forsøg er kontoen lukket i et kvarter. "
    "Har du glemt koden, så bed en administrator om en ny."
)

_ASKED = "naeste"  # in the session: the page asked for, while the person is away at the provider
# The provider is away, refuses, or signs something that is not for us.
OIDC_FAULTS = (RequestException, AuthlibBaseError, JoseError, ValueError)


class LoginForm(FlaskForm):  # type: ignore[misc]
    """Login and password."""

    login = StringField("Brugernavn")
    password = PasswordField("Adgangskode")


class PasswordForm(FlaskForm):  # type: ignore[misc]
    """The old password and the new one."""

    old = PasswordField("Din adgangskode nu")
    new = PasswordField("Ny adgangskode")


def register(app: Flask) -> None:
    """Add login, log-out, one's own page, and the front page that leads to where the work is."""
    manager = LoginManager(app)
    manager.session_protection = None  # the login is kept here and ends here; phones change address all the time
    manager.user_loader(_who)
    app.add_url_rule("/", "front", front)
    app.add_url_rule(
        "/login",
        "login",
        app.config["LIMITER"].limit("20 per minute", methods=["POST"])(login),
        methods=["GET", "POST"],
    )
    app.add_url_rule("/logud", "logout", logout, methods=["POST"])
    app.add_url_rule("/mig", "mine", mine, methods=["GET", "POST"])
    settings: Settings = app.config["HELPLINE"]
    if settings.oidc:
        app.config["OIDC"] = OAuth(app).register(
            "oidc",
            server_metadata_url=f"{settings.oidc.issuer}/.well-known/openid-configuration",
            client_id=settings.oidc.client_id,
            client_secret=settings.oidc.client_secret,
            client_kwargs={"scope": "openid email profile", "code_challenge_method": "S256", "timeout": 5},
        )
        app.add_url_rule("/login/oidc", "oidc", oidc)
        app.add_url_rule("/login/oidc/svar", "oidc_back", oidc_back)


@allowed(*EVERYBODY)
def front() -> Any:
    """Lead to the look-up, where everybody may begin."""
    return redirect(url_for("lookup"))


@allowed("public")
def login() -> Any:
    """Show the form, or let somebody in."""
    if current_user.is_authenticated:
        return redirect(_asked() or url_for("front"))
    form = LoginForm()
    if form.validate_on_submit():
        given = form.login.data or ""
        staff = book().check(given, form.password.data or "", now())
        if staff is not None:
            return _enter(staff, _asked())
        known = book().by_login(given)
        if known is not None:
            book().note(known, "login_failed", "", now())
        flash(REFUSED, "error")
    return render_template("login.html", form=form, oidc="OIDC" in current_app.config)


@allowed(*EVERYBODY)
def logout() -> Any:
    """End this login."""
    trace("logout", "")
    book().end(me().token)
    logout_user()
    session.clear()
    flash("Du er logget ud.")
    return redirect(url_for("login"))


@allowed(*EVERYBODY)
def mine() -> Any:
    """Show one's roles, and change one's password."""
    form = PasswordForm()
    staff = book().get(me().id)
    assert staff is not None
    if form.validate_on_submit():
        if book().check(staff.login, form.old.data or "", now()) is None:
            flash("Din nuværende adgangskode passer ikke.", "error")
        else:
            try:
                book().set_password(staff.id, form.new.data or "", keep=me().token)
                trace("password", staff.id)
                flash("Adgangskoden er skiftet. Du er logget ud på andre enheder.")
                return redirect(url_for("mine"))
            except StaffError as error:
                flash(str(error), "error")
    return render_template("mig.html", form=form, has_password=bool(staff.password_hash))


@allowed("public")
def oidc() -> Any:
    """Send the person to the association's own login; the page that was asked for waits in the session."""
    session[_ASKED] = _asked()
    try:
        return current_app.config["OIDC"].authorize_redirect(url_for("oidc_back", _external=True))
    except OIDC_FAULTS as error:
        return _oidc_failed(type(error).__name__)


@allowed("public")
def oidc_back() -> Any:
    """Let in whom the association's login vouches for, if an administrator made an account for that person."""
    settings: Settings = current_app.config["HELPLINE"]
    assert settings.oidc is not None
    try:
        claims = current_app.config["OIDC"].authorize_access_token().get("userinfo") or {}
    except OIDC_FAULTS as error:
        return _oidc_failed(type(error).__name__)
    name = claims.get(settings.oidc.claim)
    vouched = settings.oidc.claim != "email" or claims.get("email_verified") is True
    staff = book().by_login(name) if isinstance(name, str) and vouched else None
    if staff is None or not staff.active:
        flash("Du har ingen konto her endnu. Bed en administrator om at oprette den.", "error")
        return _back_to_login()
    return _enter(staff, session.get(_ASKED))


def _enter(staff: Staff, asked: str | None) -> Any:
    session.clear()  # nothing of who sat here before
    session.permanent = True
    person = book().begin(staff.id, now())
    login_user(person)
    book().note(person, "login", "", now())
    return redirect(asked or url_for("front"))


def _oidc_failed(why: str) -> Any:
    current_app.config["LOG"].warning("oidc", why=why)
    flash("Foreningens login svarede ikke, som det skulle. Prøv igen.", "error")
    return _back_to_login()


def _back_to_login() -> Any:
    return redirect(url_for("login", naeste=session.pop(_ASKED, None)))


def _asked() -> str | None:
    """Return the page that was asked for before the login, if it is one of ours and short enough for a cookie."""
    asked = request.args.get("naeste", "")
    # A browser drops tabs and line breaks and takes \\ for /, so that "/<tab>/evil.dk" would lead away.
    return asked if re.fullmatch(r"/(?![/\\])[!-~]{0,1000}", asked, re.ASCII) else None


def _who(token: str) -> Person | None:
    return book().find(token, now(), acts=not getattr(view(), "polls", False))
