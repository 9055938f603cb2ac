# syntax=docker/dockerfile:1
# Three images; docker-compose.yml and deploy/kubernetes say which command each container runs.
#   rasa    Python 3.10 with Rasa, its actions and the trained model
#   living  Python 3.12 with everything else: door, console, jobs, the vejviser command
#   caddy   the proxy before the doors and the balancer before the Rasas
# Every Python package is the one uv.lock names, by hash. Base images are named by tag: where a digest can be looked up,
# give it (--build-arg PYTHON_3_12=python:3.12-slim-bookworm@sha256:…).
ARG PYTHON_3_10=python:3.10-slim-bookworm
ARG PYTHON_3_12=python:3.12-slim-bookworm
ARG CADDY=caddy:2.11-alpine
ARG UV=uv==0.13.9
ARG RASA_PACKAGES="--no-default-groups --group rasa"
ARG LIVING_PACKAGES="--no-default-groups --group living"

FROM ${PYTHON_3_10} AS rasa-packages
ARG UV RASA_PACKAGES
WORKDIR /app
RUN pip install --no-cache-dir "${UV}"
COPY pyproject.toml uv.lock ./
RUN UV_PYTHON_DOWNLOADS=never uv sync --locked --no-install-project --compile-bytecode ${RASA_PACKAGES}
ENV PATH=/app/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 RASA_TELEMETRY_ENABLED=false

FROM rasa-packages AS model
COPY config.yml domain.yml endpoints.yml credentials.yml ./
COPY data data
COPY bot bot
COPY actions actions
RUN python -m bot train

FROM ${PYTHON_3_12} AS living-packages
ARG UV LIVING_PACKAGES
WORKDIR /app
RUN pip install --no-cache-dir "${UV}"
COPY pyproject.toml uv.lock ./
RUN UV_PYTHON_DOWNLOADS=never uv sync --locked --no-install-project --compile-bytecode ${LIVING_PACKAGES}

FROM ${PYTHON_3_10} AS rasa
RUN useradd --uid 10001 --no-create-home --home-dir /tmp vejviser
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH PYTHONPATH=/app HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 RASA_TELEMETRY_ENABLED=false
COPY --from=rasa-packages /app/.venv .venv
COPY --from=model /app/models models
COPY credentials.yml ./
COPY deploy/endpoints.yml deploy/logging.yml deploy/
COPY bot bot
COPY actions actions
USER 10001:10001

FROM ${PYTHON_3_12} AS living
RUN useradd --uid 10001 --no-create-home --home-dir /tmp vejviser && mkdir /backups && chown 10001:10001 /backups
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH PYTHONPATH=/app HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
COPY --from=living-packages /app/.venv .venv
COPY deploy/backup.sh deploy/
COPY data/knowledge data/knowledge
COPY bot bot
USER 10001:10001

# The file's right to ports below 1024 is taken off: nothing here needs it, and without capabilities it would not start.
FROM ${CADDY} AS caddy
RUN setcap -r /usr/bin/caddy && mkdir -p /data && chown 10001:10001 /data
WORKDIR /app
COPY deploy/caddy deploy/caddy
USER 10001:10001
