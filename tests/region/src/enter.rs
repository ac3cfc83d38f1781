//! Entering the region's private namespaces.
//!
//! The program is executed again, in three generations: the outer process that
//! the user started, which waits and passes signals on; process 1 of the new
//! namespaces, which reaps orphans; and the inner process, which is the program
//! proper. When any of the first two dies, the kernel ends everything inside.

use std::ffi::OsString;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;
use std::{env, fs, io, thread};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};
use tokio::signal::unix::{SignalKind, signal};

use crate::isolation::{CHOICE, HostUser, Isolation};
use crate::program;

/// The variable that tells the generations of the program apart.
const GENERATION: &str = "LIGHTSOUT_REGION_GENERATION";

/// The value of [`GENERATION`] in process 1; the user follows.
const FIRST: &str = "first";

/// The value of [`GENERATION`] in the program proper; the user follows.
const INSIDE: &str = "inside";

/// The exit code of a program that signal 0 would have ended, as shells have it.
const BY_SIGNAL: i32 = 128;

/// How long until a signal is passed on again.
const AGAIN: Duration = Duration::from_millis(200);

/// The bridge that all hosts hang on.
pub(crate) const BRIDGE: &str = "lightsout0";

/// A fixed hardware address: else the bridge would take a host's, and lose it.
const BRIDGE_HARDWARE: &str = "02:77:00:00:00:01";

/// What the kernel must allow for a region with hosts; run in trial namespaces.
const TRIAL: &str = "set -e
ip link set lo up
ip link add trial0 type bridge
ip link add trial1 type veth peer name trial2
mount -t tmpfs tmpfs /tmp
unshare --net --mount --pid --uts --ipc --fork --mount-proc true";

/// Where a program is after [`enter`].
#[derive(Debug)]
pub enum Entry {
    /// In the process that is to run the region.
    Inside(Isolation),
    /// In the outer process, after the inner one ended with this status.
    Finished(ExitCode),
}

/// Why a program could not enter namespaces.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnterError {
    /// The variable asks for an isolation that does not exist.
    #[error("{CHOICE} is `{0}`, but must be `namespaces`, `processes` or unset")]
    UnknownChoice(String),
    /// Namespaces were asked for, but are not to be had.
    #[error("{CHOICE} asks for namespaces, but {0}")]
    NotAvailable(String),
    /// A process could not be started or waited for.
    #[error("cannot run `{program}` in namespaces of its own")]
    Run {
        /// What was to be run.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Signals cannot be listened for.
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
    /// The program inside was ended by a signal.
    #[error("the program was ended by signal {0}")]
    Signalled(i32),
    /// The network of the region could not be set up.
    #[error("cannot set up the region's network: `{command}` failed: {problem}")]
    Network {
        /// The command.
        command: String,
        /// What it said.
        problem: String,
    },
}

/// Which generation of the program this process is.
#[derive(Debug)]
pub enum Place {
    /// The process that the user started: prepare what needs the network, then
    /// go through the door.
    Outside(Door),
    /// The process that is to run the region.
    Inside(Isolation),
    /// A process in between, after the inner one ended with this status.
    Waited(ExitCode),
}

/// The way from [`Place::Outside`] into the region's namespaces.
///
/// It listens for signals from the start, so that none is lost on the way.
#[derive(Debug)]
pub struct Door(Forwarder);

/// Tells where this process is.
///
/// Call it before any thread or runtime is started. What comes before the call
/// runs more than once; what comes before [`Door::enter`] runs once.
pub fn place() -> Result<Place, EnterError> {
    let generation = env::var(GENERATION).unwrap_or_default();
    match generation.split(':').next() {
        Some(FIRST) => first_process(&generation).map(Place::Waited),
        Some(INSIDE) => {
            set_up_network()?;
            Ok(Place::Inside(Isolation::detect()))
        }
        _ => Forwarder::listen()
            .map(|forwarder| Place::Outside(Door(forwarder)))
            .map_err(EnterError::Signals),
    }
}

impl Door {
    /// Takes the program into private namespaces where the kernel allows it.
    ///
    /// The program is then executed again, and finds itself
    /// [inside](Place::Inside); there is no network there but the region's own.
    /// Return the code of [`Entry::Finished`] from `main` at once.
    ///
    /// `LIGHTSOUT_ISOLATION=processes` stays outside, `namespaces` makes it an
    /// error if that is not possible.
    pub fn enter(self) -> Result<Entry, EnterError> {
        from_outside(self.0)
    }
}

