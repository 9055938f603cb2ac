"""Who may open what. A view says so itself; one that does not cannot be served at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, abort, current_app, redirect, request, url_for
from flask_login import current_user

from bot.handoff.models import ROLES

PUBLIC = frozenset({"public"})
EVERYBODY = frozenset(ROLES)  # who is logged in, whatever the role
View = TypeVar("View", bound=Callable[..., Any])


def allowed(*roles: str, polls: bool = False) -> Callable[[View], View]:
    """Mark a view with the roles that may open it. `polls`: it asks by itself, and keeps nobody logged in."""
    assert roles and set(roles) <= {*ROLES, *PUBLIC}, roles

    def mark(view: View) -> View:
        view.allowed, view.polls = frozenset(roles), polls  # type: ignore[attr-defined]
        return view

    return mark


def add_to_menu(app: Flask, endpoint: str, label: str) -> None:
    """Put a page on the menu of those who may open it, after those put there before."""
    app.config.setdefault("MENU", []).append((endpoint, label))


def menu() -> list[tuple[str, str]]:
    """Return the (endpoint, label) of the pages on the menu of who is logged in."""
    return [
        (endpoint, label)
        for endpoint, label in current_app.config.get("MENU", [])
        if current_user.has(*_allowed(endpoint))
    ]


def register(app: Flask) -> None:
    """Let nobody past who may not. Comes before the check of tokens, so that strangers learn nothing from either."""
    app.before_request(_storable)
    app.before_request(_guard)
    app.jinja_env.globals["menu"] = menu
    app.view_functions["static"] = allowed(*PUBLIC)(_callable(app.view_functions["static"]))


def assert_every_view_is_marked(app: Flask) -> None:
    """Raise RuntimeError for a route whose view does not say who may open it."""
    bare = [rule.rule for rule in app.url_map.iter_rules() if not hasattr(app.view_functions[rule.endpoint], "allowed")]
    if bare:
        raise RuntimeError(f"Who may open {', '.join(bare)}? Mark the view with @allowed(...).")


def _allowed(endpoint: str) -> frozenset[str]:
    return getattr(current_app.view_functions[endpoint], "allowed", frozenset())


def view() -> Any:
    """Return the view that the request leads to, or None."""
    return current_app.view_functions.get(request.endpoint) if request.endpoint else None


def _storable() -> None:
    """Refuse null characters: nobody types them, and no database takes them."""
    asked = (*(request.view_args or {}).values(), *request.args.values())
    forms = (value for values in request.form.listvalues() for value in values)
    if any("\0" in str(value) for value in (*asked, *forms)):
        abort(400)


def _guard() -> Any:
    target = view()
    if target is None or target.allowed == PUBLIC:
        return None
    if not current_user.is_authenticated:
        here = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("login", naeste=here if here and here != "/" else None))
    if not current_user.has(*target.allowed):
        abort(403)
    return None


def _callable(view_function: Any) -> Callable[..., Any]:
    def static(**arguments: Any) -> Any:
        return view_function(**arguments)

    return static
