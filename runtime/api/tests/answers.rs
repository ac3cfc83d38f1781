//! What does the API answer, and to whom?
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, future::Future, pin::pin, task};

use lightsout_api::{Answer, Pace, Request, Service, memory::Memory};
use lightsout_audit::{Access, MemoryLedger, Said, Trail};
use lightsout_protocol::{
    caller::{Caller, Role},
    chart::arrivals,
    coding::Outcome,
};
use serde_json::{Value, json};

type Api = Service<Memory, MemoryLedger>;

fn api(store: Memory) -> Api {
    Service {
        store,
        trail: Trail::new(MemoryLedger::default(), "w"),
    }
}

fn caller(role: Role) -> Caller {
    Caller {
        who: "u-1".to_owned(),
        tenant: "north".to_owned(),
        role,
        issued_at: 900,
    }
}

fn request(role: Role, path: &str, query: &[(&str, &str)]) -> Request {
    let query: BTreeMap<_, _> = query
        .iter()
        .map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()]))
        .collect();
    Request {
        method: "GET".to_owned(),
        path: path.to_owned(),
        query,
        id: "r-7".to_owned(),
        caller: Some(caller(role)),
        at: 1_000_000,
        ..Request::default()
    }
}

fn ask(api: &Api, request: &Request) -> Answer {
    now(api.answer(request))
}

fn get(api: &Api, path: &str, query: &[(&str, &str)]) -> (u16, Value) {
    let answer = ask(api, &request(Role::Coder, path, query));
    (answer.status, json(&answer))
}

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

fn accesses(api: &Api) -> Vec<Access> {
    let entries = api.trail.ledger().entries();
    let said = entries.iter().map(|entry| entry.link().unwrap().said);
    said.filter_map(|said| match said {
        Said::Access(access) => Some(*access),
        Said::Opened(_) => None,
    })
    .collect()
}

fn coded(code: &str) -> Outcome {
    let coding = json!({
        "edition": "e", "setting": "outpatient",
        "codes": [{
            "code": code, "title": "a title", "rule": "default", "score": 0.9,
            "evidence": [{"start": 0, "end": 3}], "because": ["with=J18.9"],
        }],
        "mentions": [{"text": "WORDS", "context": {"before": "OF THE", "after": "CHART"}}],
    });
    let provenance = json!({
        "chart_sha256": "ab", "narrative_sha256": "cd", "narrative_bytes": 5,
        "parts": [{"start": 0, "end": 5, "from": "content[1].attachment"}],
        "left_out": [{
            "from": "content[0].attachment",
            "reason": "attachment_elsewhere", "detail": "it is a link",
        }],
        "program_sha256": "ef",
    });
    Outcome::Coded {
        coding,
        format: Some("fhir".to_owned()),
        provenance: serde_json::from_value(provenance).unwrap(),
    }
}

fn rejected() -> Outcome {
    Outcome::Rejected {
        reason: "not_utf8".to_owned(),
        detail: "byte 7 is not UTF-8".to_owned(),
    }
}

/// The store in memory answers at once, so that one poll is enough.
fn now<T>(task: impl Future<Output = T>) -> T {
    match pin!(task).poll(&mut task::Context::from_waker(task::Waker::noop())) {
        task::Poll::Ready(end) => end,
        task::Poll::Pending => panic!("a store in memory never waits"),
    }
}

const RUN: &str = "/runs/run-000001-1001";

fn filled() -> Api {
    api(Memory::default()
        .with_run(1)
        .with_outcome(1, "north/a/1.txt", "v1", coded("I10"))
        .with_outcome(1, "north/b.txt", "v1", rejected())
        .with_outcome(1, "north/c.txt", "v1", coded("E11.9"))
        .with_outcome(1, "m-1", "message", rejected())
        .with_outcome(1, "northern/x.txt", "v1", rejected())
        .with_outcome(1, "south/s.txt", "v1", coded("I10"))
        .with_outcome(1, "south/t.txt", "v1", rejected()))
}

#[test]
fn runs_are_listed_newest_first_unless_told_otherwise() {
    let api = api(Memory::default().with_run(1).with_run(2));
    let (status, body) = get(&api, "/runs", &[]);
    assert_eq!(status, 200);
    assert_eq!(body["runs"][0]["run"], "run-000002-1002");
    assert_eq!(body["next"], Value::Null);
    let (_, body) = get(&api, "/runs", &[("order", "oldest")]);
    assert_eq!(body["runs"][0]["run"], "run-000001-1001");
    let (_, body) = get(&api, "/runs", &[("state", "failed")]);
    assert_eq!(body["runs"], json!([]));
    let (status, body) = get(&api, RUN, &[]);
    assert_eq!((status, &body["state"]), (200, &json!("done")));
}

