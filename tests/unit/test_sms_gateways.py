"""The two gateways: who called, what it said, and how sending fails."""

import base64
import contextlib
import datetime as dt
import hashlib
import hmac
import json
import socket
import threading
import time
from urllib.parse import urlencode

import jwt
import pytest
from flask import Flask, jsonify, request
from werkzeug.datastructures import Headers

from bot.edge.settings import SettingsError
from bot.edge.sms.gatewayapi import GatewayApi
from bot.edge.sms.gateways import make_provider
from bot.edge.sms.numbers import danish_mobile, sender_of
from bot.edge.sms.provider import BadSignature, Inbound, NotNow, Received, Refused, Report, Unreadable
from bot.edge.sms.settings import SmsSettings
from bot.edge.sms.simulator import Gateway, create_simulator
from bot.edge.sms.twilio import Twilio
from tests.sms import MOTHER, TOKEN, WEBHOOK_SECRET, listening

NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.timezone.utc)
ENV = {
    "VEJVISER_SMS_PROVIDER": "gatewayapi",
    "VEJVISER_SMS_NUMBER": "+45 12 04 00 00",
    "VEJVISER_SMS_TOKEN": TOKEN,
    "VEJVISER_SMS_WEBHOOK_SECRET": WEBHOOK_SECRET,
    "VEJVISER_PUBLIC_URL": "https://vejviser.koege.dk",
}
TWILIO = {**ENV, "VEJVISER_SMS_PROVIDER": "twilio", "VEJVISER_SMS_ACCOUNT": "AC1", "VEJVISER_SMS_WEBHOOK_SECRET": ""}


def gatewayapi(**environ):
    return GatewayApi(SmsSettings.read({**ENV, **environ}))


def token(payload, secret=WEBHOOK_SECRET, algorithm="HS256"):
    return Received("", Headers({"X-Gwapi-Signature": jwt.encode(payload, secret, algorithm=algorithm)}), b"{}")


def signed(payload, secret=WEBHOOK_SECRET):
    body = json.dumps(payload).encode()
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return Received("", Headers({"Signature": f"v1={digest}"}), body)


def older(**more):
    return {"id": 7, "msisdn": 4520304050, "message": "bostøtte", "senttime": int(NOW.timestamp()), **more}


def newer(timestamp=NOW, **event):
    event = {"msisdn": 4520304050, "message": "bostøtte", **event}
    kind = {"event_id": "e1", "timestamp": timestamp.isoformat(), "event_type": "messaging.inbound.sms"}
    return {**kind, "event": event}


# -- GatewayAPI, both schemes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("received", [token(older()), signed(newer())], ids=["token", "body"])
def test_both_signatures_of_gatewayapi_are_understood(received):
    provider = gatewayapi()
    message = provider.parse(provider.verify(received), NOW)
    assert (message.number, message.text, message.written_at) == (MOTHER, "bostøtte", NOW)


def test_the_body_beside_a_token_is_not_read():
    received = token(older())
    forged = Received("", received.headers, json.dumps(older(message="noget andet")).encode())
    assert gatewayapi().parse(gatewayapi().verify(forged), NOW).text == "bostøtte"


@pytest.mark.parametrize(
    "received",
    [
        token(older(), secret="x" * 40),
        token(older(), algorithm="HS512"),
        Received("", Headers({"X-Gwapi-Signature": jwt.encode(older(), "", algorithm="none")}), b""),
        Received("", Headers({"X-Gwapi-Signature": "abc"}), b""),
        signed(newer(), secret="x" * 40),
        Received("", signed(newer()).headers, signed(newer(message="andet")).body),
        Received("", Headers({"Signature": "v1="}), b"{}"),
        Received("", Headers(), b"{}"),
    ],
    ids=["wrong key", "other algorithm", "none", "no token", "wrong key 2", "other body", "empty", "unsigned"],
)
def test_a_wrong_signature_is_refused(received):
    with pytest.raises(BadSignature):
        gatewayapi().verify(received)


@pytest.mark.parametrize("hours", [-25, 1])
def test_what_is_old_or_has_not_come_yet_is_refused_and_a_late_retry_is_not(hours):
    then = NOW + dt.timedelta(hours=hours)
    for payload in (older(senttime=int(then.timestamp())), newer(timestamp=then)):
        with pytest.raises(BadSignature, match="old"):
            gatewayapi().parse(payload, NOW)
    retried = NOW - dt.timedelta(hours=15)  # its last try comes after 14 and a half
    assert isinstance(gatewayapi().parse(older(senttime=int(retried.timestamp())), NOW), Inbound)


def test_parts_of_a_long_message_are_told_by_their_header():
    parse = gatewayapi().parse
    assert parse(older(udh="050003A70302"), NOW).part_of == "a7"
    message = parse(newer(udh="06080412340202"), NOW)
    assert (message.part_of, message.part, message.parts) == ("1234", 2, 2)
    assert parse(older(udh="0B0504158A000000"), NOW).parts == 1, "a header about something else"


