//! Does what a chart says stay out of everything but its stores?
//!
//! Charts carry planted names, numbers and phrases. They go through the worker's own loop and
//! the API's own router, with faults at every step, in a process of its own: whatever it writes
//! to stdout and stderr, and every message, key, record and answer that is not meant to show
//! text, is searched for what was planted, in every form that it could have been written in.

use std::{env, io::Read, process::Command, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lightsout_api::{Request, Service, memory::Memory};
use lightsout_audit::{MemoryLedger, Trail};
use lightsout_deidentify::{
    Class,
    synthetic::{Hand, note},
};
use lightsout_nlp::{Dictionary, Engine};
use lightsout_protocol::{
    caller::{Caller, Role},
    coding::Outcome,
};
use lightsout_worker::{
    charts::Charts,
    drain::Drain,
    leave::Leave,
    log::LastLook,
    memory::{MemoryInbox, MemoryQueue, MemoryResults},
    patience::Patience,
    queue::Queue,
};
use serde_json::{Value, json};
use tokio::sync::watch;

/// What is planted in every chart.
pub(crate) const CANARIES: [&str; 6] = [
    "Quillon Vantrask",
    "88417263",
    "912-84-7731",
    "quillon.v@mail.example",
    "(555) 867-2209",
    "lavender zeppelin",
];

/// Tells the process of its own from the one that looks at it.
const INSIDE: &str = "LIGHTSOUT_CANARY";

/// Charts of every form, good and broken, each with all that is planted.
fn charts() -> Vec<(String, Vec<u8>)> {
    let planted = CANARIES.join(", ");
    let words = format!("Patient {planted}. ASSESSMENT: asthma after the lavender zeppelin.");
    let data = STANDARD.encode(&words);
    let fhir = json!({
        "resourceType": "DocumentReference",
        "content": [{"attachment": {"contentType": "text/plain", "data": data}}],
    });
    let hl7 = format!("MSH|^~\\&|a|b|c|d|{planted}||MDM^T02|1|P|2.5.1\rOBX|1|TX|||{words}\r");
    let html = format!("<html><title>{planted}</title><body><p>{words}</p></body></html>");
    let texts = [
        words.clone(),
        html,
        fhir.to_string(),
        hl7,
        // What is broken, so that errors are made of it.
        fhir.to_string()[..fhir.to_string().len() - 9].to_owned(),
        format!("{{\"resourceType\":\"{planted}\"}}"),
        format!(
            "<ClinicalDocument xmlns=\"urn:hl7-org:v3\"><{}>",
            CANARIES[0]
        ),
        format!(
            "<ClinicalDocument xmlns=\"urn:hl7-org:v3\">&{};",
            CANARIES[0]
        ),
        format!("<?xml version=\"1.0\"?><{0} xmlns=\"{planted}\"/>", "x"),
        format!("MSH|^~\\&|{planted}\rOBX|1|RP|{planted}||{planted}"),
        format!("%PDF-{planted}"),
        format!("{planted}\u{0}"),
    ];
    let mut charts: Vec<_> = texts.into_iter().map(String::into_bytes).collect();
    let mut latin = words.into_bytes();
    latin.push(0xe8);
    charts.push(latin);
    charts
        .into_iter()
        .enumerate()
        .map(|(number, bytes)| (format!("north/{number:032x}"), bytes))
        .collect()
}

fn arrival(key: &str) -> String {
    json!({"Records": [{
        "eventVersion": "2.1", "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "inbox"},
               "object": {"key": format!("charts/{key}"), "size": 9, "versionId": "v1"}}
    }]})
    .to_string()
}

/// Drains a queue of these charts, with stores that fail meanwhile, and returns what was stored.
async fn drained(charts: &[(String, Vec<u8>)], faults: bool) -> Arc<MemoryResults> {
    let inbox = MemoryInbox::default();
    let queue = Arc::new(MemoryQueue::new(Duration::from_millis(60), 3));
    for (key, bytes) in charts {
        inbox.put(&format!("charts/{key}"), bytes);
        queue.send(key, &arrival(key));
    }
    if faults {
        // Somebody sends text where a reference is wanted, and a reference to nothing.
        queue.send("bad", &CANARIES.join(" "));
        queue.send(
            "bad2",
            &format!("{{\"Records\": [{{\"{}\": 1}}]}}", CANARIES[0]),
        );
        queue.send("gone", &arrival("north/gone"));
        inbox.hash(&format!("charts/{}", charts[0].0), &"0".repeat(64));
    }
    let results = Arc::new(MemoryResults::default());
    results.fail(faults);
    let engine = Engine::new(Dictionary::fy2026());
    let work = Charts::new(inbox, Arc::clone(&results), "inbox", engine, 2);
    let (leave, left) = watch::channel(None);
    let drain = Drain {
        queue: Arc::clone(&queue),
        work: Arc::new(work),
        lanes: 2,
        extend_every: Duration::from_millis(20),
        patience: Patience {
            first: Duration::from_millis(5),
            longest: Duration::from_millis(10),
            whole: Duration::from_millis(40),
        },
    };
    let running = tokio::spawn(async move { drain.run(&left).await });
    if faults {
        tokio::time::sleep(Duration::from_millis(30)).await;
        results.fail(false);
    }
    while !queue.depth().await.unwrap().is_zero() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    leave.send(Some(Leave::Drained)).unwrap();
    running.await.unwrap();
    results
}

