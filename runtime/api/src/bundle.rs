//! A chart's codes as a FHIR R4 `Bundle` of `Condition`.

use lightsout_nlp::{
    Coding,
    render::{Chart, fhir},
};
use lightsout_protocol::coding::Outcome;
use serde_json::{Value, json};

/// FHIR's media type for JSON ([R4, 3.1.0.1.9](https://hl7.org/fhir/R4/http.html#mime-type)).
pub(crate) const CONTENT_TYPE: &str = "application/fhir+json";

/// Writes what was found; of a rejected chart, why nothing was.
///
/// The text itself is not at hand here, only the words of each mention. So evidence has its
/// words, and not their place in characters, which takes the text to count.
pub(crate) fn bundle(chart: &str, outcome: &Outcome, shows_evidence: bool) -> Value {
    let (coding, bytes) = match outcome {
        Outcome::Coded {
            coding, provenance, ..
        } => {
            let bytes = provenance
                .as_ref()
                .map(|provenance| provenance.narrative_bytes);
            (
                serde_json::from_value::<Coding<'static>>(coding.clone()),
                bytes,
            )
        }
        Outcome::Rejected { reason, .. } => return failure(reason),
    };
    let Ok(coding) = coding else {
        return failure("coding_of_another_engine");
    };
    let text = words_alone(&coding, bytes);
    let chart = Chart {
        name: chart,
        text: &text,
        coding: &coding,
    };
    let resource = fhir::bundle(&chart, &coding.edition);
    let mut bundle = serde_json::to_value(resource).unwrap_or_default();
    let entries = bundle["entry"].as_array_mut().into_iter().flatten();
    for entry in entries {
        let Some(resource) = entry["resource"].as_object_mut() else {
            continue;
        };
        if !shows_evidence {
            resource.remove("evidence");
            resource.remove("note");
        }
        if let Some(Value::Array(evidence)) = resource.get_mut("evidence") {
            for one in evidence.iter_mut() {
                if let Some(code) = one["code"][0].as_object_mut() {
                    code.remove("extension");
                }
            }
            evidence.retain(|one| {
                one["code"][0]["text"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty())
            });
            if evidence.is_empty() {
                resource.remove("evidence");
            }
        }
    }
    bundle
}

/// A text of which only the words of mentions are known, each at its place.
fn words_alone(coding: &Coding<'_>, bytes: Option<usize>) -> String {
    let ends = coding.mentions.iter().map(|mention| mention.span.end);
    let length = ends
        .max()
        .unwrap_or_default()
        .max(bytes.unwrap_or_default());
    let mut text = vec![b' '; length];
    for mention in &coding.mentions {
        let span = mention.span.start..mention.span.end;
        if let Some(place) = text.get_mut(span)
            && place.len() == mention.text().len()
        {
            place.copy_from_slice(mention.text().as_bytes());
        }
    }
    // Mentions that overlap say the same where they do, so that characters stay whole.
    String::from_utf8(text).unwrap_or_default()
}

fn failure(reason: &str) -> Value {
    json!({
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "processing", "diagnostics": reason}],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_has_its_words_where_it_may_be_shown() {
        let text = "É: ASSESSMENT: Asthma. Denies gout.";
        let engine = lightsout_nlp::Engine::new(lightsout_nlp::Dictionary::fy2026());
        let outcome = Outcome::Coded {
            coding: serde_json::to_value(engine.code(text)).unwrap(),
            format: None,
            provenance: None,
        };
        let shown = bundle("c-1", &outcome, true);
        let condition = &shown["entry"][1]["resource"];
        assert_eq!(condition["code"]["coding"][0]["code"], "J45.909");
        assert_eq!(condition["evidence"][0]["code"][0]["text"], "Asthma");
        let hidden = bundle("c-1", &outcome, false);
        let said = hidden.to_string();
        assert!(
            said.contains("J45.909") && !said.contains("\"Asthma\""),
            "{said}"
        );
        let rejected = Outcome::Rejected {
            reason: "empty".to_owned(),
            detail: String::new(),
        };
        assert_eq!(
            bundle("c", &rejected, true)["resourceType"],
            "OperationOutcome"
        );
    }
}
