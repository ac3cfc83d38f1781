//! What can be asked of the API: the one table that the router, the roles and the OpenAPI
//! document are made from.

use std::borrow::Cow;

use lightsout_protocol::caller::Role;
use percent_encoding::percent_decode_str;

/// Something that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// `GET /runs`.
    Runs,
    /// `GET /runs/{run}`.
    Run,
    /// `GET /runs/{run}/charts`.
    Charts,
    /// `GET /runs/{run}/rejected`.
    Rejected,
    /// `GET /runs/{run}/counts`.
    Counts,
    /// `GET /charts`.
    Found,
    /// `GET /counts`.
    Totals,
    /// `GET /charts/{chart}`.
    Chart,
    /// `POST /rejected/{chart}/redrive`.
    Redrive,
    /// `POST /break-glass`.
    BreakGlass,
    /// `POST /revocations`.
    Revoke,
    /// `GET /openapi.json`.
    OpenApi,
    /// `GET /docs`.
    Docs,
}

/// A group of fields of what is stored about a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fields {
    /// Opaque ids: the chart, its version, the engine, the run, and whether it was coded.
    Identity,
    /// Why it was rejected, which says nothing of what it holds.
    Rejection,
    /// Hashes and sizes of what was read, and its format.
    Provenance,
    /// Codes with their titles, scores and what the tabular list advises.
    Codes,
    /// Words of the chart, and where they stand.
    Evidence,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 13] = [
        Self::Runs,
        Self::Run,
        Self::Charts,
        Self::Rejected,
        Self::Counts,
        Self::Found,
        Self::Totals,
        Self::Chart,
        Self::Redrive,
        Self::BreakGlass,
        Self::Revoke,
        Self::OpenApi,
        Self::Docs,
    ];

    /// Returns the method, in capitals.
    pub fn method(self) -> &'static str {
        match self {
            Self::Redrive | Self::BreakGlass | Self::Revoke => "POST",
            _ => "GET",
        }
    }

    /// Returns the path, with the names of what varies in braces.
    pub fn path(self) -> &'static str {
        match self {
            Self::Runs => "/runs",
            Self::Run => "/runs/{run}",
            Self::Charts => "/runs/{run}/charts",
            Self::Rejected => "/runs/{run}/rejected",
            Self::Counts => "/runs/{run}/counts",
            Self::Found => "/charts",
            Self::Totals => "/counts",
            Self::Chart => "/charts/{chart}",
            Self::Redrive => "/rejected/{chart}/redrive",
            Self::BreakGlass => "/break-glass",
            Self::Revoke => "/revocations",
            Self::OpenApi => "/openapi.json",
            Self::Docs => "/docs",
        }
    }

    /// Returns the names of the parameters that it takes in the query.
    pub fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Runs => &["limit", "cursor", "order", "state", "purpose"],
            Self::Charts => &[
                "limit",
                "cursor",
                "order",
                "status",
                "code",
                "format",
                "purpose",
                "emergency",
            ],
            Self::Found => &[
                "limit",
                "cursor",
                "order",
                "from",
                "until",
                "status",
                "code",
                "format",
                "purpose",
                "emergency",
            ],
            Self::Totals => &["cursor", "order", "from", "until", "format", "purpose"],
            Self::Rejected => &["limit", "cursor", "order", "format", "purpose"],
            Self::Counts => &["cursor", "order", "format", "purpose"],
            Self::Redrive => &["version", "purpose"],
            Self::Chart => &["version", "engine", "format", "purpose", "emergency"],
            Self::Run | Self::BreakGlass | Self::Revoke => &["purpose"],
            Self::OpenApi | Self::Docs => &[],
        }
    }

    /// Returns the fields that a role is shown, or none where it may not ask at all.
    ///
    /// Nobody sees more than their work needs
    /// ([45 CFR 164.502(b)](https://www.ecfr.gov/current/title-45/section-164.502)).
    #[expect(clippy::match_same_arms, reason = "a row for each operation")]
    pub fn shown_to(self, role: Role) -> Option<&'static [Fields]> {
        use Fields::{Codes, Evidence, Identity, Provenance, Rejection};
        match (self, role) {
            (Self::Runs | Self::Run | Self::BreakGlass | Self::OpenApi | Self::Docs, _) => {
                Some(&[])
            }
            (Self::Charts | Self::Found, Role::Coder | Role::Auditor | Role::Billing) => {
                Some(&[Identity, Codes])
            }
            (Self::Charts | Self::Found, Role::TenantAdmin | Role::Operations) => Some(&[Identity]),
            (Self::Rejected, Role::Billing) => None,
            (Self::Rejected, _) => Some(&[Identity, Rejection]),
            (Self::Redrive, Role::TenantAdmin | Role::Operations) => Some(&[Identity]),
            (Self::Redrive, _) => None,
            (Self::Revoke, Role::TenantAdmin) => Some(&[]),
            (Self::Revoke, _) => None,
            (Self::Counts | Self::Totals, Role::Operations) => None,
            (Self::Counts | Self::Totals, _) => Some(&[Codes]),
            (Self::Chart, Role::Coder | Role::Auditor) => {
                Some(&[Identity, Rejection, Provenance, Codes, Evidence])
            }
            (Self::Chart, Role::Billing) => Some(&[Identity, Codes]),
            (Self::Chart, Role::TenantAdmin | Role::Operations) => {
                Some(&[Identity, Rejection, Provenance])
            }
        }
    }

    /// Returns the fields that are shown in an emergency, whatever the role.
    pub fn shown_in_emergency(self) -> Option<&'static [Fields]> {
        self.shown_to(Role::Coder)
    }

    /// Finds what a path asks for, with what stands in the place of its one parameter.
    pub(crate) fn of_path(path: &str) -> Option<(Self, String)> {
        let path = path.strip_prefix('/')?;
        let Some((room, rest)) = path.split_once('/') else {
            let found = match path {
                "runs" => Self::Runs,
                "charts" => Self::Found,
                "counts" => Self::Totals,
                "break-glass" => Self::BreakGlass,
                "revocations" => Self::Revoke,
                "openapi.json" => Self::OpenApi,
                "docs" => Self::Docs,
                _ => return None,
            };
            return Some((found, String::new()));
        };
        let (found, subject) = match room {
            "runs" => match rest.split_once('/') {
                None => (Self::Run, rest),
                Some((run, "charts")) => (Self::Charts, run),
                Some((run, "rejected")) => (Self::Rejected, run),
                Some((run, "counts")) => (Self::Counts, run),
                Some(_) => return None,
            },
            // A chart's id may hold slashes, written as such or as `%2F`.
            "charts" => (Self::Chart, rest),
            "rejected" => (Self::Redrive, rest.strip_suffix("/redrive")?),
            _ => return None,
        };
        // Nothing has an empty id.
        (!subject.is_empty()).then(|| (found, decoded(subject).into_owned()))
    }
}

