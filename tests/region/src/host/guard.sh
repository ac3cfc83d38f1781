#!/bin/sh
# Outlives the region's process, to end its hosts when it was killed itself.
# Standard input is a pipe that only the region's process holds open.
# Arguments: the region's folder.
region=$1
cat >/dev/null

round=0
while [ "$round" -lt 100 ]; do
  found=
  for process in /proc/[0-9]*; do
    if tr '\0' '\n' 2>/dev/null <"$process/environ" | grep -qxF "LIGHTSOUT_REGION=$region"; then
      found=1
      kill -KILL "${process#/proc/}" 2>/dev/null
      continue
    fi
    # sshd overwrites its environment; its log file gives it away.
    case $(readlink "$process/fd/2" 2>/dev/null) in
      "$region"/hosts/*/sshd.log)
        found=1
        kill -KILL "${process#/proc/}" 2>/dev/null
        ;;
    esac
  done
  [ -n "$found" ] || exit 0
  round=$((round + 1))
  sleep 0.05
done