/// Takes the program into private namespaces, where nothing is to be prepared.
///
/// This is [`place`] and [`Door::enter`] in one.
pub fn enter() -> Result<Entry, EnterError> {
    match place()? {
        Place::Outside(door) => door.enter(),
        Place::Inside(isolation) => Ok(Entry::Inside(isolation)),
        Place::Waited(code) => Ok(Entry::Finished(code)),
    }
}

/// The user outside, if this process is inside namespaces.
pub(crate) fn user_inside() -> Option<HostUser> {
    let generation = env::var(GENERATION).ok()?;
    let mut fields = generation.splitn(4, ':');
    (fields.next()? == INSIDE).then_some(())?;
    let uid = fields.next()?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    let name = fields.next()?.to_owned();
    Some(HostUser { name, uid, gid })
}

fn from_outside(forwarder: Forwarder) -> Result<Entry, EnterError> {
    let user = HostUser::current();
    let choice = env::var(CHOICE).unwrap_or_default();
    let outside =
        |user: HostUser, reason: String| Ok(Entry::Inside(Isolation::Processes { user, reason }));
    match choice.as_str() {
        "processes" => return outside(user, format!("{CHOICE} asks for it")),
        "" | "namespaces" => {}
        other => return Err(EnterError::UnknownChoice(other.to_owned())),
    }
    match Unshare::find(&user) {
        Ok(unshare) => unshare.run_inside(&user, forwarder).map(Entry::Finished),
        Err(reason) if choice == "namespaces" => Err(EnterError::NotAvailable(reason)),
        Err(reason) => outside(user, reason),
    }
}

/// The command that makes new namespaces, known to work.
struct Unshare {
    program: PathBuf,
    setpriv: PathBuf,
    arguments: Vec<&'static str>,
}

impl Unshare {
    /// Tries everything that a region needs; the error is the reason why not.
    fn find(user: &HostUser) -> Result<Self, String> {
        let find = |name: &str, package: &str| {
            program::find(name)
                .ok_or_else(|| format!("`{name}` is missing (package {package} has it)"))
        };
        find("ip", "iproute2")?;
        find("mount", "mount")?;
        let program = find("unshare", "util-linux")?;
        let setpriv = find("setpriv", "util-linux")?;
        let mut arguments = vec![
            "--net",
            "--mount",
            "--pid",
            "--uts",
            "--ipc",
            "--fork",
            "--kill-child=SIGKILL",
            "--mount-proc",
        ];
        if !user.is_root() {
            arguments.splice(0..0, ["--user", "--map-root-user"]);
        }
        let unshare = Self {
            program,
            setpriv,
            arguments,
        };
        let trial = unshare
            .command()
            .args(["sh", "-c", TRIAL])
            .env("PATH", program::search_path(&[]))
            .stdin(Stdio::null())
            .output()
            .map_err(|source| format!("`unshare` cannot be run: {source}"))?;
        if trial.status.success() {
            return Ok(unshare);
        }
        let said = String::from_utf8_lossy(&trial.stderr);
        let last = said.trim().lines().last().unwrap_or("it did not say why");
        Err(format!("the kernel does not allow namespaces here: {last}"))
    }

    /// `unshare`, which is killed when the process that starts it dies.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.setpriv);
        command
            .args(["--pdeathsig", "KILL"])
            .arg(&self.program)
            .args(&self.arguments);
        command
    }

    /// Runs this program inside, and waits for its end.
    fn run_inside(&self, user: &HostUser, forwarder: Forwarder) -> Result<ExitCode, EnterError> {
        let program = this_program()?;
        let failed = |source: io::Error| EnterError::Run {
            program: program.display().to_string(),
            source,
        };
        let mut child = self
            .command()
            .arg(&program)
            .args(arguments())
            .env(GENERATION, generation(FIRST, user))
            // Signals of the terminal reach the inner process through this one alone.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let unshare = child.id();
        forwarder.start(move |signal| {
            // `unshare` blocks these signals itself: its child is process 1.
            for pid in children_of(unshare) {
                let _ended = kill_process(pid, signal);
            }
        });
        let status = child.wait().map_err(failed)?;
        let signal = status
            .signal()
            .or_else(|| status.code().and_then(|code| code.checked_sub(BY_SIGNAL)));
        match signal.filter(|signal| (1..=64).contains(signal)) {
            Some(signal) => Err(EnterError::Signalled(signal)),
            None => Ok(exit_code(status.code())),
        }
    }
}

