//! Hosts in network, mount, process, name and IPC namespaces of their own.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::enter::{BRIDGE, children_of, ip};
use crate::host::HostError;
use crate::host::image::{Image, file_error};
use crate::instance::Instance;
use crate::isolation::HostUser;
use crate::program;
use crate::world::World;

/// The region's own address in the network of its hosts.
pub(crate) const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

/// The network that hosts get their addresses from.
pub(crate) const NETWORK: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 0);

/// Where instance metadata is, on every host of EC2.
pub(crate) const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// The port of sshd on a host with a network of its own.
pub(crate) const SSH_PORT: u16 = 22;

const SCRIPT: &str = include_str!("namespace.sh");

/// Starts the processes of a host, and puts its network cable in.
pub(crate) async fn start(
    world: &World,
    instance: &Instance,
    folder: &Path,
    image: &Image,
    user: &HostUser,
) -> Result<Child, HostError> {
    let script = folder.join("namespace.sh");
    fs::write(&script, SCRIPT).map_err(file_error(&script))?;
    let log = folder.join("boot.log");
    let log = File::create(&log).map_err(file_error(&log))?;
    let missing = |name: &str| HostError::Command {
        command: name.to_owned(),
        said: "not found".to_owned(),
    };
    let unshare = program::find("unshare").ok_or_else(|| missing("unshare"))?;
    let mut child = Command::new(unshare)
        .args(["--net", "--mount", "--pid", "--uts", "--ipc", "--fork"])
        .args(["--kill-child=SIGKILL", "--mount-proc", "sh"])
        .arg(&script)
        .arg(folder)
        .args([instance.address, GATEWAY, METADATA].map(|address| address.to_string()))
        .args([user.uid, user.gid].map(|id| id.to_string()))
        .args(world.visible())
        .env_clear()
        .envs(&image.environment)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| HostError::Spawn {
            program: "unshare".to_owned(),
            source,
        })?;
    if connect(&mut child, instance).await? == Connected::No {
        let said = fs::read_to_string(folder.join("boot.log")).unwrap_or_default();
        return Err(HostError::Command {
            command: "unshare".to_owned(),
            said: said.trim().to_owned(),
        });
    }
    Ok(child)
}

/// Ends process 1 of a host, and with it everything in its namespaces.
pub(crate) fn kill(unshare: u32) {
    for pid in children_of(unshare) {
        let _ended = kill_process(pid, Signal::KILL);
    }
    let unshare = i32::try_from(unshare).ok().and_then(Pid::from_raw);
    if let Some(unshare) = unshare {
        let _ended = kill_process(unshare, Signal::KILL);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Connected {
    Yes,
    No,
}

/// Waits until the namespaces are there, then puts in the cable and says so.
async fn connect(child: &mut Child, instance: &Instance) -> Result<Connected, HostError> {
    let (Some(mut input), Some(output), Some(pid)) =
        (child.stdin.take(), child.stdout.take(), child.id())
    else {
        return Ok(Connected::No);
    };
    let mut ready = String::new();
    let read = BufReader::new(output).read_line(&mut ready).await;
    if read.is_err() || ready.trim() != "ready" {
        return Ok(Connected::No);
    }
    let [.., third, fourth] = instance.address.octets();
    let cable = format!("host{third}-{fourth}");
    let pid = pid.to_string();
    let commands = [
        vec![
            "link", "add", &cable, "type", "veth", "peer", "name", "eth0", "netns", &pid,
        ],
        vec!["link", "set", &cable, "master", BRIDGE, "up"],
    ];
    for command in commands {
        ip(&command).map_err(|said| HostError::Command {
            command: format!("ip {}", command.join(" ")),
            said,
        })?;
    }
    let told = input.write_all(b"go\n").await;
    Ok(match told {
        Ok(()) => Connected::Yes,
        Err(_) => Connected::No,
    })
}
