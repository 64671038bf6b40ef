# What every with-... command shares: a temporary directory, and a command run between set-up and tear-down.
# Sourced, never run. A script calls begin, sets its thing up, and ends with run_command; it may define tear_down.
# shellcheck shell=bash

say() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die() {
  say "$@"
  exit 1
}

# begin PREFIX: makes the temporary directory $work_dir, readable by other users. From here on, however the script ends,
# tear_down runs and the directory goes.
begin() {
  umask 022
  work_dir=$(mktemp -d "${TMPDIR:-/tmp}/$1.XXXXXX")
  trap end EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  chmod 755 "$work_dir"
}

tear_down() {
  :
}

end() {
  local status=$?
  trap '' HUP INT TERM
  set +e
  tear_down
  rm -rf -- "$work_dir"
  exit "$status"
}

# run_command CMD...: runs CMD, hands signals on to it, waits until it has ended, and exits with its status.
# It runs in the background because bash acts on a signal only when a foreground command is over.
run_command() {
  local pid result status=0
  # Bash has background commands ignore the interrupt key: undo that.
  (
    trap - HUP INT QUIT TERM EXIT
    exec "$@"
  ) <&0 &
  pid=$!
  trap 'kill -HUP "$pid" 2>/dev/null || :' HUP
  trap 'kill -INT "$pid" 2>/dev/null || :' INT
  trap 'kill -TERM "$pid" 2>/dev/null || :' TERM
  # A signal ends the wait early, with 128 and its number. Bash may then lose the status of a command
  # that ends at this very moment, and says -1.
  while :; do
    result=0
    wait "$pid" || result=$?
    ((result < 0)) || status=$result
    kill -0 "$pid" || break
  done 2>/dev/null
  exit "$status"
}

# newest_postgres: prints the newest major version of PostgreSQL whose server is installed; nothing if there is none.
newest_postgres() {
  local server
  for server in /usr/lib/postgresql/*/bin/postgres; do
    [[ -x $server ]] && basename "${server%/bin/postgres}"
  done | sort -n | tail -n 1
}

# free_port: prints a TCP port on which nobody listens. It is below the range that outgoing connections take theirs from.
# Another process may still be faster, so whoever binds it must be ready to try another.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    if ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      return
    fi
  done
}
