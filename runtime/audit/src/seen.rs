//! Who saw which charts, and when.

use serde::Serialize;

use crate::{Entry, Said, Seen};

/// What is asked of a trail; what is left out is any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    /// The subject of a person's tokens.
    pub who: Option<String>,
    /// A tenant.
    pub tenant: Option<String>,
    /// A chart's opaque id, below its tenant.
    pub chart: Option<String>,
    /// Not before, in milliseconds since 1970.
    pub from: Option<u64>,
    /// Before, in milliseconds since 1970.
    pub until: Option<u64>,
}

/// One chart that somebody saw once: a line of a breach report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Sight {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// Who.
    pub who: String,
    /// In which role.
    pub role: String,
    /// Of which tenant.
    pub tenant: String,
    /// Which chart.
    pub chart: String,
    /// Which version of it.
    pub version: String,
    /// Which groups of fields.
    pub fields: Vec<String>,
    /// What the caller said it is for.
    pub purpose: String,
    /// The reason that was given for an emergency, if it was one.
    pub emergency: Option<String>,
    /// By which request.
    pub request: String,
}

/// Lists the charts that answers told of, in the order of time.
///
/// Answers that told of no chart, refusals among them, are not in the list.
pub fn seen<'e>(entries: impl IntoIterator<Item = &'e Entry>, question: &Question) -> Vec<Sight> {
    let is = |wanted: &Option<String>, found: &str| {
        wanted.as_deref().is_none_or(|wanted| wanted == found)
    };
    let mut sights = Vec::new();
    for entry in entries {
        let Some(Said::Access(access)) = entry.link().map(|link| link.said) else {
            continue;
        };
        let is_asked_for = is(&question.who, &access.who)
            && is(&question.tenant, &access.tenant)
            && question.from.is_none_or(|from| access.at >= from)
            && question.until.is_none_or(|until| access.at < until);
        if !is_asked_for {
            continue;
        }
        for Seen { chart, version } in access.charts {
            if is(&question.chart, &chart) {
                sights.push(Sight {
                    at: access.at,
                    who: access.who.clone(),
                    role: access.role.clone(),
                    tenant: access.tenant.clone(),
                    chart,
                    version,
                    fields: access.fields.clone(),
                    purpose: access.purpose.clone(),
                    emergency: access
                        .break_glass
                        .as_ref()
                        .map(|glass| glass.reason.clone()),
                    request: access.request.clone(),
                });
            }
        }
    }
    sights.sort();
    sights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Access, entry::NOTHING};

    #[test]
    fn the_charts_of_one_person_are_listed_in_the_order_of_time() {
        let entry = |number, at, who: &str, charts: &[&str]| {
            let seen = |chart: &&str| Seen {
                chart: (*chart).to_owned(),
                version: "v1".to_owned(),
            };
            let access = Access {
                at,
                who: who.to_owned(),
                charts: charts.iter().map(seen).collect(),
                ..Access::default()
            };
            Entry::new("w", number, NOTHING, Said::Access(Box::new(access)))
        };
        let entries = [
            entry(1, 30, "ann", &["c", "a"]),
            entry(2, 10, "ann", &["b"]),
            entry(3, 20, "bob", &["a"]),
            entry(4, 40, "ann", &[]),
        ];
        let charts = |question: &Question| {
            let sights = seen(&entries, question);
            sights
                .into_iter()
                .map(|sight| (sight.at, sight.chart))
                .collect::<Vec<_>>()
        };
        let of = |wanted: &[(u64, &str)]| {
            wanted
                .iter()
                .map(|(at, chart)| (*at, (*chart).to_owned()))
                .collect::<Vec<_>>()
        };
        let ann = Question {
            who: Some("ann".to_owned()),
            ..Question::default()
        };
        assert_eq!(charts(&ann), of(&[(10, "b"), (30, "a"), (30, "c")]));
        let who_saw_a = Question {
            chart: Some("a".to_owned()),
            until: Some(30),
            ..Question::default()
        };
        assert_eq!(charts(&who_saw_a), of(&[(20, "a")]));
    }
}