/// Asks the API everything as who may see no text, with and without faults, and returns what it
/// answered and what it recorded.
async fn asked(results: &MemoryResults, more: &[&str]) -> Vec<String> {
    let mut store = Memory::default().with_run(1);
    let outcomes = results.outcomes();
    let keys: Vec<_> = outcomes.keys().map(|key| key.chart.clone()).collect();
    for (key, outcome) in outcomes {
        store = store.with_outcome(1, &key.chart, &key.version, outcome);
    }
    let service = Service {
        store,
        trail: Trail::new(MemoryLedger::default(), "w"),
    };
    let mut said = refused(&service).await;
    let usual = [
        "/runs",
        "/runs/run-000001-1001/charts",
        "/runs/run-000001-1001/rejected",
        "/charts",
        "/counts",
    ];
    let mut paths: Vec<_> = usual
        .iter()
        .chain(more)
        .map(|path| (*path).to_owned())
        .collect();
    paths.extend(
        keys.iter()
            .map(|key| format!("/charts/{}", key.strip_prefix("north/").unwrap_or(key))),
    );
    for fault in ["none", "store", "ledger"] {
        service.store.fail(fault == "store");
        service.trail.ledger().fail(fault == "ledger");
        for path in &paths {
            for role in [Role::Operations, Role::TenantAdmin, Role::Coder] {
                // A coder sees text, but never in an error.
                if role == Role::Coder && fault == "none" {
                    continue;
                }
                let request = Request {
                    method: "GET".to_owned(),
                    path: path.clone(),
                    id: "r-1".to_owned(),
                    caller: Some(Caller {
                        who: "u-1".to_owned(),
                        tenant: "north".to_owned(),
                        role,
                        issued_at: 0,
                    }),
                    ..Request::default()
                };
                let answer = service.answer(&request).await;
                said.push(format!(
                    "{} {:?} {}",
                    answer.status, answer.headers, answer.body
                ));
            }
        }
    }
    said.extend(
        service
            .trail
            .ledger()
            .entries()
            .into_iter()
            .map(|entry| entry.body),
    );
    said
}

/// Says what is planted in every part of a request that can only be refused, and returns what was
/// answered.
async fn refused(service: &Service<Memory, MemoryLedger>) -> Vec<String> {
    let charts = "/runs/run-000001-1001/charts";
    let planted = CANARIES.join(" ");
    let mut said = Vec::new();
    for (method, path, name, body) in [
        ("GET", charts, "cursor", ""),
        ("GET", charts, "limit", ""),
        ("GET", charts, "order", ""),
        ("GET", charts, "status", ""),
        ("GET", charts, "format", ""),
        ("GET", charts, "purpose", ""),
        ("GET", charts, "emergency", ""),
        ("GET", charts, &planted, ""),
        ("GET", "/charts", "from", ""),
        ("GET", "/runs", "state", ""),
        ("GET", "/runs", "order", ""),
        (&planted, "/runs", "limit", ""),
        ("POST", "/break-glass", "purpose", ""),
        ("POST", "/break-glass", "", &planted),
        ("POST", "/revocations", "", &planted),
        ("POST", "/rejected/x/redrive", "version", ""),
    ] {
        let query = (!name.is_empty()).then(|| (name.to_owned(), vec![planted.clone()]));
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.into_iter().collect(),
            headers: [("accept".to_owned(), planted.clone())].into(),
            body: body.to_owned(),
            id: "r-1".to_owned(),
            caller: Some(Caller {
                who: "u-1".to_owned(),
                tenant: "north".to_owned(),
                role: Role::TenantAdmin,
                issued_at: 0,
            }),
            ..Request::default()
        };
        let answer = service.answer(&request).await;
        said.push(format!(
            "{} {:?} {}",
            answer.status, answer.headers, answer.body
        ));
    }
    said
}

