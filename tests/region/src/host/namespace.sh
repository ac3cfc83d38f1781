#!/bin/sh
# Makes fresh namespaces into a host, then boots it. Runs as process 1 of the host.
# Arguments: the host's folder, its address, the region's address, the metadata
# address, the user id and group id to run as, then every path that must stay visible.
set -eu
host=$1 address=$2 gateway=$3 metadata=$4 user=$5 group=$6
shift 6

# The region puts the network cable in, and says so.
echo ready
read -r _go

ip link set lo up
ip addr add "$address/16" dev eth0
ip link set eth0 up
# There is no default route: what is not in the region fails at once.
ip route add "$metadata/32" via "$gateway" dev eth0
echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
hostname "ip-$(echo "$address" | tr . -)" 2>/dev/null || :

# The machine is the image: readable, never writable.
while read -r _ _ _ _ point _; do
  point=$(printf '%b' "$point")
  case $point in /proc | /proc/*) continue ;; esac
  mount -o remount,bind,ro "$point" 2>/dev/null || :
done </proc/self/mountinfo
if [ -w /etc ]; then
  echo "the root file system stays writable" >&2
  exit 1
fi
mount --bind "$host" "$host"
mount -o remount,bind,rw "$host"

# Gives the host a folder of its own over one of the machine's; what must stay visible shows through.
private() {
  folder=$1 mode=$2
  shift 2
  [ -d "$folder" ] && [ ! -L "$folder" ] || return 0
  fresh=$host/mounts/$(echo "$folder" | tr / _)
  mkdir -p "$fresh"
  mount -t tmpfs -o "mode=$mode" tmpfs "$fresh"
  for path in "$@"; do
    case $path in
      "$folder"/*)
        mkdir -p "$fresh${path#"$folder"}"
        mount --rbind "$path" "$fresh${path#"$folder"}"
        ;;
    esac
  done
  mount --rbind "$fresh" "$folder"
}
private /tmp 1777 "$@" "$host"
private /var/tmp 1777 "$@" "$host"
private /run 755 "$@" "$host"
private /dev/shm 1777
private /var/log 755 "$@" "$host"
private /var/lib/cloud 755
private /etc/ssh 755
private "$(dirname "$host")" 755 "$host"
mkdir -p /run/sshd

mount --bind "$host/passwd" /etc/passwd
mount --bind "$host/hosts" /etc/hosts
for program in /sbin/shutdown /sbin/poweroff /sbin/halt /sbin/reboot; do
  # On a merged system these are links to systemctl: the stand-in knows by which name it is called.
  if [ -e "$program" ]; then mount --bind "$host/../../image/shutdown" "$program"; fi
done

cd /
if [ "$user" = 0 ]; then
  exec sh "$host/boot.sh" "$host"
fi
# One user is all there is here, and sshd cannot change users: the host runs as that user, not as a false root.
exec unshare --user --map-user="$user" --map-group="$group" sh "$host/boot.sh" "$host"
