# The worker and every other `stream` command. Runs as a user without a name and on a read-only root file system; it
# writes only to /data, where a worker keeps its index, and to /tmp.
#
# For reproducible builds also pin the digest: docker buildx imagetools inspect python:3.13.15-slim-trixie
FROM python:3.13.15-slim-trixie AS base
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

FROM base AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# The environment needs no pip: the one of the base image installs into it.
RUN python -m venv --without-pip /opt/stream
COPY requirements.lock requirements-build.lock ./
RUN pip --python /opt/stream/bin/python install --no-deps --only-binary :all: --require-hashes \
        --requirement requirements.lock \
    && pip install --no-deps --only-binary :all: --require-hashes --requirement requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && pip --python /opt/stream/bin/python install --no-deps dist/*.whl \
    && find /opt/stream/lib -depth -type d -name tests -exec rm -r {} +
COPY --chmod=0644 deploy/container/healthcheck.py /opt/stream/healthcheck.py

FROM base
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="article-stream" \
      org.opencontainers.image.description="Turns the repetitive flood of scraped news in Kafka into events that consumers can trust" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/python:3.13.15-slim-trixie" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/stream /opt/stream
# A new named volume gets the owner of the folder on which it is first mounted.
RUN install --directory --owner=10001 --group=10001 --mode=0750 /data
# In a container the pages have to be reachable from outside; elsewhere they are on loopback.
ENV PATH="/opt/stream/bin:${PATH}" \
    HOME=/tmp \
    STREAM_DATA_DIR=/data \
    STREAM_WEB_HOST=0.0.0.0 \
    STREAM_WEB_PORT=6066
USER 10001:10001
WORKDIR /data
EXPOSE 6066
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 CMD ["python", "-I", "/opt/stream/healthcheck.py"]
ENTRYPOINT ["stream"]
CMD ["worker"]
