//! The machine's OpenSSH, or one fetched for the region alone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::isolation::HostUser;
use crate::program;

/// The packages that a Debian-like machine without sshd lacks.
const PACKAGES: [&str; 2] = ["openssh-server", "libwrap0"];

/// Lets root's sshd find its user `sshd` where the machine has none.
const ROOT_PACKAGE: &str = "libnss-wrapper";

/// The programs of OpenSSH that a region uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSsh {
    sshd: PathBuf,
    keygen: PathBuf,
    fetched: Option<PathBuf>,
}

/// Why there is no OpenSSH server to use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenSshError {
    /// The OpenSSH client is missing.
    #[error(
        "`{0}` is missing: install the OpenSSH client (Debian, Ubuntu: apt-get install openssh-client)"
    )]
    NoClient(&'static str),
    /// There is no sshd, and no way to fetch one.
    #[error(
        "`sshd` is missing, and so is `{missing}` to fetch it with: install the OpenSSH server (it need not run)"
    )]
    NoServer {
        /// The program that would fetch it.
        missing: &'static str,
    },
    /// Fetching failed.
    #[error(
        "cannot fetch the OpenSSH server: `{command}` failed: {said}; install the package openssh-server, or connect to the network"
    )]
    Fetch {
        /// The command.
        command: String,
        /// What it said last.
        said: String,
    },
    /// A command could not be run.
    #[error("cannot run `{command}`")]
    Run {
        /// The command.
        command: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A folder could not be written.
    #[error("cannot write `{path}`")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl OpenSsh {
    /// The machine's sshd, or one fetched into `cache/openssh`.
    ///
    /// Fetching takes the distribution's own packages, verified by its package
    /// manager, and unpacks them into the folder: nothing is installed, and no
    /// privilege is needed. It needs the network the first time, so it comes
    /// before [`enter`](crate::enter).
    pub fn find_or_fetch(cache: &Path) -> Result<Self, OpenSshError> {
        let keygen = program::find("ssh-keygen").ok_or(OpenSshError::NoClient("ssh-keygen"))?;
        program::find("ssh").ok_or(OpenSshError::NoClient("ssh"))?;
        if let Some(sshd) = program::find("sshd") {
            return Ok(Self {
                sshd,
                keygen,
                fetched: None,
            });
        }
        fs::create_dir_all(cache).map_err(|source| OpenSshError::Folder {
            path: cache.to_owned(),
            source,
        })?;
        // sshd insists on an absolute path of itself.
        let cache = cache
            .canonicalize()
            .map_err(|source| OpenSshError::Folder {
                path: cache.to_owned(),
                source,
            })?;
        let root = cache.join("openssh");
        let sshd = root.join("usr/sbin/sshd");
        let openssh = Self {
            sshd,
            keygen,
            fetched: Some(root.clone()),
        };
        // One that another user fetched may lack what root needs.
        let whole = program::is_executable(&openssh.sshd)
            && (!is_root() || openssh.user_list_library().is_some());
        if !whole {
            fetch(&cache, &root)?;
        }
        Ok(openssh)
    }

    /// Whether this is the machine's own, or a fetched one, and where.
    pub fn describe(&self) -> String {
        let whose = match self.fetched {
            Some(_) => "fetched",
            None => "the machine's",
        };
        format!("{whose} OpenSSH server, {}", self.sshd.display())
    }

    /// Returns the path of the server.
    pub fn sshd(&self) -> &Path {
        &self.sshd
    }

    pub(crate) fn keygen(&self) -> &Path {
        &self.keygen
    }

    /// The folder that a fetched server must be able to read.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.fetched.as_deref()
    }

    /// The folders with the libraries of a fetched server.
    pub fn libraries(&self) -> Vec<PathBuf> {
        let Some(root) = &self.fetched else {
            return Vec::new();
        };
        ["usr/lib", "lib"]
            .iter()
            .filter_map(|folder| fs::read_dir(root.join(folder)).ok())
            .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
            .filter(|folder| {
                let name = folder.file_name().unwrap_or_default().to_string_lossy();
                name.ends_with("-linux-gnu") || name.contains("-linux-gnueabi")
            })
            .collect()
    }

    /// The library that gives sshd a user list of the region's own.
    pub(crate) fn user_list_library(&self) -> Option<PathBuf> {
        self.libraries()
            .into_iter()
            .map(|folder| folder.join("libnss_wrapper.so"))
            .find(|library| library.exists())
    }
}

fn fetch(cache: &Path, root: &Path) -> Result<(), OpenSshError> {
    let need =
        |name: &'static str| program::find(name).ok_or(OpenSshError::NoServer { missing: name });
    let apt = need("apt-get")?;
    let dpkg = need("dpkg-deb")?;
    let work = cache.join("openssh-packages");
    let state = work.join("state");
    let archives = work.join("cache");
    for folder in [
        state.join("lists/partial"),
        archives.join("archives/partial"),
    ] {
        fs::create_dir_all(&folder).map_err(|source| OpenSshError::Folder {
            path: folder.clone(),
            source,
        })?;
    }
    let apt = || {
        let mut command = Command::new(&apt);
        command
            .current_dir(&work)
            .arg("-qq")
            .args(["-o", &format!("Dir::State={}", state.display())])
            .args(["-o", "Dir::State::status=/var/lib/dpkg/status"])
            .args(["-o", &format!("Dir::Cache={}", archives.display())])
            // The folder may be closed to the user that apt would download as.
            .args(["-o", "APT::Sandbox::User="]);
        command
    };
    run(apt().arg("update"))?;
    let root_package = is_root().then_some(ROOT_PACKAGE);
    run(apt().arg("download").args(PACKAGES).args(root_package))?;
    let unpacked = cache.join("openssh-unpacked");
    let packages = fs::read_dir(&work).map_err(|source| OpenSshError::Folder {
        path: work.clone(),
        source,
    })?;
    for package in packages.flatten().map(|entry| entry.path()) {
        if package
            .extension()
            .is_some_and(|extension| extension == "deb")
        {
            run(Command::new(&dpkg).arg("-x").arg(&package).arg(&unpacked))?;
        }
    }
    // Renamed at the end, so that a fetch that was cut short is not taken for whole.
    if root.exists() {
        fs::remove_dir_all(root).map_err(|source| OpenSshError::Folder {
            path: root.to_owned(),
            source,
        })?;
    }
    fs::rename(&unpacked, root)
        .and_then(|()| fs::remove_dir_all(&work))
        .map_err(|source| OpenSshError::Folder {
            path: root.to_owned(),
            source,
        })
}

/// Whether sshd is to run as root: inside namespaces every user looks like it.
fn is_root() -> bool {
    HostUser::of_hosts().is_root()
}

fn run(command: &mut Command) -> Result<(), OpenSshError> {
    let name = || {
        let words = command
            .get_args()
            .filter(|word| !word.to_string_lossy().contains("::"));
        let mut text = command.get_program().to_string_lossy().into_owned();
        for word in words.filter(|word| *word != "-o") {
            text.push(' ');
            text.push_str(&word.to_string_lossy());
        }
        text
    };
    let text = name();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| OpenSshError::Run {
            command: text.clone(),
            source,
        })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(OpenSshError::Fetch {
        command: text,
        said: said.trim().lines().last().unwrap_or("nothing").to_owned(),
    })
}
