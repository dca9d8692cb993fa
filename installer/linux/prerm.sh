#!/bin/sh
# Stops the companion before its program goes; an upgrade restarts it later.
set -e

if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
	deb-systemd-invoke stop flattrd.service >/dev/null || true
fi
