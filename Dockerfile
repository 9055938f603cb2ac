# One image for the three processes; docker-compose.yml says which one a container runs.
FROM python:3.10-slim
RUN pip install --no-cache-dir 'uv>=0.9,<1' && useradd --create-home vejviser
WORKDIR /app
COPY --chown=vejviser pyproject.toml uv.lock README.md ./
COPY --chown=vejviser bot bot
COPY --chown=vejviser actions actions
RUN uv sync --locked --no-dev
COPY --chown=vejviser . .
RUN chown vejviser /app
USER vejviser
ENV PATH=/app/.venv/bin:$PATH RASA_TELEMETRY_ENABLED=false
RUN python -m bot knowledge load && python -m bot train
