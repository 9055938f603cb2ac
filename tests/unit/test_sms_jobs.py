"""Which queue, and which processes: decided by the environment, refused with a sentence."""

import os
import subprocess
import sys

import pytest
from huey import RedisHuey, SqliteHuey

from bot.edge.settings import SettingsError
from bot.edge.sms.settings import SmsSettings
from bot.edge.sms.simulator import environment
from bot.jobs.queue import Jobs, make_huey
from bot.knowledge.load import ROOT
from bot.processes import sms_commands

GATEWAY = {
    "VEJVISER_SMS_PROVIDER": "gatewayapi",
    "VEJVISER_SMS_NUMBER": "4512040000",
    "VEJVISER_SMS_TOKEN": "t",
    "VEJVISER_SMS_WEBHOOK_SECRET": "s" * 32,
    "VEJVISER_PUBLIC_URL": "https://vejviser.koege.dk",
}


def test_the_queue_is_a_file_or_redis(tmp_path):
    file = make_huey({"VEJVISER_JOBS": str(tmp_path / "deep" / "jobs.db")})
    assert isinstance(file, SqliteHuey)
    assert isinstance(make_huey({"VEJVISER_JOBS": "redis://127.0.0.1:6379/3"}), RedisHuey)
    with pytest.raises(SettingsError, match="redis://"):
        make_huey({"VEJVISER_JOBS": "amqp://x"})


def test_a_job_put_in_line_by_one_process_is_done_by_another(tmp_path):
    place, served = {"VEJVISER_JOBS": str(tmp_path / "jobs.db")}, []
    Jobs(make_huey(place)).serve("sms-1")
    Jobs(make_huey(place)).serve("sms-2", delay=3600)
    worker = Jobs(make_huey(place), served.append)
    while (task := worker.huey.dequeue()) is not None:
        worker.huey.execute(task)
    assert served == ["sms-1"] and worker.huey.scheduled_count() == 1, "the other waits for its hour"


@pytest.fixture
def bare(monkeypatch):
    for name in [name for name in os.environ if name.startswith(("VEJVISER_SMS", "VEJVISER_ENV", "VEJVISER_PUBLIC"))]:
        monkeypatch.delenv(name)
    return monkeypatch


def test_at_the_desk_a_simulated_gateway_is_started_and_all_know_its_keys(bare):
    commands, env = sms_commands(8000, 8100)
    assert list(commands) == ["jobs", "sms"] and "--port 8100" in commands["sms"]
    settings = SmsSettings.read(env)
    assert (settings.url, settings.public_url) == ("http://127.0.0.1:8100", "http://127.0.0.1:8000")
    assert environment(8100, "http://127.0.0.1:8000/sms/gatewayapi", env) == env, "the simulator reads the same"


def test_with_a_gateway_only_the_worker_is_started(bare):
    for name, value in GATEWAY.items():
        bare.setenv(name, value)
    commands, env = sms_commands(8000, 8100)
    assert list(commands) == ["jobs"] and env == {}


def test_in_production_nobody_goes_live_with_a_toy(bare):
    bare.setenv("VEJVISER_ENV", "production")
    assert sms_commands(8000, 8100) == ({}, {})


def test_the_worker_refuses_to_start_without_a_gateway_or_with_half_of_one():
    command = [sys.executable, "-W", "ignore", "-m", "bot.jobs.worker"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("VEJVISER_SMS")}
    for more, said in (
        ({}, "VEJVISER_SMS_PROVIDER"),
        ({"VEJVISER_SMS_PROVIDER": "twilio"}, "VEJVISER_SMS_NUMBER"),
        ({**GATEWAY, "VEJVISER_SMS_MUNICIPALITY": "9999"}, "no municipality has that code"),
    ):
        done = subprocess.run(command, cwd=ROOT, env={**env, **more}, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and said in done.stderr and "Traceback" not in done.stderr
