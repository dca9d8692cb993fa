# The deb through its whole life under a real systemd, as the README tells it:
# install, reboot, kill -9, upgrade, downgrade, removal, again, purge. A reader's
# part is played by installer/reader, which starts the native host as browsers do.
# shellcheck shell=bash disable=SC2154 # dist, version, deb and scratch are the caller's

next=0.999.0
make_next() {
  go run ./installer -version "$next" -only deb-amd64 -programs "$scratch/programs" -out "$scratch"
  CGO_ENABLED=0 go build -o "$scratch/reader" ./installer/reader
}
check "the next version is built" make_next

new_debian life
cp "$deb" "$scratch/flattr_${next}_amd64.deb" "$scratch/life/root/"
cp "$scratch/reader" "$scratch/life/usr/local/bin/reader"
chroot "$scratch/life" useradd --create-home bob
start_machine "$scratch/life"

private=/var/lib/private/flattrd
as_bob() { inside su bob -c "$*"; }
active() { inside systemctl is-active --quiet flattrd; }
# The exit code says that something needs the reader; here only the answer counts.
answers() { inside sh -c 'flattrd status --json | grep -q "\"version\": \"'"$1"'\""'; }
gone() { ! inside test -e "$1"; }
inactive() { ! active; }
comes_back() {
  local before after
  before=$(inside systemctl show -P MainPID flattrd)
  inside systemctl kill -s KILL flattrd
  for _ in $(seq 15); do # three seconds
    sleep 0.2
    after=$(inside systemctl show -P MainPID flattrd)
    if [ "$after" != 0 ] && [ "$after" != "$before" ] && answers "$version"; then return 0; fi
  done
  return 1
}
names_page() { # the README's line installs it, and what apt prints names a page that is there
  local said page line
  line=$(sed -n 's|^sudo \(apt install \)\./dist/flattr_.*_amd64.deb$|\1-y|p' README.md)
  [ -n "$line" ] || { echo "the README has no line that installs the package"; return 1; }
  # shellcheck disable=SC2086 # words of a command
  said=$(inside $line "/root/flattr_${version}_amd64.deb" 2>&1) || { echo "$said"; return 1; }
  page=$(grep -o 'file://[^[:space:]]*' <<<"$said") || { echo "$said"; return 1; }
  inside test -s "${page#file://}"
}
restart_machine() {
  stop_machine
  start_machine "$scratch/life"
}

check "apt installs it and names a page that is there" names_page
check "the unit is enabled" inside systemctl is-enabled --quiet flattrd
check "the unit is active" until_ok 10 active
check "the companion answers" until_ok 10 answers "$version"
check "its state is its own alone" says 700 inside stat -c %a "$private"
check "systemd finds it confined, at 1.5 or better" inside systemd-analyze security --no-pager --threshold=15 flattrd.service
# Six at once are more than the companion takes of one user; it is tried again.
for manifest in /etc/opt/{chrome,edge,brave,vivaldi}/native-messaging-hosts/org.flattr.pair.json \
  /etc/chromium/native-messaging-hosts/org.flattr.pair.json /usr/lib/mozilla/native-messaging-hosts/org.flattr.pair.json; do
  check "a browser is paired by $manifest" until_ok 90 says connected as_bob /usr/local/bin/reader pair "$manifest" "/home/bob/device"
done
check "bob sees his browsers" says moz-extension as_bob flattrd devices
check "it is back within three seconds of kill -9" comes_back
check "the browser is still paired" until_ok 10 as_bob /usr/local/bin/reader connect /home/bob/device
check "the manual and the completions are there" inside test -s /usr/share/man/man1/flattrd.1.gz -a -s /usr/share/bash-completion/completions/flattrd

restart_machine
check "the companion is back after it" until_ok 10 answers "$version"
check "the browser is still paired after it" until_ok 10 as_bob /usr/local/bin/reader connect /home/bob/device

check "apt installs the next version" says "$next" inside apt-get install -y "/root/flattr_${next}_amd64.deb"
check "the next version answers" until_ok 10 answers "$next"
check "the browser is still paired with it" until_ok 10 as_bob /usr/local/bin/reader connect /home/bob/device
check "going back is refused with a sentence" refuses "keeps your clicks in a form" inside dpkg -i "/root/flattr_${version}_amd64.deb"
check "apt refuses it, too" refuses "Keep $next" inside apt-get install -y --allow-downgrades "/root/flattr_${version}_amd64.deb"
check "the next version goes on" until_ok 10 answers "$next"
check "dpkg has nothing left to do" says "install ok installed" inside dpkg -s flattr

check "apt removes it" inside apt-get remove -y flattr
check "the unit is gone" inactive
check "the clicks are kept" inside test -d "$private"
check "going back is refused while they are kept" refuses "keeps your clicks in a form" inside dpkg -i "/root/flattr_${version}_amd64.deb"
check "it is installed again" inside apt-get install -y "/root/flattr_${next}_amd64.deb"
check "the browser is paired as before" until_ok 10 as_bob /usr/local/bin/reader connect /home/bob/device
check "apt purges it" inside apt-get purge -y flattr
check "the clicks are gone" gone "$private"
check "nothing of it is left" says "" inside sh -c '! find / -xdev \( -name "*flattr*" -o -name "org.flattr*" \) ! -path "/root/*" ! -path "/proc/*" ! -path "/var/log/*" ! -path "/var/lib/dpkg/*" ! -path "/var/lib/systemd/*" | grep .'
# The tar.gz, where systemd runs.
tar -xzf "$dist/flattr-$version-linux-amd64.tar.gz" -C "$scratch/life/root"
script=/root/flattr-$version-linux-amd64/install.sh
check "the script of the tar.gz installs it as a service" says "/usr/local/share/flattr/welcome.html" inside "$script"
check "the service answers" until_ok 10 answers "$version"
check "a browser is paired by its manifest" until_ok 90 says connected as_bob /usr/local/bin/reader pair /etc/opt/edge/native-messaging-hosts/org.flattr.pair.json /home/bob/device
check "everybody may read its unit" says 644 inside stat -c %a /etc/systemd/system/flattrd.service
inside sed -i 's|^ExecStart=.*|& --verbose|' /etc/systemd/system/flattrd.service
check "the script installs it again" inside "$script"
check "the service has the option that was given it" until_ok 10 inside sh -c 'tr "\0" " " </proc/$(systemctl show -P MainPID flattrd)/cmdline | grep -e --verbose'
check "the browser is still paired by then" until_ok 10 as_bob /usr/local/bin/reader connect /home/bob/device
check "the script removes it and its clicks" says "and so are its clicks" inside "$script" uninstall --purge
check "no unit of it is left" inside sh -c '! systemctl cat flattrd 2>/dev/null'
check "no clicks of it are left" gone "$private"

check "the older version can be installed now" names_page
check "it answers" until_ok 10 answers "$version"
stop_machine
