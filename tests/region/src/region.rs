//! Starting and ending a region.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

use crate::event::Event;
use crate::fault::Fault;
use crate::fleet::{Addresses, Fleet};
use crate::gateway;
use crate::host::{METADATA_PORT, guard, namespaces, write_stand_ins};
use crate::instance::{InstanceId, InstanceState, InstanceSummary, Transition, hex_digits};
use crate::isolation::Isolation;
use crate::marks::Mark;
use crate::metadata;
use crate::ministack::{MiniStack, MiniStackConfig, MiniStackError, Upstream};
use crate::openssh::OpenSsh;
use crate::world::{Facts, Goal, World};

/// The port that local AWS endpoints have by custom.
const USUAL_PORT: u16 = 4566;

/// How often another part of the loopback network is tried.
const NETWORK_ATTEMPTS: usize = 64;

/// How long the hosts get to vanish when the region ends.
const END_LIMIT: Duration = Duration::from_secs(30);

/// What a region is to be.
#[derive(Clone, Debug)]
pub struct RegionConfig {
    folder: PathBuf,
    ministack: PathBuf,
    openssh: OpenSsh,
    isolation: Isolation,
    port: u16,
    account: String,
    region: String,
    path_prepend: Vec<PathBuf>,
    visible: Vec<PathBuf>,
}

impl RegionConfig {
    /// A region with its state in `folder` and `MiniStack`'s executable.
    ///
    /// What an earlier region left in the folder is removed.
    pub fn new(
        folder: impl Into<PathBuf>,
        ministack: impl Into<PathBuf>,
        openssh: OpenSsh,
        isolation: Isolation,
    ) -> Self {
        Self {
            folder: folder.into(),
            ministack: ministack.into(),
            openssh,
            isolation,
            port: USUAL_PORT,
            account: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
            path_prepend: Vec::new(),
            visible: Vec::new(),
        }
    }

    /// The port of the endpoint; 4566 if not said.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The account id, 12 digits; `111122223333` if not said.
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = account.into();
        self
    }

    /// The name of the region; `us-east-1` if not said.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.region = name.into();
        self
    }

    /// A folder with programs that hosts find first; may be repeated.
    ///
    /// The `bin` folder of a Python environment brings the environment along.
    pub fn path_prepend(mut self, folder: impl Into<PathBuf>) -> Self {
        self.path_prepend.push(folder.into());
        self
    }

    /// A path that hosts can read even where they have a folder of their own,
    /// such as below `/tmp`; may be repeated.
    pub fn visible(mut self, path: impl Into<PathBuf>) -> Self {
        self.visible.push(path.into());
        self
    }
}

