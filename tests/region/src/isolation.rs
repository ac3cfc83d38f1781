//! How hosts are kept apart from each other and from the machine.

use std::fs;
use std::process::Command;

use crate::program;

/// The variable that asks for an isolation: `namespaces` or `processes`.
pub(crate) const CHOICE: &str = "LIGHTSOUT_ISOLATION";

/// How the hosts of a region are kept apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// The whole region is in private namespaces, and each host in its own.
    ///
    /// Hosts have their own address, process ids, mounts and host name. The
    /// kernel ends all of it with the region's process, even after SIGKILL.
    Namespaces {
        /// Who the hosts run as.
        user: HostUser,
    },
    /// Each host is a set of marked processes with a loopback address.
    Processes {
        /// Who the hosts run as.
        user: HostUser,
        /// Why there are no namespaces.
        reason: String,
    },
}

/// The user that a host runs as, and that SSH logs in as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostUser {
    /// The name.
    pub name: String,
    /// The user id, on this machine.
    pub uid: u32,
    /// The group id, on this machine.
    pub gid: u32,
}

impl Isolation {
    /// What this process can use as it is.
    ///
    /// Only a process that went through [`enter`](crate::enter) is inside
    /// namespaces; any other gets process groups.
    pub fn detect() -> Self {
        if let Some(user) = crate::enter::user_inside() {
            return Self::Namespaces { user };
        }
        Self::Processes {
            user: HostUser::current(),
            reason: "this program did not enter namespaces of its own".to_owned(),
        }
    }

    /// One line for a person: which isolation, and why.
    pub fn describe(&self) -> String {
        match self {
            Self::Namespaces { user } => {
                format!("hosts run as `{}` in namespaces of their own", user.name)
            }
            Self::Processes { user, reason } => format!(
                "hosts run as `{}` in process groups on the machine itself: {reason}",
                user.name
            ),
        }
    }

    /// One word for a program: `namespaces` or `processes`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Namespaces { .. } => "namespaces",
            Self::Processes { .. } => "processes",
        }
    }

    /// Who the hosts run as.
    pub fn user(&self) -> &HostUser {
        match self {
            Self::Namespaces { user } | Self::Processes { user, .. } => user,
        }
    }
}

impl HostUser {
    /// The user that hosts of this process run as, inside namespaces and outside.
    pub(crate) fn of_hosts() -> Self {
        crate::enter::user_inside().unwrap_or_else(Self::current)
    }

    /// The user of this process.
    pub(crate) fn current() -> Self {
        let uid = rustix::process::getuid().as_raw();
        let gid = rustix::process::getgid().as_raw();
        let name = name_of(uid).unwrap_or_else(|| "host".to_owned());
        Self { name, uid, gid }
    }

    pub(crate) fn is_root(&self) -> bool {
        self.uid == 0
    }
}

/// The name of a user: from the local file, or from the system's directory.
fn name_of(uid: u32) -> Option<String> {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let local = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    local.or_else(|| {
        let output = Command::new(program::find("id")?)
            .arg("-un")
            .output()
            .ok()?;
        let name = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        (output.status.success() && !name.is_empty()).then_some(name)
    })
}
