//! What does the API answer, and to whom?
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, future::Future, pin::pin, task};

use lightsout_api::{Answer, Request, Service, memory::Memory};
use lightsout_audit::{Access, MemoryLedger, Said, Trail};
use lightsout_protocol::{
    caller::{Caller, Role},
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
    let provenance = ["\"narrative\"", "\"left_out\"", "\"format\""];
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
        let listed = ask(&api, &request(role, &format!("{RUN}/charts"), &[]));
        assert_eq!(listed.body.contains("I10"), sees_codes, "{role:?}");
        let by_code = ask(
            &api,
            &request(role, &format!("{RUN}/charts"), &[("code", "I10")]),
        );
        assert_eq!(by_code.status, if sees_codes { 200 } else { 403 });
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
        ("/charts/b.txt", [200, 200, 200, 200, 200]),
        ("/openapi.json", [200, 200, 200, 200, 200]),
        ("/docs", [200, 200, 200, 200, 200]),
    ];
    for (path, statuses) in table {
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
    for path in [
        "/charts/a/1.txt",
        "/runs/run-000001-1001/charts",
        "/runs",
        "/charts/none",
    ] {
        let answer = ask(&api, &request(Role::Coder, path, &[]));
        assert_eq!(answer.status, 503, "{path}");
        assert_eq!(json(&answer)["type"], "urn:lightsout:problem:not-recorded");
        for word in ["I10", "WORDS", "a/1.txt", "run-000001"] {
            assert!(!answer.body.contains(word), "{}", answer.body);
        }
        assert!(!answer.headers.iter().any(|(name, _)| *name == "etag"));
    }
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

#[test]
fn a_bad_parameter_is_named_with_its_fix() {
    let api = api(Memory::default().with_run(1).with_run(2));
    let (_, body) = get(&api, "/runs", &[("limit", "1")]);
    let of_another_list = body["next"].as_str().unwrap();
    let charts = format!("{RUN}/charts");
    for (path, query, detail) in [
        (
            "/runs",
            ("limit", "0"),
            "`limit` must be a number from 1 to 200",
        ),
        (
            "/runs",
            ("limit", "+7"),
            "`limit` must be a number from 1 to 200",
        ),
        (
            "/runs",
            ("limit", "many"),
            "`limit` must be a number from 1 to 200",
        ),
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
