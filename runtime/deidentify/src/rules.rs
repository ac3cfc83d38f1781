//! What identifiers look like, and the words that announce them.
//!
//! A scan takes letters for digits (`O` for `0`, `l` for `1`) and breaks lines anywhere; so a
//! digit of a number is [`D`], and what stands between two parts of one may be a line's end.

use std::sync::LazyLock;

use regex_lite::Regex;

use crate::{Class, Found};

/// A rule: the identifier is the group `id`, or all that matches where there is none.
struct Rule {
    class: Class,
    pattern: Regex,
    /// Whether it can be nothing but an identifier of a person.
    is_certain: bool,
}

/// A digit, or what a scan takes for one.
const D: &str = "[0-9OolISB]";

/// States and territories, as the Postal Service abbreviates them.
const STATES: &str = "A[KLRSZ]|C[AOT]|D[CE]|F[LM]|G[AU]|HI|I[ADLN]|K[SY]|LA|M[ADEHINOPST]|N[CDEHJMVY]|O[HKR]|P[ARW]|RI|S[CD]|T[NX]|UT|V[AIT]|W[AIVY]";

/// What streets are called besides, after the list of the Postal Service
/// ([Publication 28, C1](https://pe.usps.com/text/pub28/28apc_002.htm)); words that are
/// common in charts are left out, such as `Neck`.
const STREETS: &str = "Alley|Annex|Arcade|Bayou|Beach|Bend|Bluffs?|Bridge|Brooks?|Burgs?|Bypass|Camp|Canyon|Cape|Causeway|Centers?|Cliffs?|Club|Commons?|Corners?|Course|Coves?|Creek|Crescent|Crest|Crossing|Crossroads?|Curve|Dale|Dam|Divide|Estates?|Expressway|Extensions?|Falls?|Ferry|Fields?|Flats?|Fords?|Forest|Forges?|Forks?|Fort|Freeway|Gardens?|Gateway|Glens?|Greens?|Groves?|Harbors?|Haven|Heights|Hills?|Hollow|Inlet|Islands?|Isle|Junctions?|Keys?|Knolls?|Lakes?|Landing|Lights?|Locks?|Lodge|Loop|Mall|Manors?|Meadows?|Mews|Mills?|Mission|Motorway|Mountains?|Mount|Orchard|Oval|Overpass|Parks?|Passage|Paths?|Pike|Pines?|Plains?|Plaza|Points?|Ports?|Prairie|Radial|Ramp|Ranch|Rapids?|Ridges?|River|Route|Row|Shoals?|Shores?|Skyway|Springs?|Spurs?|Squares?|Station|Stravenue|Stream|Summit|Throughway|Trace|Tracks?|Trafficway|Trails?|Tunnel|Turnpike|Underpass|Unions?|Valleys?|Viaduct|Views?|Villages?|Ville|Vista|Walks?|Wells?";

