#!/bin/sh
# Outlives the process that started it, to end what that one has started.
# Standard input is a pipe that only that process holds open; a line is its farewell.
# Arguments: the variable, with its value, that marks what is to end; the folder
# of the logs of sshd.
mark=$1 logs=$2
# shellcheck disable=SC2034 # What the line says does not matter.
if read -r farewell; then exit 0; fi

round=0
while [ "$round" -lt 100 ]; do
  # A pattern of one line: a folder whose name has several is none.
  found=$(grep -lzxF -e "$mark" /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3)
  # sshd overwrites its environment; its log file gives it away.
  for process in /proc/[0-9]*; do
    case $(readlink "$process/fd/2" 2>/dev/null) in
      "$logs"/*/sshd.log) found="$found ${process#/proc/}" ;;
    esac
  done
  [ -n "$found" ] || exit 0
  # shellcheck disable=SC2086 # Each word is a process.
  kill -KILL $found 2>/dev/null
  round=$((round + 1))
  sleep 0.05
done
