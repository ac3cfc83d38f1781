//! `MiniStack` as a child: everything in the region that is not EC2.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, Uri, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use roxmltree::Document;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::ec2::error::Ec2Error;
use crate::ec2::form::Form;
use crate::marks::REGION_MARK;
use crate::program;

/// How long `MiniStack` may take to answer for the first time.
const START_LIMIT: Duration = Duration::from_mins(1);

/// How long `MiniStack` gets to end by itself.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// The largest answer that is read as a whole.
const ANSWER_LIMIT: usize = 4 * 1024 * 1024;

/// What `MiniStack` has to know.
#[derive(Debug)]
pub(crate) struct MiniStackConfig<'a> {
    pub(crate) program: &'a Path,
    pub(crate) region_folder: &'a Path,
    pub(crate) listen: SocketAddrV4,
    /// Where clients reach the region: the name that goes into URLs.
    pub(crate) public_host: Ipv4Addr,
    pub(crate) endpoint: &'a str,
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
}

/// A running `MiniStack`.
#[derive(Debug)]
pub(crate) struct MiniStack {
    child: Child,
}

/// Why `MiniStack` does not run.
#[derive(Debug, thiserror::Error)]
pub enum MiniStackError {
    /// The executable could not be started.
    #[error(
        "cannot start MiniStack at `{program}`: install it with `pip install ministack cbor2 cryptography` and give the path of its executable"
    )]
    Spawn {
        /// The executable.
        program: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file or folder of its could not be made.
    #[error("cannot write `{path}`")]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It ended before it answered.
    #[error("MiniStack ended at once ({status}); the end of its log `{log}`:\n{tail}")]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// Its log file.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// It did not answer in time.
    #[error("MiniStack did not answer within {} s; see its log `{log}`", START_LIMIT.as_secs())]
    Silent {
        /// Its log file.
        log: PathBuf,
    },
}

impl MiniStack {
    /// Starts `MiniStack` and waits until it answers.
    pub(crate) async fn start(
        config: &MiniStackConfig<'_>,
        upstream: &Upstream,
    ) -> Result<Self, MiniStackError> {
        let folder = config.region_folder.join("ministack");
        for part in ["tmp", "state", "s3", "home"] {
            let path = folder.join(part);
            fs::create_dir_all(&path).map_err(|source| MiniStackError::Folder { path, source })?;
        }
        let log = config.region_folder.join("ministack.log");
        let logs = File::create(&log)
            .and_then(|file| Ok((file.try_clone()?, file)))
            .map_err(|source| MiniStackError::Folder {
                path: log.clone(),
                source,
            })?;
        let mut command = std::process::Command::new(config.program);
        command
            .env_clear()
            .env("PATH", program::search_path(&[]))
            .env("LANG", "C.UTF-8")
            .env("HOME", folder.join("home"))
            .env("TMPDIR", folder.join("tmp"))
            .env("STATE_DIR", folder.join("state"))
            .env("S3_DATA_DIR", folder.join("s3"))
            .env("BIND_HOST", config.listen.ip().to_string())
            .env("GATEWAY_PORT", config.listen.port().to_string())
            .env("MINISTACK_HOST", config.public_host.to_string())
            .env("MINISTACK_ACCOUNT_ID", config.account)
            .env("MINISTACK_REGION", config.region)
            .env("LAMBDA_EXECUTOR", "local")
            // Listeners on fixed ports of every interface, which a region does not need.
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0")
            .env("AWS_ENDPOINT_URL", config.endpoint)
            .env("AWS_REGION", config.region)
            .env("AWS_DEFAULT_REGION", config.region)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env(REGION_MARK, config.region_folder)
            .stdin(Stdio::null())
            .stdout(logs.0)
            .stderr(logs.1)
            // Ctrl-C is for the region, which then ends MiniStack in order.
            .process_group(0);
        let mut child = Command::from(command)
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| MiniStackError::Spawn {
                program: config.program.to_owned(),
                source,
            })?;
        let deadline = Instant::now() + START_LIMIT;
        while !upstream.is_healthy().await {
            if let Ok(Some(status)) = child.try_wait() {
                return Err(MiniStackError::Ended {
                    status,
                    tail: tail(&log),
                    log,
                });
            }
            if Instant::now() > deadline {
                return Err(MiniStackError::Silent { log });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(Self { child })
    }

    /// Ends `MiniStack`, kindly at first.
    pub(crate) async fn stop(mut self) {
        let pid = self
            .child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ended = kill_process(pid, Signal::TERM);
        }
        if tokio::time::timeout(STOP_LIMIT, self.child.wait())
            .await
            .is_err()
        {
            let _ended = self.child.kill().await;
        }
    }
}

/// Calls to `MiniStack`.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    client: Client<HttpConnector, Body>,
    address: SocketAddrV4,
}

impl Upstream {
    pub(crate) fn new(address: SocketAddrV4) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            address,
        }
    }

    /// Sends a request on as it is; only its target changes.
    pub(crate) async fn forward(
        &self,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, hyper_util::client::legacy::Error> {
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        let uri = Uri::builder()
            .scheme("http")
            .authority(self.address.to_string())
            .path_and_query(path)
            .build()
            .expect("a path that a server parsed is a valid path");
        *request.uri_mut() = uri;
        let response = self.client.request(request).await?;
        Ok(response.map(Body::new))
    }

    /// An EC2 call of the region's own, with the caller's authorization.
    pub(crate) async fn ec2(&self, form: &Form, authorization: &str) -> Result<String, Ec2Error> {
        self.query(form, authorization).await
    }

    /// A call to IAM or STS in the region's own name.
    pub(crate) async fn service(
        &self,
        service: &str,
        region: &str,
        account: &str,
        form: &Form,
    ) -> Result<String, Ec2Error> {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={account}/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
        );
        self.query(form, &authorization).await
    }

    async fn query(&self, form: &Form, authorization: &str) -> Result<String, Ec2Error> {
        let unavailable = |problem: String| Ec2Error::server(503, "Unavailable", problem);
        let request = Request::post("/")
            .header(header::HOST, self.address.to_string())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::AUTHORIZATION, authorization)
            .body(Body::from(form.encode()))
            .map_err(|source| unavailable(source.to_string()))?;
        let response = self
            .forward(request)
            .await
            .map_err(|source| unavailable(source.to_string()))?;
        let status = response.status();
        let body = to_bytes(response.into_body(), ANSWER_LIMIT)
            .await
            .map_err(|source| unavailable(source.to_string()))?;
        let body = String::from_utf8_lossy(&body).into_owned();
        if status.is_success() {
            Ok(body)
        } else {
            Err(read_error(status.as_u16(), &body))
        }
    }

    async fn is_healthy(&self) -> bool {
        let request = Request::get("/_ministack/health")
            .header(header::HOST, self.address.to_string())
            .body(Body::empty())
            .expect("a constant request is valid");
        self.forward(request)
            .await
            .is_ok_and(|response| response.status().is_success())
    }
}

/// The error in an answer of `MiniStack`, so that the caller sees the real one.
fn read_error(status: u16, body: &str) -> Ec2Error {
    let document = Document::parse(body).ok();
    let text = |name: &str| {
        document
            .as_ref()?
            .descendants()
            .find(|node| node.tag_name().name() == name)?
            .text()
            .map(str::to_owned)
    };
    Ec2Error {
        status,
        code: text("Code").unwrap_or_else(|| "InternalError".to_owned()),
        message: text("Message").unwrap_or_else(|| format!("status {status}")),
    }
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}