/// Patterns by class; `{D}` is a digit as scanned, `{G}` a gap within a line or over its end,
/// `{M}` a month, `{T}` a day and `{Y}` a year in words, `{C}` a year in digits, `{A}` an age
/// over 89, `{N}` what may stand between a label and its
/// number, `{V}` a number with at least one digit,
/// `{U}` a state, `{F}` a word for a street, `{P}` a part of a house.
const PATTERNS: [(Class, bool, &str); 55] = [
    (
        Class::Email,
        true,
        r"(?i)[a-z0-9._%+-]+{G}@{G}[a-z0-9-]+(?:\.{G}[a-z0-9-]+)*\.{G}[a-z]{2,}",
    ),
    (
        Class::Url,
        false,
        r"(?i)\bhttps?:{G}/{G}/{G}(?:[^\s<>,;)]*[./-]\r?\n[^\s<>,;)]+|[^\s<>,;)]+)",
    ),
    (Class::Url, false, r"(?i)\bwww\.[a-z0-9-]+\.[^\s<>,;)]+"),
    (
        Class::Url,
        false,
        r"(?i)\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|edu|gov|health|info|example)(?:/[^\s<>,;)]*)?\b",
    ),
    (
        Class::IpAddress,
        false,
        r"\b(?:[0-9]{1,3}\.{G}){3}[0-9]{1,3}\b",
    ),
    (
        Class::IpAddress,
        false,
        r"(?i)\b(?:[0-9a-f]{1,4}:){3,7}:?[0-9a-f]{1,4}\b",
    ),
    (
        Class::IpAddress,
        false,
        r"(?i)\b[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6}::(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?",
    ),
    (Class::Ssn, true, r"\b{D}{3}[-. ]{G}{D}{2}[-. ]{G}{D}{4}\b"),
    (
        Class::Ssn,
        false,
        r"(?i)\b(?:ssn|social\s+security(?:\s+(?:number|no\.?|#))?){N}(?P<id>{D}{3}[-. \n]*{D}{2}[-. \n]*{D}{4})\b",
    ),
    (
        Class::Ssn,
        false,
        r"(?i)\b(?:ssn|social\s+security)[^.\n]{0,20}(?:ending\s+in|last\s+four){N}(?P<id>{D}{4})\b",
    ),
    (
        Class::Fax,
        false,
        r"(?i)\b(?:fax(?:ed)?|facsimile)(?:\s+(?:number|no\.?|#|to|at))*{N}(?P<id>(?:\+?1[-. ]?)?\(?{D}{3}\)?[-. \n]*{D}{3}[-. \n]*{D}{4})",
    ),
    (
        Class::Phone,
        true,
        r"(?:\+?1[-. ]?)?\({D}{3}\){G}{D}{3}[-. ]{G}{D}{4}(?:\s*(?:x|ext\.?)\s*[0-9]{1,5})?",
    ),
    (
        Class::Phone,
        true,
        r"\b(?:1[-. ])?{D}{3}[-.]{G}{D}{3}[-.]{G}{D}{4}(?:\s*(?:x|ext\.?)\s*[0-9]{1,5})?\b",
    ),
    (
        Class::Phone,
        false,
        r"(?i)\b(?:phone|tel(?:ephone)?|cell|mobile|pager|call(?:ed)?|contact|ph)\b(?:\s+(?:number|no\.?|#|at|is))*{N}(?P<id>\+?(?:1[-. ]?)?\(?{D}{3}\)?[-. \n]*{D}{3}[-. \n]*{D}{4})",
    ),
    (
        Class::Phone,
        false,
        r"\+[0-9]{1,3}[-. ][0-9]{1,4}(?:[-. ][0-9]{2,4}){2,3}\b",
    ),
    (
        Class::RecordNumber,
        false,
        r"(?i)\b(?:mrn?|med(?:ical)?\.?\s+rec(?:ord)?\.?(?:\s+(?:number|num|no\.?|#))?|chart\s+(?:number|no\.?|#)|record\s+(?:number|no\.?|#)|unit\s+(?:number|no\.?|#)|hospital\s+(?:number|no\.?|#)){N}(?P<id>{V})",
    ),
    (
        Class::HealthPlan,
        false,
        r"(?i)\b(?:medicare|medicaid|mbi|hicn?|(?:health\s+)?(?:plan|insurance|policy|member|subscriber|beneficiary|group)(?:\s+(?:id|number|num|no\.?|#))+|member\s*id){N}(?P<id>{V})",
    ),
    (
        Class::Account,
        false,
        r"(?i)\b(?:acc(?:oun)?t\.?|billing|invoice|iban|credit\s+card|card)(?:\s+(?:id|number|num|no\.?|#))*{N}(?P<id>{V}(?:[ -]{V}){0,5})",
    ),
    (
        Class::Licence,
        false,
        r"(?i)\b(?:(?:driver'?s?\s+)?licen[cs]e|lic\.?|dea|npi|certificate|cert\.?|registration)(?:\s+(?:id|number|num|no\.?|#))*{N}(?P<id>{V})",
    ),
    (Class::Vehicle, false, r"\b[A-HJ-NPR-Z0-9]{17}\b"),
    (
        Class::Vehicle,
        false,
        r"(?i)\b(?:vin|vehicle(?:\s+(?:id|identification))?|(?:license\s+)?plates?|tag)(?:\s+(?:id|number|num|no\.?|#))*{N}(?P<id>{V}(?:[ -]{V})?)",
    ),
    (
        Class::Vehicle,
        false,
        r"(?i)\bplates?(?:\s+(?:number|no\.?|#))*{N}(?P<id>[A-Z0-9]{1,4}[- ][A-Z0-9]{2,6}|[A-Z]{2,3}[- ]?{G}{D}{3,4}|{D}{3,4}[- ]?{G}[A-Z]{2,3})",
    ),
    (
        Class::Device,
        false,
        r"(?i)\b(?:serial|s/n|sn|udi|lot|device|implant|pacemaker|icd|pump|model)(?:\s+(?:id|identifier|serial|number|num|no\.?|#))+{N}(?P<id>\(?{V})",
    ),
    (
        Class::Device,
        false,
        r"(?i)\b(?:serial|s/n|sn|udi){N}(?P<id>\(?{V})",
    ),
    (
        Class::Device,
        false,
        r"\(01\)[0-9]{14}(?:\([0-9]{2}\)[A-Za-z0-9]+)*",
    ),
    (
        Class::Biometric,
        false,
        r"(?i)\b(?:finger\s*-?prints?|voice\s*-?prints?|retina(?:l)?|iris|palm|biometric|gait|face)(?:\s+(?:id|template|scan|hash|code|file|number|no\.?|#))+{N}(?P<id>{V})",
    ),
    (
        Class::Photo,
        false,
        r"(?i)\b[\w-]+\.{G}(?:jpe?g|png|tiff?|heic|bmp|gif|webp)\b",
    ),
    (
        Class::Photo,
        false,
        r"(?i)\b(?:photo(?:graph)?|picture|image|portrait)(?:\s+(?:of\s+(?:the\s+)?(?:face|patient)|id|number|no\.?|#|file))+{N}(?P<id>{V})",
    ),
    (
        Class::Date,
        true,
        r"\b{D}{1,2}[/.]{G}{D}{1,2}[/.]{G}(?:{D}{4}|{D}{2})\b",
    ),
    (
        Class::Date,
        false,
        r"\b{D}{1,2}-{G}{D}{1,2}-{G}(?:{D}{4}|{D}{2})\b",
    ),
    (
        Class::Date,
        false,
        r"\b{C}[-/.]{G}{D}{1,2}[-/.]{G}{D}{1,2}\b",
    ),
    (
        Class::Date,
        false,
        r"\b(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12][0-9]|3[01])\b",
    ),
    (
        Class::Date,
        false,
        r"(?i)\b{M}\.?{S}{D}{1,2}(?:st|nd|rd|th)?(?:,?{S}{C}|,?{S}'{D}{2})?\b",
    ),
    (
        Class::Date,
        false,
        r"(?i)\b{D}{1,2}(?:st|nd|rd|th)?{S}(?:of{S})?{M}\.?(?:,?{S}{C})?\b",
    ),
    (
        Class::Date,
        false,
        r"(?i)\b(?:the{S})?{T}(?:{S}of)?{S}{M}(?:,?{S}(?:{C}|{Y}))?\b",
    ),
    (
        Class::Date,
        false,
        r"(?i)\b{M}{S}(?:the{S})?{T}(?:,?{S}(?:{C}|{Y}))?\b",
    ),
    (Class::Date, false, r"(?i)\b{M}\.?,?{S}(?:of{S})?{C}\b"),
    (
        Class::Date,
        false,
        r"(?i)\b(?:in|since|until|on|of|by|during|last|next|early|late|mid)[- ](?P<id>{M})\b",
    ),
    (
        Class::Date,
        false,
        r"(?i)\b(?:{A})[- \n]*(?:years?|yrs?|y)[-./ \n]*(?:old|o)\b",
    ),
    (Class::Date, false, r"(?i)\b(?:{A})[- ]?yo\b"),
    (
        Class::Date,
        false,
        r"(?i)\b(?:aged?|age\s+of|age:)\s*(?P<id>{A})\b",
    ),
    (
        Class::Date,
        false,
        r"(?i)\b(?:ninety(?:[- \n]*(?:one|two|three|four|five|six|seven|eight|nine))?|(?:one|a){S}hundred(?:{S}and)?(?:{S}[a-z]+)?)[- \n]*years?[- \n]*old\b",
    ),
    (
        Class::Place,
        false,
        r"(?i)\b[0-9OolISB]{1,6}{S}(?:[NSEW]\.?{S})?(?:[A-Z][A-Za-z'.]*{S}|[0-9]+(?:st|nd|rd|th){S}){1,4}(?:street|st|avenue|ave|road|rd|boulevard|blvd|drive|dr|lane|ln|court|ct|place|pl|way|terrace|circle|cir|highway|hwy|parkway|pkwy)\b\.?{P}?",
    ),
    // As few words are streets in a chart as `Field` or `Falls`: these have capitals.
    (
        Class::Place,
        false,
        r"\b[0-9]{2,6}{S}(?:[NSEW]\.?{S})?(?:[A-Z][A-Za-z'.-]*{S}){1,3}(?:{F})\b{P}?",
    ),
    (
        Class::Place,
        false,
        r"\b[0-9]{1,6}(?:{S}[A-Z][A-Za-z'.-]*){1,4}{P}",
    ),
    (
        Class::Place,
        false,
        r"\b[0-9]{1,6}(?:{S}[A-Z][A-Za-z'.-]*){1,4},{G}[A-Z][A-Za-z.'-]+(?:{S}[A-Z][A-Za-z.'-]+){0,2},{G}(?:{U})\b",
    ),
    (
        Class::Place,
        false,
        r"\b(?:at|to|from|in)\s+(?P<id>[0-9]{3,6}(?:{S}[A-Z][a-z'-]+){2,4})\b",
    ),
    (
        Class::Place,
        false,
        r"(?:[A-Z][A-Za-z0-9 ]{2,40},{G})?\b(?:APO|FPO|DPO){S}A[AEP]{S}{D}{5}\b",
    ),
    (
        Class::Place,
        false,
        r"(?i)\baddress\s*:\s*(?P<id>[^\n]{3,90})",
    ),
    (
        Class::Place,
        false,
        r"\b(?:[Hh]ome|[Mm]ailing|[Ss]treet|[Cc]urrent|[Pp]ermanent)\s+address(?:\s+is|\s+was)?\s+(?P<id>[A-Z0-9][^\n,;]{2,60})",
    ),
    (
        Class::Place,
        false,
        r"\b(?:[Hh]ome|[Hh]ouse|[Aa]partment|[Ff]acility|[Ss]helter|[Hh]ospice|[Hh]ospital|[Cc]linic|[Ss]chool|[Vv]isit)\s+(?:was\s+made\s+)?(?:in|to){S}(?P<id>[A-Z][a-z'-]+(?:{S}[A-Z][a-z'-]+){0,2})",
    ),
    (
        Class::Place,
        false,
        r"\b[Pp]\.?\s?[Oo]\.?\s+[Bb]ox\s+[0-9]+",
    ),
    (
        Class::Place,
        false,
        r"(?P<id>[A-Z][A-Za-z.'-]+(?:{S}[A-Z][A-Za-z.'-]+){0,2}),{G}(?:{U})\b",
    ),
    (
        Class::Place,
        false,
        r"(?:\b(?:{U})|(?i:zip(?:\s*code)?:?)){S}(?P<id>{D}{5}(?:-{D}{4})?)\b",
    ),
    (
        Class::Place,
        false,
        r"\b(?:[Ll]iv(?:es|ed|ing)|[Rr]esid(?:es|ed|ing)|[Rr]esident|[Bb]orn|[Mm]oved|[Tt]ravell?ed|[Nn]ative|[Mm]an|[Ww]oman|[Ff]emale|[Mm]ale|[Pp]atient)\s+(?:in|from|of|to|at){S}(?P<id>[A-Z][A-Za-z'-]+(?:{S}(?:[A-Z][A-Za-z'-]+|County|Township)){0,2})",
    ),
];

