# Makes a machine smaller and stricter, after the CIS benchmark for Amazon Linux 2023 where a
# machine that lives for a run has use for it: nobody logs in to it but its master.

# What is there is as new as the repository; then what nobody calls goes. With EC2 Instance
# Connect keys could be brought in past the control table; hibernation would write memory to
# disk; the rest speaks to networks.
dnf --assumeyes --quiet --releasever=latest upgrade
dnf --assumeyes --quiet install audit
for package in ec2-instance-connect ec2-hibinit-agent nfs-utils rpcbind telnet tftp rsync-daemon; do
  if rpm --quiet --query "$package"; then dnf --assumeyes --quiet remove "$package"; fi
done

# SSH is for one key that is there for the run, and for running commands: no password, no
# root, no forwarding. The first file that sets something wins.
cat > /etc/ssh/sshd_config.d/00-lightsout.conf << 'SSHD'
AllowAgentForwarding no
AllowStreamLocalForwarding no
AllowTcpForwarding no
ClientAliveCountMax 4
ClientAliveInterval 15
GSSAPIAuthentication no
HostbasedAuthentication no
IgnoreRhosts yes
KbdInteractiveAuthentication no
LogLevel VERBOSE
LoginGraceTime 30
MaxAuthTries 4
MaxStartups 10:30:60
PasswordAuthentication no
PermitEmptyPasswords no
PermitRootLogin no
PermitTunnel no
PermitUserEnvironment no
X11Forwarding no
SSHD
chmod 600 /etc/ssh/sshd_config.d/00-lightsout.conf
sshd -t

# Kernel: no look into other processes, no dump of a set-user-id program, no routing. The last
# file that sets something wins.
cat > /etc/sysctl.d/99-zz-lightsout.conf << 'SYSCTL'
fs.protected_fifos = 2
fs.protected_hardlinks = 1
fs.protected_regular = 2
fs.protected_symlinks = 1
fs.suid_dumpable = 0
kernel.core_pattern = |/bin/false
kernel.dmesg_restrict = 1
kernel.kexec_load_disabled = 1
kernel.kptr_restrict = 2
kernel.perf_event_paranoid = 3
kernel.randomize_va_space = 2
kernel.sysrq = 0
kernel.unprivileged_bpf_disabled = 1
kernel.yama.ptrace_scope = 2
net.core.bpf_jit_harden = 2
net.ipv4.conf.all.accept_redirects = 0
net.ipv4.conf.all.accept_source_route = 0
net.ipv4.conf.all.log_martians = 1
net.ipv4.conf.all.rp_filter = 1
net.ipv4.conf.all.secure_redirects = 0
net.ipv4.conf.all.send_redirects = 0
net.ipv4.conf.default.accept_redirects = 0
net.ipv4.conf.default.accept_source_route = 0
net.ipv4.conf.default.log_martians = 1
net.ipv4.conf.default.rp_filter = 1
net.ipv4.conf.default.secure_redirects = 0
net.ipv4.conf.default.send_redirects = 0
net.ipv4.icmp_echo_ignore_broadcasts = 1
net.ipv4.icmp_ignore_bogus_error_responses = 1
net.ipv4.ip_forward = 0
net.ipv4.tcp_syncookies = 1
net.ipv6.conf.all.accept_ra = 0
net.ipv6.conf.all.accept_redirects = 0
net.ipv6.conf.default.accept_ra = 0
net.ipv6.conf.default.accept_redirects = 0
vm.swappiness = 0
SYSCTL
install -d /etc/modprobe.d
cat > /etc/modprobe.d/lightsout.conf << 'MODULES'
install cramfs /bin/false
install dccp /bin/false
install hfs /bin/false
install hfsplus /bin/false
install jffs2 /bin/false
install rds /bin/false
install sctp /bin/false
install squashfs /bin/false
install tipc /bin/false
install udf /bin/false
install usb-storage /bin/false
MODULES

# Memory holds text of charts: it goes to no swap and into no core dump.
swapoff --all
sed --in-place '/[[:space:]]swap[[:space:]]/d' /etc/fstab
systemctl mask swap.target
install -d /etc/systemd/coredump.conf.d /etc/systemd/system.conf.d
printf '[Coredump]\nStorage=none\nProcessSizeMax=0\n' > /etc/systemd/coredump.conf.d/lightsout.conf
printf '[Manager]\nDefaultLimitCORE=0\n' > /etc/systemd/system.conf.d/lightsout.conf
printf '* hard core 0\n* soft core 0\n' > /etc/security/limits.d/lightsout.conf

# Temporary files are in memory, and no program is run from there.
install -d /etc/systemd/system/tmp.mount.d
printf '[Mount]\nOptions=mode=1777,strictatime,nosuid,nodev,noexec,size=50%%\n' \
  > /etc/systemd/system/tmp.mount.d/lightsout.conf
systemctl unmask tmp.mount
systemctl enable tmp.mount
echo 'tmpfs /dev/shm tmpfs defaults,nosuid,nodev,noexec 0 0' >> /etc/fstab

# Who changed what: of accounts, of the clock, of permissions, of the kernel. The rules cannot
# be changed before the next start.
cat > /etc/audit/rules.d/50-lightsout.rules << 'AUDIT'
-w /etc/group -p wa -k identity
-w /etc/gshadow -p wa -k identity
-w /etc/passwd -p wa -k identity
-w /etc/security/opasswd -p wa -k identity
-w /etc/shadow -p wa -k identity
-w /etc/audit -p wa -k audit
-w /etc/ssh -p wa -k ssh
-w /etc/sudoers -p wa -k privilege
-w /etc/sudoers.d -p wa -k privilege
-a always,exit -F arch=b64 -S adjtimex,clock_settime,settimeofday -k time
-a always,exit -F arch=b64 -S sethostname,setdomainname -k network
-a always,exit -F arch=b64 -S fchmod,fchmodat,fchown,fchownat -F auid>=1000 -F auid!=unset -k permissions
-a always,exit -F arch=b64 -S openat,truncate,ftruncate -F exit=-EACCES -F auid>=1000 -F auid!=unset -k refused
-a always,exit -F arch=b64 -S openat,truncate,ftruncate -F exit=-EPERM -F auid>=1000 -F auid!=unset -k refused
-a always,exit -F arch=b64 -S mount,umount2 -F auid>=1000 -F auid!=unset -k mounts
-a always,exit -F arch=b64 -S init_module,finit_module,delete_module -k modules
-a always,exit -F arch=b64 -C euid!=uid -F euid=0 -S execve -k privilege
AUDIT
echo '-e 2' > /etc/audit/rules.d/99-lightsout.rules
chmod 600 /etc/audit/rules.d/*.rules
systemctl enable auditd

# Nobody is root by a password, and files are closed to others.
passwd --lock root
echo 'umask 027' > /etc/profile.d/lightsout.sh
chmod 644 /etc/profile.d/lightsout.sh
for path in /etc/crontab /etc/cron.hourly /etc/cron.daily /etc/cron.weekly /etc/cron.monthly /etc/cron.d; do
  if [[ -e $path ]]; then chmod go-rwx "$path"; fi
done
