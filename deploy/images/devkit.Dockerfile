# What a development cluster needs beside the services: token issuer, bank simulator, and the demo's story.
ARG BASE=localhost/qingdan/base:bookworm

FROM ${BASE} AS build
COPY uv /usr/local/bin/uv
COPY wheels /wheels
COPY shared/devkit/requirements.lock /lock
RUN uv pip install --quiet --no-cache --offline --no-index --find-links /wheels --require-hashes --no-deps \
        --link-mode copy --python python3 --target /app/lib --requirements /lock \
    && rm -rf /app/lib/bin /app/lib/.lock
COPY shared/contracts/qingdan /app/lib/qingdan
COPY shared/runtime/runtime /app/lib/runtime
COPY shared/devkit/devkit /app/lib/devkit
RUN python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /app

FROM ${BASE}
COPY --from=build /app /app
ENV PYTHONPATH=/app/lib \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    QINGDAN_VAR=/tmp/var
WORKDIR /tmp
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["python3", "-m", "devkit"]