/// Why a region does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Something listens on the port already.
    #[error(
        "port {port} is in use on {address}: end the program that listens there, or choose another port"
    )]
    PortInUse {
        /// The address.
        address: Ipv4Addr,
        /// The port.
        port: u16,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address and port.
        address: SocketAddrV4,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another region runs in the folder.
    #[error("a region runs in `{0}` already: end it, or choose another folder")]
    FolderInUse(PathBuf),
    /// A file or folder cannot be used.
    #[error("cannot use `{path}`")]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The account id is no account id.
    #[error("the account is `{0}`, but must have 12 digits")]
    Account(String),
    /// Root's sshd needs a user that the machine does not have.
    #[error(
        "the OpenSSH server needs the user `sshd` when root runs it, and this machine has none: install the package openssh-server, or add the user with `useradd --system --home-dir /run/sshd --shell /usr/sbin/nologin sshd`"
    )]
    NoSshdUser,
    /// `MiniStack` does not run.
    #[error(transparent)]
    MiniStack(#[from] MiniStackError),
    /// Hosts of an earlier region cannot be ended.
    #[error("processes of an earlier region do not end: {0}")]
    Leftovers(String),
    /// No free part of the loopback network was found.
    #[error("no free address found in 127.77.0.0/16")]
    NoNetwork,
    /// A process could not be started.
    #[error("cannot start the process that watches over the hosts")]
    Guard(#[source] io::Error),
}

/// Why a region did not end as it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShutdownError {
    /// Processes of the region are still there.
    #[error("processes of the region are left: {0}")]
    Leftovers(String),
    /// Instances did not reach `terminated`.
    #[error("instances did not terminate: {0}")]
    Instances(String),
    /// What the hosts had on their disks cannot be removed.
    #[error("cannot remove `{path}`, which may hold data of the hosts")]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// A running region.
///
/// [`shutdown`](Self::shutdown) ends it in order. Dropping it ends its
/// processes at once.
#[derive(Debug)]
pub struct Region {
    world: Arc<World>,
    mark: Mark,
    ministack: Option<MiniStack>,
    servers: Vec<JoinHandle<()>>,
    guard: Option<Child>,
    /// Held for as long as the region runs.
    _lock: File,
    _claim: TcpListener,
}

impl Region {
    /// Starts the region; returns when its endpoint answers.
    pub async fn start(config: RegionConfig) -> Result<Self, StartError> {
        if config.account.len() != 12 || !config.account.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(StartError::Account(config.account));
        }
        let (folder, lock) = take_folder(&config.folder)?;
        let mark = Mark::region(&folder);
        end_earlier(&mark).await?;
        clear(&folder)?;
        if matches!(config.isolation, Isolation::Processes { .. }) {
            prepare_machine(&config)?;
        }

        let (claim, loopback) = claim_network().await?;
        let ministack_address = SocketAddrV4::new(network_address(loopback, 1), config.port);
        let (public_host, addresses) = match &config.isolation {
            Isolation::Namespaces { .. } => (
                namespaces::GATEWAY,
                Addresses::new(namespaces::NETWORK, 257, 32_768),
            ),
            Isolation::Processes { .. } => (Ipv4Addr::LOCALHOST, Addresses::new(loopback, 2, 254)),
        };
        let gateway_listener = listen(public_host, config.port).await?;
        let endpoint = format!("http://{public_host}:{}", config.port);
        let upstream = Upstream::new(ministack_address);
        let world = Arc::new(World::new(
            Facts {
                visible: visible(&config, &folder),
                folder,
                endpoint,
                account: config.account,
                region: config.region,
                isolation: config.isolation,
                openssh: config.openssh,
                path_prepend: config.path_prepend,
            },
            upstream,
            Fleet::new(addresses),
        ));
        let mut region = Self {
            mark,
            ministack: None,
            servers: Vec::new(),
            guard: None,
            _lock: lock,
            _claim: claim,
            world: Arc::clone(&world),
        };
        if matches!(world.isolation(), Isolation::Processes { .. }) {
            region.guard = Some(guard(&region.mark).map_err(StartError::Guard)?);
        } else {
            let listener = listen(namespaces::METADATA, 80).await?;
            let router = metadata::router_for_all(Arc::clone(&world))
                .into_make_service_with_connect_info::<SocketAddr>();
            region.servers.push(tokio::spawn(async move {
                let _ended = axum::serve(listener, router).await;
            }));
        }
        let router = gateway::router(Arc::clone(&world));
        region.servers.push(tokio::spawn(async move {
            let _ended = axum::serve(gateway_listener, router).await;
        }));
        let ministack = MiniStack::start(
            &MiniStackConfig {
                program: &config.ministack,
                region_folder: world.folder(),
                listen: ministack_address,
                public_host,
                endpoint: world.endpoint(),
                account: world.account(),
                region: world.region_name(),
            },
            world.upstream(),
        )
        .await?;
        region.ministack = Some(ministack);
        Ok(region)
    }

    /// The URL of the region's one endpoint.
    pub fn endpoint(&self) -> &str {
        self.world.endpoint()
    }

    /// How its hosts are kept apart.
    pub fn isolation(&self) -> &Isolation {
        self.world.isolation()
    }

    /// The environment in which an AWS client talks to this region.
    pub fn client_environment(&self) -> BTreeMap<String, String> {
        [
            ("AWS_ENDPOINT_URL", self.world.endpoint()),
            ("AWS_REGION", self.world.region_name()),
            ("AWS_DEFAULT_REGION", self.world.region_name()),
            // MiniStack takes an access key of 12 digits for the account itself.
            ("AWS_ACCESS_KEY_ID", self.world.account()),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
    }

    /// Every instance that was launched, the oldest first.
    pub fn instances(&self) -> Vec<InstanceSummary> {
        let fleet = self.world.fleet();
        let mut summaries: Vec<_> = fleet
            .all()
            .map(|instance| InstanceSummary {
                id: instance.id.clone(),
                state: instance.state,
                address: instance.address,
                launched: instance.launched,
                tags: instance.tags.clone(),
                console_log: self.console_log(&instance.id),
            })
            .collect();
        summaries.sort_by_key(|summary| (summary.launched, summary.address));
        summaries
    }

    /// The file with the output of an instance's user data.
    pub fn console_log(&self, instance: &InstanceId) -> PathBuf {
        self.world.host_folder(instance).join("console.log")
    }

    /// What happens from now on; a slow reader loses the oldest events.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.world.events()
    }

    /// Puts in a fault.
    pub async fn inject(&self, fault: Fault) {
        self.world.report(Event::FaultInjected(fault.clone()));
        match fault {
            Fault::Crash(instance) => self.world.kill_host(&instance).await,
            Fault::Kill { instance, command } => {
                let folder = self.world.host_folder(&instance);
                let mark = Mark::instance(instance.as_str(), &folder);
                let _killed =
                    tokio::task::spawn_blocking(move || mark.kill_commands(&command)).await;
            }
            Fault::ThrottleEc2 { calls } => self.world.faults().throttle(calls),
            Fault::NoCapacity { launches } => self.world.faults().refuse_launches(launches),
        }
    }

    /// Terminates every host, ends `MiniStack`, and checks that nothing is left.
    pub async fn shutdown(mut self) -> Result<(), ShutdownError> {
        // No new instance can come while the old ones go.
        for server in self.servers.drain(..) {
            server.abort();
        }
        let alive = terminate_all(&self.world).await;
        if let Some(ministack) = self.ministack.take() {
            ministack.stop().await;
        }
        // Lambda processes of MiniStack carry the mark too.
        let mark = self.mark.clone();
        let left = tokio::task::spawn_blocking(move || mark.kill())
            .await
            .unwrap_or_default();
        if let Some(mut guard) = self.guard.take() {
            drop(guard.stdin.take());
            let _ended = tokio::task::spawn_blocking(move || guard.wait()).await;
        }
        let kept = keep_logs_alone(self.world.folder());
        if !left.is_empty() {
            return Err(ShutdownError::Leftovers(numbers(&left)));
        }
        if !alive.is_empty() {
            return Err(ShutdownError::Instances(alive.join(", ")));
        }
        kept
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        for server in &self.servers {
            server.abort();
        }
        // After an orderly end nothing is found here.
        let _left = self.mark.kill();
    }
}

