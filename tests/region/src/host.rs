//! A host: the machine behind an instance.

mod image;
pub(crate) mod namespaces;
mod processes;

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::unix::pipe;
use tokio::process::Child;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) use self::image::write_stand_ins;
pub(crate) use self::processes::{METADATA_PORT, guard};
use crate::event::Event;
use crate::instance::{Instance, InstanceId, ShutdownBehavior, Transition};
use crate::isolation::Isolation;
use crate::marks::Mark;
use crate::world::{Goal, World};

/// A host that was started.
#[derive(Debug)]
pub(crate) struct Host {
    /// The process that was started for it.
    pid: u32,
    mark: Mark,
    isolated: Isolated,
    ended: watch::Receiver<Option<Ended>>,
    metadata: Option<JoinHandle<()>>,
}

/// Which of the two kinds a host is.
#[derive(Clone, Copy, Debug)]
enum Isolated {
    Namespaces,
    Processes,
}

#[derive(Clone, Copy, Debug)]
struct Ended;

/// Why a host does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HostError {
    #[error("cannot write `{path}`")]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot run `{program}`")]
    Spawn {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("`{command}` failed: {said}")]
    Command { command: String, said: String },
    #[error("its address {address} cannot be used")]
    Address {
        address: String,
        #[source]
        source: io::Error,
    },
    #[error("user data must begin with `#!`; nothing else is run")]
    UserData,
    #[error("it ended while it booted ({status}); see {log}")]
    Ended { status: ExitStatus, log: PathBuf },
    #[error("sshd did not start; see {log}")]
    Sshd { log: PathBuf },
}

impl Host {
    /// Starts the host of `instance`; returns when its sshd listens.
    pub(crate) async fn start(world: &Arc<World>, instance: &Instance) -> Result<Self, HostError> {
        let folder = world.host_folder(&instance.id);
        let image = image::prepare(world, instance, &folder).await?;
        let control = pipe::OpenOptions::new()
            .read_write(true)
            .open_receiver(&image.control)
            .map_err(|source| HostError::File {
                path: image.control.clone(),
                source,
            })?;
        let mut control = BufReader::new(control).lines();
        let (mut child, isolated, metadata) = match world.isolation() {
            Isolation::Namespaces { user } => {
                let child = namespaces::start(world, instance, &folder, &image, user).await?;
                (child, Isolated::Namespaces, None)
            }
            Isolation::Processes { .. } => {
                let metadata = processes::serve_metadata(world, instance).await?;
                let child = processes::start(&folder, &image)?;
                (child, Isolated::Processes, Some(metadata))
            }
        };
        let pid = child.id().unwrap_or_default();
        let booted = tokio::select! {
            status = child.wait() => Err(match status {
                Ok(status) => HostError::Ended { status, log: folder.join("boot.log") },
                Err(source) => HostError::Spawn { program: "sh".to_owned(), source },
            }),
            message = control.next_line() => match message {
                Ok(Some(message)) if message == "up" => Ok(()),
                _ => Err(HostError::Sshd { log: folder.join(crate::marks::SSHD_LOG) }),
            },
        };
        let (end, ended) = watch::channel(None);
        let host = Self {
            pid,
            mark: Mark::instance(instance.id.as_str(), &folder),
            isolated,
            ended,
            metadata,
        };
        let world = Arc::clone(world);
        let id = instance.id.clone();
        let behavior = instance.launch.shutdown;
        tokio::spawn(async move {
            watch_host(&world, &id, behavior, &mut child, control).await;
            end.send_replace(Some(Ended));
        });
        match booted {
            Ok(()) => Ok(host),
            Err(error) => {
                host.kill().await;
                Err(error)
            }
        }
    }

    /// Ends every process of the host; returns when none is left.
    pub(crate) async fn kill(mut self) {
        if let Some(metadata) = self.metadata.take() {
            metadata.abort();
        }
        let (pid, mark, isolated) = (self.pid, self.mark.clone(), self.isolated);
        let killing = tokio::task::spawn_blocking(move || {
            if let Isolated::Namespaces = isolated {
                namespaces::kill(pid);
            }
            mark.kill()
        });
        // What refuses to die is reported by the region's own last check.
        let _left = killing.await;
        let wait = self.ended.wait_for(Option::is_some);
        let _ended = tokio::time::timeout(Duration::from_secs(10), wait).await;
    }
}

/// Follows a host until it is gone: its power switch, and its end.
async fn watch_host(
    world: &Arc<World>,
    id: &InstanceId,
    behavior: ShutdownBehavior,
    child: &mut Child,
    mut control: Lines<BufReader<pipe::Receiver>>,
) {
    let mut power_off: Option<tokio::time::Instant> = None;
    loop {
        let armed = power_off;
        tokio::select! {
            status = child.wait() => {
                if world.is_up(id) {
                    let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                    world.report_problem(id, format!("the host ended by itself ({status})"));
                }
                return;
            }
            message = control.next_line() => {
                let Ok(Some(message)) = message else { continue };
                match Message::parse(&message) {
                    Some(Message::PowerOff { minutes }) => {
                        power_off = tokio::time::Instant::now()
                            .checked_add(Duration::from_secs(minutes.saturating_mul(60)));
                        if minutes > 0 {
                            world.report(Event::PowerOffScheduled { instance: id.clone(), minutes });
                        }
                    }
                    Some(Message::Cancel) => {
                        power_off = None;
                        world.report(Event::PowerOffCancelled { instance: id.clone() });
                    }
                    Some(Message::UserData { status }) => {
                        world.report(Event::UserDataEnded { instance: id.clone(), status });
                    }
                    None => {}
                }
            }
            () = async {
                match armed {
                    Some(time) => tokio::time::sleep_until(time).await,
                    None => std::future::pending().await,
                }
            } => {
                power_off = None;
                let goal = match behavior {
                    ShutdownBehavior::Stop => Goal::Stop,
                    ShutdownBehavior::Terminate => Goal::Terminate,
                };
                world.end(id, goal, Transition::Host);
            }
        }
    }
}

/// What a host says through its control pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Message {
    PowerOff { minutes: u64 },
    Cancel,
    UserData { status: i32 },
}

impl Message {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let message = match words.next()? {
            "power-off" => Self::PowerOff {
                minutes: words.next()?.parse().ok()?,
            },
            "cancel" => Self::Cancel,
            "user-data" => Self::UserData {
                status: words.next()?.parse().ok()?,
            },
            _ => return None,
        };
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_cannot_say_more_than_it_may() {
        for (line, expected) in [
            ("power-off 0", Some(Message::PowerOff { minutes: 0 })),
            ("power-off 15", Some(Message::PowerOff { minutes: 15 })),
            ("power-off -1", None),
            ("power-off", None),
            ("cancel", Some(Message::Cancel)),
            ("user-data 3", Some(Message::UserData { status: 3 })),
            ("terminate i-other", None),
            ("", None),
        ] {
            assert_eq!(Message::parse(line), expected, "{line}");
        }
    }
}
