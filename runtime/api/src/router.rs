//! Which handler a request goes to.

use std::borrow::Cow;

use lightsout_protocol::run::RunId;
use percent_encoding::percent_decode_str;

use crate::{
    answer::{Answer, Problem},
    audit::AuditRecord,
    handlers::{self, HandlerError},
    request::Request,
    store::Store,
};

/// Answers a request, and says what is to be recorded about it.
pub async fn answer(store: &impl Store, request: &Request) -> (Answer, AuditRecord) {
    let route = Route::of(&request.path);
    let end = match &route {
        None => Ok(Answer::problem(Problem::NoSuchPath)),
        Some(_) if request.method != "GET" => Ok(Answer::problem(Problem::MethodNotAllowed)),
        Some(Route::Runs) => handlers::runs(store, request).await,
        Some(Route::Run(run)) => handlers::run(store, run).await,
        Some(Route::Charts(run)) => handlers::charts(store, run, request).await,
        Some(Route::Rejected(run)) => handlers::rejected(store, run, request).await,
        Some(Route::Chart(chart)) => handlers::chart(store, chart, request).await,
    };
    let (answer, fault) = match end {
        Ok(answer) => (answer, None),
        Err(HandlerError::BadParameter { name, wanted }) => (
            Answer::problem(Problem::BadParameter { name, wanted }),
            None,
        ),
        Err(HandlerError::Fault(fault)) => (Answer::problem(Problem::Unavailable), Some(fault)),
    };
    let audit = AuditRecord {
        request: request.id.clone(),
        caller: request.caller.clone(),
        method: request.method.clone(),
        route: route.as_ref().map_or("none", Route::pattern),
        subject: route.as_ref().and_then(Route::subject).map(str::to_owned),
        status: answer.status,
        fault,
    };
    (answer.sealed(&request.id), audit)
}

#[derive(Debug, PartialEq, Eq)]
enum Route {
    Runs,
    Run(RunId),
    Charts(RunId),
    Rejected(RunId),
    /// A chart's id may hold slashes, written as such or as `%2F`.
    Chart(String),
}

impl Route {
    fn of(path: &str) -> Option<Self> {
        let path = path.strip_prefix('/')?;
        let path = path.strip_suffix('/').unwrap_or(path);
        let (room, rest) = path.split_once('/').unwrap_or((path, ""));
        match (room, rest) {
            ("runs", "") => Some(Self::Runs),
            ("runs", rest) => match rest.split_once('/') {
                None => Some(Self::Run(RunId::from_stored(decoded(rest)))),
                Some((run, "charts")) => Some(Self::Charts(RunId::from_stored(decoded(run)))),
                Some((run, "rejected")) => Some(Self::Rejected(RunId::from_stored(decoded(run)))),
                Some(_) => None,
            },
            ("charts", "") => None,
            ("charts", chart) => Some(Self::Chart(decoded(chart).into_owned())),
            _ => None,
        }
    }

    fn pattern(&self) -> &'static str {
        match self {
            Self::Runs => "/runs",
            Self::Run(_) => "/runs/{run}",
            Self::Charts(_) => "/runs/{run}/charts",
            Self::Rejected(_) => "/runs/{run}/rejected",
            Self::Chart(_) => "/charts/{chart}",
        }
    }

    fn subject(&self) -> Option<&str> {
        match self {
            Self::Runs => None,
            Self::Run(run) | Self::Charts(run) | Self::Rejected(run) => Some(run.as_str()),
            Self::Chart(chart) => Some(chart),
        }
    }
}

