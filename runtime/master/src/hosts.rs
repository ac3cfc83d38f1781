//! Who announced itself, for SSH and for Ansible.

use std::{collections::BTreeSet, fs, io, time::Duration};

use lightsout_protocol::fleet::WorkerHost;
use serde_json::{Value, json};

use crate::{
    control::{self, ControlError},
    fleet::{Fleet, FleetError, Instance},
    surroundings::{Surroundings, now},
};

/// Longest wait for a host from its launch to its announcement.
const BOOT_SECONDS: u64 = 300;

/// How often the control table is asked for announcements.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Why the hosts could not be listed or awaited.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostsError {
    /// The announcements could not be read.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The instances could not be listed.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// Not one host announced itself.
    #[error(
        "no worker announced itself within {BOOT_SECONDS} seconds: its user data tells why on the console of its instance"
    )]
    Silent,
    /// The file of known hosts cannot be written.
    #[error("cannot write the known hosts")]
    KnownHosts(#[source] io::Error),
}

/// Lists the hosts that have announced themselves and run.
pub async fn reachable(around: &Surroundings) -> Result<Vec<WorkerHost>, HostsError> {
    let running: BTreeSet<String> = Fleet::new(around)
        .workers()
        .await?
        .into_iter()
        .filter(Instance::is_alive)
        .map(|worker| worker.id)
        .collect();
    let mut hosts = control::announced(around).await?;
    hosts.retain(|host| running.contains(&host.instance));
    hosts.sort_by(|a, b| a.instance.cmp(&b.instance));
    Ok(hosts)
}

/// Waits until `wanted` hosts are reachable, and writes their keys for SSH.
///
/// When time is up, the hosts that there are suffice; none is an error. Those that said
/// nothing are ended: the next start would wait for them again, and not replace them.
pub async fn wait(around: &Surroundings, wanted: u32) -> Result<Vec<WorkerHost>, HostsError> {
    let until = now() + BOOT_SECONDS;
    loop {
        let hosts = reachable(around).await?;
        let missing = (wanted as usize).saturating_sub(hosts.len());
        if missing > 0 && now() < until {
            tokio::time::sleep(ASK_AGAIN).await;
            continue;
        }
        if missing > 0 {
            tracing::warn!(missing, "some hosts never announced themselves");
            Fleet::new(around).terminate_all_but(&hosts).await?;
        }
        if hosts.is_empty() {
            return Err(HostsError::Silent);
        }
        let path = around.folder.join("known_hosts");
        fs::write(path, known_hosts(&hosts)).map_err(HostsError::KnownHosts)?;
        return Ok(hosts);
    }
}

/// Writes the host keys as [`ssh`'s known hosts](https://man.openbsd.org/sshd.8#SSH_KNOWN_HOSTS_FILE_FORMAT).
pub fn known_hosts(hosts: &[WorkerHost]) -> String {
    let line = |host: &WorkerHost| match host.port {
        22 => format!("{} {}\n", host.address, host.host_key),
        port => format!("[{}]:{port} {}\n", host.address, host.host_key),
    };
    hosts.iter().map(line).collect()
}

/// Writes the hosts as [Ansible's inventory](https://docs.ansible.com/ansible/latest/dev_guide/developing_inventory.html#inventory-script-conventions).
pub fn inventory(hosts: &[WorkerHost]) -> Value {
    let variables: serde_json::Map<String, Value> = hosts
        .iter()
        .map(|host| (host.instance.clone(), variables(host)))
        .collect();
    let names: Vec<&String> = variables.keys().collect();
    json!({
        "workers": { "hosts": names },
        "_meta": { "hostvars": variables },
    })
}

/// Returns what Ansible must know to reach `host`.
pub fn variables(host: &WorkerHost) -> Value {
    json!({
        "ansible_host": host.address,
        "ansible_port": host.port,
        "ansible_user": host.user,
        "ansible_remote_tmp": format!("{}/ansible", host.directory),
        "ansible_async_dir": format!("{}/jobs", host.directory),
        "lightsout_directory": host.directory,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(instance: &str, port: u16) -> WorkerHost {
        WorkerHost {
            instance: instance.to_owned(),
            address: "10.0.0.7".to_owned(),
            port,
            user: "ec2-user".to_owned(),
            host_key: "ssh-ed25519 AAAA".to_owned(),
            directory: "/var/lib/lightsout".to_owned(),
        }
    }

    #[test]
    fn a_port_of_its_own_is_part_of_the_known_host() {
        let hosts = [host("i-1", 22), host("i-2", 2222)];
        assert_eq!(
            known_hosts(&hosts),
            "10.0.0.7 ssh-ed25519 AAAA\n[10.0.0.7]:2222 ssh-ed25519 AAAA\n"
        );
    }

    #[test]
    fn the_inventory_has_one_group_with_the_variables_of_each_host() {
        let inventory = inventory(&[host("i-1", 22)]);
        assert_eq!(inventory["workers"]["hosts"], json!(["i-1"]));
        let variables = &inventory["_meta"]["hostvars"]["i-1"];
        assert_eq!(variables["ansible_host"], "10.0.0.7");
        assert_eq!(
            variables["ansible_remote_tmp"],
            "/var/lib/lightsout/ansible"
        );
        assert_eq!(variables["lightsout_directory"], "/var/lib/lightsout");
    }
}
