"""The floor: the least that a message costs which the encoder reads. `python -m tests.load.floor PORT`.

One message through the encoder as `bot/nlu/encoder.py` calls it, and one exchange of JSON with Sanic, Rasa's server.
"""

from __future__ import annotations

import sys

from sanic import Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, json

from bot.nlu.encoder import encode

app = Sanic("floor")


@app.post("/")
async def read(request: Request) -> HTTPResponse:
    """Encode `message` and say so."""
    meaning = encode([request.json["message"]])
    return json([{"text": f"{meaning.shape[1]} numbers"}])


if __name__ == "__main__":
    encode(["hej"])
    app.run(host="127.0.0.1", port=int(sys.argv[1]), access_log=False, motd=False)