/// Every text of the control plane that the outcomes of a drain leave behind.
fn control_records(results: &MemoryResults) -> Vec<String> {
    let mut records = Vec::new();
    for (key, outcome) in results.outcomes() {
        records.push(format!("{} {}", key.chart, key.sort()));
        match outcome {
            Outcome::Rejected { reason, detail } => records.push(format!("{reason} {detail}")),
            Outcome::Coded { provenance, .. } => {
                records.push(serde_json::to_string(&provenance).unwrap());
            }
        }
    }
    records
}

/// The forms in which a planted text is looked for.
fn forms(planted: &str) -> Vec<(&'static str, String)> {
    let digits: Vec<_> = planted.bytes().map(|byte| format!("{byte:02x}")).collect();
    let hex = digits.concat();
    let url = percent_encoding::utf8_percent_encode(planted, percent_encoding::NON_ALPHANUMERIC);
    let mut forms = vec![
        ("plain", planted.to_lowercase()),
        ("hex", hex),
        ("url", url.to_string().to_lowercase()),
        ("url form", planted.replace(' ', "+").to_lowercase()),
        (
            "without spaces",
            planted
                .replace([' ', '-', '(', ')', '.', '@'], "")
                .to_lowercase(),
        ),
    ];
    // Base64 of it within a longer text, at each of the three places it can begin.
    for before in 0..3 {
        let padded = format!("{}{planted}", "x".repeat(before));
        let encoded = STANDARD.encode(&padded);
        // All digits that hold no bit of what stands before or behind it: fewer would be found in
        // any program.
        let whole = (before * 8).div_ceil(6)..padded.len() * 8 / 6;
        forms.push(("base64", encoded[whole].to_lowercase()));
    }
    forms
}

/// Returns what of the planted is in the text, and in which form.
pub(crate) fn leaks(text: &[u8]) -> Vec<(&'static str, &'static str)> {
    let plain = String::from_utf8_lossy(text).to_lowercase();
    // What is split over lines, or by the marks of a format, is whole without them; in JSON the
    // end of a line is a letter.
    let unescaped = ["\\n", "\\r", "\\t"]
        .iter()
        .fold(plain.clone(), |text, escape| text.replace(escape, ""));
    let joined: String = unescaped.chars().filter(|c| c.is_alphanumeric()).collect();
    let mut found = Vec::new();
    for planted in CANARIES {
        for (form, wanted) in forms(planted) {
            let bare: String = wanted.chars().filter(|c| c.is_alphanumeric()).collect();
            if plain.contains(&wanted) || (bare.len() >= 8 && joined.contains(&bare)) {
                found.push((planted, form));
            }
        }
    }
    let starts_of = |magic: &'static [u8]| {
        let places = text.windows(magic.len()).enumerate();
        places
            .filter(move |(_, bytes)| *bytes == magic)
            .map(|(at, _)| &text[at..])
    };
    for packed in starts_of(&[0x1f, 0x8b]) {
        found.extend(leaks(&unpacked(packed)));
    }
    // The same in Base64, as user data may be.
    for packed in starts_of(b"H4sI") {
        let is_other = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"+/\r\n".contains(byte);
        let end = packed.iter().position(is_other).unwrap_or(packed.len());
        let mut digits: Vec<u8> = packed[..end].to_vec();
        digits.retain(u8::is_ascii_graphic);
        digits.truncate(digits.len() / 4 * 4);
        let packed = STANDARD.decode(digits).unwrap_or_default();
        found.extend(leaks(&unpacked(&packed)));
    }
    found
}

/// Unpacks what is gzipped, as far as it goes.
fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut unpacked = Vec::new();
    let _ = flate2::read::GzDecoder::new(packed).read_to_end(&mut unpacked);
    unpacked
}

#[test]
fn in_a_process_of_its_own() {
    if env::var_os(INSIDE).is_none() {
        return;
    }
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(|| LastLook)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let records = runtime.unwrap().block_on(async {
        let charts = charts();
        let results = drained(&charts, true).await;
        let stored = results.outcomes();
        assert_eq!(stored.len(), charts.len() + 3);
        // What was planted did come through: it is in the store, where it belongs.
        let coded = stored.values().filter_map(|outcome| match outcome {
            Outcome::Coded { coding, .. } => Some(coding.to_string()),
            Outcome::Rejected { .. } => None,
        });
        let coded: Vec<_> = coded.collect();
        assert!(coded.len() >= 3 && coded.iter().all(|text| text.contains("lavender")));
        let mut records = control_records(&results);
        records.extend(charts.iter().map(|(key, _)| arrival(key)));
        let planted = format!("/charts/{}", CANARIES[0]);
        records.extend(asked(&results, &["/docs", "/nowhere", &planted]).await);
        records
    });
    println!("RECORDS {}", Value::from(records));
}

