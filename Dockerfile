# The bot as a container. How to run it: docs/deployment.md.
# A digest pins the base image: --build-arg BASE=python:3.11-slim@sha256:…
ARG BASE=python:3.11-slim
FROM ${BASE}

WORKDIR /app
COPY requirements.txt ./
RUN python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary=:all: -r requirements.txt
COPY bot bot
COPY handlers handlers
# Compile now, because the container's user cannot write to /app. /data holds the SQLite file.
RUN python -m compileall -q bot handlers \
    && mkdir /data \
    && chown 10001:10001 /data

USER 10001:10001
ENV DATABASE_URL=sqlite:////data/purecloud-bot.db PORT=3000
VOLUME ["/data"]
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/healthz\", timeout=3)"]
CMD ["python", "-m", "bot", "serve"]