fn decoded(segment: &str) -> Cow<'_, str> {
    percent_decode_str(segment)
        .decode_utf8()
        .unwrap_or(Cow::Borrowed(segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_its_route() {
        let run = || RunId::from_stored("run-000001-9");
        let chart = |id: &str| Some(Route::Chart(id.to_owned()));
        assert_eq!(Route::of("/runs"), Some(Route::Runs));
        assert_eq!(Route::of("/runs/"), Some(Route::Runs));
        assert_eq!(Route::of("/runs/run-000001-9"), Some(Route::Run(run())));
        assert_eq!(
            Route::of("/runs/run-000001-9/charts"),
            Some(Route::Charts(run()))
        );
        assert_eq!(
            Route::of("/runs/run-000001-9/rejected"),
            Some(Route::Rejected(run()))
        );
        assert_eq!(Route::of("/charts/ward%207%2Fa.txt"), chart("ward 7/a.txt"));
        assert_eq!(Route::of("/charts/ward 7/a.txt"), chart("ward 7/a.txt"));
        assert_eq!(Route::of("/charts"), None);
        assert_eq!(Route::of("/runs/x/machines"), None);
        assert_eq!(Route::of(""), None);
    }
}

#[cfg(test)]
mod answers {
    use std::{collections::BTreeMap, future::Future, pin::pin, task};

    use lightsout_protocol::coding::Outcome;
    use serde_json::{Value, json};

    use super::*;
    use crate::memory::Memory;

    #[test]
    fn runs_are_listed_newest_first() {
        let store = Memory::default().with_run(1).with_run(2);
        let (status, body) = get(&store, "/runs", &[]);
        assert_eq!(status, 200);
        assert_eq!(body["runs"][0]["run"], "run-000002-1002");
        assert_eq!(body["runs"][1]["run"], "run-000001-1001");
        assert_eq!(body["next"], Value::Null);
    }

    #[test]
    fn a_cursor_leads_through_the_whole_list() {
        let store = (1..=5).fold(Memory::default(), Memory::with_run);
        let mut seen = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut query = vec![("limit", "2")];
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let (_, body) = get(&store, "/runs", &query);
            for run in body["runs"].as_array().unwrap() {
                seen.push(run["started_at"].as_u64().unwrap());
            }
            match body["next"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        assert_eq!(seen, [1005, 1004, 1003, 1002, 1001]);
    }

    #[test]
    fn one_run_is_found_by_its_id() {
        let store = Memory::default().with_run(1);
        let (status, body) = get(&store, "/runs/run-000001-1001", &[]);
        assert_eq!((status, &body["state"]), (200, &json!("done")));
    }

    #[test]
    fn the_charts_of_a_run_are_listed_without_their_outcomes() {
        let store = Memory::default()
            .with_run(1)
            .with_outcome(1, "a/1.txt", "v1", coded("I10"))
            .with_outcome(1, "b.txt", "v1", rejected());
        let (status, body) = get(&store, "/runs/run-000001-1001/charts", &[("limit", "1")]);
        assert_eq!(status, 200);
        assert_eq!(
            body["charts"],
            json!([{
                "chart": "a/1.txt", "version": "v1", "engine": "engine 1",
                "run": "run-000001-1001", "status": "coded",
            }])
        );
        let next = body["next"].as_str().unwrap();
        let (_, body) = get(&store, "/runs/run-000001-1001/charts", &[("cursor", next)]);
        assert_eq!(body["charts"][0]["status"], "rejected");
    }

    #[test]
    fn what_a_run_rejected_is_listed_with_the_reasons() {
        let store = Memory::default()
            .with_run(1)
            .with_outcome(1, "a.txt", "v1", coded("I10"))
            .with_outcome(1, "b.txt", "v1", rejected())
            .with_outcome(1, "m-1", "message", rejected())
            .with_outcome(2, "c.txt", "v1", rejected());
        let path = "/runs/run-000001-1001/rejected";
        let (status, body) = get(&store, path, &[("limit", "1")]);
        assert_eq!(status, 200);
        assert_eq!(
            body["rejected"],
            json!([{
                "chart": "b.txt", "version": "v1", "engine": "engine 1",
                "run": "run-000001-1001", "status": "rejected",
                "reason": "not_utf8", "detail": "byte 7 is not UTF-8",
            }])
        );
        let next = body["next"].as_str().unwrap();
        let (_, body) = get(&store, path, &[("cursor", next)]);
        assert_eq!(body["rejected"][0]["message"], "m-1");
        assert_eq!(body["rejected"][0]["chart"], Value::Null);
        assert_eq!(body["next"], Value::Null);
        let (status, _) = get(&store, "/runs/run-000001-1001/charts", &[("cursor", next)]);
        assert_eq!(status, 400);
        let (status, _) = get(&store, "/runs/x/rejected", &[]);
        assert_eq!(status, 404);
    }

    #[test]
    fn a_chart_answers_with_what_the_latest_run_stored() {
        let store = Memory::default()
            .with_outcome(9, "a/1.txt", "zzz", coded("I10"))
            .with_outcome(10, "a/1.txt", "aaa", coded("E11.9"));
        let (status, body) = get(&store, "/charts/a%2F1.txt", &[]);
        assert_eq!(status, 200);
        assert_eq!(body["coding"]["codes"][0]["code"], "E11.9");
        assert_eq!(body["version"], "aaa");
        assert_eq!(body["others"][0]["version"], "zzz");
        let (_, body) = get(&store, "/charts/a/1.txt", &[("version", "zzz")]);
        assert_eq!(body["coding"]["codes"][0]["code"], "I10");
    }

    #[test]
    fn a_chart_tells_where_its_narrative_came_from_and_what_was_left_out() {
        let outcome = json!({
            "status": "coded", "coding": {"codes": []}, "format": "fhir",
            "provenance": {
                "chart_sha256": "ab", "narrative_sha256": "cd", "narrative_bytes": 5,
                "parts": [{"start": 0, "end": 5, "from": "content[1].attachment"}],
                "left_out": [{
                    "from": "content[0].attachment",
                    "reason": "attachment_elsewhere", "detail": "it is a link",
                }],
            },
        });
        let outcome = serde_json::from_value(outcome).unwrap();
        let store = Memory::default().with_outcome(1, "a.json", "v1", outcome);
        let (_, body) = get(&store, "/charts/a.json", &[]);
        assert_eq!(body["parts"][0]["from"], "content[1].attachment");
        assert_eq!(body["left_out"][0]["reason"], "attachment_elsewhere");
        assert_eq!(
            body["narrative"],
            json!({"sha256": "cd", "bytes": 5, "chart_sha256": "ab"})
        );
    }

    #[test]
    fn an_outcome_of_before_says_nothing_of_its_narrative() {
        let store = Memory::default().with_outcome(1, "a.txt", "v1", coded("I10"));
        let (_, body) = get(&store, "/charts/a.txt", &[]);
        assert_eq!(
            (&body["parts"], &body["left_out"]),
            (&Value::Null, &Value::Null)
        );
    }

    #[test]
    fn a_rejected_chart_answers_with_the_reason() {
        let store = Memory::default().with_outcome(1, "b.txt", "v1", rejected());
        let (_, body) = get(&store, "/charts/b.txt", &[]);
        assert_eq!(body["status"], "rejected");
        assert_eq!(body["rejection"]["reason"], "not_utf8");
        assert_eq!(body["coding"], Value::Null);
    }

    #[test]
    fn what_is_unknown_is_not_found() {
        let store = Memory::default();
        for path in ["/runs/x", "/runs/x/charts", "/charts/x", "/machines", "/"] {
            let (status, body) = get(&store, path, &[]);
            assert_eq!((status, &body["status"]), (404, &json!(404)), "{path}");
        }
    }

    #[test]
    fn a_bad_parameter_is_named_with_its_fix() {
        let store = Memory::default().with_run(1).with_run(2);
        let (_, body) = get(&store, "/runs", &[("limit", "1")]);
        let of_another_list = body["next"].as_str().unwrap();
        for (path, query, detail) in [
            (
                "/runs",
                ("limit", "0"),
                "`limit` must be a number from 1 to 200",
            ),
            (
                "/runs",
                ("limit", "many"),
                "`limit` must be a number from 1 to 200",
            ),
            (
                "/runs",
                ("cursor", "x!"),
                "`cursor` must be a `next` of this very list",
            ),
            (
                "/runs/run-000001-1001/charts",
                ("cursor", of_another_list),
                "`cursor` must be a `next` of this very list",
            ),
        ] {
            let (status, body) = get(&store, path, &[query]);
            assert_eq!(status, 400);
            assert_eq!(body["detail"], detail);
        }
    }

    #[test]
    fn only_reading_is_offered() {
        for method in ["HEAD", "POST", "DELETE", "OPTIONS"] {
            let request = Request {
                method: method.to_owned(),
                path: "/runs".to_owned(),
                ..Request::default()
            };
            let (answer, _) = now(answer(&Memory::default(), &request));
            assert_eq!(answer.status, 405);
            assert!(answer.headers.contains(&("allow", "GET".to_owned())));
        }
    }

    #[test]
    fn a_store_that_is_down_is_a_temporary_failure() {
        let store = Memory::default();
        store.is_down.set(true);
        let (status, body) = get(&store, "/runs", &[]);
        assert_eq!(status, 503);
        assert_eq!(body["type"], "urn:lightsout:problem:unavailable");
    }

    #[test]
    fn every_answer_carries_its_id_and_is_never_cached() {
        for path in ["/runs", "/nowhere", "/charts/x"] {
            let (answer, _) = now(answer(&Memory::default(), &request(path, &[])));
            assert!(answer.headers.contains(&("x-request-id", "r-7".to_owned())));
            assert!(
                answer
                    .headers
                    .contains(&("cache-control", "no-store".to_owned()))
            );
        }
    }

    #[test]
    fn the_audit_record_names_a_chart_only_by_digest() {
        let store = Memory::default().with_outcome(1, "doe-jane.txt", "v1", coded("I10"));
        let (_, audit) = now(answer(&store, &request("/charts/doe-jane.txt", &[])));
        let line = audit.line();
        assert_eq!(line["route"], "/charts/{chart}");
        assert_eq!(line["subject_sha256"].as_str().unwrap().len(), 64);
        assert!(!line.to_string().contains("doe"), "{line}");
        assert!(!line.to_string().contains("I10"), "{line}");
    }

    fn coded(code: &str) -> Outcome {
        let coding = json!({"codes": [{"code": code, "evidence": [{"start": 0, "end": 3}]}]});
        Outcome::Coded {
            coding,
            format: None,
            provenance: None,
        }
    }

    fn rejected() -> Outcome {
        Outcome::Rejected {
            reason: "not_utf8".to_owned(),
            detail: "byte 7 is not UTF-8".to_owned(),
        }
    }

    fn request(path: &str, query: &[(&str, &str)]) -> Request {
        let query: BTreeMap<_, _> = query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()]))
            .collect();
        Request {
            method: "GET".to_owned(),
            path: path.to_owned(),
            query,
            id: "r-7".to_owned(),
            caller: None,
        }
    }

    fn get(store: &Memory, path: &str, query: &[(&str, &str)]) -> (u16, Value) {
        let (answer, _) = now(answer(store, &request(path, query)));
        (answer.status, serde_json::from_str(&answer.body).unwrap())
    }

    /// The store in memory answers at once, so that one poll is enough.
    fn now<T>(task: impl Future<Output = T>) -> T {
        match pin!(task).poll(&mut task::Context::from_waker(task::Waker::noop())) {
            task::Poll::Ready(end) => end,
            task::Poll::Pending => panic!("a store in memory never waits"),
        }
    }
}