def test_reports_of_both_kinds_are_understood():
    parse = gatewayapi().parse
    assert parse({"id": 9, "status": "DELIVERED", "userref": "r"}, NOW) == Report("r", "9", True)
    event = {"msg_id": "01J", "reference": "r", "status": "UNDELIVERABLE"}
    payload = {"event_id": "e", "timestamp": NOW.isoformat(), "event_type": "messaging.status.sms", "event": event}
    assert parse(payload, NOW) == Report("r", "01J", False)


@pytest.mark.parametrize(
    "payload", [{}, older(msisdn="x"), older(senttime="x"), older(senttime=1e30), {"event_type": 1}, older(udh="zz")]
)
def test_what_is_neither_is_called_unreadable(payload):
    with pytest.raises(Unreadable):
        gatewayapi().parse(payload, NOW)


# -- sending -------------------------------------------------------------------------------------------------------


@pytest.fixture
def gateway():
    playing = Gateway("http://127.0.0.1:9", WEBHOOK_SECRET, TOKEN, reports=False, slow_seconds=1.0)
    with listening(create_simulator(playing)) as url:
        yield playing, gatewayapi(VEJVISER_SMS_URL=url)


def test_a_message_is_sent_with_its_reference(gateway):
    playing, provider = gateway
    assert provider.send(MOTHER, "æøå: 56 67 67 67", "ref-1")
    (bubble,) = playing.sent_to(MOTHER)
    assert (bubble.text, bubble.reference, bubble.segments) == ("æøå: 56 67 67 67", "ref-1", 1)


def test_a_wrong_key_is_final(gateway):
    playing, provider = gateway
    playing.play("401", 1)
    with pytest.raises(Refused, match="HTTP 401"):
        provider.send(MOTHER, "hej", "r")


def test_too_many_waits_as_long_as_asked(gateway):
    playing, provider = gateway
    playing.retry_after = 17
    playing.play("429", 1)
    with pytest.raises(NotNow) as caught:
        provider.send(MOTHER, "hej", "r")
    assert caught.value.after == 17 and not caught.value.uncertain


def test_their_fault_is_tried_again(gateway):
    playing, provider = gateway
    playing.play("500", 1)
    with pytest.raises(NotNow, match="HTTP 500"):
        provider.send(MOTHER, "hej", "r")


@pytest.mark.parametrize("fault", ["slow", "cut", "cut_after"])
def test_a_line_that_breaks_leaves_doubt(gateway, fault, monkeypatch):
    playing, provider = gateway
    monkeypatch.setattr("bot.edge.sms.provider.SEND_SECONDS", 0.3)
    playing.play(fault, 1)
    with pytest.raises(NotNow) as caught:
        provider.send(MOTHER, "hej", "r")
    assert caught.value.uncertain
    time.sleep(0.1)
    assert len(playing.sent_to(MOTHER)) == (fault != "cut"), "it may have been sent"


def test_a_yes_that_is_no_object_is_a_yes(gateway):
    playing, provider = gateway
    playing.play("odd", 1)
    assert provider.send(MOTHER, "hej", "r") == ""


def test_nobody_there_leaves_no_doubt():
    with pytest.raises(NotNow) as caught:
        gatewayapi(VEJVISER_SMS_URL="http://127.0.0.1:9").send(MOTHER, "hej", "r")
    assert not caught.value.uncertain


# -- Twilio --------------------------------------------------------------------------------------------------------


def twilio_call(form, url="https://vejviser.koege.dk/sms/twilio", key=TOKEN):
    """Sign as Twilio does: the address and the sorted form, HMAC-SHA1."""
    text = url + "".join(name + form[name] for name in sorted(form))
    signature = base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha1).digest()).decode()
    return Received(url, Headers({"X-Twilio-Signature": signature}), urlencode(form).encode())


FORM = {"MessageSid": "SM1", "From": "+4520304050", "To": "+4512040000", "Body": "bostøtte æøå", "NumMedia": "0"}


def test_twilio_is_heard_when_the_address_and_the_form_are_signed():
    provider = make_provider(SmsSettings.read(TWILIO))
    message = provider.parse(provider.verify(twilio_call(FORM)), NOW)
    assert message == Inbound("SM1", MOTHER, "bostøtte æøå", NOW)
    with pytest.raises(BadSignature):
        provider.verify(twilio_call(FORM, key="another"))
    with pytest.raises(BadSignature):
        provider.verify(
            twilio_call(FORM, url="https://vejviser.koege.dk/sms/andet").__class__(
                "https://vejviser.koege.dk/sms/twilio",
                twilio_call(FORM, url="https://vejviser.koege.dk/sms/andet").headers,
                twilio_call(FORM).body,
            )
        )
    with pytest.raises(BadSignature):
        provider.verify(Received("https://vejviser.koege.dk/sms/twilio", Headers(), urlencode(FORM).encode()))