#[test]
fn nothing_that_was_planted_in_a_chart_is_in_a_log_message_key_record_or_error() {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "canary::in_a_process_of_its_own", "--nocapture"])
        .env(INSIDE, "1")
        .env("RUST_BACKTRACE", "1")
        .output()
        .unwrap();
    let (out, log) = (&output.stdout, &output.stderr);
    let shown = String::from_utf8_lossy(log);
    assert!(
        output.status.success(),
        "{}\n{shown}",
        String::from_utf8_lossy(out)
    );
    assert!(
        shown.contains("an outcome is not stored"),
        "the faults were seen"
    );
    assert!(
        !shown.contains("masked"),
        "nothing had to be masked: {shown}"
    );
    let text = String::from_utf8_lossy(out);
    let records = text
        .lines()
        .find_map(|line| line.split_once("RECORDS "))
        .unwrap()
        .1;
    let records: Vec<String> = serde_json::from_str(records).unwrap();
    assert!(records.len() > 100, "{} records", records.len());
    for record in &records {
        assert_eq!(leaks(record.as_bytes()), [], "{record}");
    }
    assert_eq!(leaks(out), []);
    assert_eq!(leaks(log), []);
    println!(
        "searched {} records, {} bytes of stdout and {} bytes of logs for {} texts in {} forms",
        records.len(),
        out.len(),
        log.len(),
        CANARIES.len(),
        forms(CANARIES[0]).len() + 2
    );
}

#[test]
fn whatever_form_it_is_written_in_the_search_finds_it() {
    let planted = CANARIES[0];
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, planted.as_bytes()).unwrap();
    let digits: Vec<_> = planted.bytes().map(|byte| format!("{byte:02X}")).collect();
    let hex = digits.concat();
    let packed = packed.finish().unwrap();
    let lines = STANDARD.encode(format!("x{planted} and more"));
    for text in [
        planted.as_bytes().to_vec(),
        planted.to_uppercase().into_bytes(),
        STANDARD.encode(format!("x{planted} and more")).into_bytes(),
        STANDARD
            .encode(format!("xx{planted} and more"))
            .into_bytes(),
        hex.into_bytes(),
        b"Quillon%20Vantrask".to_vec(),
        b"Quillon+Vantrask".to_vec(),
        b"{\"a\":\"Quil\nlon Van\",\"trask".to_vec(),
        br#"{"a":"Quil\nlon\r\n\tVantrask"}"#.to_vec(),
        format!("{}\r\n{}", &lines[..9], &lines[9..]).into_bytes(),
        format!("{{\"data\":\"{}\"}}", STANDARD.encode(&packed)).into_bytes(),
        [b"log:", packed.as_slice()].concat(),
    ] {
        assert!(
            !leaks(&text).is_empty(),
            "{}",
            String::from_utf8_lossy(&text)
        );
    }
    assert_eq!(leaks(b"run-000001-1795465488 access 200"), []);
}

/// No five letters of an identifier stand in a record of the control plane, hashes aside.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_part_of_an_identifier_is_in_a_record_of_the_control_plane() {
    let mut charts = Vec::new();
    let mut identifiers = Vec::new();
    for (number, class) in Class::ALL.into_iter().enumerate() {
        for hand in Hand::ALL {
            for seed in 0..3 {
                let note = note(class, hand, 100 * number as u64 + seed);
                for (_, start, end) in note.labels {
                    identifiers.push(note.text[start..end].to_lowercase());
                }
                let key = format!("north/{:032x}", charts.len());
                charts.push((key, note.text.into_bytes()));
            }
        }
    }
    let results = drained(&charts, false).await;
    let mut records = control_records(&results);
    records.extend(charts.iter().map(|(key, _)| arrival(key)));
    records.extend(asked(&results, &[]).await);
    // Hashes and opaque ids are drawn from all letters and digits, and so is any number.
    let is_opaque =
        |word: &str| word.len() >= 20 && word.bytes().all(|b| b.is_ascii_alphanumeric());
    let mut words = String::new();
    for record in &records {
        let kept = record
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !is_opaque(word));
        words.extend(kept.map(|word| word.to_lowercase() + " "));
        words.push('\n');
    }
    let mut looked = 0;
    for identifier in &identifiers {
        let parts: Vec<char> = identifier.chars().collect();
        for part in parts.windows(5) {
            let part: String = part.iter().collect();
            if !part.chars().all(|c| c.is_ascii_alphanumeric()) {
                continue;
            }
            looked += 1;
            assert!(!words.contains(&part), "`{part}` of `{identifier}`");
        }
    }
    assert!(looked > 500, "{looked} parts: the test would be vacuous");
}
