//! Does the API read what workers and masters write into real tables?
//!
//! Runs against MiniStack, a local AWS, where `LIGHTSOUT_MINISTACK` names its
//! executable, and says so where it does not.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "all of this is a test, helpers included"
)]

mod world;

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, SystemTime},
};

use futures_util::future::join_all;
use lightsout_api::{Aws, Closed, Store, Table, invocation, writer};
use lightsout_audit::{Ledger, REGISTER, Trail, heads_in_keys};
use lightsout_aws::SdkConfig;
use lightsout_protocol::{
    caller::{Caller, Role},
    chart::arrivals,
};
use serde_json::{Value, json};

use crate::world::{Api, MANY, World, environment, get, get_as, service, stored};

/// How often the test asks, the pages of many charts among it.
const ASKED: u64 = 46;

#[tokio::test]
async fn what_was_stored_is_answered_and_each_answer_is_recorded() {
    let Some(world) = World::start().await else {
        return;
    };
    stored(&world.config).await;
    let store = service(&world.config);

    let (status, first) = get(&store, "/runs", &json!({"limit": "2"})).await;
    assert_eq!(status, 200, "{first}");
    assert_eq!(first["runs"][0]["run"], "run-000003-300");
    let next = json!({"limit": "2", "cursor": first["next"]});
    let (_, second) = get(&store, "/runs", &next).await;
    assert_eq!(second["runs"][0]["run"], "run-000001-100");
    assert_eq!(second["next"], Value::Null);

    let path = "/runs/run-000001-100/charts";
    let (_, first) = get(&store, path, &json!({"limit": "1"})).await;
    assert_eq!(first["charts"][0]["chart"], "b.txt");
    let next = json!({"limit": "1", "cursor": first["next"]});
    let (_, second) = get(&store, path, &next).await;
    assert_eq!(second["charts"][0]["chart"], "ward/a.txt");

    pages_show_each_chart_once(&store).await;

    let path = "/runs/run-000002-200/rejected";
    let (status, first) = get_as(&store, "operations", path, &json!({"limit": "1"})).await;
    assert_eq!(status, 200, "{first}");
    assert_eq!(first["rejected"][0]["message"], "m-1");
    let next = json!({"limit": "1", "cursor": first["next"]});
    let (_, second) = get_as(&store, "operations", path, &next).await;
    assert_eq!(second["rejected"][0]["chart"], "c.pdf", "{second}");
    assert_eq!(second["rejected"][0]["reason"], "binary");
    let (_, of_coders) = get(&store, path, &json!({})).await;
    assert_eq!(of_coders["rejected"].as_array().unwrap().len(), 1);
    let (_, none) = get(&store, "/runs/run-000001-100/rejected", &Value::Null).await;
    assert_eq!(none["rejected"], json!([]));

    let (status, large) = get(&store, "/charts/ward%2Fa.txt", &Value::Null).await;
    assert_eq!(status, 200, "{large}");
    assert_eq!(large["coding"]["codes"][0]["code"], "E11.9");
    assert_eq!(large["others"][0]["run"], "run-000001-100");
    let (_, small) = get(&store, "/charts/b.txt", &Value::Null).await;
    assert_eq!(small["coding"]["codes"][0]["code"], "J45");
    let (status, _) = get(&store, "/charts/c.txt", &Value::Null).await;
    assert_eq!(status, 404);
    let by_code = json!({"code": "J45"});
    let (_, found) = get(&store, "/runs/run-000001-100/charts", &by_code).await;
    assert_eq!(found["charts"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["charts"][0]["codes"], json!(["J45"]));
    let (_, counts) = get(&store, "/runs/run-000001-100/counts", &Value::Null).await;
    assert_eq!(counts["counts"].as_array().unwrap().len(), 2, "{counts}");

    // All runs together: the newest first, and no run of other days.
    let (_, run) = get(&store, "/runs/run-000001-100", &Value::Null).await;
    assert_eq!((&run["coded"], &run["rejected"]), (&json!(2), &json!(0)));
    let (_, run) = get(&store, "/runs/run-000002-200", &Value::Null).await;
    assert_eq!(run["rejected"], 1, "{run}");
    let (_, found) = get(&store, "/charts", &by_code).await;
    assert_eq!(found["charts"][0]["run"], "run-000001-100", "{found}");
    let (_, totals) = get(&store, "/counts", &json!({"until": "1970-01-02"})).await;
    let of_all = totals["counts"].as_array().unwrap();
    assert!(of_all.iter().all(|row| row["day"] == "1970-01-01") && of_all.len() >= 2);
    assert_eq!(totals["next"], Value::Null);
    let (_, none) = get(&store, "/counts", &json!({"from": "1970-01-02"})).await;
    assert_eq!(none["counts"], json!([]));

    exports(&store).await;
    redrive(&world.config, &store).await;

    // What was changed in the table is no answer.
    let (status, altered) = get(&store, "/charts/altered.txt", &Value::Null).await;
    assert_eq!(status, 503, "{altered}");

    // All were asked of one writer, and another begins a stream of its own.
    let other = Trail::new(
        Table::new(&world.config, "audit", "sealed"),
        writer().unwrap(),
    );
    other
        .record(&lightsout_audit::Access::default())
        .await
        .unwrap();
    let ledger = other.ledger();
    let register = ledger.last(REGISTER).await.unwrap().unwrap();
    assert_eq!(register.number, 2);
    let receipt = store
        .trail
        .record(&lightsout_audit::Access::default())
        .await
        .unwrap();
    assert_eq!(receipt.number(), ASKED + 1);
    // A place that is taken stays as it is.
    let taken = ledger.append(std::slice::from_ref(&register)).await;
    assert!(
        matches!(taken, Err(lightsout_audit::LedgerError::Taken)),
        "{taken:?}"
    );
    // Each record lies in the bucket too, and what cannot be laid there is not recorded.
    let sealed = sealed(&world.config).await;
    let heads = heads_in_keys(sealed.iter().map(String::as_str));
    assert_eq!(sealed.len() as u64, ASKED + 1 + 1 + register.number);
    assert_eq!(heads.0[receipt.stream()].hash, receipt.hash());
    assert_eq!(heads.0[REGISTER].hash, register.hash);
    at_once(&world.config).await;
    let unsealed = Trail::new(
        Table::new(&world.config, "audit", "nowhere"),
        writer().unwrap(),
    );
    let refused = unsealed.record(&lightsout_audit::Access::default()).await;
    assert!(refused.is_err(), "{refused:?}");
}

/// Returns the keys of the sealed records.
async fn sealed(config: &SdkConfig) -> Vec<String> {
    let s3 = aws_sdk_s3::config::Builder::from(config).force_path_style(true);
    let s3 = aws_sdk_s3::Client::from_conf(s3.build());
    let listed = s3.list_objects_v2().bucket("sealed").send().await.unwrap();
    let keys = listed.contents().iter().filter_map(|object| object.key());
    keys.map(str::to_owned).collect()
}

/// Sixty-four clients of four functions: as many records as answers, in four streams.
async fn at_once(config: &SdkConfig) {
    let before = heads_in_keys(sealed(config).await.iter().map(String::as_str));
    let functions: Vec<_> = (0..4).map(|_| service(config)).collect();
    let asked = (0..64).map(|client| get(&functions[client % 4], "/charts/b.txt", &Value::Null));
    let answers = join_all(asked).await;
    assert!(answers.iter().all(|(status, _)| *status == 200));
    let after = heads_in_keys(sealed(config).await.iter().map(String::as_str));
    let is_new = |stream: &&String| !before.0.contains_key(*stream);
    let streams: Vec<_> = after.0.keys().filter(is_new).collect();
    let records: u64 = streams.iter().map(|stream| after.0[*stream].number).sum();
    assert_eq!((streams.len(), records), (4, 64));
    assert_eq!(after.0[REGISTER].number, before.0[REGISTER].number + 4);
}

/// More charts than a page, in every shard: pages of any size show each once, in order.
async fn pages_show_each_chart_once(store: &Api) {
    let wanted: Vec<String> = (0..MANY)
        .map(|number| format!("many/{number:03}"))
        .collect();
    for (limit, order) in [
        ("7", "ascending"),
        ("50", "ascending"),
        ("200", "ascending"),
        ("50", "descending"),
    ] {
        let mut shown = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let mut query = json!({"limit": limit, "order": order});
            if cursor != Value::Null {
                query["cursor"] = cursor;
            }
            let (status, page) = get(store, "/runs/run-000003-300/charts", &query).await;
            assert_eq!(status, 200, "{page}");
            let charts = page["charts"].as_array().unwrap();
            shown.extend(
                charts
                    .iter()
                    .map(|of| of["chart"].as_str().unwrap().to_owned()),
            );
            cursor = page["next"].clone();
            if cursor == Value::Null {
                break;
            }
        }
        if order == "descending" {
            shown.reverse();
        }
        assert_eq!(shown, wanted, "{limit} {order}");
    }
}

