//! From a request to its answer: who asks, may they, what is it, is it recorded.

use lightsout_audit::{Access, BreakGlass, Ledger, Receipt, Trail, TrailError};
use lightsout_protocol::caller::Role;

use crate::{
    answer::{Answer, Prepared, Problem, Still},
    handlers::{Asked, HandlerError, single},
    log::Line,
    operation::{Fields, Operation},
    request::Request,
    store::{Closed, Fault, Store},
};

/// The API: what it reads from, and where it records who reads.
#[derive(Debug)]
pub struct Service<S, L> {
    /// Where runs and outcomes are.
    pub store: S,
    /// Where each access is recorded.
    pub trail: Trail<L>,
}

/// What a caller may say that an access is for.
pub(crate) const PURPOSES: [&str; 7] = [
    "treatment",
    "payment",
    "coding",
    "audit",
    "administration",
    "operations",
    "emergency",
];

impl<S: Store, L: Ledger> Service<S, L> {
    /// Answers a request once the access is recorded; where it cannot be, there is no answer.
    pub async fn answer(&self, request: &Request) -> Answer {
        let mut access = Access {
            at: request.at,
            request: request.id.clone(),
            action: format!("{} (no such path)", method(request)),
            ..Access::default()
        };
        let (prepared, fault) = match self.prepare(request, &mut access).await {
            Ok(prepared) => (prepared, None),
            Err(HandlerError::BadParameter { name, wanted }) => (
                Prepared::problem(Problem::BadParameter { name, wanted }),
                None,
            ),
            Err(HandlerError::BadBody(wanted)) => {
                (Prepared::problem(Problem::BadBody(wanted)), None)
            }
            Err(HandlerError::Fault(fault)) => {
                (Prepared::problem(Problem::Unavailable), Some(fault))
            }
            Err(HandlerError::NotRecorded(error)) => {
                return not_recorded(&mut access, &error).sealed(&request.id);
            }
        };
        let prepared = prepared.unless_known(request.headers.get("if-none-match"));
        access.status = prepared.status;
        access.charts.clone_from(&prepared.charts);
        access.fields = prepared
            .fields
            .iter()
            .map(|fields| fields.name().to_owned())
            .collect();
        match &prepared.still {
            Still::BreakGlass(glass) => access.break_glass = Some(glass.clone()),
            Still::Revoke(who, _) => access.revoked = Some(who.clone()),
            Still::Nothing | Still::SetAside | Still::Redrive(_) => {}
        }
        let answer = match self.trail.record(&access).await {
            Ok(receipt) => {
                Line::of(&access, fault.as_ref(), Some(&receipt)).write();
                match self.carried_out(prepared, &receipt, request).await {
                    Ok(answer) => answer,
                    Err(fault) => self.failed(&mut access, &fault).await,
                }
            }
            Err(error) => not_recorded(&mut access, &error),
        };
        answer.sealed(&request.id)
    }

    /// Does what is still to be done, and opens the answer.
    async fn carried_out(
        &self,
        prepared: Prepared,
        receipt: &Receipt,
        request: &Request,
    ) -> Result<Answer, Fault> {
        match (&prepared.still, &request.caller) {
            (Still::Redrive(key), _) => self.store.redrive(key).await?,
            (Still::BreakGlass(glass), Some(caller)) => {
                self.store.break_glass(caller, glass).await?;
            }
            (Still::Revoke(who, until), Some(caller)) => {
                self.store.revoke(&caller.tenant, who, *until).await?;
            }
            // Nobody is let in who is not known.
            (Still::Nothing | Still::BreakGlass(_) | Still::Revoke(..), _) => {}
            (Still::SetAside, _) => {
                let mut upload = self.store.begin(prepared.content_type())?;
                let body = prepared.release(receipt);
                self.store.add(&mut upload, body).await?;
                let out = self.store.hand_out(upload, request.at).await?;
                return Ok(Answer::elsewhere(&out));
            }
        }
        Ok(prepared.open(receipt))
    }

    /// Records that what the trail has as done was not done.
    async fn failed(&self, access: &mut Access, fault: &Fault) -> Answer {
        let answer = Answer::problem(Problem::Unavailable);
        access.status = answer.status;
        match self.trail.record(access).await {
            Ok(receipt) => {
                Line::of(access, Some(fault), Some(&receipt)).write();
                answer
            }
            Err(error) => not_recorded(access, &error),
        }
    }

