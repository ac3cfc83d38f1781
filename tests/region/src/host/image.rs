//! What a host finds when it boots: its files and its environment.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tokio::process::Command;

use crate::host::{HostError, METADATA_PORT, namespaces};
use crate::instance::Instance;
use crate::isolation::Isolation;
use crate::marks::{INSTANCE_MARK, REGION_MARK};
use crate::program;
use crate::world::World;

const BOOT: &str = include_str!("boot.sh");
const POWER: &str = include_str!("power.sh");

/// The programs that the region answers for, instead of the machine.
const STAND_INS: [&str; 6] = [
    "shutdown",
    "poweroff",
    "halt",
    "reboot",
    "systemctl",
    "systemd-run",
];

/// The port of sshd where the host shares the machine's network.
const SHARED_SSH_PORT: u16 = 2222;

/// The files of a host, written and ready.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) control: PathBuf,
}

/// Writes the power switch and what else hosts get instead of the machine's.
pub(crate) fn write_stand_ins(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for name in STAND_INS {
        let file = folder.join(name);
        fs::write(&file, POWER)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// Writes everything that the host of `instance` boots with.
pub(crate) async fn prepare(
    world: &World,
    instance: &Instance,
    folder: &Path,
) -> Result<Image, HostError> {
    let home = folder.join("home");
    for part in [&home, &folder.join("tmp"), &folder.join("mounts")] {
        fs::create_dir_all(part).map_err(file_error(part))?;
    }
    let control = folder.join("control");
    mknodat(CWD, &control, FileType::Fifo, Mode::from(0o600), 0)
        .map_err(io::Error::from)
        .map_err(file_error(&control))?;
    let host_key = folder.join("ssh_host_ed25519_key");
    make_key(world.openssh().keygen(), &host_key, instance).await?;
    let environment = environment(world, instance, folder);
    let user_data = user_data(instance)?;
    let files = [
        ("boot.sh", BOOT.as_bytes().to_vec()),
        (
            "sshd_config",
            sshd_config(world, instance, folder, &environment).into_bytes(),
        ),
        ("sshd", sshd_script(world, folder).into_bytes()),
        ("passwd", passwd(world, folder).into_bytes()),
        ("shadow", b"root:*:::::::\n".to_vec()),
        ("hosts", hosts(instance).into_bytes()),
        ("authorized_keys", Vec::new()),
        ("console.log", Vec::new()),
        ("user-data", user_data),
    ];
    for (name, content) in files {
        let file = folder.join(name);
        fs::write(&file, content).map_err(file_error(&file))?;
    }
    Ok(Image {
        environment,
        control,
    })
}

pub(crate) fn file_error(path: &Path) -> impl FnOnce(io::Error) -> HostError {
    let path = path.to_owned();
    move |source| HostError::File { path, source }
}

fn user_data(instance: &Instance) -> Result<Vec<u8>, HostError> {
    let Some(encoded) = &instance.launch.user_data else {
        return Ok(Vec::new());
    };
    let decoded = STANDARD.decode(encoded).map_err(|_| HostError::UserData)?;
    if decoded.is_empty() || decoded.starts_with(b"#!") {
        Ok(decoded)
    } else {
        Err(HostError::UserData)
    }
}

async fn make_key(keygen: &Path, key: &Path, instance: &Instance) -> Result<(), HostError> {
    let output = Command::new(keygen)
        .args(["-q", "-t", "ed25519", "-N", "", "-C", instance.id.as_str()])
        .arg("-f")
        .arg(key)
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|source| HostError::Spawn {
            program: keygen.display().to_string(),
            source,
        })?;
    if output.status.success() {
        return Ok(());
    }
    Err(HostError::Command {
        command: "ssh-keygen".to_owned(),
        said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// What user data and SSH sessions find in their environment.
fn environment(world: &World, instance: &Instance, folder: &Path) -> BTreeMap<String, String> {
    let path = |name: &str| folder.join(name).display().to_string();
    let search: Vec<PathBuf> = [world.image_folder()]
        .into_iter()
        .chain(world.path_prepend().iter().cloned())
        .collect();
    let (metadata, port, temporary) = match world.isolation() {
        Isolation::Namespaces { .. } => {
            let metadata = format!("http://{}", namespaces::METADATA);
            (metadata, namespaces::SSH_PORT, "/tmp".to_owned())
        }
        Isolation::Processes { .. } => {
            let metadata = format!("http://{}:{METADATA_PORT}", instance.address);
            (metadata, SHARED_SSH_PORT, path("tmp"))
        }
    };
    let user = world.isolation().user().name.clone();
    let mut environment: BTreeMap<_, _> = [
        ("PATH", program::search_path(&search)),
        ("HOME", path("home")),
        ("TMPDIR", temporary),
        ("LANG", "C.UTF-8".to_owned()),
        ("USER", user.clone()),
        ("LOGNAME", user.clone()),
        ("SHELL", "/bin/sh".to_owned()),
        ("AWS_ENDPOINT_URL", world.endpoint().to_owned()),
        ("AWS_REGION", world.region_name().to_owned()),
        ("AWS_DEFAULT_REGION", world.region_name().to_owned()),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata),
        (REGION_MARK, world.folder().display().to_string()),
        (INSTANCE_MARK, instance.id.to_string()),
        ("LIGHTSOUT_CONTROL", path("control")),
        ("LIGHTSOUT_STATE", path("home/state")),
        ("LIGHTSOUT_SSH_USER", user),
        ("LIGHTSOUT_SSH_ADDRESS", instance.address.to_string()),
        ("LIGHTSOUT_SSH_PORT", port.to_string()),
        (
            "LIGHTSOUT_SSH_HOST_KEY_FILE",
            path("ssh_host_ed25519_key.pub"),
        ),
        ("LIGHTSOUT_SSH_AUTHORIZED_KEYS", path("authorized_keys")),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    if matches!(world.isolation(), Isolation::Processes { .. }) {
        // Ansible asks the machine's user list for the home of a remote user, and Python asks HOME:
        // here they differ. Its file names are unique, so that all hosts can share these folders.
        for (name, folder) in [
            ("ANSIBLE_ASYNC_DIR", "async"),
            ("ANSIBLE_REMOTE_TMP", "tmp"),
        ] {
            let folder = world.folder().join("ansible").join(folder);
            environment.insert(name.to_owned(), folder.display().to_string());
        }
    }
    environment
}

fn sshd_config(
    world: &World,
    instance: &Instance,
    folder: &Path,
    environment: &BTreeMap<String, String>,
) -> String {
    let port = environment
        .get("LIGHTSOUT_SSH_PORT")
        .map_or("", String::as_str);
    let file = |name: &str| quoted(&folder.join(name).display().to_string());
    let variables: Vec<_> = environment
        .iter()
        .map(|(name, value)| quoted(&format!("{name}={value}")))
        .collect();
    let mut config = String::new();
    for (name, value) in [
        ("ListenAddress", format!("{}:{port}", instance.address)),
        ("HostKey", file("ssh_host_ed25519_key")),
        ("AuthorizedKeysFile", file("authorized_keys")),
        ("PidFile", file("sshd.pid")),
        ("AllowUsers", world.isolation().user().name.clone()),
        ("PermitRootLogin", "prohibit-password".to_owned()),
        ("AuthenticationMethods", "publickey".to_owned()),
        ("PasswordAuthentication", "no".to_owned()),
        ("KbdInteractiveAuthentication", "no".to_owned()),
        ("UsePAM", "no".to_owned()),
        // The region's folder may be anywhere, below folders that others may write.
        ("StrictModes", "no".to_owned()),
        ("PrintMotd", "no".to_owned()),
        ("PrintLastLog", "no".to_owned()),
        ("UseDNS", "no".to_owned()),
        ("Subsystem", "sftp internal-sftp".to_owned()),
        ("PermitTTY", permit_terminals(world).to_owned()),
        ("SetEnv", variables.join(" ")),
    ] {
        // Writing into a string does not fail.
        let _written = writeln!(config, "{name} {value}");
    }
    config
}

/// Whether sshd may offer terminals; a session that asks in vain goes on without.
///
/// sshd gives each terminal to the group `tty`. A user cannot, and sshd ends
/// the session over it, unless the machine does so for every new terminal.
fn permit_terminals(world: &World) -> &'static str {
    let shared = matches!(world.isolation(), Isolation::Processes { .. });
    if !shared || world.isolation().user().is_root() {
        return "yes";
    }
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let by_itself = mounts
        .lines()
        .any(|line| line.starts_with("devpts ") && line.contains(",gid="));
    if by_itself { "yes" } else { "no" }
}

/// A value of sshd's configuration, in quotation marks.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A script that becomes sshd, with the libraries that a fetched one needs.
fn sshd_script(world: &World, folder: &Path) -> String {
    let openssh = world.openssh();
    let mut script = "#!/bin/sh\n".to_owned();
    let mut export = |name: &str, value: &str| {
        let _written = writeln!(script, "export {name}={}", shell_word(value));
    };
    let libraries: Vec<_> = openssh
        .libraries()
        .iter()
        .map(|folder| folder.display().to_string())
        .collect();
    if !libraries.is_empty() {
        export("LD_LIBRARY_PATH", &libraries.join(":"));
    }
    // In namespaces the host has a user list of its own already.
    let shared = matches!(world.isolation(), Isolation::Processes { .. });
    if shared
        && world.isolation().user().is_root()
        && let Some(library) = openssh.user_list_library()
    {
        export("LD_PRELOAD", &library.display().to_string());
        export(
            "NSS_WRAPPER_PASSWD",
            &folder.join("passwd").display().to_string(),
        );
        export(
            "NSS_WRAPPER_SHADOW",
            &folder.join("shadow").display().to_string(),
        );
        export("NSS_WRAPPER_GROUP", "/etc/group");
    }
    let sshd = shell_word(&openssh.sshd().display().to_string());
    let config = shell_word(&folder.join("sshd_config").display().to_string());
    let _written = writeln!(script, "exec {sshd} -D -e -f {config}");
    script
}

/// The machine's users, where the host's own has its home in the host, and where sshd has its user.
fn passwd(world: &World, folder: &Path) -> String {
    let user = world.isolation().user();
    let home = folder.join("home");
    let machine = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut lines = vec![format!(
        "{}:*:{}:{}::{}:/bin/sh",
        user.name,
        user.uid,
        user.gid,
        home.display()
    )];
    let name_of = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
    lines.extend(
        machine
            .lines()
            .filter(|line| name_of(line) != user.name)
            .map(str::to_owned),
    );
    if !lines.iter().any(|line| name_of(line) == "sshd") {
        lines.push("sshd:*:65533:65534::/run/sshd:/usr/sbin/nologin".to_owned());
    }
    lines.join("\n") + "\n"
}

fn hosts(instance: &Instance) -> String {
    let name = instance.host_name();
    format!(
        "127.0.0.1 localhost\n{} {name}.ec2.internal {name}\n",
        instance.address
    )
}

/// `value` as one word of a shell command.
fn shell_word(value: &str) -> String {
    format!("'{}'", value.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What the power switch writes when it is called as `words`.
    fn switch(words: &[&str]) -> (String, bool) {
        let folder = tempfile::tempdir().expect("folder");
        write_stand_ins(folder.path()).expect("written");
        let control = folder.path().join("control");
        let status = Command::new("sh")
            .arg(folder.path().join(words[0]))
            .args(&words[1..])
            .env("LIGHTSOUT_CONTROL", &control)
            .stderr(Stdio::null())
            .status()
            .expect("sh");
        let said = fs::read_to_string(control).unwrap_or_default();
        (said.trim().to_owned(), status.success())
    }

    #[test]
    fn the_power_switch_understands_what_user_data_writes() {
        for (words, said) in [
            (&["shutdown", "-h", "now"][..], "power-off 0"),
            (&["shutdown", "-h", "+30", "time is up"], "power-off 30"),
            (&["shutdown", "-P", "+2"], "power-off 2"),
            (&["shutdown"], "power-off 1"),
            (&["shutdown", "-c"], "cancel"),
            (&["poweroff"], "power-off 0"),
            (&["systemctl", "poweroff"], "power-off 0"),
        ] {
            assert_eq!(switch(words), (said.to_owned(), true), "{words:?}");
        }
    }

    #[test]
    fn what_the_host_cannot_do_fails_and_does_nothing() {
        for words in [
            &["shutdown", "-r", "now"][..],
            &["shutdown", "-h", "23:00"],
            &["shutdown", "+soon"],
            &["systemd-run", "--on-active=30m", "poweroff"],
            &["systemctl", "start", "anything"],
            &["reboot"],
        ] {
            assert_eq!(switch(words), (String::new(), false), "{words:?}");
        }
    }

    #[test]
    fn a_word_of_a_shell_command_stays_one() {
        let word = shell_word("it's $HOME \"x\"");
        let output = Command::new("sh")
            .args(["-c", &format!("printf %s {word}")])
            .output()
            .expect("sh");
        assert_eq!(output.stdout, b"it's $HOME \"x\"");
    }
}