/// A whole list, and an object of several parts, are read back at the addresses they are given.
async fn exports(store: &Api) {
    let path = "/runs/run-000003-300/charts";
    let query = json!({"format": "csv", "limit": "all"});
    let (status, answer) = get(store, path, &query).await;
    // All of it is in one page, and so in the answer: what is longer goes elsewhere.
    assert_eq!(status, 200, "{answer}");
    let mut upload = store.store.begin("text/csv").unwrap();
    let mut wanted = String::new();
    for letter in ["a", "b", "c"] {
        let text = letter.repeat(9 << 20);
        wanted.push_str(&text);
        store.store.add(&mut upload, text).await.unwrap();
    }
    store
        .store
        .add(&mut upload, "end".to_owned())
        .await
        .unwrap();
    wanted.push_str("end");
    let out = store.store.hand_out(upload, 1_000_000).await.unwrap();
    assert_eq!(out.until, 1_300);
    assert!(out.url.contains("/exports/") && out.url.contains("X-Amz-Expires=300"));
    let (head, body) = fetched(&out.url);
    assert!(
        head.contains("200 OK") && head.contains("text/csv"),
        "{head}"
    );
    assert!(head.contains("attachment"), "{head}");
    assert!(body == wanted.as_bytes(), "{} bytes", body.len());
    // An address that was changed opens nothing.
    let (head, _) = fetched(&out.url.replace("Expires=300", "Expires=900"));
    assert!(head.contains("403"), "{head}");
}

