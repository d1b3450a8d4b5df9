# One image for each service: `--build-arg SERVICE=tasks`. BASE is a Debian with Python 3.11 (base.sh makes one), or
# docker.io/library/python:3.11-slim-bookworm. Nothing is fetched here: the build context brings uv, the source and the
# wheels that services/<name>/requirements.lock pins, so it builds without a network and the same everywhere.
ARG BASE=localhost/qingdan/base:bookworm

FROM ${BASE} AS build
ARG SERVICE
COPY uv /usr/local/bin/uv
COPY wheels /wheels
COPY services/${SERVICE}/requirements.lock /lock
RUN uv pip install --quiet --no-cache --offline --no-index --find-links /wheels --require-hashes --no-deps \
        --link-mode copy --python python3 --target /app/lib --requirements /lock \
    && rm -rf /app/lib/bin /app/lib/.lock
COPY shared/contracts/qingdan /app/lib/qingdan
COPY shared/runtime/runtime /app/lib/runtime
COPY services/${SERVICE} /app/${SERVICE}
RUN rm -f /app/${SERVICE}/pyproject.toml /app/${SERVICE}/README.md \
    && printf '#!/bin/sh\nexec python3 -m %s "$@"\n' "${SERVICE}" > /app/service && chmod 755 /app/service \
    && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /app

FROM ${BASE}
ARG SERVICE
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="qingdan-${SERVICE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /app /app
ENV PYTHONPATH=/app/lib:/app/${SERVICE} \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HTTP_HOST=0.0.0.0 \
    HTTP_PORT=8000
WORKDIR /
USER 10001:10001
EXPOSE 8000
# The service is the first process: it takes SIGTERM itself, drains and ends with 0 within 20 s. `migrate` is an argument.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/app/service"]