    async fn prepare(
        &self,
        request: &Request,
        access: &mut Access,
    ) -> Result<Prepared, HandlerError> {
        let found = Operation::of_path(&request.path);
        if let Some((operation, _)) = &found {
            access.action = format!("{} {}", method(request), operation.path());
        }
        let Some(caller) = &request.caller else {
            return Ok(Prepared::problem(Problem::Unknown));
        };
        access.who.clone_from(&caller.who);
        caller.role.name().clone_into(&mut access.role);
        access.tenant.clone_from(&caller.tenant);
        usual_purpose(caller.role).clone_into(&mut access.purpose);
        match self.store.take(caller, request.at).await? {
            Ok(()) => {}
            Err(Closed::Revoked) => return Ok(Prepared::problem(Problem::Revoked)),
            Err(Closed::Wait(wait)) => return Ok(Prepared::problem(Problem::TooMany(wait))),
        }
        let Some((operation, subject)) = found else {
            return Ok(Prepared::problem(Problem::NoSuchPath));
        };
        if request.method != operation.method() {
            let allowed = operation.method();
            return Ok(Prepared::problem(Problem::MethodNotAllowed(allowed)));
        }
        let Some(usual) = operation.shown_to(caller.role) else {
            return Ok(Prepared::problem(Problem::NotAllowed));
        };
        let is_known = |name: &String| operation.parameters().contains(&name.as_str());
        if !request.query.keys().all(is_known) {
            return Ok(Prepared::problem(Problem::UnknownParameter));
        }
        if let Some(purpose) = single(request, "purpose")? {
            if !PURPOSES.contains(&purpose) {
                return Err(HandlerError::BadParameter {
                    name: "purpose",
                    wanted: "`treatment`, `payment`, `coding`, `audit`, `administration`, \
                             `operations` or `emergency`",
                });
            }
            purpose.clone_into(&mut access.purpose);
        }
        let emergency = self.emergency(request, operation).await?;
        let fields: &'static [Fields] = match &emergency {
            Emergency::None => usual,
            Emergency::Open(glass) => {
                access.break_glass = Some(glass.clone());
                operation.shown_in_emergency().unwrap_or(usual)
            }
            Emergency::Closed => return Ok(Prepared::problem(Problem::NotAllowed)),
        };
        let asked = Asked {
            store: &self.store,
            trail: &self.trail,
            access,
            request,
            caller,
            operation,
            subject: &subject,
            fields,
        };
        asked.answer().await
    }

    /// Looks whether a request is to be answered as in an emergency.
    async fn emergency(
        &self,
        request: &Request,
        operation: Operation,
    ) -> Result<Emergency, HandlerError> {
        if !operation.parameters().contains(&"emergency") {
            return Ok(Emergency::None);
        }
        match (single(request, "emergency")?, &request.caller) {
            (None | Some("false"), _) | (_, None) => Ok(Emergency::None),
            (Some("true"), Some(caller)) => {
                let glass = self.store.broken_glass(caller).await?;
                Ok(match glass.filter(|glass| glass.until > request.at) {
                    Some(glass) => Emergency::Open(glass),
                    None => Emergency::Closed,
                })
            }
            (Some(_), _) => Err(HandlerError::BadParameter {
                name: "emergency",
                wanted: "`true` or `false`",
            }),
        }
    }
}

/// Whether an answer shows more than the caller's role is shown.
enum Emergency {
    None,
    Open(BreakGlass),
    /// It was asked for, and none was told, or its time is over.
    Closed,
}

fn not_recorded(access: &mut Access, error: &TrailError) -> Answer {
    let fault = Fault {
        what: "the end of the audit trail",
        code: lightsout_audit::code(error).to_owned(),
    };
    let answer = Answer::problem(Problem::NotRecorded);
    access.status = answer.status;
    Line::of(access, Some(&fault), None).write();
    answer
}

/// Returns the method as it may stand in the trail: any text can be sent as one.
fn method(request: &Request) -> &str {
    let is_method = |method: &str| {
        (1..=10).contains(&method.len()) && method.bytes().all(|byte| byte.is_ascii_uppercase())
    };
    if is_method(&request.method) {
        &request.method
    } else {
        "?"
    }
}

/// Returns what a role asks for where the request says nothing else.
fn usual_purpose(role: Role) -> &'static str {
    match role {
        Role::Coder => "coding",
        Role::Auditor => "audit",
        Role::Billing => "payment",
        Role::TenantAdmin => "administration",
        Role::Operations => "operations",
    }
}
