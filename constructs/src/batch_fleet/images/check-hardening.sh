# Fails, and says why, unless the machine is as the component before has made it.
must() {
  local what=$1
  shift
  "$@" > /dev/null || { echo "not so: $what" >&2; exit 1; }
}
no() { ! "$@" > /dev/null 2>&1; }
# What is said is taken whole first: grep stops at what it wants, and whoever still writes to it
# would fail for that.
says() {
  local said
  said=$("${@:2}") && grep --quiet --ignore-case --line-regexp "$1" <<< "$said"
}

for package in ec2-instance-connect ec2-hibinit-agent nfs-utils rpcbind telnet tftp; do
  must "$package is gone" no rpm --query "$package"
done
for setting in 'permitrootlogin no' 'passwordauthentication no' 'kbdinteractiveauthentication no' \
  'x11forwarding no' 'allowtcpforwarding no' 'allowagentforwarding no' 'permitemptypasswords no'; do
  must "sshd: $setting" says "$setting" sshd -T
done
sysctl --quiet --system
while read -r name _ value; do
  must "$name is $value" test "$(sysctl --values "$name")" == "$value"
done < /etc/sysctl.d/99-zz-lightsout.conf
must 'there is no swap' test -z "$(swapon --noheadings)"
must 'swap is masked' test "$(systemctl is-enabled swap.target)" == masked
must 'temporary files are in memory' test "$(systemctl is-enabled tmp.mount)" == enabled
must 'auditd is on' test "$(systemctl is-enabled auditd)" == enabled
must 'root has no password' says 'root L[K]*.*' passwd --status root
