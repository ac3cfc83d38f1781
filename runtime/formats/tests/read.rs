//! What each fixture holds, and why each broken chart is rejected.

use std::path::Path;

use base64::{Engine, prelude::BASE64_STANDARD};
use lightsout_formats::{Format, Narrative, Rejection, read};
use lightsout_phi::Synthetic;

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    std::fs::read(folder.join(name)).expect("the fixture is there")
}

fn check(name: &str, format: Format, expected: &str) -> Narrative<'static> {
    let bytes: &'static [u8] = fixture(name).leak();
    let narrative = read(bytes).expect("the fixture is read");
    assert_eq!(narrative.format, format);
    assert_eq!(narrative.text.open(&Synthetic), expected);
    for part in &narrative.parts {
        assert!(
            !narrative.text.open(&Synthetic)[part.start..part.end]
                .trim()
                .is_empty()
        );
    }
    narrative
}

fn places(narrative: &Narrative<'_>) -> Vec<String> {
    let place = |part: &lightsout_formats::Part| part.from.clone();
    narrative.parts.iter().map(place).collect()
}

const DISCHARGE: &str = "FAMILY HISTORY:\nMother: stroke.\n\nAssessment:\nHOSPITAL DISCHARGE DIAGNOSIS:\n- Community-acquired pneumonia\n- Type 2 diabetes mellitus & chronic kidney disease, stage 3b\n\nHospital Course:\nAdmitted with fever.\nTreated with ceftriaxone (for five days).\n\nEvents by day:\nDay 2: afebrile.\n\nAllergies:\nALLERGIES, ADVERSE REACTIONS, ALERTS:\nNo known allergies\n\nNarrative:\nIMMUNIZATIONS:\nVaccine | Date | Status\n- Influenza | | Completed\n- Pneumococcal; Tetanus | 2019 | Completed";

#[test]
fn text_is_itself() {
    check("note.txt", Format::Text, "ASSESSMENT:\nHypertension.\n");
}

#[test]
fn sections_of_a_clinical_document_are_read_under_headings_that_the_engine_knows() {
    let narrative = check("discharge-summary.cda.xml", Format::Cda, DISCHARGE);
    assert_eq!(
        places(&narrative)[3],
        "/ClinicalDocument/component/structuredBody/component[3]/section/component[1]/section/text"
    );
    let at = narrative.text.open(&Synthetic).find("afebrile").unwrap();
    assert_eq!(narrative.part_at(at).unwrap(), &narrative.parts[3]);
    assert_eq!(narrative.part_at(0), None);
}

#[test]
fn a_document_may_have_a_prefix_and_declare_its_encoding() {
    check(
        "continuity-of-care.cda.xml",
        Format::Cda,
        "Problem List:\nProblem | Status\n- Ménière disease | Active",
    );
}

#[test]
fn observations_of_a_message_are_read_and_wrong_ones_left_out() {
    let narrative = check(
        "radiology.oru.hl7",
        Format::Hl7,
        "CHEST X-RAY 2 VIEWS:\n\nFindings:\nRight lower lobe consolidation & small effusion.\nHeart size normal.\nNo pneumothorax.\n\nImpression:\n1. Pneumonia.\n2. Pleural effusion.\n\nNarrative:\nQuality:\nGood\nReviewed by a second reader.",
    );
    assert_eq!(
        places(&narrative),
        [
            "OBX[1]-5",
            "OBX[2]-5[1]",
            "OBX[2]-5[2]",
            "OBX[3]-5",
            "OBX[6]-5",
            "NTE[2]-3"
        ]
    );
    assert_eq!(narrative.left_out[0].from, "OBX[4]-5");
    assert_eq!(narrative.left_out[0].because, Rejection::Cancelled);
}

#[test]
fn a_document_in_a_message_keeps_lines_that_were_not_escaped() {
    check(
        "transcription.mdm.hl7",
        Format::Hl7,
        "Consultation Note:\nHISTORY OF PRESENT ILLNESS:\nChest pain for two days,\nworse on exertion.\nASSESSMENT:\nUnstable angina.",
    );
}

#[test]
fn one_form_of_a_document_is_read_and_only_once() {
    let narrative = check(
        "progress-note.fhir.json",
        Format::Fhir,
        "ASSESSMENT:\nType 2 diabetes mellitus with diabetic neuropathy.",
    );
    assert_eq!(
        places(&narrative),
        ["DocumentReference.content[1].attachment"]
    );
}

