#!/bin/sh
# Make the database of one service the first time, then be PostgreSQL.
# Needs SERVICE, POSTGRES_PASSWORD, OWNER_PASSWORD and APP_PASSWORD, a volume at /var/lib/postgres, and a /tmp to write.
# With a volume at /var/lib/backup, what is written ahead is archived there, and an empty data volume is restored from it.
set -eu
: "${SERVICE:?}" "${POSTGRES_PASSWORD:?}" "${OWNER_PASSWORD:?}" "${APP_PASSWORD:?}"
home=/opt/postgres data=/var/lib/postgres/data backup=/var/lib/backup
umask 077

make_database() {
    printf '%s' "$POSTGRES_PASSWORD" > /tmp/password
    initdb -D "$data.new" -U postgres --pwfile=/tmp/password --auth-host=scram-sha-256 --auth-local=trust \
        --encoding=UTF8 --no-locale --locale-provider=builtin --builtin-locale=C.UTF-8 --no-instructions > /dev/null
    rm /tmp/password
    cat "$home/postgresql.conf" >> "$data.new/postgresql.conf"
    echo "host all all all scram-sha-256" >> "$data.new/pg_hba.conf"
    echo "host replication postgres all scram-sha-256" >> "$data.new/pg_hba.conf"
    # Nobody outside is let in before the roles are there: until then it listens on a socket of this container only.
    pg_ctl -D "$data.new" -w -o "-c listen_addresses='' -c archive_mode=off" -l /tmp/make.log start > /dev/null
    psql -q -v ON_ERROR_STOP=1 -h /tmp -U postgres -d postgres -v service="$SERVICE" \
        -v owner_password="$OWNER_PASSWORD" -v app_password="$APP_PASSWORD" -f "$home/database.sql"
    pg_ctl -D "$data.new" -w -m fast stop > /dev/null
    mv "$data.new" "$data"
}

restore() {
    cp -R "$backup/base" "$data.new"
    chmod 700 "$data.new"
    rm -f "$data.new/postmaster.pid"
    touch "$data.new/recovery.signal"
    mv "$data.new" "$data"
}

rm -rf "$data.new"
if [ ! -f "$data/PG_VERSION" ]; then
    if [ -f "$backup/base/PG_VERSION" ]; then restore; else make_database; fi
fi
rm -f "$data/postmaster.pid"
archive="-c archive_mode=off"
if [ -d "$backup" ]; then
    mkdir -p "$backup/wal"
    archive="-c archive_mode=on -c archive_timeout=10s"
fi
exec postgres -D "$data" $archive
