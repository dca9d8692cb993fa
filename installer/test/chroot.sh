# Installed where no service manager runs: an empty folder, a plain Debian, and
# one with OpenRC; by dpkg, rpm, pacman and the script of the tar.gz.
# shellcheck shell=bash disable=SC2154 # dist, version, deb and scratch are the caller's

mkdir -p "$scratch/empty"
runs_alone() { # runs_alone ARCH [EMULATOR]: the program, and nothing else in its world
  dpkg-deb --fsys-tarfile "$dist/flattr_${version}_$1.deb" | tar -xO ./usr/bin/flattrd >"$scratch/empty/flattrd"
  chmod 0755 "$scratch/empty/flattrd"
  [ $# = 1 ] || cp "$(command -v "$2")" "$scratch/empty/emulator"
  says "flattrd $version" chroot "$scratch/empty" ${2:+/emulator} /flattrd version
}
check "the program runs in an empty folder, amd64" runs_alone amd64
check "the program runs in an empty folder, arm64 by qemu" runs_alone arm64 qemu-aarch64-static
ledger_alone() {
  tar -xzOf "$dist/flattr-ledger-$version-linux-amd64.tar.gz" --wildcards '*/flattr-ledger' >"$scratch/empty/ledger"
  chmod 0755 "$scratch/empty/ledger"
  says "$version" chroot "$scratch/empty" /ledger --version
}
check "the ledger runs in an empty folder" ledger_alone

new_debian bare
bare=$scratch/bare
cp "$deb" "$bare/root/flattr.deb"
in_bare() { chroot "$bare" /usr/bin/env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"; }
check "dpkg installs it where no systemd runs, and says how to go on" says "flattrd run" in_bare dpkg -i /root/flattr.deb
check "the page it names is there" test -s "$bare/usr/share/flattr/welcome.html"
check "the manual is found" in_bare test -s /usr/share/man/man1/flattrd.1.gz
check "dpkg removes it" in_bare dpkg -r flattr
check "dpkg purges it" in_bare dpkg -P flattr
left_over() { # nothing of ours is left below a root
  local found
  found=$(find "$1" -xdev \( -name '*flattr*' -o -path '*org.flattr*' \) ! -path '*/root/*' ! -path '*/var/lib/dpkg/*' ! -path '*/var/log/*' ! -path '*/proc/*' "${@:2}")
  [ -z "$found" ] || { echo "$found"; return 1; }
}
check "nothing is left behind" left_over "$bare"

# rpm, with a database of its own in the folder.
rpm_file=$(ls "$dist"/flattr-*.x86_64.rpm)
by_rpm() { rpm --root "$bare" --nosignature --nodeps "$@"; }
check "rpm installs it" says "welcome.html" by_rpm -i "$rpm_file"
check "the program of the rpm runs" says "flattrd $version" in_bare flattrd version
check "the unit of the rpm is enabled" test -L "$bare/etc/systemd/system/multi-user.target.wants/flattrd.service"
check "rpm finds every file as it was" by_rpm -V flattr
check "rpm removes it" by_rpm -e flattr
check "nothing is left behind by rpm" left_over "$bare" ! -path '*/var/lib/private/*'

arch_file=$(ls "$dist"/flattr-*-x86_64.pkg.tar.zst)
mkdir -p "$bare/var/lib/pacman" "$scratch/pacman"
by_pacman() { pacman --root "$bare" --dbpath "$bare/var/lib/pacman" --cachedir "$scratch/pacman" --noconfirm --config /dev/null "$@"; }
ln -sf bash "$bare/bin/sh" # as on Arch: nfpm's script is for bash
check "pacman installs it" says "welcome.html" by_pacman -U "$arch_file"
check "the program of the Arch package runs" says "flattrd $version" in_bare flattrd version
check "pacman finds every file" says "0 missing files" by_pacman -Qk flattr
check "pacman removes it" by_pacman -R flattr
rm -rf "$bare/var/lib/pacman"
ln -sf dash "$bare/bin/sh"
check "nothing is left behind by pacman" left_over "$bare"

# The tar.gz, for the machine and for one user without root.
tar -xzf "$dist/flattr-$version-linux-amd64.tar.gz" -C "$bare/root"
tarred=/root/flattr-$version-linux-amd64
check "the script installs for the machine, however private root's files are" says "/usr/local/share/flattr/welcome.html" in_bare sh -c "umask 077 && exec $tarred/install.sh"
for_all() { # everything of ours below a folder can be read by everybody
  local closed
  closed=$(find "$@" \( -type f ! -perm -o=r -o -type d ! -perm -o=rx \))
  [ -z "$closed" ] || { echo "$closed"; return 1; }
}
check "every user can read what it laid" for_all "$bare/usr/local/share/flattr" "$bare/usr/local/bin" "$bare/etc/chromium" "$bare/etc/opt" "$bare/usr/lib/mozilla"
check "its program runs" says "flattrd $version" in_bare flattrd version
check "its manifests name its program" in_bare grep -q '"/usr/local/bin/flattrd"' /etc/chromium/native-messaging-hosts/org.flattr.pair.json \
  /etc/opt/edge/native-messaging-hosts/org.flattr.pair.json /usr/lib/mozilla/native-messaging-hosts/org.flattr.pair.json
in_bare sed 's/^version=.*/version=0.0.1/' "$tarred/install.sh" >"$bare$tarred/older.sh"
check "an older script refuses" refuses "keeps your clicks in a form" in_bare sh "$tarred/older.sh"
check "the script removes it" says "Flattr is removed" in_bare "$tarred/install.sh" uninstall --purge
check "nothing is left behind by the script" left_over "$bare"
in_bare useradd --create-home carol
cp -a "$bare$tarred" "$bare/home/carol/flattr"
as_carol() { in_bare su carol -c "cd && $*"; }
check "the script installs for a user without root" says "/home/carol/.local/share/flattr/welcome.html" as_carol "flattr/install.sh"
check "the user's manifests name the user's program" as_carol grep -q '"/home/carol/.local/bin/flattrd"' .config/chromium/NativeMessagingHosts/org.flattr.pair.json .mozilla/native-messaging-hosts/org.flattr.pair.json
check "without systemd it starts at log-in" as_carol grep -qF "'Exec=\"/home/carol/.local/bin/flattrd\" run'" .config/autostart/flattrd.desktop
check "the user removes it" says "are kept in" as_carol "flattr/install.sh uninstall"
rm -rf "$bare/home/carol/flattr" "$bare${tarred:?}"
check "nothing is left in the user's home" left_over "$bare/home"

# OpenRC: the files of the apk in a Debian that has OpenRC's programs.
openrc() { systemd-nspawn -q -D "$scratch/openrc" --private-network --register=no --keep-unit /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c "$1"; }
prepare_openrc() {
  new_debian openrc
  (cd "$scratch" && apt-get -qq download openrc libeinfo1 librc1)
  for package in "$scratch"/openrc_*.deb "$scratch"/libeinfo1_*.deb "$scratch"/librc1_*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$scratch/openrc"
  done
  bsdtar -xf "$(ls "$dist"/flattr_*_x86_64.apk)" -C "$scratch/openrc" 2>/dev/null
  touch "$scratch/openrc/etc/insserv.conf"
  # Debian has no service for what is mounted at boot; here nothing is to be mounted.
  printf '#!/sbin/openrc-run\nstart() { :; }\n' >"$scratch/openrc/etc/init.d/localmount"
  chmod 0755 "$scratch/openrc/etc/init.d/localmount"
  chroot "$scratch/openrc" sh -c 'groupadd --system flattr && useradd --system --gid flattr --home-dir /var/lib/flattrd flattr'
}
check "OpenRC's programs are had" prepare_openrc
openrc_life='set -e
for folder in exclusive starting started stopping inactive failed daemons options tmp; do mkdir -p "/run/openrc/$folder"; done # as at its boot
touch /run/openrc/softlevel
answers() { i=0; until flattrd status --json 2>/dev/null | grep -q "\"version\""; do i=$((i + 1)); [ $i -lt 50 ] || return 1; sleep 0.2; done; }
rc-service flattrd start
answers || { echo "it does not answer"; exit 1; }
[ "$(stat -c %a:%U /var/lib/flattrd)" = 700:flattr ] || { echo "the state is not its own"; exit 1; }
old=$(pgrep -x flattrd)
kill -9 $old
i=0
until new=$(pgrep -x flattrd) && [ "$new" != "$old" ]; do i=$((i + 1)); [ $i -lt 25 ] || { echo "it does not come back"; exit 1; }; sleep 0.2; done
answers
rc-service flattrd stop
! pgrep -x flattrd
'
check "OpenRC starts it, brings it back after kill -9 and stops it" openrc "$openrc_life"
