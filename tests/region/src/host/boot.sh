#!/bin/sh
# Boots a host: sshd, then user data, as cloud-init does; then reaps for ever.
# In namespaces this is process 1.
# Arguments: the host's folder.
host=$1

report() { echo "$@" >"$host/control"; }

# Only sshd gets the fetched libraries, so the command has its own file.
sh "$host/sshd" >/dev/null 2>>"$host/sshd.log" </dev/null &
sshd=$!
until [ -s "$host/sshd.pid" ]; do
  if ! kill -0 "$sshd" 2>/dev/null; then
    report sshd-failed
    exit 1
  fi
  sleep 0.02
done
report up

if [ -s "$host/user-data" ]; then
  # A copy of our own: no other process can hold it open for writing when it is run.
  cp "$host/user-data" "$host/part-001"
  chmod 700 "$host/part-001"
  (cd / && exec "$host/part-001") >>"$host/console.log" 2>&1 </dev/null
  report user-data "$?"
fi

while :; do
  wait
  sleep 1
done