/// Ends all instances; returns those that do not reach their end.
async fn terminate_all(world: &Arc<World>) -> Vec<String> {
    let not_terminated = || -> Vec<InstanceId> {
        world
            .fleet()
            .all()
            .filter(|instance| instance.state != InstanceState::Terminated)
            .map(|instance| instance.id.clone())
            .collect()
    };
    let mut events = world.events();
    for id in not_terminated() {
        world.end(&id, Goal::Terminate, Transition::Api);
    }
    let all_gone = async {
        while !not_terminated().is_empty() {
            // A missed event is no harm: the fleet is asked again.
            let _event = tokio::time::timeout(Duration::from_millis(100), events.recv()).await;
        }
    };
    let _in_time = tokio::time::timeout(END_LIMIT, all_gone).await;
    not_terminated().iter().map(ToString::to_string).collect()
}

/// Makes the folder and locks it against a second region.
fn take_folder(folder: &Path) -> Result<(PathBuf, File), StartError> {
    let error = |path: &Path| {
        let path = path.to_owned();
        move |source| StartError::Folder { path, source }
    };
    fs::create_dir_all(folder).map_err(error(folder))?;
    let folder = folder.canonicalize().map_err(error(folder))?;
    let path = folder.join("lock");
    let lock = File::create(&path).map_err(error(&path))?;
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok((folder, lock)),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StartError::FolderInUse(folder)),
        Err(source) => Err(error(&path)(source.into())),
    }
}

async fn end_earlier(mark: &Mark) -> Result<(), StartError> {
    let mark = mark.clone();
    let left = tokio::task::spawn_blocking(move || mark.kill())
        .await
        .unwrap_or_default();
    if left.is_empty() {
        Ok(())
    } else {
        Err(StartError::Leftovers(numbers(&left)))
    }
}

pub(crate) fn numbers(pids: &[rustix::process::Pid]) -> String {
    let numbers: Vec<_> = pids
        .iter()
        .map(|pid| pid.as_raw_nonzero().to_string())
        .collect();
    format!("process {}", numbers.join(", "))
}

/// Removes what an earlier region left, and writes what all hosts share.
fn clear(folder: &Path) -> Result<(), StartError> {
    for part in ["hosts", "ministack", "image", "ansible"] {
        let path = folder.join(part);
        match fs::remove_dir_all(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(StartError::Folder { path, source });
            }
            _ => {}
        }
    }
    let image = folder.join("image");
    write_stand_ins(&image).map_err(|source| StartError::Folder {
        path: image,
        source,
    })
}

/// Removes all that hosts and `MiniStack` had on their disks, but not their logs.
///
/// A terminated instance has no disk either. Data, keys and programs go; what
/// explains a failure stays until the next region starts here.
fn keep_logs_alone(folder: &Path) -> Result<(), ShutdownError> {
    let failed = |path: PathBuf| move |source| ShutdownError::Folder { path, source };
    for part in ["ministack", "image", "ansible"] {
        let path = folder.join(part);
        if let Err(source) = fs::remove_dir_all(&path)
            && source.kind() != io::ErrorKind::NotFound
        {
            return Err(failed(path)(source));
        }
    }
    match prune(&folder.join("hosts")) {
        Err((path, source)) if source.kind() != io::ErrorKind::NotFound => {
            Err(failed(path)(source))
        }
        _ => Ok(()),
    }
}