/// Process 1: starts the program proper and reaps what it leaves behind.
fn first_process(generation: &str) -> Result<ExitCode, EnterError> {
    let program = this_program()?;
    let failed = |source: io::Error| EnterError::Run {
        program: program.display().to_string(),
        source,
    };
    // It listens from before the start, so that no signal is lost.
    let forwarder = Forwarder::listen().map_err(failed)?;
    let child = Command::new(&program)
        .args(arguments())
        .env(GENERATION, generation.replacen(FIRST, INSIDE, 1))
        .spawn()
        .map_err(failed)?;
    let pid = i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .expect("the kernel's process ids are positive numbers");
    forwarder.start(move |signal| {
        let _ended = kill_process(pid, signal);
    });
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((ended, status))) if ended == pid => {
                let code = status
                    .exit_status()
                    .or_else(|| status.terminating_signal().map(|signal| BY_SIGNAL + signal));
                return Ok(exit_code(code));
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(source) => return Err(failed(source.into())),
        }
    }
}

/// The signals that end a program, to be passed on.
#[derive(Debug)]
struct Forwarder {
    runtime: tokio::runtime::Runtime,
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

impl Forwarder {
    fn listen() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let context = runtime.enter();
        let (interrupt, terminate, hang_up) = (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        );
        drop(context);
        Ok(Self {
            runtime,
            interrupt,
            terminate,
            hang_up,
        })
    }

    /// Passes signals on from now on, those that came since it listens included.
    ///
    /// A process that has just been started may not hear yet, and process 1
    /// ignores what it does not handle, so a signal is sent again and again.
    fn start(mut self, send: impl Fn(Signal) + Send + 'static) {
        thread::spawn(move || {
            self.runtime.block_on(async {
                let mut last = None;
                loop {
                    tokio::select! {
                        _ = self.interrupt.recv() => last = Some(Signal::INT),
                        _ = self.terminate.recv() => last = Some(Signal::TERM),
                        _ = self.hang_up.recv() => last = Some(Signal::HUP),
                        () = tokio::time::sleep(AGAIN), if last.is_some() => {}
                    }
                    last.into_iter().for_each(&send);
                }
            });
        });
    }
}

fn this_program() -> Result<PathBuf, EnterError> {
    env::current_exe().map_err(|source| EnterError::Run {
        program: "/proc/self/exe".to_owned(),
        source,
    })
}

fn arguments() -> impl Iterator<Item = OsString> {
    env::args_os().skip(1)
}

fn generation(name: &str, user: &HostUser) -> String {
    format!("{name}:{}:{}:{}", user.uid, user.gid, user.name)
}

fn exit_code(code: Option<i32>) -> ExitCode {
    let code = code.and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(u8::MAX))
}

/// The processes whose parent is `parent`.
pub(crate) fn children_of(parent: u32) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let number: i32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            // The name in parentheses may hold anything, so fields count from its end.
            let after_name = stat.rsplit_once(')')?.1;
            let of: u32 = after_name.split_whitespace().nth(1)?.parse().ok()?;
            (of == parent).then(|| Pid::from_raw(number))?
        })
        .collect()
}

/// The bridge, and the two addresses that hosts reach the region at.
fn set_up_network() -> Result<(), EnterError> {
    let bridge_address = format!("{}/16", crate::host::namespaces::GATEWAY);
    let metadata_address = format!("{}/32", crate::host::namespaces::METADATA);
    for command in [
        vec!["link", "set", "lo", "up"],
        vec!["addr", "replace", &metadata_address, "dev", "lo"],
        vec!["link", "add", BRIDGE, "type", "bridge"],
        vec!["link", "set", BRIDGE, "address", BRIDGE_HARDWARE, "up"],
        vec!["addr", "replace", &bridge_address, "dev", BRIDGE],
    ] {
        ip(&command).map_err(|problem| EnterError::Network {
            command: format!("ip {}", command.join(" ")),
            problem,
        })?;
    }
    Ok(())
}

/// Runs `ip`; the error is what it said.
pub(crate) fn ip(arguments: &[&str]) -> Result<(), String> {
    let program = program::find("ip").ok_or("`ip` is missing (package iproute2 has it)")?;
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| source.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}
