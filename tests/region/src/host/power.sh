#!/bin/sh
# The host's power switch, under the names shutdown, poweroff, halt, reboot, systemctl and systemd-run.
name=$(basename "$0")
say() { echo "$@" >"$LIGHTSOUT_CONTROL"; }
refuse() {
  echo "$name: $1" >&2
  exit 1
}

case $name in
  poweroff | halt)
    say power-off 0
    exit 0
    ;;
  systemctl)
    case ${1:-} in
      poweroff | halt)
        say power-off 0
        exit 0
        ;;
      *) refuse "this host has no systemd" ;;
    esac
    ;;
  shutdown) ;;
  *) refuse "not provided by this host" ;;
esac

when=
for word in "$@"; do
  case $word in
    -c)
      say cancel
      exit 0
      ;;
    -r | --reboot) refuse "this host cannot reboot" ;;
    -*) ;;
    *)
      when=$word
      break
      ;;
  esac
done
case ${when:-+1} in
  now) say power-off 0 ;;
  +*[!0-9]* | +) refuse "the time \`$when\` is not understood: use now or +MINUTES" ;;
  +*)
    when=${when:-+1}
    say power-off "${when#+}"
    ;;
  *) refuse "the time \`$when\` is not understood: use now or +MINUTES" ;;
esac
