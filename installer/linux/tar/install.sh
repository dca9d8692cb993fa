#!/bin/sh
# Installs and removes the companion of Flattr.
#
#   ./install.sh [install|uninstall] [--user] [--purge]
#
# As root for the whole machine: below /usr/local, as a service that starts
# with the machine. With --user, or without being root, for yourself alone:
# below ~/.local, started when you log in. --purge deletes the clicks, too.
set -eu

version='{{.Version}}'
here=$(CDPATH='' cd -- "$(dirname "$0")" && pwd)
act=install purge='' user=''
for word in "$@"; do
	case "$word" in
	install | uninstall) act=$word ;;
	--user) user=--user ;;
	--purge) purge=yes ;;
	-h | --help)
		sed -n '2,8s/^# \{0,1\}//p' "$0"
		exit 0
		;;
	*)
		echo "install.sh: what is $word? See: $0 --help" >&2
		exit 2
		;;
	esac
done
[ "$(id -u)" = 0 ] || user=--user
if [ -n "$user" ]; then
	case "${HOME:-}" in
	/*) ;;
	*)
		echo "install.sh: HOME does not name your folder, so there is no place to install to; set it, or install as root" >&2
		exit 1
		;;
	esac
	prefix=$HOME/.local
	autostart=${XDG_CONFIG_HOME:-$HOME/.config}/autostart/flattrd.desktop
else
	prefix=/usr/local
	umask 022 # what is for every user of the machine must be read by them, however private root is
fi
daemon=$prefix/bin/flattrd

# The service managers. "manager" says who starts the companion.
manager=none
if [ -n "$user" ]; then
	if systemctl --user show-environment >/dev/null 2>&1; then manager=systemd; else manager=desktop; fi
elif [ -d /run/systemd/system ]; then
	manager=systemd
elif command -v openrc-run >/dev/null 2>&1; then
	manager=openrc
fi

# manifest_folder gives the folder for a browser: the table's second column for
# the machine, its third below the home for a user.
each_manifest() { # each_manifest COMMAND: called with the kind and the folder
	while read -r kind machine home; do
		if [ -n "$user" ]; then "$1" "$kind" "$HOME/$home"; else "$1" "$kind" "$machine"; fi
	done <"$here/browsers"
}
write_manifest() {
	mkdir -p "$2"
	"$daemon" native-host --print-manifest "$1" --executable "$daemon" >"$2/org.flattr.pair.json"
	chmod 0644 "$2/org.flattr.pair.json"
}
remove_manifest() { rm -f "$2/org.flattr.pair.json"; }

# older tells whether version $1 comes before $2.
older() { # older A B
	[ "$1" != "$2" ] && [ "$(printf '%s\n%s\n' "$1" "$2" | sed 's/-/~/' | sort -V | head -n 1 | sed 's/~/-/')" = "$1" ]
}

stop_service() {
	case "$manager" in
	systemd) "$daemon" uninstall $user >/dev/null 2>&1 || : ;;
	openrc)
		rc-service -q --ifstarted flattrd stop >/dev/null 2>&1 || :
		rc-update -q del flattrd >/dev/null 2>&1 || :
		rm -f /etc/init.d/flattrd
		;;
	desktop) rm -f "$autostart" ;;
	esac
}

start_service() {
	case "$manager" in
	systemd)
		"$daemon" install --again $user >/dev/null # with the options it was installed with
		"$daemon" restart $user
		;;
	openrc)
		addgroup -S flattr 2>/dev/null || groupadd --system flattr 2>/dev/null || :
		adduser -S -D -H -h /var/lib/flattrd -s /sbin/nologin -G flattr flattr 2>/dev/null ||
			useradd --system --gid flattr --home-dir /var/lib/flattrd --shell /usr/sbin/nologin flattr 2>/dev/null || :
		sed "s|/usr/bin/flattrd|$daemon|" "$here/flattrd.initd" >/etc/init.d/flattrd
		chmod 0755 /etc/init.d/flattrd
		rc-update -q add flattrd default
		[ ! -d /run/openrc ] || rc-service flattrd start
		;;
	desktop)
		mkdir -p "$(dirname "$autostart")"
		[ -e "$autostart" ] || printf '[Desktop Entry]\nType=Application\nName=Flattr companion\nExec="%s" run\nNoDisplay=true\n' "$daemon" >"$autostart"
		echo "The companion starts when you log in. To start it now: $daemon run"
		;;
	none) echo "No service manager that Flattr knows was found. Start the companion yourself, as the user who browses: $daemon run" ;;
	esac
}

if [ "$act" = uninstall ]; then
	[ -x "$daemon" ] || [ -n "$purge" ] || {
		echo "install.sh: there is no $daemon to remove" >&2
		exit 1
	}
	if [ -x "$daemon" ]; then stop_service; fi
	# Refused, with what to do, while a companion runs that was started otherwise.
	if [ -n "$purge" ]; then "$here/files/bin/flattrd" uninstall $user --purge; fi
	each_manifest remove_manifest
	(cd "$here/files" && find . -type f) | while read -r file; do rm -f "$prefix/$file"; done
	find "$prefix/share/flattr" -depth -type d -exec rmdir {} + 2>/dev/null || :
	state=/var/lib/flattrd # under systemd a link to the folder below private
	[ -z "$user" ] || state=${XDG_STATE_HOME:-$HOME/.local/state}/flattr
	if [ -n "$purge" ]; then
		echo "Flattr is removed, and so are its clicks."
	else
		echo "Flattr is removed. Its clicks are kept in $state; $0 uninstall${user:+ $user} --purge deletes them."
	fi
	exit 0
fi

# What is there goes on running unless what replaces it can run.
"$here/files/bin/flattrd" version >/dev/null || {
	echo "install.sh: this program does not run on this machine ($(uname -m)); take the archive for its architecture" >&2
	exit 1
}
if [ -x "$daemon" ] && present=$("$daemon" version 2>/dev/null); then
	present=${present##* }
	if older "$version" "$present"; then
		echo "install.sh: $present keeps your clicks in a form that $version may not read, so $version is not installed." >&2
		echo "install.sh: Keep $present, or save your clicks (flattrd export), remove it with --purge and install $version." >&2
		exit 1
	fi
	case "$manager" in openrc) stop_service ;; esac # others leave the one that runs until the new one takes its place
fi
(cd "$here/files" && find . -type f) | while read -r file; do
	file=${file#./}
	mkdir -p "$prefix/$(dirname "$file")"
	cp "$here/files/$file" "$prefix/$file.new"
	case "$file" in bin/*) chmod 0755 "$prefix/$file.new" ;; *) chmod 0644 "$prefix/$file.new" ;; esac
	mv "$prefix/$file.new" "$prefix/$file" # a program that runs is not written over
done
each_manifest write_manifest
start_service
case ":$PATH:" in *":$prefix/bin:"*) ;; *) echo "$prefix/bin is not in your PATH: call it $daemon, or add it." ;; esac
echo "To connect your browser, open this page in it: file://$prefix/share/flattr/welcome.html"
