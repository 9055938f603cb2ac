"""A conversation in the terminal, over the same API as everybody else's."""

from __future__ import annotations

from typing import Any

import click
import httpx


class Chat:
    """One session with a running Vejviser."""

    def __init__(self, url: str, municipality: str | None) -> None:
        self._url, self._municipality, self._session = url, municipality, None

    def say(self, text: str) -> None:
        """Send one message and print the replies and buttons. Raises click.ClickException when nobody answers."""
        body = {"session": self._session, "text": text, "municipality": self._municipality}
        try:
            response = httpx.post(f"{self._url}/api/v1/messages", json=body, timeout=15)
        except httpx.HTTPError as error:
            raise click.ClickException(f"Ingen svarer på {self._url}. Start med `make run`.") from error
        reply: dict[str, Any] = response.json()
        if "error" in reply:
            raise click.ClickException(reply["error"]["message"])
        self._session = reply["session"]
        for message in reply["messages"]:
            click.echo(message["text"])
            for button in message["buttons"]:
                click.echo(
                    f"  > {button['title']}"
                    + (f" ({button['payload']})" if button["payload"] != button["title"] else "")
                )
        click.echo()
