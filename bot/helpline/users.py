"""The accounts, and the trace of what was read and done: for administrators."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Flask, abort, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField, SelectMultipleField, StringField

from bot.handoff.models import Staff
from bot.helpline.access import add_to_menu, allowed
from bot.helpline.context import book, directory, me, now, trace
from bot.helpline.staff import Role, StaffError

PLAIN_ROLES = ("volunteer", "coordinator", "administrator")


class UserForm(FlaskForm):  # type: ignore[misc]
    """An account; `municipalities` are those whose rows it may edit."""

    login = StringField("Brugernavn")
    name = StringField("Navn")
    roles = SelectMultipleField("Roller", choices=[(name, name) for name in PLAIN_ROLES])
    municipalities = SelectMultipleField("Redaktør for", validate_choice=False)
    password = PasswordField("Første adgangskode")
    active = BooleanField("Kontoen er åben")

    def wanted(self) -> set[Role]:
        """Return the roles that were ticked. Raises StaffError for a municipality that does not exist."""
        codes = self.municipalities.data or []
        if unknown := [code for code in codes if code not in directory().municipalities]:
            raise StaffError(f"Kommunen '{unknown[0][:10]}' findes ikke.")
        return {Role(name) for name in self.roles.data or []} | {Role("editor", code) for code in codes}


def register(app: Flask) -> None:
    """Add the pages."""
    app.add_url_rule("/brugere", "users", users, methods=["GET", "POST"])
    app.add_url_rule("/brugere/<staff_id>", "user", user, methods=["GET", "POST"])
    app.add_url_rule("/brugere/<staff_id>/adgangskode", "user_password", user_password, methods=["POST"])
    app.add_url_rule("/spor", "traces", traces)
    add_to_menu(app, "users", "Brugere")
    add_to_menu(app, "traces", "Spor")


@allowed("administrator")
def users() -> Any:
    """List the accounts; make one."""
    form = UserForm()
    if form.validate_on_submit():
        try:
            password = form.password.data or None
            made = book().add(form.login.data or "", form.name.data or "", password, form.wanted(), now())
            trace("user_add", made)
            flash(f"{(form.name.data or '').strip()} kan nu logge ind.")
            return redirect(url_for("users"))
        except StaffError as error:
            flash(str(error), "error")
    return render_template("brugere.html", form=form, staff=book().all(), municipalities=_municipalities(), now=now())


@allowed("administrator")
def user(staff_id: str) -> Any:
    """Show one account; change it."""
    staff = _staff(staff_id)
    form = UserForm()
    if form.validate_on_submit():
        try:
            book().change(staff_id, form.name.data or "", form.wanted(), bool(form.active.data))
            trace("user_change", staff_id)
            flash("Kontoen er ændret.")
            return redirect(url_for("users"))
        except StaffError as error:
            flash(str(error), "error")
    elif request.method == "GET":
        form.name.data, form.active.data = staff.name, staff.active
        form.roles.data = [row.role for row in staff.roles if row.role != "editor"]
        form.municipalities.data = [row.municipality_code for row in staff.roles if row.municipality_code]
    return render_template(
        "bruger.html", form=form, person=staff, municipalities=_municipalities(), traces=book().traces(20, staff_id)
    )


@allowed("administrator")
def user_password(staff_id: str) -> Any:
    """Give the account a new password, shown once, and end its logins."""
    staff = _staff(staff_id)
    password = new_password()
    book().set_password(staff_id, password, keep=me().token if staff_id == me().id else None)
    trace("user_password", staff_id)
    return render_template("adgangskode.html", person=staff, password=password)


@allowed("administrator")
def traces() -> Any:
    """Show who logged in, read and changed what."""
    return render_template("spor.html", traces=book().traces(300))


def new_password() -> str:
    """Return a password that can be read aloud: four groups of four letters and digits."""
    letters = "abcdefghkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


def _staff(staff_id: str) -> Staff:
    staff = book().get(staff_id)
    if staff is None:
        abort(404)
    return staff


def _municipalities() -> list[tuple[str, str]]:
    return sorted(((row.code, row.name) for row in directory().municipalities.values()), key=lambda pair: pair[1])
