# The companion as a service of a real systemd, put there by flattrd itself: for
# the machine and for one user, through kill -9, reboot, log-out and log-in.
# Sourced by test-packages; $deb names the package that holds the program.
# shellcheck shell=bash

house=$scratch/service
new_debian service
dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$scratch" ./usr/bin/flattrd
install -m 755 "$scratch/usr/bin/flattrd" "$house/usr/bin/flattrd"
start_machine "$house"
inside useradd --create-home --shell /bin/bash alice

# The exit code says that no browser is paired yet; here only the answer counts.
answers() {
  local said
  said=$("$@" flattrd status 2>&1) || true
  [[ $said == "companion  running"* ]] || { echo "$said"; return 1; }
}
code() { # code NUMBER COMMAND...: it ends with this exit code
  local want=$1 got=0
  shift
  "$@" >/dev/null 2>&1 || got=$?
  [ "$got" = "$want" ] || { echo "exit code $got, want $want"; return 1; }
}
main_pid() { "$@" systemctl ${manager:-} show -p MainPID --value flattrd; }
comes_back() { # comes_back COMMAND...: within 3 s of kill -9 another process answers
  local before begun took
  before=$(main_pid "$@")
  [ "${before:-0}" -gt 1 ] || { echo "it does not run"; return 1; }
  begun=$(date +%s%N)
  inside kill -9 "$before"
  until answers "$@" && [ "$(main_pid "$@")" != "$before" ]; do
    took=$((($(date +%s%N) - begun) / 1000000))
    [ "$took" -lt 3000 ] || { echo "still away after $took ms"; return 1; }
    sleep 0.05
  done
  took=$((($(date +%s%N) - begun) / 1000000))
  echo "       back after $took ms" >&3
}
exec 3>&1
gone() { ! inside test -e "$1"; }
quiet_journal() { # what was logged at info level names no address but our own
  local log
  log=$(inside journalctl --no-pager -o cat -u flattrd)
  [[ $log == *"listening on 127.0.0.1"* ]] || { echo "no log in the journal"; return 1; }
  ! grep -E 'https?://' <<<"$log"
}
confined() { inside systemd-analyze security --no-pager --threshold=15 flattrd.service | tail -1 >&3; }
hangs() { # a companion that is stopped is not called well because systemd says "active"
  local pid
  pid=$(main_pid inside)
  [ "${pid:-0}" -gt 1 ] || { echo "it does not run"; return 1; }
  inside kill -STOP "$pid"
  inside systemctl is-active --quiet flattrd && refuses "does not answer. Restart it with: flattrd restart" inside flattrd status
  local verdict=$?
  inside kill -CONT "$pid"
  return $verdict
}

check "before it is installed, status names that step" refuses "flattrd install" inside flattrd status
check "so does start" refuses "flattrd install" inside flattrd start
check "status says by exit code 3 that nothing runs" code 3 inside flattrd status
check "flattrd installs itself" says "flattrd start" inside flattrd install
check "a second time is refused with the next step" refuses "flattrd start" inside flattrd install
check "the unit is enabled" inside systemctl is-enabled --quiet flattrd
check "flattrd starts it" inside flattrd start
check "the companion answers" until_ok 10 answers inside
check "status says by exit code 1 that it wants a browser" code 1 inside flattrd status
check "the unit is confined to 1.5 or better" confined
check "no capability is left to it" says "0000000000000000" inside sh -c 'grep CapEff /proc/$(systemctl show -p MainPID --value flattrd)/status'
check "its state is its own alone" says "700" inside stat -c %a /var/lib/private/flattrd
check "every user of the machine may ask it" says "flattr1:" inside runuser -u alice -- flattrd pair
check "an ordinary user is told how to stop it" refuses "sudo flattrd stop" inside runuser -u alice -- flattrd stop
check "it comes back within 3 s of kill -9" comes_back inside
check "it comes back a second time" comes_back inside
check "a companion that hangs is not called well" hangs
check "flattrd stops it" inside flattrd stop
check "it stays stopped" code 3 inside systemctl is-active flattrd
check "status then names start" refuses "flattrd start" inside flattrd status
check "flattrd restarts it" inside flattrd restart
check "it answers again" until_ok 10 answers inside
port=$(inside cat /var/lib/private/flattrd/port)
stop_machine
start_machine "$house"
check "it is there after a reboot" until_ok 10 answers inside
check "on the same port" says "$port" inside cat /var/lib/private/flattrd/port
check "its log is in the journal and names no address" quiet_journal
check "flattrd uninstalls it" inside flattrd uninstall
check "the unit is gone" gone /etc/systemd/system/flattrd.service
check "nothing runs" code 3 inside flattrd status
check "the clicks are kept" inside test -f /var/lib/private/flattrd/clicks.db

# One user's own, which comes and goes with the log-in.
log_in() { # in the background, for an hour
  inside su - alice -c 'exec sleep 3600' >/dev/null 2>&1 &
}
at_home() { inside test -S "/run/user/$uid/bus"; }
log_out() { inside loginctl terminate-user alice; }
uid=$(inside id -u alice)
alice() { inside runuser -u alice -- env HOME=/home/alice XDG_RUNTIME_DIR="/run/user/$uid" "$@"; }
manager=--user
log_in
check "alice logs in" until_ok 20 at_home
check "flattrd installs itself for her" says "flattrd start --user" alice flattrd install --user
check "flattrd starts it for her" alice flattrd start --user
check "her companion answers" until_ok 10 answers alice
check "its files are hers alone" says "700" inside stat -c %a /home/alice/.local/state/flattr
check "it comes back within 3 s of kill -9" comes_back alice
check "she logs out" log_out
check "her companion ends with that" until_ok 30 gone "/run/user/$uid"
log_in
check "she logs in again" until_ok 20 at_home
check "it is there again" until_ok 10 answers alice
stop_machine
start_machine "$house"
log_in
check "after a reboot she logs in" until_ok 20 at_home
check "it is there once more" until_ok 10 answers alice
check "flattrd stops it for her" alice flattrd stop --user
check "status then names start --user" refuses "flattrd start --user" alice flattrd status
check "flattrd uninstalls it for her" alice flattrd uninstall --user
check "her unit is gone" gone /home/alice/.config/systemd/user/flattrd.service
stop_machine
manager=