/// Reads what lies at an address, as a caller's browser does: without a token.
fn fetched(url: &str) -> (String, Vec<u8>) {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let request = format!("GET /{path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let body = answer.split_off(end.unwrap() + 4);
    (String::from_utf8_lossy(&answer).into_owned(), body)
}

/// A rejected chart waits for the workers again, by its version; and who asks too fast waits.
async fn redrive(config: &SdkConfig, store: &Api) {
    let event = json!({
        "httpMethod": "POST", "path": "/rejected/c.pdf/redrive",
        "requestContext": {
            "requestId": "r-1",
            "authorizer": {"principalId": "u-1", "tenant": "north", "role": "operations", "issuedAt": "1"},
        },
    });
    let deadline = SystemTime::now() + Duration::from_mins(1);
    let event = serde_json::from_value(event).unwrap();
    let Ok(answer) = invocation(store, event, deadline).await;
    assert_eq!(answer["statusCode"], 202, "{answer}");
    let sqs = aws_sdk_sqs::Client::new(config);
    let work = sqs.get_queue_url().queue_name("work").send().await.unwrap();
    let received = sqs
        .receive_message()
        .queue_url(work.queue_url.unwrap())
        .send()
        .await
        .unwrap();
    let charts = arrivals(received.messages()[0].body().unwrap()).unwrap();
    assert_eq!(
        (charts[0].bucket.as_str(), charts[0].key.as_str()),
        ("inbox", "charts/north/c.pdf")
    );
    assert_eq!(charts[0].version.as_deref(), Some("v1"));
    // Time is what the request says, so that nobody has to wait here.
    let store = Aws::new(config, environment(config, "60"));
    let hasty = Caller {
        who: "hasty".to_owned(),
        tenant: "north".to_owned(),
        role: Role::Coder,
        issued_at: 4_000,
    };
    for _ in 0..60 {
        assert_eq!(store.take(&hasty, 5_000_000).await, Ok(Ok(())));
    }
    assert_eq!(
        store.take(&hasty, 5_000_000).await,
        Ok(Err(Closed::Wait(1_000)))
    );
    assert_eq!(store.take(&hasty, 5_001_000).await, Ok(Ok(())));
    assert_eq!(
        store.take(&hasty, 5_001_000).await,
        Ok(Err(Closed::Wait(1_000)))
    );
    assert_eq!(store.take(&hasty, 9_000_000).await, Ok(Ok(())));
    // What was issued until they were revoked is believed no more, and what comes later is; it is
    // the caller's own, and asking slowly or fast changes nothing.
    store.revoke("north", "hasty", 4_000).await.unwrap();
    for at in [9_000_000, 9_000_001, 9_900_000] {
        assert_eq!(store.take(&hasty, at).await, Ok(Err(Closed::Revoked)));
    }
    let mut another = hasty.clone();
    another.issued_at = 4_001;
    assert_eq!(store.take(&another, 9_900_000).await, Ok(Ok(())));
    let mut stranger = hasty;
    "south".clone_into(&mut stranger.tenant);
    assert_eq!(store.take(&stranger, 9_900_000).await, Ok(Ok(())));
    // Who never asked before can be kept out too.
    store.revoke("east", "hasty", 4_000).await.unwrap();
    "east".clone_into(&mut stranger.tenant);
    let taken = store.take(&stranger, 9_900_000).await;
    assert_eq!(taken, Ok(Err(Closed::Revoked)));
}
