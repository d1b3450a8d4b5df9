#!/bin/sh
# A Debian root file system with Python and nothing to build with, for machines that reach no image registry.
# usage: base.sh ARCHIVE       needs root, debootstrap, and a Debian mirror (MIRROR)
#
# The archive is the same for the same package versions: sorted, one time stamp, no caches, no logs, no machine id.
set -eu
archive=$1
mirror=${MIRROR:-http://deb.debian.org/debian}
security=${SECURITY_MIRROR:-http://deb.debian.org/debian-security}
suite=bookworm
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT INT TERM

debootstrap --variant=minbase --include=ca-certificates,python3,tzdata "$suite" "$root" "$mirror" >&2
echo "deb $security $suite-security main" > "$root/etc/apt/sources.list.d/security.list"
chroot "$root" sh -c 'apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y upgrade' >&2

# What a service never needs: package tools' caches and lists, manuals, translations, what a boot would leave.
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/* "$root"/var/log/* "$root"/tmp/* "$root"/usr/share/doc/* \
       "$root"/usr/share/man/* "$root"/usr/share/info/* "$root"/usr/share/locale/* "$root"/usr/share/lintian/* \
       "$root"/etc/machine-id "$root"/etc/hostname "$root"/etc/resolv.conf "$root"/dev/*
find "$root" -name '__pycache__' -type d -prune -exec rm -rf {} +
echo 'qingdan:x:10001:10001:Qingdan:/:/usr/sbin/nologin' >> "$root/etc/passwd"
echo 'qingdan:x:10001:' >> "$root/etc/group"
tar --create --file "$archive" --directory "$root" --sort=name --mtime="@${SOURCE_DATE_EPOCH:-0}" --numeric-owner \
    --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime .
