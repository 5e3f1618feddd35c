# One image; the command chooses the stage (docker-compose.yml). What runs is the wheel, in an environment of its own.

FROM python:3.12.12-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/heatwatch
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# What it needs changes rarely: a layer of its own.
COPY pyproject.toml ./
RUN python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; print(*p['dependencies'], *p['optional-dependencies']['apprise'], *p['optional-dependencies']['postgres'], sep='\n')" > requirements.txt \
    && /opt/heatwatch/bin/pip install -r requirements.txt
COPY . .
RUN /opt/heatwatch/bin/pip wheel --no-deps --wheel-dir /wheels . \
    && /opt/heatwatch/bin/pip install --no-deps /wheels/*.whl

FROM python:3.12.12-slim-bookworm
RUN groupadd --gid 10001 heatwatch \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/heatwatch --shell /usr/sbin/nologin heatwatch \
    && install -d -o heatwatch -g heatwatch -m 750 /var/lib/heatwatch \
    && install -d -o heatwatch -g heatwatch -m 755 /usr/share/heatwatch/grafana \
    && install -d -m 755 /etc/heatwatch
COPY --from=build /opt/heatwatch /opt/heatwatch
ENV PATH=/opt/heatwatch/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TZ=Asia/Shanghai
USER 10001:10001
# heatwatch.toml of this folder is found without being named.
WORKDIR /etc/heatwatch
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=6s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:9464/healthz', timeout=4)"]
ENTRYPOINT ["heatwatch"]
CMD ["run"]