impl Fields {
    /// Every group, from the least to the most telling.
    pub const ALL: [Self; 5] = [
        Self::Identity,
        Self::Rejection,
        Self::Provenance,
        Self::Codes,
        Self::Evidence,
    ];

    /// Returns the group's name, as the audit trail has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Rejection => "rejection",
            Self::Provenance => "provenance",
            Self::Codes => "codes",
            Self::Evidence => "evidence",
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
    fn a_path_leads_to_its_operation() {
        let check = |path: &str, operation, subject: &str| {
            let found = Operation::of_path(path);
            assert_eq!(found, Some((operation, subject.to_owned())), "{path}");
        };
        check("/runs", Operation::Runs, "");
        check("/runs/run-000001-9", Operation::Run, "run-000001-9");
        check(
            "/runs/run-000001-9/charts",
            Operation::Charts,
            "run-000001-9",
        );
        check("/runs/r/rejected", Operation::Rejected, "r");
        check("/runs/r/counts", Operation::Counts, "r");
        check("/charts/ward%207%2Fa.txt", Operation::Chart, "ward 7/a.txt");
        check("/charts/ward 7/a.txt", Operation::Chart, "ward 7/a.txt");
        check("/rejected/a%2Fb/redrive", Operation::Redrive, "a/b");
        check("/charts", Operation::Found, "");
        check("/docs", Operation::Docs, "");
        for path in [
            "/charts/",
            "/runs/",
            "/runs//charts",
            "/runs/x/y",
            "/rejected/redrive",
            "/rejected//redrive",
            "/rejected/x",
            "",
            "/",
            "runs",
        ] {
            assert_eq!(Operation::of_path(path), None, "{path}");
        }
    }

    #[test]
    fn every_operation_is_found_by_its_own_path() {
        for operation in Operation::ALL {
            let path = operation.path().replace(['{', '}'], "");
            assert_eq!(Operation::of_path(&path).unwrap().0, operation);
        }
    }

    #[test]
    fn operations_never_sees_text_or_codes() {
        for operation in Operation::ALL {
            let shown = operation.shown_to(Role::Operations).unwrap_or_default();
            assert!(!shown.contains(&Fields::Evidence), "{operation:?}");
            assert!(!shown.contains(&Fields::Codes), "{operation:?}");
        }
    }
}
