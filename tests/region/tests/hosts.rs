//! Real hosts in process groups, which any user can run, without a network.
//!
//! `LIGHTSOUT_MINISTACK` names `MiniStack`'s executable; without it, or without
//! OpenSSH, the tests say so and pass.

#![expect(clippy::print_stdout, reason = "a skipped test says why")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lightsout_region::{
    Event, Fault, InstanceState, InstanceSummary, Isolation, OpenSsh, Region, RegionConfig,
    StartError,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How long a host may take to do anything that is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// A region, or why this machine cannot have one.
async fn region(folder: &Path) -> Option<Region> {
    let config = config(folder).await?;
    Some(Region::start(config).await.expect("the region starts"))
}

async fn config(folder: &Path) -> Option<RegionConfig> {
    let Some(ministack) = env::var_os("LIGHTSOUT_MINISTACK").map(PathBuf::from) else {
        println!("skipped: LIGHTSOUT_MINISTACK does not name MiniStack's executable");
        return None;
    };
    // Fetching needs a network: a test takes only what is there, or was fetched before.
    let cache = env::var_os("LIGHTSOUT_OPENSSH_CACHE").map_or_else(|| folder.into(), PathBuf::from);
    let at_hand = ["/usr/sbin/sshd", "/usr/bin/sshd"].map(PathBuf::from);
    if !at_hand.iter().any(|sshd| sshd.exists()) && !cache.join("openssh").exists() {
        println!("skipped: no sshd here, and LIGHTSOUT_OPENSSH_CACHE does not name a fetched one");
        return None;
    }
    let openssh = match OpenSsh::find_or_fetch(&cache) {
        Ok(openssh) => openssh,
        Err(error) => {
            println!("skipped: {error}");
            return None;
        }
    };
    let free = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = free.local_addr().expect("an address").port();
    Some(RegionConfig::new(folder, ministack, openssh, Isolation::detect()).port(port))
}

/// One EC2 call with curl's bare means: the answer's status and body.
async fn ec2(region: &Region, fields: &[(&str, &str)]) -> (u16, String) {
    let address = region.endpoint().trim_start_matches("http://");
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("Version", "2016-11-15")
        .extend_pairs(fields)
        .finish();
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=111122223333/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=0\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    let status = answer[9..12].parse().expect("a status");
    (status, answer)
}

async fn run(region: &Region, user_data: &str, behavior: &str) -> InstanceSummary {
    let user_data = STANDARD.encode(user_data);
    let (status, answer) = ec2(
        region,
        &[
            ("Action", "RunInstances"),
            ("ImageId", "ami-1"),
            ("MinCount", "1"),
            ("MaxCount", "1"),
            ("UserData", &user_data),
            ("InstanceInitiatedShutdownBehavior", behavior),
        ],
    )
    .await;
    assert_eq!(status, 200, "{answer}");
    region.instances().pop().expect("launched")
}

async fn wait_for_state(region: &Region, id: &str, state: InstanceState) {
    let reached = async {
        while !region
            .instances()
            .iter()
            .any(|instance| instance.id.as_str() == id && instance.state == state)
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reached)
        .await
        .unwrap_or_else(|_| panic!("{id} is not {state}: {:?}", region.instances()));
}