/// The last of all: anything long with many digits.
const OTHER: &str = r"\b[A-Za-z0-9]*(?:[0-9][A-Za-z0-9]*[-_]?){6,}[A-Za-z0-9]*\b";

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let patterns = PATTERNS.into_iter();
    let other = (Class::Other, false, OTHER);
    let study = (
        Class::Other,
        false,
        r"(?i)\b(?:study|subject|participant|trial|enrollment|visit|encounter|accession|specimen|case|id|identifier|token)(?:\s+(?:id|identifier|code|number|num|no\.?|#))*{N}(?P<id>{V})",
    );
    patterns
        .chain([study, other])
        .map(|(class, is_certain, pattern)| Rule {
            class,
            is_certain,
            pattern: Regex::new(&spelt_out(pattern)).expect("the patterns are tested"),
        })
        .collect()
});

fn spelt_out(pattern: &str) -> String {
    pattern
        .replace("{C}", r"(?:[1lI]9|2[0O]){D}{2}")
        .replace("{A}", r"9[0-9OlI]|[1lI][0O1lI][0-9OlI]")
        .replace("{P}", r"(?:,?{S}(?i:apt|apartment|suite|ste|unit|#)\.?\s*[A-Z0-9-]+)")
        .replace("{U}", STATES)
        .replace("{F}", STREETS)
        .replace("{D}", D)
        .replace("{G}", r"[ \t]*(?:\r?\n[ \t]*)?")
        .replace("{S}", r"[ \t]*[ \t\n][ \t\r\n]*")
        .replace("{N}", r"\s*(?:is|was|of)?\s*[:#=]?\s*#?\s*")
        // At least four characters, a digit among the first of them.
        .replace("{V}", r"[A-Za-z]{0,4}[-/.]?[0-9OolISB]*[0-9](?:[A-Za-z0-9]|[-/.\n][A-Za-z0-9]){2,}")
        .replace(
            "{M}",
            "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)",
        )
        .replace(
            "{T}",
            "(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth|twenty[- \\t]*\\n?[ \\t]*(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)|thirty[- \\t]*\\n?[ \\t]*first)",
        )
        .replace(
            "{Y}",
            "(?:nineteen|twenty|two[ \\t\\n]+thousand(?:[ \\t\\n]+and)?)(?:[- \\t\\n]+(?:oh|hundred|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety))*",
        )
}

pub(crate) fn find(text: &str) -> Vec<Found> {
    matches(text, |_| true)
}

pub(crate) fn certain(text: &str) -> Vec<Found> {
    matches(text, |rule| rule.is_certain)
}

fn matches(text: &str, is_wanted: impl Fn(&Rule) -> bool) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in RULES.iter().filter(|rule| is_wanted(rule)) {
        for captures in rule.pattern.captures_iter(text) {
            let Some(whole) = captures.name("id").or_else(|| captures.get(0)) else {
                continue;
            };
            // Letters alone are no number, however a scan would read them.
            let has_digit = whole.as_str().bytes().any(|byte| byte.is_ascii_digit());
            let needs_digit = !matches!(
                rule.class,
                Class::Place
                    | Class::Date
                    | Class::Email
                    | Class::Url
                    | Class::Photo
                    | Class::IpAddress
            );
            if has_digit || !needs_digit {
                found.push(Found {
                    class: rule.class,
                    start: whole.start(),
                    end: whole.end(),
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        assert_eq!(RULES.len(), PATTERNS.len() + 2);
    }
}
