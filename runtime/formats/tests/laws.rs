//! What holds for every chart.

use base64::{Engine, prelude::BASE64_STANDARD};
use lightsout_formats::{Narrative, read};
use lightsout_phi::Synthetic;
use proptest::prelude::*;

/// Lines as people write them: words, with what the formats have to escape.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let line = "[A-Za-z(é][A-Za-z0-9|^&~\\\\<>\"'%;.é]{0,12}( [a-z0-9|^&~<>\\\\#]{1,8}){0,6}";
    // Three letters and a bar would begin a segment, were they not escaped.
    prop::collection::vec(line, 1..8).prop_filter("text alone is recognised", |lines| {
        read(lines.join("\n").as_bytes())
            .is_ok_and(|narrative| narrative.format == lightsout_formats::Format::Text)
    })
}

fn same(lines: &[String], chart: &[u8]) -> Result<(), TestCaseError> {
    let narrative = read(chart).map_err(|rejection| TestCaseError::fail(rejection.to_string()))?;
    let read: Vec<&str> = narrative
        .text
        .open(&Synthetic)
        .lines()
        .filter(|line| !line.is_empty())
        .collect();
    prop_assert_eq!(read, lines);
    Ok(())
}

fn in_xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&#62;")
}

fn in_field(text: &str) -> String {
    let separators = er7::Separators::default();
    er7::escape::escape(text, &separators).into_owned()
}

fn document(data: &[u8], kind: &str) -> String {
    let data = BASE64_STANDARD.encode(data);
    format!(
        "{{\"resourceType\":\"DocumentReference\",\"content\":[{{\"attachment\":{{\"contentType\":\"{kind}\",\"data\":\"{data}\"}}}}]}}"
    )
}

proptest! {
    #[test]
    fn a_narrative_comes_out_of_every_format_line_by_line(lines in lines()) {
        let text = lines.join("\n");
        same(&lines, text.as_bytes())?;
        same(&lines, text.replace('\n', "\r\n").as_bytes())?;
        same(&lines, document(text.as_bytes(), "text/plain").as_bytes())?;

        let paragraphs = |name: &str| -> String {
            let inner = lines.iter().map(|line| format!("<{name}>{}</{name}>\n", in_xml(line)));
            inner.collect::<Vec<_>>().concat()
        };
        let html = format!("<html><body>{}</body></html>", paragraphs("p"));
        same(&lines, html.as_bytes())?;
        same(&lines, document(html.as_bytes(), "text/html").as_bytes())?;
        let cda = |body: &str| format!("<ClinicalDocument xmlns=\"urn:hl7-org:v3\"><component><structuredBody><component><section><text>{body}</text></section></component></structuredBody></component></ClinicalDocument>");
        same(&lines, cda(&paragraphs("paragraph")).as_bytes())?;
        let broken: Vec<String> = lines.iter().map(|line| in_xml(line)).collect();
        same(&lines, cda(&broken.join("<br/>")).as_bytes())?;
        same(&lines, document(cda(&paragraphs("paragraph")).as_bytes(), "text/xml").as_bytes())?;

        let header = "MSH|^~\\&|a|b|c|d|e||ORU^R01|1|P|2.5.1";
        let fields: Vec<String> = lines.iter().map(|line| in_field(line)).collect();
        let observations = fields.iter().map(|field| format!("\rOBX|1|TX|||{field}"));
        let observations = observations.collect::<Vec<_>>().concat();
        same(&lines, format!("{header}{observations}").as_bytes())?;
        same(&lines, format!("{header}\rOBX|1|TX|||{}", fields.join("~")).as_bytes())?;
        same(&lines, format!("{header}\rOBX|1|FT|||{}", fields.join("\\.br\\")).as_bytes())?;
        let data = BASE64_STANDARD.encode(&text);
        same(&lines, format!("{header}\rOBX|1|ED|||^TEXT^^Base64^{data}").as_bytes())?;
    }

    #[test]
    fn any_bytes_are_read_or_rejected(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        holds(&bytes);
    }

    #[test]
    fn any_text_behind_a_beginning_is_read_or_rejected(
        beginning in prop::sample::select(vec![
            "MSH|^~\\&|", "<?xml version=\"1.0\"?>", "<ClinicalDocument xmlns=\"urn:hl7-org:v3\">",
            "<html>", "{\"resourceType\":\"Bundle\",\"entry\":[", "{\"resourceType\":\"DocumentReference\",",
        ]),
        text in "\\PC{0,300}",
    ) {
        holds(format!("{beginning}{text}").as_bytes());
    }

    #[test]
    fn a_rejection_shows_nothing_of_the_chart(secret in "[B-DF-HJ-NP-TV-Z]{8,20}") {
        for chart in [
            format!("{secret}\u{0}"), format!("{{\"resourceType\":\"{secret}\"}}"),
            format!("{{\"{secret}\":"), format!("<{secret} xmlns=\"{secret}\">"),
            format!("<ClinicalDocument xmlns=\"urn:hl7-org:v3\"><{secret}></a>"),
            format!("<ClinicalDocument xmlns=\"urn:hl7-org:v3\">&{secret};"),
            format!("MSH|^~\\&|{secret}|||||{secret}^{secret}"), format!("<?xml encoding='{secret}'?>"),
            format!("MSH|^~\\&|{secret}\rOBX|1|RP|{secret}||{secret}"),
            format!("{{\"resourceType\":\"DocumentReference\",\"status\":{{\"{secret}\":1}}}}"),
        ] {
            let rejection = read(chart.as_bytes()).unwrap_err();
            let shown = format!("{rejection} {rejection:?} {}", rejection.code());
            prop_assert!(!shown.to_uppercase().contains(&secret[..8]), "{}", shown);
        }
    }
}

fn holds(bytes: &[u8]) {
    let Ok(Narrative { text, parts, .. }) = read(bytes) else {
        return;
    };
    let text = text.open(&Synthetic);
    let mut end = 0;
    for part in parts {
        assert!(end <= part.start && part.start < part.end && part.end <= text.len());
        assert!(!text[part.start..part.end].trim().is_empty());
        end = part.end;
    }
}