async fn wait_for_text(file: &Path, text: &str) -> String {
    let found = async {
        loop {
            let content = fs::read_to_string(file).unwrap_or_default();
            if content.contains(text) {
                return content;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, found)
        .await
        .unwrap_or_else(|_| panic!("no `{text}` in {}", file.display()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_runs_its_user_data_and_powers_itself_off() {
    let folder = tempfile::tempdir().expect("folder");
    let Some(region) = region(folder.path()).await else {
        return;
    };
    let script = "#!/bin/sh\necho \"$LIGHTSOUT_INSTANCE\" > \"$HOME/mark\"\nshutdown -h now\n";
    let ended = run(&region, script, "terminate").await;
    let stopped = run(&region, script, "stop").await;
    wait_for_state(&region, ended.id.as_str(), InstanceState::Terminated).await;
    wait_for_state(&region, stopped.id.as_str(), InstanceState::Stopped).await;
    let home = ended.console_log.with_file_name("home");
    let mark = fs::read_to_string(home.join("mark")).expect("written by the host");
    assert_eq!(mark.trim(), ended.id.as_str());
    region.shutdown().await.expect("nothing is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh_trusts_the_published_host_key_and_no_process_outlives_its_host() {
    let folder = tempfile::tempdir().expect("folder");
    let Some(region) = region(folder.path()).await else {
        return;
    };
    let key = folder.path().join("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status()
        .expect("ssh-keygen");
    assert!(made.success());
    let public = fs::read_to_string(key.with_extension("pub")).expect("public key");
    let script = format!(
        "#!/bin/sh\necho '{}' >> \"$LIGHTSOUT_SSH_AUTHORIZED_KEYS\"\n\
         echo \"user $LIGHTSOUT_SSH_USER\"\n\
         echo \"known [$LIGHTSOUT_SSH_ADDRESS]:$LIGHTSOUT_SSH_PORT $(cat \"$LIGHTSOUT_SSH_HOST_KEY_FILE\")\"\n\
         echo ready\n",
        public.trim()
    );
    let host = run(&region, &script, "terminate").await;
    let console = wait_for_text(&host.console_log, "ready").await;
    let word = |name: &str| {
        console
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .map(|rest| rest.trim().to_owned())
            .expect("published")
    };
    let known_hosts = folder.path().join("known_hosts");
    fs::write(&known_hosts, word("known") + "\n").expect("written");
    let login = |known_hosts: &Path| {
        Command::new("ssh")
            .args(["-F", "/dev/null", "-p", "2222", "-o", "BatchMode=yes"])
            .args([
                "-o",
                "StrictHostKeyChecking=yes",
                "-o",
                "IdentitiesOnly=yes",
            ])
            .args([
                "-o",
                &format!("UserKnownHostsFile={}", known_hosts.display()),
            ])
            .arg("-i")
            .arg(&key)
            .arg(format!("{}@{}", word("user"), host.address))
            .arg("echo \"$LIGHTSOUT_INSTANCE\"; setsid sleep 600 >/dev/null 2>&1 &")
            .stdin(Stdio::null())
            .output()
            .expect("ssh")
    };
    let output = login(&known_hosts);
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert_eq!(
        said,
        host.id.as_str(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // Another host's key is not taken for this one's.
    let wrong = folder.path().join("wrong");
    fs::write(&wrong, format!("[{}]:2222 {public}", host.address)).expect("written");
    assert!(!login(&wrong).status.success());

    let of_host = || {
        fs::read_dir("/proc")
            .expect("/proc")
            .flatten()
            .filter(|process| {
                let environment = fs::read(process.path().join("environ")).unwrap_or_default();
                String::from_utf8_lossy(&environment).contains(host.id.as_str())
            })
            .count()
    };
    assert!(of_host() > 1, "the session's process was detached");
    let (status, _) = ec2(
        &region,
        &[
            ("Action", "TerminateInstances"),
            ("InstanceId.1", host.id.as_str()),
        ],
    )
    .await;
    assert_eq!(status, 200);
    wait_for_state(&region, host.id.as_str(), InstanceState::Terminated).await;
    assert_eq!(of_host(), 0);
    region.shutdown().await.expect("nothing is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_do_what_they_say() {
    let folder = tempfile::tempdir().expect("folder");
    let Some(region) = region(folder.path()).await else {
        return;
    };
    let mut events = region.events();
    let host = run(&region, "#!/bin/sh\necho up\nexec sleep 600\n", "terminate").await;
    wait_for_text(&host.console_log, "up").await;
    wait_for_state(&region, host.id.as_str(), InstanceState::Running).await;

    region.inject(Fault::Crash(host.id.clone())).await;
    assert_eq!(
        region.instances()[0].state,
        InstanceState::Running,
        "EC2 does not know that the host is gone"
    );
    let describe = [("Action", "DescribeInstances")];
    region.inject(Fault::ThrottleEc2 { calls: 1 }).await;
    let (status, answer) = ec2(&region, &describe).await;
    assert_eq!(status, 503);
    assert!(answer.contains("<Code>RequestLimitExceeded</Code>"));
    assert_eq!(ec2(&region, &describe).await.0, 200);

    region.inject(Fault::NoCapacity { launches: 1 }).await;
    let launch = [
        ("Action", "RunInstances"),
        ("ImageId", "ami-1"),
        ("MinCount", "1"),
        ("MaxCount", "1"),
    ];
    let (_, answer) = ec2(&region, &launch).await;
    assert!(answer.contains("<Code>InsufficientInstanceCapacity</Code>"));
    assert_eq!(region.instances().len(), 1);
    let mut told = false;
    while let Ok(event) = events.try_recv() {
        told |= matches!(event, Event::FaultInjected(Fault::Crash(_)));
    }
    assert!(told);
    region.shutdown().await.expect("nothing is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_occupied_port_is_named() {
    let folder = tempfile::tempdir().expect("folder");
    let Some(config) = config(folder.path()).await else {
        return;
    };
    let occupied = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let taken = occupied.local_addr().expect("an address").port();
    let error = Region::start(config.port(taken))
        .await
        .expect_err("occupied");
    assert!(matches!(error, StartError::PortInUse { port, .. } if port == taken));
}