/// Removes the files of `folder` that are no logs, and the folders that are empty then.
fn prune(folder: &Path) -> Result<(), (PathBuf, io::Error)> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| (path, source)
    };
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let entry = entry.map_err(failed(folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(failed(&path))?;
        let is_log = path
            .extension()
            .is_some_and(|extension| extension == "log" || extension == "jsonl");
        if kind.is_dir() {
            prune(&path)?;
            // A folder with logs in it stays.
            let _emptied = fs::remove_dir(&path);
        } else if !(kind.is_file() && is_log) {
            fs::remove_file(&path).map_err(failed(&path))?;
        }
    }
    Ok(())
}

/// What root's sshd wants of the machine.
fn prepare_machine(config: &RegionConfig) -> Result<(), StartError> {
    if !config.isolation.user().is_root() {
        return Ok(());
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let has_user = users.lines().any(|line| line.starts_with("sshd:"));
    if !has_user && config.openssh.user_list_library().is_none() {
        return Err(StartError::NoSshdUser);
    }
    // sshd locks its unprivileged part into this empty folder.
    let path = PathBuf::from("/run/sshd");
    fs::create_dir_all(&path).map_err(|source| StartError::Folder { path, source })
}

/// The paths that hosts need, with whole Python environments.
fn visible(config: &RegionConfig, folder: &Path) -> Vec<PathBuf> {
    let environments = config
        .path_prepend
        .iter()
        .filter_map(|bin| bin.parent())
        .flat_map(python_environment);
    let mut paths: Vec<_> = config
        .visible
        .iter()
        .chain(&config.path_prepend)
        .cloned()
        .chain(environments)
        .chain(config.openssh.folder().map(Path::to_owned))
        .filter_map(|path| path.canonicalize().ok())
        .collect();
    paths.push(folder.join("image"));
    paths.sort();
    paths.dedup();
    paths
}

/// The folders of the Python environment at `root`: its own, and its interpreter's.
fn python_environment(root: &Path) -> Vec<PathBuf> {
    let Ok(settings) = fs::read_to_string(root.join("pyvenv.cfg")) else {
        return Vec::new();
    };
    let interpreter = settings
        .lines()
        .filter_map(|line| line.split_once('='))
        .find(|(name, _)| name.trim() == "home")
        .and_then(|(_, bin)| Path::new(bin.trim()).parent())
        .map(Path::to_owned);
    interpreter.into_iter().chain([root.to_owned()]).collect()
}

/// A part of the loopback network that no other region uses.
async fn claim_network() -> Result<(TcpListener, Ipv4Addr), StartError> {
    for _ in 0..NETWORK_ATTEMPTS {
        let third = u8::from_str_radix(&hex_digits(2), 16).unwrap_or_default();
        let network = Ipv4Addr::new(127, 77, third, 0);
        if let Ok(claim) = TcpListener::bind((network_address(network, 1), METADATA_PORT)).await {
            return Ok((claim, network));
        }
    }
    Err(StartError::NoNetwork)
}

fn network_address(network: Ipv4Addr, host: u8) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(network) + u32::from(host))
}

async fn listen(address: Ipv4Addr, port: u16) -> Result<TcpListener, StartError> {
    TcpListener::bind((address, port))
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => StartError::PortInUse { address, port },
            _ => StartError::Listen {
                address: SocketAddrV4::new(address, port),
                source,
            },
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_end_only_logs_are_left() {
        let folder = tempfile::tempdir().expect("folder");
        let home = folder.path().join("hosts/i-1/home/state");
        fs::create_dir_all(&home).expect("made");
        fs::create_dir_all(folder.path().join("ministack/s3/bucket")).expect("made");
        for file in [
            "hosts/i-1/key",
            "hosts/i-1/home/state/chart",
            "ministack/s3/bucket/chart",
        ] {
            fs::write(folder.path().join(file), "secret").expect("written");
        }
        std::os::unix::fs::symlink("/etc/passwd", home.join("other.log")).expect("linked");
        fs::write(home.join("worker.log"), "done").expect("written");
        keep_logs_alone(folder.path()).expect("removed");
        let left = |folder: &Path| -> Vec<String> {
            fs::read_dir(folder)
                .expect("read")
                .map(|entry| {
                    entry
                        .expect("entry")
                        .file_name()
                        .to_string_lossy()
                        .into_owned()
                })
                .collect()
        };
        assert_eq!(left(folder.path()), ["hosts"]);
        assert_eq!(left(&folder.path().join("hosts/i-1")), ["home"]);
        assert_eq!(left(&home), ["worker.log"]);
        keep_logs_alone(&folder.path().join("none")).expect("nothing to remove");
    }
}
