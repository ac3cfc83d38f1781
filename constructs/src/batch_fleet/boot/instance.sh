# What a master and a worker have in common, once the power-off timer is armed.
set -Eeuo pipefail
umask 077
export HOME="${HOME:-/root}"
# Where systemd does not run, the machine is a stand-in with a home of its own.
if systemctl is-active --quiet lightsout-deadline.timer 2> /dev/null; then
  SYSTEMD=yes
  export LIGHTSOUT_STATE="${LIGHTSOUT_STATE:-/var/lib/lightsout}"
else
  SYSTEMD=no
  export LIGHTSOUT_STATE="${LIGHTSOUT_STATE:-$HOME/lightsout}"
fi
export METADATA="${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}"

# Says on the console why the machine ends, and ends it.
power_off() {
  trap - ERR
  echo "lightsout: $1" >&2
  { echo "lightsout: $1" > /dev/console; } 2> /dev/null || true
  shutdown -h now || systemctl poweroff --force
  exit 1
}
trap 'power_off "user data failed in line $LINENO"' ERR

# Runs a command up to $1 times, two seconds apart, until it succeeds.
persist() {
  local left=$1
  shift
  until "$@"; do
    left=$((left - 1))
    if ((left <= 0)); then return 1; fi
    sleep 2
  done
}

# Reads one path of the instance metadata, version 2 only.
metadata() {
  local token
  token=$(curl --silent --fail --max-time 5 --request PUT \
    --header 'x-aws-ec2-metadata-token-ttl-seconds: 60' "${METADATA%/}/latest/api/token") || return
  curl --silent --fail --max-time 5 --header "x-aws-ec2-metadata-token: $token" \
    "${METADATA%/}/latest/meta-data/$1"
}

# Calls the AWS service $1 with the machine's role. The credentials pass
# through a pipe: they are in no variable, no argument and no file.
signed_curl() {
  local service=$1 role
  shift
  role=$(metadata iam/security-credentials/) || return
  metadata "iam/security-credentials/$role" | python3 -c '
import json, sys
held = json.load(sys.stdin)
print("user = \"{AccessKeyId}:{SecretAccessKey}\"".format(**held))
print("header = \"x-amz-security-token: {Token}\"".format(**held))
' | curl --silent --show-error --fail --max-time 120 --config - \
    --aws-sigv4 "aws:amz:$AWS_REGION:$service" "$@"
}

# Starts the script $1 of the state folder as a service that outlives user
# data. Where systemd keeps it, a service that dies is started again.
start_service() {
  local log="$LIGHTSOUT_STATE/$1.log" script="$LIGHTSOUT_STATE/$1.sh"
  if [[ $SYSTEMD == yes ]]; then
    systemd-run --quiet --unit="lightsout-$1" --property=KillMode=process \
      --property=Restart=on-failure --property=RestartSec=5 --property=FailureAction=poweroff \
      --property="StandardOutput=append:$log" --property="StandardError=append:$log" bash "$script"
  else
    setsid nohup bash "$script" >> "$log" 2>&1 < /dev/null &
  fi
}