#[test]
fn the_documents_of_a_bundle_are_read_in_order() {
    let text = format!(
        "Past Medical History:\n- Gout\n- Asthma < 12 years\n\nNarrative:\nVaccines:\n- Tetanus | 2019\n\n{DISCHARGE}\nPLAN:\nRecheck in two weeks.\n\nConclusion:\nNo acute findings."
    );
    let narrative = check("bundle.fhir.json", Format::Fhir, &text);
    let places = places(&narrative);
    assert_eq!(places[0], "Bundle.entry[6].resource.section[0].text");
    assert!(
        places[2].starts_with("Bundle.entry[1].resource.content[0].attachment /ClinicalDocument/")
    );
    assert_eq!(narrative.left_out[0].because, Rejection::Superseded);
}

#[test]
fn a_page_is_read_as_it_is_seen() {
    check(
        "page.html",
        Format::Html,
        "ASSESSMENT\n\nCafé au lait spots, no neurofibroma.\n\n- Asthma\n- Gout\n\nKept.\nNext line.\n\nA\nB",
    );
}

#[test]
fn encodings_are_read_by_their_mark() {
    let mut wide = vec![0xff, 0xfe];
    wide.extend("Fièvre.".encode_utf16().flat_map(u16::to_le_bytes));
    assert_eq!(read(&wide).unwrap().text.open(&Synthetic), "Fièvre.");
    let mut wide = vec![0xfe, 0xff];
    wide.extend("Fièvre.".encode_utf16().flat_map(u16::to_be_bytes));
    assert_eq!(read(&wide).unwrap().text.open(&Synthetic), "Fièvre.");
    assert_eq!(
        read(b"\xef\xbb\xbfFever.").unwrap().text.open(&Synthetic),
        "Fever."
    );
    let message = b"MSH|^~\\&|a|b|c|d|e||ORU^R01|1|P|2.5.1||||||8859/1\rOBX|1|TX|a^Findings||Fi\xe8vre||||||F";
    assert_eq!(
        read(message).unwrap().text.open(&Synthetic),
        "Findings:\nFièvre"
    );
}

fn message(kind: &str, rest: &str) -> Vec<u8> {
    format!("MSH|^~\\&|a|b|c|d|e||{kind}|1|P|2.5.1\r{rest}").into_bytes()
}

fn document(content: &str) -> Vec<u8> {
    format!("{{\"resourceType\":\"DocumentReference\",{content}}}").into_bytes()
}

fn cda(body: &str) -> Vec<u8> {
    format!("<ClinicalDocument xmlns=\"urn:hl7-org:v3\"><component><structuredBody><component><section><title>Plan</title><text>{body}</text></section></component></structuredBody></component></ClinicalDocument>").into_bytes()
}

#[test]
fn delimiters_are_the_messages_own() {
    let custom = b"MSH#*!?@#a#b#c#d#e##ORU*R01#1#P#2.5.1\rOBX#1#TX#a*Plan##Rest?F?2 | 3 ^ 4######F";
    assert_eq!(
        read(custom).unwrap().text.open(&Synthetic),
        "Plan:\nRest#2 | 3 ^ 4"
    );
}

