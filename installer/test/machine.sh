# Sourced by the tests of the packages: counting, and Debian machines of their
# own with a real systemd, in systemd-nspawn. Root only.
# shellcheck shell=bash

passed=0
failed=0
skipped=0
check() { # check WHAT COMMAND...: one check, which passes when its command does
  local what=$1 output
  shift
  if output=$("$@" 2>&1); then
    passed=$((passed + 1))
    echo "ok     $what"
  else
    failed=$((failed + 1))
    printf 'FAILED %s\n%s\n' "$what" "$output"
  fi
}
skip() { # skip WHAT WHY
  skipped=$((skipped + 1))
  echo "skip   $1: $2"
}
says() { # says TEXT COMMAND...: it succeeds and prints the text
  local text=$1 output
  shift
  output=$("$@" 2>&1) || { echo "$output"; return 1; }
  [[ $output == *"$text"* ]] || { echo "it says: $output"; return 1; }
}
refuses() { # refuses TEXT COMMAND...: it fails and prints the text
  local text=$1 output
  shift
  if output=$("$@" 2>&1); then echo "it did not refuse: $output"; return 1; fi
  [[ $output == *"$text"* ]] || { echo "it says: $output"; return 1; }
}
until_ok() { # until_ok SECONDS COMMAND...
  local left=$(($1 * 5))
  shift
  until "$@" >/dev/null 2>&1; do
    left=$((left - 1))
    if [ "$left" -le 0 ]; then "$@"; return; fi # once more, to be heard
    sleep 0.2
  done
}

scratch=$(mktemp -d "${TMPDIR:-/tmp}/flattr-packages-XXXXXX")
machine_pid=
leader=
tidy() {
  stop_machine
  rm -rf --one-file-system "$scratch"
}
trap tidy EXIT

# plain_debian makes a Debian with systemd, once, and gives its folder. Name
# one made before by FLATTR_TEST_ROOT to save the minutes; it is not changed.
plain_debian() {
  if [ -n "${FLATTR_TEST_ROOT:-}" ]; then
    echo "$FLATTR_TEST_ROOT"
    return
  fi
  if [ ! -e "$scratch/plain" ]; then
    debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,procps,dbus-user-session,libpam-systemd \
      bookworm "$scratch/plain" >"$scratch/debootstrap.log" 2>&1 || { cat "$scratch/debootstrap.log" >&2; exit 1; }
  fi
  echo "$scratch/plain"
}
new_debian() { # new_debian NAME: a copy of it at $scratch/NAME
  local plain
  plain=$(plain_debian)
  cp -a --reflink=auto "$plain" "$scratch/$1"
}

start_machine() { # start_machine ROOT: boots it; inside runs commands there
  systemd-nspawn -q -D "$1" --boot --private-network --machine="flattr-test-$$" --register=no --keep-unit >/dev/null 2>&1 &
  machine_pid=$!
  until_ok 20 find_leader || { echo "the machine did not start" >&2; exit 1; }
  until_ok 60 running || { echo "systemd did not come up in the machine" >&2; exit 1; }
}
find_leader() {
  leader=$(pgrep -P "$machine_pid" -x systemd | head -1) # not the short-lived child that starts it
  [ -n "$leader" ]
}
running() { [[ $(inside systemctl is-system-running 2>/dev/null) =~ running|degraded ]]; }
inside() { nsenter -t "$leader" -a /usr/bin/env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
stop_machine() { # as by its power button: services are stopped first
  [ -n "$machine_pid" ] || return 0
  kill -RTMIN+4 "$leader" 2>/dev/null || kill -TERM "$machine_pid" 2>/dev/null || true # poweroff
  wait "$machine_pid" 2>/dev/null || true
  machine_pid=
}

count() { # ends a test with what was counted
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" = 0 ]
}
