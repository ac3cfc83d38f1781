# Lets the master of this run in, and nobody else; then announces the machine.
SSH_USER="${LIGHTSOUT_SSH_USER:-ec2-user}"
install -d -m 700 "$LIGHTSOUT_STATE"
cd "$LIGHTSOUT_STATE"

LIGHTSOUT_INSTANCE=$(persist 60 metadata instance-id)
LIGHTSOUT_RUN=$(persist 60 metadata tags/instance/lightsout:run)
export LIGHTSOUT_INSTANCE LIGHTSOUT_RUN

# Calls DynamoDB's action $1 with the JSON request $2.
dynamodb() {
  signed_curl dynamodb --header 'content-type: application/x-amz-json-1.0' \
    --header "x-amz-target: DynamoDB_20120810.$1" --data-binary "$2" \
    "${AWS_ENDPOINT_URL_DYNAMODB:-${AWS_ENDPOINT_URL:-https://dynamodb.$AWS_REGION.amazonaws.com}}/"
}

# Reads the item $2 of the part $1 of the control table, and prints its
# attributes $3... in one line; fails while one of them is missing.
control_item() {
  local part=$1 item=$2
  shift 2
  dynamodb GetItem "$(printf '{"TableName": "%s", "ConsistentRead": true, "Key": {"part": {"S": "%s"}, "item": {"S": "%s"}}}' \
    "$CONTROL_TABLE" "$part" "$item")" | python3 -c '
import json, sys
item = json.load(sys.stdin).get("Item", {})
sys.exit(1) if any(name not in item for name in sys.argv[1:]) else None
print(*(value for name in sys.argv[1:] for value in item[name].values()))
' "$@"
}

# Ends the machine once the run is over, or its master silent for too long.
guard() {
  local heard now run expires_at
  trap - ERR
  heard=$(date +%s)
  while sleep "$GUARD_SECONDS"; do
    now=$(date +%s)
    if read -r run expires_at < <(control_item lease lease run expires_at); then
      if [[ $run != "$LIGHTSOUT_RUN" || $expires_at == 0 ]]; then power_off 'the run is over'; fi
      if ((expires_at > now)); then heard=$now; fi
    fi
    if ((now - heard > STALE_SECONDS)); then power_off 'the master is silent'; fi
  done
}
{
  echo 'set -Eeuo pipefail'
  export -p
  declare -f
  echo 'guard'
} > guard.sh
start_service guard

master_key() {
  MASTER_KEY=$(control_item "master#$LIGHTSOUT_RUN" key public_key)
}
persist 150 master_key || power_off 'the master has not published its key'
authorized_keys="${LIGHTSOUT_SSH_AUTHORIZED_KEYS:-$(getent passwd "$SSH_USER" | cut -d: -f6)/.ssh/authorized_keys}"
install -d -m 700 "${authorized_keys%/*}"
echo "restrict $MASTER_KEY" > "$authorized_keys"

# What the worker's binary finds when the playbook starts it.
python3 - > worker.env << 'PYTHON'
import os
import shlex

of_this_shell = {"HOME", "LOGNAME", "OLDPWD", "PWD", "SHELL", "SHLVL", "USER", "_"}
for name, value in sorted(os.environ.items()):
    if name.isidentifier() and name not in of_this_shell:
        print(f"export {name}={shlex.quote(value)}")
PYTHON
chmod 600 worker.env
if ((EUID == 0)); then
  chown "$SSH_USER:" "$LIGHTSOUT_STATE" worker.env "${authorized_keys%/*}" "$authorized_keys"
fi

# The announcement is the last step: whoever reads it may log in. The host key
# travels through the control table, so that nothing is trusted on first use.
SSH_USER=$SSH_USER SSH_ADDRESS="${LIGHTSOUT_SSH_ADDRESS:-$(persist 30 metadata local-ipv4)}" \
  python3 - > announcement.json << 'PYTHON'
import json
import os

key_file = os.environ.get("LIGHTSOUT_SSH_HOST_KEY_FILE", "/etc/ssh/ssh_host_ed25519_key.pub")
with open(key_file, encoding="ascii") as key:
    host_key = " ".join(key.read().split()[:2])
row = {
    "part": "hosts#" + os.environ["LIGHTSOUT_RUN"],
    "item": os.environ["LIGHTSOUT_INSTANCE"],
    "instance": os.environ["LIGHTSOUT_INSTANCE"],
    "address": os.environ["SSH_ADDRESS"],
    "port": os.environ.get("LIGHTSOUT_SSH_PORT", "22"),
    "user": os.environ["SSH_USER"],
    "host_key": host_key,
    "directory": os.environ["LIGHTSOUT_STATE"],
}
item = {name: {"S": value} for name, value in row.items()}
print(json.dumps({"TableName": os.environ["CONTROL_TABLE"], "Item": item}))
PYTHON
announce() {
  dynamodb PutItem @announcement.json > /dev/null
}
persist 150 announce || power_off 'the machine cannot be announced'