#[test]
fn what_is_not_read_says_why() {
    let data = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
    let attachment = |json: &str| document(&format!("\"content\":[{{\"attachment\":{json}}}]"));
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", b" \n".to_vec()),
        ("not_utf8", b"Cough\xff.".to_vec()),
        ("binary", b"%PDF-1.7 text".to_vec()),
        ("binary", b"PK\x03\x04bomb".to_vec()),
        ("binary", b"\x1f\x8b\x08".to_vec()),
        ("binary", b"{\\rtf1 fever}".to_vec()),
        ("binary", b"fever\0cough".to_vec()),
        ("too_large", vec![b'a'; lightsout_formats::limits::LARGEST_CHART + 1]),
        ("unknown_encoding", b"<?xml version='1.0' encoding='x-mine'?><a/>".to_vec()),
        ("broken_encoding", b"\xff\xfea".to_vec()),
        ("malformed_xml", b"<ClinicalDocument xmlns=\"urn:hl7-org:v3\"><component>".to_vec()),
        ("malformed_xml", cda("<a></b>")),
        ("external_entity", cda("&secret;")),
        ("external_entity", [b"<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY lol 'lol'><!ENTITY lol2 '&lol;&lol;'>]>".to_vec(), cda("&lol2;")].concat()),
        ("unknown_xml", b"<?xml version='1.0'?><ContinuityOfCareRecord/>".to_vec()),
        ("fhir_xml", b"<DocumentReference xmlns=\"http://hl7.org/fhir\"/>".to_vec()),
        ("document_without_narrative", cda("")),
        ("malformed_json", b"{\"resourceType\":\"DocumentReference\",".to_vec()),
        ("unknown_json", b"{\"a\":1}".to_vec()),
        ("unknown_json", b"{\"resourceType\":\"Patient\"}".to_vec()),
        ("malformed_resource", document("\"content\":3")),
        ("several_resources", [document("\"status\":\"current\""), b"\n".to_vec(), document("\"status\":\"current\"")].concat()),
        ("attachment_missing", document("\"status\":\"current\"")),
        ("attachment_elsewhere", attachment("{\"url\":\"https://example.org/1\"}")),
        ("attachment_damaged", attachment(&format!("{{\"data\":\"{}\",\"size\":3}}", data(b"Fever.")))),
        ("attachment_damaged", attachment(&format!("{{\"data\":\"{}\",\"hash\":\"{}\"}}", data(b"Fever."), data(b"no")))),
        ("broken_base64", attachment("{\"data\":\"RmV2ZX\"}")),
        ("binary", attachment(&format!("{{\"data\":\"{}\"}}", data(b"%PDF-1")))),
        ("entered_in_error", document("\"docStatus\":\"entered-in-error\"")),
        ("superseded", document("\"status\":\"superseded\"")),
        ("message_without_narrative", message("ADT^A01", "PID|1||1\r")),
        ("message_without_narrative", message("MDM^T01", "")),
        ("message_without_narrative", message("ORU^R01", "OBX|1|NM|a||3||||||F")),
        ("cancelled", message("MDM^T11", "")),
        ("cancelled", message("ORU^R01", "OBX|1|TX|a||Fever||||||D")),
        ("cancelled", message("MDM^T02", "TXA|1|CN|||||||||||||||LA||CA\rOBX|1|TX|a||Fever")),
        ("superseded", message("MDM^T02", "TXA|1|CN|||||||||||||||LA||OB\rOBX|1|TX|a||Fever")),
        ("incomplete", message("MDM^T02", "TXA|1|CN|||||||||||||||IP\rOBX|1|TX|a||Fever")),
        ("attachment_elsewhere", message("ORU^R01", "OBX|1|RP|a||x||||||F")),
        ("several_patients", message("ORU^R01", "PID|1||1\rOBX|1|TX|a||Fever\rPID|2||2\r")),
        ("malformed_message", b"MSH|^^^&|\r".to_vec()),
    ];
    for (number, (code, bytes)) in cases.iter().enumerate() {
        let rejection = read(bytes).expect_err(code);
        assert_eq!(rejection.code(), *code, "case {number}");
        assert!(
            rejection.to_string().contains("; "),
            "{rejection} names no fix"
        );
    }
}

#[test]
fn what_is_sent_to_break_a_reader_is_rejected_at_once() {
    let deep = 100_000;
    let json = [b"{\"a\":".to_vec(), vec![b'['; deep]].concat();
    assert_eq!(read(&json).unwrap_err().code(), "too_deep");
    let json = document(&format!(
        "\"x\":{}{}",
        "{\"a\":".repeat(deep),
        "}".repeat(deep)
    ));
    assert_eq!(read(&json).unwrap_err().code(), "too_deep");
    let xml = cda(&format!(
        "{}{}",
        "<content>".repeat(deep),
        "</content>".repeat(deep)
    ));
    assert_eq!(read(&xml).unwrap_err().code(), "too_deep");
    let html = format!("<html>{}Fever.", "<table><tr><td><div>".repeat(deep));
    assert_eq!(
        read(html.as_bytes()).unwrap().text.open(&Synthetic),
        "- Fever."
    );
    // A row and a hidden element that are both left open.
    let open = "<html><table><tr><td>Fever.<title>";
    assert_eq!(
        read(open.as_bytes()).unwrap().text.open(&Synthetic),
        "- Fever."
    );
    let pipes = message("ORU^R01", &format!("OBX|1|TX|a||{}", "&".repeat(9_000_000)));
    assert_eq!(read(&pipes).unwrap_err().code(), "too_many_parts");
    let values = document(&format!("\"x\":[{}0]", "0,".repeat(3_000_000)));
    assert_eq!(read(&values).unwrap_err().code(), "too_many_parts");
    let line = "word ".repeat(2_000_000);
    assert_eq!(
        read(line.as_bytes()).unwrap().text.open(&Synthetic).len(),
        line.len()
    );
    let long = read(cda(&line).leak()).unwrap();
    assert_eq!(
        long.text.open(&Synthetic).trim(),
        format!("Plan:\n{}", line.trim())
    );
    // A chart within a chart within a chart.
    let mut chart = b"Fever.".to_vec();
    for _ in 0..5 {
        let data = BASE64_STANDARD.encode(&chart);
        chart = document(&format!(
            "\"content\":[{{\"attachment\":{{\"data\":\"{data}\"}}}}]"
        ));
    }
    assert_eq!(read(&chart).unwrap_err().code(), "too_deep");
    let attributes = format!(
        "<ClinicalDocument xmlns=\"urn:hl7-org:v3\" {}>",
        "a=\"\" ".repeat(1_000_000)
    );
    assert_eq!(
        read(attributes.as_bytes()).unwrap_err().code(),
        "malformed_xml"
    );
}