#[test]
fn a_cursor_leads_through_the_whole_list() {
    let api = api((1..=5).fold(Memory::default(), Memory::with_run));
    for (order, wanted) in [
        ("newest", [1005, 1004, 1003, 1002, 1001]),
        ("oldest", [1001, 1002, 1003, 1004, 1005]),
    ] {
        let mut seen = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut query = vec![("limit", "2"), ("order", order)];
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let (_, body) = get(&api, "/runs", &query);
            for run in body["runs"].as_array().unwrap() {
                seen.push(run["started_at"].as_u64().unwrap());
            }
            match body["next"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        assert_eq!(seen, wanted);
    }
}

#[test]
fn the_charts_of_a_run_are_listed_page_by_page_and_by_what_they_hold() {
    let api = filled();
    let path = format!("{RUN}/charts");
    let (status, body) = get(&api, &path, &[("limit", "1")]);
    assert_eq!(status, 200);
    assert_eq!(
        body["charts"],
        json!([{
            "chart": "a/1.txt", "version": "v1", "engine": "engine 1",
            "run": "run-000001-1001", "status": "coded", "codes": ["I10"],
        }])
    );
    let next = body["next"].as_str().unwrap();
    let (_, body) = get(&api, &path, &[("cursor", next)]);
    let charts: Vec<_> = body["charts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["chart"])
        .collect();
    assert_eq!(charts, ["b.txt", "c.txt"]);
    let (_, body) = get(&api, &path, &[("code", "E11.9")]);
    assert_eq!(body["charts"][0]["chart"], "c.txt");
    assert_eq!(body["charts"].as_array().unwrap().len(), 1);
    let (_, body) = get(&api, &path, &[("status", "rejected")]);
    assert_eq!(body["charts"][0]["chart"], "b.txt");
}

#[test]
fn what_a_run_rejected_is_listed_with_the_reasons_and_messages_to_operations_alone() {
    let api = filled();
    let path = format!("{RUN}/rejected");
    let (status, body) = get(&api, &path, &[]);
    assert_eq!(status, 200);
    assert_eq!(
        body["rejected"],
        json!([{
            "chart": "b.txt", "version": "v1", "engine": "engine 1",
            "run": "run-000001-1001", "status": "rejected",
            "reason": "not_utf8", "detail": "byte 7 is not UTF-8",
        }])
    );
    let first = ask(&api, &request(Role::Operations, &path, &[("limit", "1")]));
    let first = json(&first);
    assert_eq!(first["rejected"][0]["message"], "m-1");
    assert_eq!(first["rejected"][0]["chart"], Value::Null);
    let next = first["next"].as_str().unwrap();
    let second = ask(&api, &request(Role::Operations, &path, &[("cursor", next)]));
    assert_eq!(json(&second)["rejected"][0]["chart"], "b.txt");
    assert_eq!(json(&second)["next"], Value::Null);
    let (status, _) = get(&api, &format!("{RUN}/charts"), &[("cursor", next)]);
    assert_eq!(status, 400);
}

#[test]
fn codes_are_counted_by_day_within_the_tenant() {
    let (status, body) = get(&filled(), &format!("{RUN}/counts"), &[]);
    assert_eq!(status, 200);
    assert_eq!(
        body["counts"],
        json!([
            {"day": "1970-01-01", "code": "E11.9", "charts": 1},
            {"day": "1970-01-01", "code": "I10", "charts": 1},
        ])
    );
}

#[test]
fn a_chart_answers_with_what_the_latest_run_stored() {
    let api = api(Memory::default()
        .with_outcome(9, "north/a/1.txt", "zzz", coded("I10"))
        .with_outcome(10, "north/a/1.txt", "aaa", coded("E11.9")));
    let (status, body) = get(&api, "/charts/a%2F1.txt", &[]);
    assert_eq!(status, 200);
    assert_eq!(body["coding"]["codes"][0]["code"], "E11.9");
    assert_eq!(body["version"], "aaa");
    assert_eq!(body["others"][0]["version"], "zzz");
    assert_eq!(body["parts"][0]["from"], "content[1].attachment");
    assert_eq!(body["left_out"][0]["reason"], "attachment_elsewhere");
    assert_eq!(body["program_sha256"], "ef");
    assert_eq!(
        body["narrative"],
        json!({"sha256": "cd", "bytes": 5, "chart_sha256": "ab"})
    );
    let (_, body) = get(&api, "/charts/a/1.txt", &[("version", "zzz")]);
    assert_eq!(body["coding"]["codes"][0]["code"], "I10");
}

#[test]
fn a_rejected_chart_answers_with_the_reason() {
    let (_, body) = get(&filled(), "/charts/b.txt", &[]);
    assert_eq!(body["status"], "rejected");
    assert_eq!(body["rejection"]["reason"], "not_utf8");
    assert_eq!(body["coding"], Value::Null);
}

#[test]
fn another_tenants_chart_answers_like_one_that_does_not_exist() {
    let api = filled();
    let missing = ask(&api, &request(Role::Coder, "/charts/none.txt", &[]));
    assert_eq!(missing.status, 404);
    // The time is that of the same reads, however fast a machine is.
    let reads_of = |path: &str| {
        let before = api.store.calls();
        ask(&api, &request(Role::Coder, path, &[]));
        api.store.calls() - before
    };
    let reads = reads_of("/charts/none.txt");
    assert!(reads >= 1);
    for foreign in [
        "/charts/s.txt",
        "/charts/south/s.txt",
        "/charts/..%2Fsouth%2Fs.txt",
        "/charts/%2Fsouth%2Fs.txt",
        "/charts/x.txt",
        "/charts/m-1",
    ] {
        let answer = ask(&api, &request(Role::Coder, foreign, &[]));
        assert_eq!(answer, missing, "{foreign}");
        assert_eq!(reads_of(foreign), reads, "{foreign}");
    }
    for path in ["charts", "rejected", "counts"] {
        let answer = ask(&api, &request(Role::Auditor, &format!("{RUN}/{path}"), &[]));
        for foreign in ["south", "northern", "s.txt", "t.txt", "x.txt", "m-1"] {
            assert!(!answer.body.contains(foreign), "{}", answer.body);
        }
    }
    // A cursor names a chart as its tenant knows it, and so leads to no other tenant's.
    let page = json(&ask(
        &api,
        &request(Role::Coder, &format!("{RUN}/charts"), &[("limit", "1")]),
    ));
    let mut stranger = request(
        Role::Coder,
        &format!("{RUN}/charts"),
        &[("cursor", page["next"].as_str().unwrap())],
    );
    stranger.caller.as_mut().unwrap().tenant = "south".to_owned();
    let seen = json(&ask(&api, &stranger));
    let charts = seen["charts"].as_array().unwrap();
    assert!(
        charts
            .iter()
            .all(|chart| chart["chart"] == "s.txt" || chart["chart"] == "t.txt")
    );
}

/// What each role is shown of each operation: written down here once more, by hand.
#[test]
fn each_role_is_shown_the_fields_it_may_see_and_no_other() {
    let evidence = [
        "WORDS",
        "OF THE",
        "\"evidence\"",
        "\"because\"",
        "\"parts\"",
        "\"mentions\"",
    ];
    let codes = ["I10", "a title", "\"score\""];
    let provenance = [
        "\"narrative\"",
        "\"left_out\"",
        "\"format\"",
        "\"program_sha256\"",
    ];
    let chart = "/charts/a/1.txt";
    for (role, sees_codes, sees_evidence, sees_provenance) in [
        (Role::Coder, true, true, true),
        (Role::Auditor, true, true, true),
        (Role::Billing, true, false, false),
        (Role::TenantAdmin, false, false, true),
        (Role::Operations, false, false, true),
    ] {
        let api = filled();
        let answer = ask(&api, &request(role, chart, &[]));
        assert_eq!(answer.status, 200);
        for (words, sees) in [
            (&codes[..], sees_codes),
            (&evidence[..], sees_evidence),
            (&provenance[..], sees_provenance),
        ] {
            for word in words {
                assert_eq!(answer.body.contains(word), sees, "{role:?} {word}");
            }
        }
        for list in ["/charts", &format!("{RUN}/charts")] {
            let listed = ask(&api, &request(role, list, &[]));
            assert_eq!(listed.body.contains("I10"), sees_codes, "{role:?}");
            let by_code = ask(&api, &request(role, list, &[("code", "I10")]));
            assert_eq!(by_code.status, if sees_codes { 200 } else { 403 });
        }
        let fhir = ask(&api, &request(role, chart, &[("format", "fhir")]));
        assert_eq!(fhir.status, if sees_codes { 200 } else { 403 });
        // What was shown is what is recorded.
        let recorded = &accesses(&api)[0];
        assert_eq!(recorded.fields.contains(&"codes".to_owned()), sees_codes);
        assert_eq!(
            recorded.fields.contains(&"evidence".to_owned()),
            sees_evidence
        );
    }
    let table = [
        ("/runs", [200, 200, 200, 200, 200]),
        (RUN, [200, 200, 200, 200, 200]),
        ("/runs/run-000001-1001/charts", [200, 200, 200, 200, 200]),
        ("/runs/run-000001-1001/rejected", [200, 200, 403, 200, 200]),
        ("/runs/run-000001-1001/counts", [200, 200, 200, 200, 403]),
        ("/charts", [200, 200, 200, 200, 200]),
        ("/counts", [200, 200, 200, 200, 403]),
        ("/charts/b.txt", [200, 200, 200, 200, 200]),
        ("/rejected/b.txt/redrive", [403, 403, 403, 202, 202]),
        ("/break-glass", [201, 201, 201, 201, 201]),
        ("/revocations", [403, 403, 403, 201, 403]),
        ("/openapi.json", [200, 200, 200, 200, 200]),
        ("/docs", [200, 200, 200, 200, 200]),
    ];
    for (path, statuses) in table {
        let request = |role, path: &str, query: &[(&str, &str)]| {
            let (method, body) = match path {
                "/break-glass" => ("POST", r#"{"reason": "nobody is there", "minutes": 5}"#),
                "/revocations" => ("POST", r#"{"who": "u-2"}"#),
                path if path.ends_with("/redrive") => ("POST", ""),
                _ => ("GET", ""),
            };
            Request {
                method: method.to_owned(),
                body: body.to_owned(),
                ..request(role, path, query)
            }
        };
        for (role, status) in Role::ALL.into_iter().zip(statuses) {
            let answer = ask(&filled(), &request(role, path, &[]));
            assert_eq!(answer.status, status, "{role:?} {path}");
        }
        let mut nobody = request(Role::Coder, path, &[]);
        nobody.caller = None;
        assert_eq!(ask(&filled(), &nobody).status, 401, "{path}");
    }
    let billing = ask(&filled(), &request(Role::Billing, "/charts/b.txt", &[]));
    assert!(!billing.body.contains("not_utf8"), "{}", billing.body);
}

#[test]
fn without_a_record_there_is_no_answer() {
    let api = filled();
    api.trail.ledger().fail(true);
    let charts = format!("{RUN}/charts");
    let all = [("limit", "all"), ("format", "csv")];
    for (path, query, known) in [
        ("/charts/a/1.txt", &[][..], None),
        ("/charts/a/1.txt", &[("format", "fhir")], None),
        // What is unchanged, too, is an answer.
        ("/charts/a/1.txt", &[], Some("*")),
        (&charts, &[], None),
        (&charts, &[("format", "jsonl")], None),
        (&charts, &all, None),
        ("/charts", &[("code", "I10")], None),
        ("/charts", &all, None),
        ("/counts", &[], None),
        (RUN, &[], None),
        ("/runs", &[], None),
        ("/charts/none", &[], None),
        ("/nowhere", &[], None),
        ("/docs", &[], None),
    ] {
        let mut request = request(Role::Coder, path, query);
        let known = known.map(|known: &str| ("if-none-match".to_owned(), known.to_owned()));
        request.headers.extend(known);
        let answer = ask(&api, &request);
        assert_eq!(answer.status, 503, "{path}");
        assert_eq!(json(&answer)["type"], "urn:lightsout:problem:not-recorded");
        for word in ["I10", "WORDS", "a/1.txt", "run-000001"] {
            assert!(!answer.body.contains(word), "{}", answer.body);
        }
        let telling = ["etag", "location", "x-next-cursor"];
        assert!(telling.iter().all(|name| header(&answer, name).is_none()));
    }
    assert!(api.store.objects().is_empty());
    api.trail.ledger().fail(false);
    assert_eq!(get(&api, "/charts/a/1.txt", &[]).0, 200);
}

#[test]
fn each_answer_has_a_record_of_who_saw_what_and_why() {
    let api = filled();
    get(&api, "/charts/a/1.txt", &[("purpose", "treatment")]);
    get(&api, &format!("{RUN}/charts"), &[("limit", "2")]);
    get(&api, "/charts/none", &[]);
    get(&api, "/nowhere/doe-jane", &[]);
    let recorded = accesses(&api);
    let Access {
        at,
        request,
        who,
        role,
        tenant,
        action,
        purpose,
        status,
        ..
    } = &recorded[0];
    assert_eq!(
        (
            *at,
            request.as_str(),
            who.as_str(),
            role.as_str(),
            tenant.as_str(),
            *status
        ),
        (1_000_000, "r-7", "u-1", "coder", "north", 200)
    );
    assert_eq!(
        (action.as_str(), purpose.as_str()),
        ("GET /charts/{chart}", "treatment")
    );
    assert_eq!(recorded[0].charts[0].chart, "a/1.txt");
    let listed: Vec<_> = recorded[1]
        .charts
        .iter()
        .map(|seen| seen.chart.as_str())
        .collect();
    assert_eq!(listed, ["a/1.txt", "b.txt"]);
    assert_eq!((recorded[2].status, recorded[2].charts.len()), (404, 0));
    assert_eq!(recorded[3].action, "GET (no such path)");
    let texts: Vec<_> = api
        .trail
        .ledger()
        .entries()
        .into_iter()
        .map(|e| e.body)
        .collect();
    assert!(!texts.concat().contains("doe"), "a path may name a patient");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn as_many_answers_as_records_whoever_asks_at_once() {
    let api: &'static Api = Box::leak(Box::new(filled()));
    let mut clients = Vec::new();
    for client in 0..64 {
        clients.push(tokio::spawn(async move {
            let mut answers = 0;
            for number in 0..20 {
                let mut request = request(Role::Coder, "/charts/a/1.txt", &[]);
                request.id = format!("r-{client}-{number}");
                answers += usize::from(api.answer(&request).await.status == 200);
                tokio::task::yield_now().await;
            }
            answers
        }));
    }
    let mut answers = 0;
    for client in clients {
        answers += client.await.unwrap();
    }
    let recorded = accesses(api);
    let granted = recorded
        .iter()
        .filter(|access| access.status == 200)
        .count();
    assert_eq!((answers, granted), (1_280, 1_280));
    let ids: std::collections::BTreeSet<_> = recorded.iter().map(|a| &a.request).collect();
    assert_eq!(ids.len(), 1_280);
    let verdict = lightsout_audit::verify(api.trail.ledger().entries(), None);
    assert!(verdict.is_whole(), "{:?}", verdict.broken);
}

#[test]
fn an_emergency_opens_what_a_coder_sees_for_its_time_and_is_recorded() {
    let api = filled();
    let path = "/charts/a/1.txt";
    let emergency = |at| Request {
        at,
        ..request(Role::Operations, path, &[("emergency", "true")])
    };
    assert_eq!(ask(&api, &emergency(0)).status, 403);
    // What is not recorded opens nothing.
    let unrecorded = Request {
        method: "POST".to_owned(),
        body: r#"{"reason": "the coding team is away", "minutes": 5}"#.to_owned(),
        ..request(Role::Operations, "/break-glass", &[])
    };
    api.trail.ledger().fail(true);
    assert_eq!(ask(&api, &unrecorded).status, 503);
    api.trail.ledger().fail(false);
    assert_eq!(ask(&api, &emergency(1)).status, 403);
    let tell = |body: &str| Request {
        method: "POST".to_owned(),
        body: body.to_owned(),
        ..request(Role::Operations, "/break-glass", &[])
    };
    for bad in [
        "",
        "{}",
        r#"{"reason": "short", "minutes": 5}"#,
        r#"{"reason": "the coding team is away", "minutes": 61}"#,
        r#"{"reason": "the coding team is away", "minutes": 0}"#,
        r#"{"reason": "the coding team is away", "minutes": 5, "role": "coder"}"#,
    ] {
        assert_eq!(ask(&api, &tell(bad)).status, 400, "{bad}");
    }
    let told = ask(
        &api,
        &tell(r#"{"reason": "the coding team is away", "minutes": 5}"#),
    );
    assert_eq!(told.status, 201);
    let until = json(&told)["until"].as_u64().unwrap() * 1_000;
    assert_eq!(until, 1_300_000);
    assert!(ask(&api, &emergency(until - 1)).body.contains("WORDS"));
    assert_eq!(ask(&api, &emergency(until)).status, 403);
    // It is the caller's own, and nothing is shown that was not asked for so.
    assert!(
        !ask(&api, &request(Role::Operations, path, &[]))
            .body
            .contains("WORDS")
    );
    let mut other = emergency(until - 1);
    other.caller.as_mut().unwrap().who = "u-2".to_owned();
    assert_eq!(ask(&api, &other).status, 403);
    let opened: Vec<_> = accesses(&api)
        .into_iter()
        .filter(|a| a.break_glass.is_some())
        .collect();
    assert_eq!(opened.len(), 2);
    assert_eq!(
        opened[1].break_glass.as_ref().unwrap().reason,
        "the coding team is away"
    );
    assert_eq!(opened[1].charts[0].chart, "a/1.txt");
}

#[test]
fn a_token_that_was_revoked_lets_nobody_in_and_one_that_is_issued_later_does() {
    let api = filled();
    let revoke = |role, body: &str| Request {
        method: "POST".to_owned(),
        body: body.to_owned(),
        ..request(role, "/revocations", &[])
    };
    for bad in [
        "",
        "{}",
        r#"{"who": ""}"#,
        r#"{"who": "u-2", "tenant": "south"}"#,
    ] {
        let answer = ask(&api, &revoke(Role::TenantAdmin, bad));
        assert_eq!(answer.status, 400, "{bad}");
    }
    let of = |who: &str, tenant: &str, issued_at| {
        let mut request = request(Role::Coder, "/charts/a/1.txt", &[]);
        let caller = request.caller.as_mut().unwrap();
        (caller.who, caller.tenant) = (who.to_owned(), tenant.to_owned());
        caller.issued_at = issued_at;
        request
    };
    let wish = revoke(Role::TenantAdmin, r#"{"who": "u-2"}"#);
    // What is not recorded is not done.
    api.trail.ledger().fail(true);
    assert_eq!(ask(&api, &wish).status, 503);
    api.trail.ledger().fail(false);
    assert_eq!(ask(&api, &of("u-2", "north", 1)).status, 200);
    let answer = ask(&api, &wish);
    assert_eq!(answer.status, 201);
    let until = json(&answer)["until"].as_u64().unwrap();
    assert_eq!(until, 1_060);
    let refused = ask(&api, &of("u-2", "north", until));
    assert_eq!(refused.status, 401);
    assert_eq!(
        json(&refused)["type"],
        "urn:lightsout:problem:token-revoked"
    );
    assert_eq!(ask(&api, &of("u-2", "north", until + 1)).status, 200);
    assert_eq!(ask(&api, &of("u-1", "north", 1)).status, 200);
    // Another tenant's person of the same name is another person.
    assert_eq!(ask(&api, &of("u-2", "south", 1)).status, 404);
    let recorded = accesses(&api);
    let revoked: Vec<_> = recorded
        .iter()
        .filter_map(|of| of.revoked.as_deref())
        .collect();
    assert_eq!(revoked, ["u-2"]);
    assert!(
        recorded
            .iter()
            .any(|of| of.status == 401 && of.who == "u-2")
    );
}

/// Runs of three days, of two tenants.
fn of_three_days() -> Api {
    const DAY: u64 = 86_400;
    let mut store = Memory::default();
    for epoch in 1..=6 {
        let run = format!("run-{epoch:06}-{}", (epoch - 1) / 2 * DAY + epoch);
        store = store.with_finished_run(&run);
        for number in 0..3 {
            let chart = format!("{epoch}-{number}");
            let code = if number == 0 { "E11.9" } else { "I10" };
            store = store
                .with_outcome_of(&run, &format!("north/{chart}"), "v1", coded(code))
                .with_outcome_of(&run, &format!("south/{chart}"), "v1", coded("J45"));
        }
        store = store.with_outcome_of(&run, &format!("north/{epoch}-bad"), "v1", rejected());
    }
    api(store)
}

#[test]
fn charts_are_found_by_code_and_day_in_all_runs() {
    let api = of_three_days();
    let found = |query: &[(&str, &str)]| -> Vec<String> {
        let mut shown = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut query = query.to_vec();
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let (status, body) = get(&api, "/charts", &query);
            assert_eq!((status, body.get("run")), (200, None), "{body}");
            let charts = body["charts"].as_array().unwrap();
            shown.extend(
                charts
                    .iter()
                    .map(|of| of["chart"].as_str().unwrap().to_owned()),
            );
            match body["next"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return shown,
            }
        }
    };
    let newest = ["6-0", "5-0", "4-0", "3-0", "2-0", "1-0"];
    for limit in ["1", "2", "50"] {
        let by_code = [("code", "E11.9"), ("limit", limit)];
        assert_eq!(found(&by_code), newest, "{limit}");
        let oldest = [by_code[0], by_code[1], ("order", "oldest")];
        let mut shown = found(&oldest);
        shown.reverse();
        assert_eq!(shown, newest, "{limit}");
        assert_eq!(found(&[("limit", limit)]).len(), 24);
    }
    let second = [("from", "1970-01-02"), ("until", "1970-01-03")];
    for order in ["newest", "oldest"] {
        let query = [
            second[0],
            second[1],
            ("status", "rejected"),
            ("order", order),
        ];
        let mut shown = found(&query);
        shown.sort();
        assert_eq!(shown, ["3-bad", "4-bad"], "{order}");
    }
    assert!(found(&[("from", "1970-01-04")]).is_empty());
    for bad in [
        "1970-1-2",
        "1970-02-30",
        "yesterday",
        "1970-01-02T00:00:00Z",
        "1969-12-31",
    ] {
        let (status, body) = get(&api, "/charts", &[("from", bad)]);
        assert_eq!(status, 400, "{bad}");
        let wanted = "`from` must be a day from 1970 on, such as `2026-11-29`";
        assert_eq!(body["detail"], wanted);
    }
    // A cursor of one list is none of another.
    let (_, page) = get(&api, "/charts", &[("limit", "1")]);
    let next = page["next"].as_str().unwrap();
    for path in ["/counts", "/runs", "/runs/run-000001-1/charts"] {
        assert_eq!(
            get(&of_three_days(), path, &[("cursor", next)]).0,
            400,
            "{path}"
        );
    }
    // All of it goes into an object where it is more than a page, and each chart is recorded.
    let many = many();
    let all = [("format", "jsonl"), ("limit", "all")];
    let answer = ask(&many, &request(Role::Coder, "/charts", &all));
    assert_eq!(answer.status, 303);
    assert_eq!(many.store.objects()[0].lines().count(), 450);
    let recorded: usize = accesses(&many)
        .iter()
        .map(|access| access.charts.len())
        .sum();
    assert_eq!(recorded, 450);
}

#[test]
fn codes_are_counted_day_by_day_over_all_runs() {
    let api = of_three_days();
    let row = |day: u32, code: &str, charts: u32| json!({"day": format!("1970-01-0{day}"), "code": code, "charts": charts});
    let (status, body) = get(&api, "/counts", &[]);
    assert_eq!(status, 200);
    let wanted = (1..=3).flat_map(|day| [row(day, "E11.9", 2), row(day, "I10", 4)]);
    assert_eq!(
        body,
        json!({"counts": wanted.collect::<Vec<_>>(), "next": null})
    );
    let query = [("order", "most"), ("until", "1970-01-02")];
    let (_, body) = get(&api, "/counts", &query);
    assert_eq!(
        body["counts"],
        json!([row(1, "I10", 4), row(1, "E11.9", 2)])
    );
    let csv = ask(
        &api,
        &request(Role::Billing, "/counts", &[("format", "csv")]),
    );
    assert_eq!(csv.body.lines().count(), 7);
}

#[test]
fn a_run_tells_how_far_it_is_among_the_tenants_charts() {
    let api = of_three_days();
    let (status, body) = get(&api, "/runs/run-000003-86403", &[]);
    assert_eq!(status, 200);
    assert_eq!((&body["coded"], &body["rejected"]), (&json!(3), &json!(1)));
    assert_eq!(
        (&body["state"], &body["backlog"]),
        (&json!("done"), &json!(2))
    );
    let mut other = request(Role::Operations, "/runs/run-000003-86403", &[]);
    other.caller.as_mut().unwrap().tenant = "south".to_owned();
    let body = json(&ask(&api, &other));
    assert_eq!((&body["coded"], &body["rejected"]), (&json!(3), &json!(0)));
}

#[test]
fn an_etag_tells_that_nothing_has_changed_and_that_is_recorded_too() {
    let api = filled();
    let first = ask(&api, &request(Role::Coder, "/charts/a/1.txt", &[]));
    let tag = first
        .headers
        .iter()
        .find(|(name, _)| *name == "etag")
        .unwrap()
        .1
        .clone();
    let mut again = request(Role::Coder, "/charts/a/1.txt", &[]);
    again
        .headers
        .insert("if-none-match".to_owned(), format!("\"x\", W/{tag}"));
    let second = ask(&api, &again);
    assert_eq!((second.status, second.body.as_str()), (304, ""));
    again
        .headers
        .insert("if-none-match".to_owned(), "\"x\"".to_owned());
    assert_eq!(ask(&api, &again).status, 200);
    let statuses: Vec<_> = accesses(&api).iter().map(|access| access.status).collect();
    assert_eq!(statuses, [200, 304, 200]);
}

#[test]
fn lists_are_written_as_csv_and_json_lines_too() {
    let api = filled();
    let path = format!("{RUN}/charts");
    let csv = ask(
        &api,
        &request(Role::Billing, &path, &[("format", "csv"), ("limit", "1")]),
    );
    assert_eq!(
        csv.body,
        "chart,version,engine,run,status,codes\r\n\
         a/1.txt,v1,engine 1,run-000001-1001,coded,I10\r\n"
    );
    assert!(csv.headers.iter().any(|(name, _)| *name == "x-next-cursor"));
    let lines = ask(&api, &request(Role::Billing, &path, &[("format", "jsonl")]));
    assert_eq!(lines.body.lines().count(), 3);
}

#[test]
fn what_is_unknown_is_not_found() {
    let api = filled();
    for path in [
        "/runs/x",
        "/runs/x/charts",
        "/runs/x/counts",
        "/charts/x",
        "/machines",
        "/",
    ] {
        let (status, body) = get(&api, path, &[]);
        assert_eq!((status, &body["status"]), (404, &json!(404)), "{path}");
    }
}

const LIMIT: &str =
    "`limit` must be a number from 1 to 200, or `all` for a list as CSV or JSON lines";

#[test]
fn a_bad_parameter_is_named_with_its_fix() {
    let api = api(Memory::default().with_run(1).with_run(2));
    let (_, body) = get(&api, "/runs", &[("limit", "1")]);
    let of_another_list = body["next"].as_str().unwrap();
    let (charts, counts) = (format!("{RUN}/charts"), format!("{RUN}/counts"));
    for (path, query, detail) in [
        ("/runs", ("limit", "0"), LIMIT),
        ("/runs", ("limit", "+7"), LIMIT),
        ("/runs", ("limit", "many"), LIMIT),
        (
            "/runs",
            ("order", "up"),
            "`order` must be `newest` or `oldest`",
        ),
        (
            "/runs",
            ("state", ""),
            "`state` must be given once, and not empty",
        ),
        (
            "/runs",
            ("cursor", "x!"),
            "`cursor` must be a `next` of this very list",
        ),
        (
            &charts,
            ("cursor", of_another_list),
            "`cursor` must be a `next` of this very list",
        ),
        (&charts, ("limit", "all"), LIMIT),
        ("/runs", ("limit", "all"), LIMIT),
        (
            &charts,
            ("order", "newest"),
            "`order` must be `ascending` or `descending`",
        ),
        (
            &counts,
            ("order", "ascending"),
            "`order` must be `code` or `most`",
        ),
        (
            &charts,
            ("format", "xml"),
            "`format` must be `json`, `csv` or `jsonl`",
        ),
        (
            "/charts/x",
            ("emergency", "yes"),
            "`emergency` must be `true` or `false`",
        ),
    ] {
        let (status, body) = get(&api, path, &[query]);
        assert_eq!(status, 400, "{path} {query:?}");
        assert_eq!(body["detail"], detail);
    }
    assert_eq!(get(&api, "/runs", &[("patient", "doe")]).0, 400);
}

#[test]
fn another_method_is_refused_with_the_one_that_is_offered() {
    for method in ["HEAD", "POST", "DELETE", "OPTIONS", "x y"] {
        let mut request = request(Role::Coder, "/runs", &[]);
        method.clone_into(&mut request.method);
        let answer = ask(&filled(), &request);
        assert_eq!(answer.status, 405);
        assert!(answer.headers.contains(&("allow", "GET".to_owned())));
    }
}

#[test]
fn a_store_that_is_down_is_a_temporary_failure() {
    let api = filled();
    api.store.fail(true);
    let (status, body) = get(&api, "/runs", &[]);
    assert_eq!(status, 503);
    assert_eq!(body["type"], "urn:lightsout:problem:unavailable");
}

#[test]
fn every_answer_carries_its_id_and_is_never_cached() {
    for path in ["/runs", "/nowhere", "/charts/x"] {
        let answer = ask(&filled(), &request(Role::Coder, path, &[]));
        assert!(answer.headers.contains(&("x-request-id", "r-7".to_owned())));
        assert!(
            answer
                .headers
                .contains(&("cache-control", "no-store".to_owned()))
        );
    }
}

fn redrive(role: Role, chart: &str, query: &[(&str, &str)]) -> Request {
    Request {
        method: "POST".to_owned(),
        ..request(role, &format!("/rejected/{chart}/redrive"), query)
    }
}

#[test]
fn a_rejected_chart_is_announced_to_the_workers_as_the_inbox_would() {
    let api = api(Memory::default()
        .with_run(1)
        .with_outcome(1, "north/ward 7/b+c.txt", "v1", rejected())
        .with_outcome(2, "north/ward 7/b+c.txt", "v2", rejected())
        .with_outcome(1, "north/old.txt", "v1", rejected())
        .with_outcome(2, "north/old.txt", "v2", coded("I10")));
    let chart = "ward%207%2Fb%2Bc.txt";
    let answer = ask(&api, &redrive(Role::Operations, chart, &[]));
    assert_eq!(answer.status, 202, "{}", answer.body);
    assert_eq!(json(&answer)["chart"], "ward 7/b+c.txt");
    // Asked again, it is announced again: the workers store an outcome once.
    let again = ask(
        &api,
        &redrive(Role::TenantAdmin, chart, &[("version", "v1")]),
    );
    assert_eq!(
        (again.status, &json(&again)["version"]),
        (202, &json!("v1"))
    );
    let announced: Vec<_> = api
        .store
        .redriven()
        .iter()
        .flat_map(|body| arrivals(body).unwrap())
        .map(|chart| (chart.bucket, chart.key, chart.version.unwrap()))
        .collect();
    let of = |version: &str| {
        let key = "charts/north/ward 7/b+c.txt".to_owned();
        ("inbox".to_owned(), key, version.to_owned())
    };
    assert_eq!(announced, [of("v2"), of("v1")]);
    let recorded = &accesses(&api)[0];
    assert_eq!(recorded.action, "POST /rejected/{chart}/redrive");
    assert_eq!(
        (recorded.status, recorded.charts[0].version.as_str()),
        (202, "v2")
    );
    for (chart, query, status) in [
        ("old.txt", None, 409),
        ("old.txt", Some(("version", "v1")), 202),
        ("old.txt", Some(("version", "v9")), 404),
        ("none.txt", None, 404),
    ] {
        let query: Vec<_> = query.into_iter().collect();
        let answer = ask(&api, &redrive(Role::Operations, chart, &query));
        assert_eq!(answer.status, status, "{chart} {query:?}");
    }
}

#[test]
fn what_is_not_recorded_is_not_redriven_and_what_fails_is_recorded_as_failed() {
    let api = filled();
    let ask_for = redrive(Role::Operations, "b.txt", &[]);
    api.trail.ledger().fail(true);
    assert_eq!(ask(&api, &ask_for).status, 503);
    assert!(api.store.redriven().is_empty());
    api.trail.ledger().fail(false);
    api.store.take_nothing(true);
    assert_eq!(ask(&api, &ask_for).status, 503);
    let statuses: Vec<_> = accesses(&api).iter().map(|access| access.status).collect();
    assert_eq!(statuses, [202, 503]);
    // Nobody redrives what is another's.
    api.store.take_nothing(false);
    for foreign in ["t.txt", "south/t.txt", "..%2Fsouth%2Ft.txt", "m-1"] {
        assert_eq!(
            ask(&api, &redrive(Role::Operations, foreign, &[])).status,
            404
        );
    }
    assert!(api.store.redriven().is_empty());
}

/// A run of more charts than a response holds, of two tenants.
fn many() -> Api {
    let mut store = Memory::default().with_run(1);
    for number in 0..450 {
        store = store.with_outcome(1, &format!("north/{number:03}"), "v1", coded("I10"));
        store = store.with_outcome(1, &format!("south/{number:03}"), "v1", coded("I10"));
    }
    api(store)
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let found = answer.headers.iter().find(|(one, _)| *one == name);
    found.map(|(_, value)| value.as_str())
}

#[test]
fn a_long_list_is_handed_out_through_an_object_and_each_page_is_recorded() {
    let path = format!("{RUN}/charts");
    for (format, lines) in [("jsonl", 450), ("csv", 451)] {
        let api = many();
        let query = [
            ("format", format),
            ("limit", "all"),
            ("order", "descending"),
        ];
        let answer = ask(&api, &request(Role::Billing, &path, &query));
        assert_eq!(answer.status, 303, "{}", answer.body);
        assert_eq!(header(&answer, "location"), Some("memory:objects/0"));
        assert_eq!(
            json(&answer),
            json!({"url": "memory:objects/0", "until": 1_300, "next": null})
        );
        let object = &api.store.objects()[0];
        assert_eq!(object.lines().count(), lines);
        assert!(!object.contains("south") && object.contains("I10"));
        let first = object.lines().nth(lines - 450).unwrap();
        assert!(first.contains("449"), "{first}");
        // Every chart is recorded once, in records that a table takes.
        let recorded = accesses(&api);
        assert_eq!(recorded.len(), 4);
        let pages: Vec<_> = recorded.iter().map(|access| access.charts.len()).collect();
        assert_eq!(pages, [200, 200, 50, 0]);
        assert!(recorded.iter().all(|access| access.status == 303
            && (access.charts.is_empty() || access.fields == ["identity", "codes"])));
    }
    // A short list is answered at once.
    let answer = ask(
        &filled(),
        &request(Role::Billing, &path, &[("format", "csv"), ("limit", "all")]),
    );
    assert_eq!((answer.status, answer.body.lines().count()), (200, 4));
}

#[test]
fn a_page_that_is_not_recorded_is_in_no_object() {
    let path = format!("{RUN}/charts");
    let query = [("format", "jsonl"), ("limit", "all")];
    let api = many();
    api.trail.ledger().fail(true);
    let answer = ask(&api, &request(Role::Billing, &path, &query));
    assert_eq!(answer.status, 503);
    assert!(api.store.objects().is_empty() && !answer.body.contains("I10"));
    api.trail.ledger().fail(false);
    api.store.take_nothing(true);
    let answer = ask(&api, &request(Role::Billing, &path, &query));
    assert_eq!(answer.status, 503);
    assert!(header(&answer, "location").is_none());
}

#[test]
fn an_outcome_that_is_too_large_for_a_response_is_handed_out_too() {
    let Outcome::Coded { mut coding, .. } = coded("I10") else {
        unreachable!()
    };
    coding["mentions"][0]["text"] = "WORDS ".repeat(1 << 20).into();
    let large = Outcome::Coded {
        coding,
        format: None,
        provenance: None,
    };
    let api = api(Memory::default().with_outcome(1, "north/a", "v1", large));
    let answer = ask(&api, &request(Role::Coder, "/charts/a", &[]));
    assert_eq!(answer.status, 303);
    assert!(!answer.body.contains("WORDS"));
    let object: Value = serde_json::from_str(&api.store.objects()[0]).unwrap();
    assert_eq!(object["coding"]["codes"][0]["code"], "I10");
    let recorded = &accesses(&api)[0];
    assert_eq!((recorded.status, recorded.charts.len()), (303, 1));
    assert!(recorded.fields.contains(&"evidence".to_owned()));
    // What is not recorded is in no object, and who may see less gets it at once.
    api.trail.ledger().fail(true);
    assert_eq!(
        ask(&api, &request(Role::Coder, "/charts/a", &[])).status,
        503
    );
    assert_eq!(api.store.objects().len(), 1);
    api.trail.ledger().fail(false);
    assert_eq!(
        ask(&api, &request(Role::Billing, "/charts/a", &[])).status,
        200
    );
}

#[test]
fn lists_are_sorted_as_asked_for_on_every_page() {
    let api = many();
    let path = format!("{RUN}/charts");
    let mut shown = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = vec![("limit", "70"), ("order", "descending")];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let (_, body) = get(&api, &path, &query);
        let charts = body["charts"].as_array().unwrap().iter();
        shown.extend(charts.map(|chart| chart["chart"].as_str().unwrap().to_owned()));
        match body["next"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    let wanted: Vec<_> = (0..450).rev().map(|n| format!("{n:03}")).collect();
    assert_eq!(shown, wanted);
    let api = filled();
    let path = format!("{RUN}/rejected");
    let (_, body) = get(&api, &path, &[("order", "descending")]);
    assert_eq!(body["rejected"].as_array().unwrap().len(), 1);
    let api = self::api(
        Memory::default()
            .with_run(1)
            .with_outcome(1, "north/a", "v1", coded("J45"))
            .with_outcome(1, "north/b", "v1", coded("J45"))
            .with_outcome(1, "north/c", "v1", coded("I10"))
            .with_outcome(1, "north/d", "v1", coded("E11.9")),
    );
    let codes = |order: &str| -> Vec<String> {
        let (_, body) = get(&api, &format!("{RUN}/counts"), &[("order", order)]);
        let counts = body["counts"].as_array().unwrap().iter();
        counts
            .map(|count| count["code"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(codes("code"), ["E11.9", "I10", "J45"]);
    assert_eq!(codes("most"), ["J45", "E11.9", "I10"]);
}

#[test]
fn a_caller_who_asks_too_fast_waits_alone_and_is_recorded() {
    let pace = Pace { rate: 2, burst: 3 };
    let api = api(Memory::default().with_run(1).with_pace(pace));
    let mut by = request(Role::Coder, "/runs", &[]);
    for _ in 0..3 {
        assert_eq!(ask(&api, &by).status, 200);
    }
    let refused = ask(&api, &by);
    assert_eq!(refused.status, 429);
    assert_eq!(header(&refused, "retry-after"), Some("1"));
    assert_eq!(
        json(&refused)["type"],
        "urn:lightsout:problem:too-many-requests"
    );
    assert_eq!(accesses(&api).last().unwrap().status, 429);
    // Others go on, of the same tenant or not.
    for (who, tenant) in [("u-2", "north"), ("u-1", "south")] {
        let mut other = by.clone();
        let caller = other.caller.as_mut().unwrap();
        (caller.who, caller.tenant) = (who.to_owned(), tenant.to_owned());
        assert_eq!(ask(&api, &other).status, 200);
    }
    by.at += 500;
    assert_eq!(ask(&api, &by).status, 200);
    assert_eq!(ask(&api, &by).status, 429);
}