def test_twilio_reports_with_our_reference_and_empty_forms_are_unreadable():
    provider = make_provider(SmsSettings.read(TWILIO))
    form = {"MessageSid": "SM2", "MessageStatus": "undelivered"}
    call = twilio_call(form, "https://vejviser.koege.dk/sms/twilio?reference=r9")
    assert provider.parse(provider.verify(call), NOW) == Report("r9", "SM2", False)
    with pytest.raises(Unreadable):
        provider.parse(provider.verify(twilio_call({"Body": "x"})), NOW)


def test_twilio_sends_over_its_rest_api():
    app, calls = Flask("twilio"), []

    @app.post("/2010-04-01/Accounts/AC1/Messages.json")
    def messages():
        calls.append((request.form.to_dict(), request.authorization))
        return jsonify({"sid": "SM3"}), 201

    with listening(app) as url:
        provider = Twilio(SmsSettings.read({**TWILIO, "VEJVISER_SMS_URL": url}))
        assert provider.send(MOTHER, "hej", "r1") == "SM3"
    form, authorization = calls[0]
    assert (form["To"], form["From"], form["Body"]) == ("+4520304050", "+4512040000", "hej")
    assert form["StatusCallback"] == "https://vejviser.koege.dk/sms/twilio?reference=r1"
    assert (authorization.username, authorization.password) == ("AC1", TOKEN)


# -- settings and numbers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"VEJVISER_SMS_PROVIDER": "telia"}, "gatewayapi or twilio"),
        ({"VEJVISER_SMS_NUMBER": ""}, "VEJVISER_SMS_NUMBER"),
        ({"VEJVISER_SMS_NUMBER": "Vejviser"}, "like 4512345678"),
        ({"VEJVISER_SMS_TOKEN": ""}, "VEJVISER_SMS_TOKEN"),
        ({"VEJVISER_SMS_WEBHOOK_SECRET": "short"}, "20 characters"),
        ({"VEJVISER_PUBLIC_URL": ""}, "VEJVISER_PUBLIC_URL"),
        ({"VEJVISER_PUBLIC_URL": "vejviser.dk"}, "like https://"),
        ({"VEJVISER_PUBLIC_URL": "http://vejviser.dk", "VEJVISER_ENV": "production"}, "must be https"),
        ({"VEJVISER_SMS_CEILING": "mange"}, "segments a day"),
        ({"VEJVISER_SMS_MUNICIPALITY": "Køge"}, "four digits"),
        ({"VEJVISER_SMS_PROVIDER": "twilio"}, "VEJVISER_SMS_ACCOUNT"),
    ],
)
def test_settings_that_cannot_be_right_stop_the_start_with_a_sentence(change, said):
    with pytest.raises(SettingsError, match=said):
        SmsSettings.read({**ENV, **change})


def test_the_defaults_are_the_european_host_and_a_ceiling():
    settings = SmsSettings.read(ENV)
    assert settings.url == "https://messaging.gatewayapi.eu" and settings.ceiling == 2000
    assert settings.number == "4512040000" and SmsSettings.read({}) is None


@pytest.mark.parametrize("given", ["20 30 40 50", "+45 20304050", "004520304050", "2030-4050"])
def test_a_danish_mobile_is_read_in_any_shape(given):
    assert danish_mobile(given) == MOTHER


@pytest.mark.parametrize("given", ["", "112", "2030405", "+46 70 123 45 67", "abc", "90 13 00 00", "20 30 40 50 60"])
def test_other_numbers_are_not(given):
    assert danish_mobile(given) is None


def test_a_sender_is_told_by_nothing_but_the_key():
    assert sender_of(MOTHER, "a" * 40) == sender_of(MOTHER, "a" * 40) != sender_of(MOTHER, "b" * 40)
    assert MOTHER not in sender_of(MOTHER, "a" * 40) and len(sender_of(MOTHER, "a" * 40)) <= 64


def test_an_answer_that_does_not_end_is_a_sending_in_doubt(monkeypatch):
    monkeypatch.setattr("bot.edge.sms.provider.SEND_SECONDS", 0.3)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def dribble():
            line, _ = server.accept()
            with line, contextlib.suppress(OSError):
                line.recv(4096)
                line.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 100000\r\n\r\n")
                while not ended.wait(0.05):
                    line.sendall(b" ")

        thread = threading.Thread(target=dribble, daemon=True)
        thread.start()
        with pytest.raises(NotNow) as caught:
            gatewayapi(VEJVISER_SMS_URL=f"http://127.0.0.1:{server.getsockname()[1]}").send(MOTHER, "hej", "r")
        ended.set()
        thread.join(10)
    assert caught.value.uncertain


@pytest.mark.parametrize("event", ["tekst", 7, ["a"], None])
def test_an_event_that_is_no_object_is_unreadable(gateway, event):
    _, provider = gateway
    payload = {"event_id": "1", "timestamp": NOW.isoformat(), "event_type": "messaging.status.sms", "event": event}
    with pytest.raises(Unreadable):
        provider.parse(payload, NOW)
