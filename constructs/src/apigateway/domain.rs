//! Names of one's own for APIs.

use lightsout_core::{Construct, ResourceId, Scope, Value};

use crate::cfn::apigateway;

/// The oldest TLS that an API speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TlsFloor {
    /// TLS 1.2, with ciphers that keep past traffic secret.
    #[default]
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// A name of one's own for APIs, such as `api.clinic.example`.
///
/// It is regional. An API that is [reached by it](super::RestApi::domain) has no
/// other name.
///
/// ```
/// use lightsout::{App, Stage, apigateway::Domain, cfn};
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// app.stack("Api").add(
///     "Domain",
///     Domain::new(
///         "api.clinic.example",
///         "arn:aws:acm:eu-central-1:111122223333:certificate/7f3a1b2c-1111-2222-3333-444455556666",
///     ),
/// );
/// let assembly = app.synth()?;
/// assembly.template("Api").has(cfn::apigateway::DomainName::new().endpoint_access_mode("STRICT"));
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Domain {
    name: String,
    certificate: Value<String>,
    tls: TlsFloor,
}

/// A domain that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DomainRef {
    id: ResourceId,
}

impl TlsFloor {
    /// Returns the name of the [security policy] that API Gateway has for it.
    ///
    /// [security policy]: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-security-policies.html
    pub(super) const fn policy(self) -> &'static str {
        match self {
            Self::Tls12 => "SecurityPolicy_TLS13_1_2_2021_06",
            Self::Tls13 => "SecurityPolicy_TLS13_1_3_2025_09",
        }
    }
}

impl Domain {
    /// The domain of this name, with a certificate of this region for it.
    pub fn new(name: impl Into<String>, certificate: impl Into<Value<String>>) -> Self {
        Self {
            name: name.into(),
            certificate: certificate.into(),
            tls: TlsFloor::default(),
        }
    }

    /// Speaks no older TLS than this; 1.2 unless said.
    pub fn tls(mut self, floor: TlsFloor) -> Self {
        self.tls = floor;
        self
    }
}

impl Construct for Domain {
    type Handle = DomainRef;

    fn build(self, scope: &mut Scope<'_>) -> DomainRef {
        let is_name = self.name.contains('.')
            && self.name.split('.').all(|label| {
                (1..=63).contains(&label.len())
                    && label
                        .chars()
                        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            });
        if !is_name {
            scope.problem(
                "DomainName",
                format_args!("has `{}` as its name", self.name),
                "write it like `api.clinic.example`, in lower case",
            );
        }
        let domain = apigateway::DomainName::new()
            .domain_name(self.name)
            .regional_certificate_arn(self.certificate)
            .endpoint_configuration(
                apigateway::DomainNameEndpointConfiguration::new().types(["REGIONAL"]),
            )
            .security_policy(self.tls.policy())
            .endpoint_access_mode("STRICT");
        DomainRef {
            id: domain.build(scope).id(),
        }
    }
}

impl DomainRef {
    /// Returns the domain's name.
    pub const fn name(self) -> Value<String> {
        self.id.reference()
    }

    /// Returns the name that the domain's DNS record must lead to.
    pub const fn target(self) -> Value<String> {
        self.id.attribute("RegionalDomainName")
    }

    /// Returns the hosted zone of [`target`](Self::target), for an alias record.
    pub const fn target_zone(self) -> Value<String> {
        self.id.attribute("RegionalHostedZoneId")
    }
}
