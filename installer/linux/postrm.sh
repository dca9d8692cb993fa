#!/bin/sh
# Removal keeps the clicks; purge takes them, too.
set -e

unit=flattrd.service
if [ "$1" = remove ]; then
	if command -v deb-systemd-helper >/dev/null; then
		deb-systemd-helper mask "$unit" >/dev/null || true
	fi
fi
if [ "$1" = purge ]; then
	if command -v deb-systemd-helper >/dev/null; then
		deb-systemd-helper purge "$unit" >/dev/null || true
		deb-systemd-helper unmask "$unit" >/dev/null || true
	fi
	# The unit's StateDirectory; a dynamic user's lies below private.
	rm -rf /var/lib/private/flattrd
	rm -rf /var/lib/flattrd
fi
if [ -d /run/systemd/system ]; then
	systemctl --system daemon-reload >/dev/null || true
fi
