# A private PostgreSQL server for tests, on a Unix socket in a directory of its
# own, for as long as standard input is open.
#
#   sh server.sh ROOT
#
# makes a directory below ROOT, starts the server, and prints its postgres://
# URL, or "absent: REASON" where it cannot. Then it takes orders, one a line,
# and answers each with a line: "kill" ends the server as a crash would (the
# answer is "killed"), "start" starts it again (the answer is the URL). At the
# end of its input it ends the server and removes the directory, so that nothing
# is left however the test ended. It must not run as root: PostgreSQL refuses.
#
# fsync is off. It matters when a machine loses power; what a killed process has
# written is kept by the kernel, so crashes of processes are real here.
set -u
PATH="$PATH:$(ls -d /usr/lib/postgresql/*/bin /usr/local/pgsql/bin 2>/dev/null | sort -rV | tr '\n' ':')"
for program in initdb postgres psql; do
  command -v "$program" >/dev/null || { echo "absent: no $program in PATH or /usr/lib/postgresql/*/bin"; exit 0; }
done
home=$(mktemp -d "$1/flattr-pg.XXXXXX") || { echo "absent: no directory could be made below $1"; exit 0; }
cd "$home" || exit 1
server=
trap '' INT HUP TERM
url="postgres://flattr@/postgres?host=$home"

running() { kill -0 "$server" 2>/dev/null; }

end() { # end SIGNAL
  [ -n "$server" ] || return 0
  # Those that serve a connection outlive a killed server until they are idle.
  children=
  [ "$1" = QUIT ] || for stat in /proc/[0-9]*/stat; do
    { read -r pid _ _ parent _ <"$stat"; } 2>/dev/null || continue
    [ "$parent" != "$server" ] || children="$children $pid"
  done
  kill "-$1" "$server" $children 2>/dev/null
  wait "$server" 2>/dev/null
  server=
}

start() {
  tries=0
  while [ $tries -lt 600 ]; do
    if [ -z "$server" ] || ! running; then
      # After a crash the last children of the killed server may still be ending.
      postgres -D "$home/data" >>"$home/log" 2>&1 </dev/null &
      server=$!
    fi
    psql -X -h "$home" -U flattr -d postgres -c 'SELECT 1' >/dev/null 2>&1 </dev/null && { echo "$url"; return; }
    tries=$((tries + 1))
    sleep 0.05
  done
  echo "absent: the server does not start: $(tail -n 3 "$home/log" | tr '\n' ' ')"
}

if initdb -D "$home/data" -U flattr -A trust -E UTF8 --no-locale --no-sync >"$home/log" 2>&1 </dev/null; then
  cat >>"$home/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$home'
max_connections = 300
shared_buffers = 128MB
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
log_min_messages = fatal
CONF
  start
else
  echo "absent: initdb failed: $(tail -n 3 "$home/log" | tr '\n' ' ')"
fi
while read -r order; do
  case $order in
    kill) end KILL; echo killed ;;
    start) start ;;
  esac
done
end QUIT
cd / && rm -rf "$home"
