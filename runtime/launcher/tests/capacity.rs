//! How is EC2 asked where it is short of capacity?
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    thread,
};

use lightsout_launcher::Aws;
use lightsout_protocol::{
    environment::LauncherEnvironment,
    launch::{Start, World},
    run::RunId,
};

const SHORT: &str = "<Response><Errors><Error><Code>InsufficientInstanceCapacity</Code>\
    <Message>none</Message></Error></Errors><RequestID>r</RequestID></Response>";

/// Answers each request as EC2 does without capacity, and tells what it was asked for.
fn without_capacity(answers: usize) -> (String, thread::JoinHandle<Vec<String>>) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", socket.local_addr().unwrap());
    let served = thread::spawn(move || {
        let asked = socket.incoming().take(answers).map(|stream| {
            let mut stream = BufReader::new(stream.unwrap());
            let mut bytes = 0;
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                let line = line.to_ascii_lowercase();
                if let Some(length) = line.strip_prefix("content-length:") {
                    bytes = length.trim().parse().unwrap();
                }
                if line == "\r\n" {
                    break;
                }
            }
            let mut body = vec![0; bytes];
            stream.read_exact(&mut body).unwrap();
            let head = "HTTP/1.1 500 Internal Server Error\r\nconnection: close";
            let length = SHORT.len();
            write!(
                stream.get_mut(),
                "{head}\r\ncontent-length: {length}\r\n\r\n{SHORT}"
            )
            .unwrap();
            String::from_utf8(body).unwrap()
        });
        asked.collect()
    });
    (address, served)
}

#[tokio::test]
async fn each_type_is_asked_for_once_in_each_zone_and_first_as_spot() {
    let wanted = [
        (None, "subnet-a", true),
        (None, "subnet-b", true),
        (Some("t4g.medium"), "subnet-a", true),
        (Some("t4g.medium"), "subnet-b", true),
        (None, "subnet-a", false),
        (None, "subnet-b", false),
        (Some("t4g.medium"), "subnet-a", false),
        (Some("t4g.medium"), "subnet-b", false),
    ];
    let (endpoint, served) = without_capacity(wanted.len());
    let config = lightsout_aws::load_for(&endpoint, "us-east-1").await;
    let environment = LauncherEnvironment::from_variables(|name| {
        let address = match name {
            "MASTER_TYPES" => "t4g.small,t4g.medium",
            "SUBNETS" => "subnet-a,subnet-b",
            "MASTER_SPOT" => "true",
            "LEASE_SECONDS" => "60",
            _ => "lamp",
        };
        Some(address.to_owned())
    });
    let world = Aws::new(&config, environment.unwrap());
    assert_eq!(world.ways(), 8);
    let run = RunId::new(1, 2);
    for way in 1..=8 {
        let token = run.client_token("master", way);
        let answer = world.start_master(&run, &token, way).await;
        // A second try of the same request would take the place of the next way.
        assert_eq!(
            answer,
            Start::Short("InsufficientInstanceCapacity".to_owned())
        );
    }
    let asked = served.join().unwrap();
    for ((instance_type, subnet, is_spot), asked) in wanted.iter().zip(asked) {
        let has = |field: &str| asked.contains(field);
        assert!(has(&format!("SubnetId={subnet}")), "{asked}");
        assert_eq!(has("MarketType=spot"), *is_spot, "{asked}");
        match instance_type {
            None => assert!(!has("&InstanceType="), "{asked}"),
            Some(name) => assert!(has(&format!("InstanceType={name}")), "{asked}"),
        }
    }
}
