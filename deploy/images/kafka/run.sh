#!/bin/sh
# Format the volume the first time, with the administrator's SCRAM credentials in it, then be Kafka.
# Needs KAFKA_ADMIN_PASSWORD, ADVERTISED (host:port as clients call it), a volume at /var/lib/kafka and a /tmp to write.
set -eu
: "${KAFKA_ADMIN_PASSWORD:?set it from a Secret}" "${ADVERTISED:?host:port as clients call it}"
home=/opt/kafka data=/var/lib/kafka/data settings=/tmp/server.properties
umask 077
sed -e "s|@ADVERTISED@|$ADVERTISED|" -e "s|@PASSWORD@|$KAFKA_ADMIN_PASSWORD|" "$home/server.properties" > "$settings"
java() {
    exec "$home/java/bin/java" -Xmx"${KAFKA_HEAP:-384m}" -Xms64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
        -XX:-UsePerfData -Xlog:disable -Xlog:all=error:stderr -Djava.awt.headless=true --enable-native-access=ALL-UNNAMED \
        --sun-misc-unsafe-memory-access=allow -Dlog4j2.configurationFile="$home/log4j2.properties" \
        -cp "$home/jars/*" "$@"
}
if [ ! -f "$data/meta.properties" ]; then
    (java kafka.tools.StorageTool format --standalone --cluster-id "${CLUSTER_ID:-cWluZ2Rhbi1rYWZrYQ}" --config "$settings" \
        --add-scram "SCRAM-SHA-512=[name=admin,password=$KAFKA_ADMIN_PASSWORD]") > /dev/null
fi
java kafka.Kafka "$settings"
