//! Firewalls in front of APIs.

use lightsout_core::{Arn, Construct, Pseudo, ResourceId, Scope, Tree, Value, join};

use crate::{
    apigateway::RestApiRef,
    cfn::wafv2,
    kms::KeyRef,
    limits,
    logs::{LogGroup, Retention},
};

/// A firewall in front of REST APIs of this region.
///
/// Without an option it has AWS's common rules and those on known bad inputs and
/// addresses, and a limit on requests of one address. It keeps no samples of
/// requests, and its log has neither query strings nor what proves who calls.
///
/// ```
/// use lightsout::{App, Stage, cfn, kms::Key, wafv2::{IpSet, ManagedRules, WebAcl}};
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Edge");
/// let key = stack.add("Key", Key::new("Logs"));
/// let offices = stack.add("Offices", IpSet::v4(["203.0.113.0/24"]));
/// stack.add(
///     "Firewall",
///     WebAcl::new(&key)
///         .only_from(&offices)
///         .managed(ManagedRules::aws("AWSManagedRulesSQLiRuleSet").counting("SQLi_BODY"))
///         .rate_limit(500),
/// );
///
/// let assembly = app.synth()?;
/// assembly.template("Edge").count::<cfn::wafv2::LoggingConfiguration>(1);
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug, Clone)]
pub struct WebAcl {
    key: KeyRef,
    managed: Vec<ManagedRules>,
    rate_limit: u32,
    only_from: Option<IpSetRef>,
    never_from: Option<IpSetRef>,
    countries: Vec<String>,
    protects: Vec<RestApiRef>,
}

/// A firewall that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebAclRef {
    id: ResourceId,
}

/// Rules that somebody else keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedRules {
    vendor: String,
    name: String,
    version: Option<String>,
    counting: Vec<String>,
}

/// Addresses, as blocks of one version of IP.
#[derive(Debug, Clone)]
pub struct IpSet {
    version: IpVersion,
    blocks: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IpVersion {
    V4,
    V6,
}

/// A set of addresses that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpSetRef {
    id: ResourceId,
}

/// What every firewall has, in this order.
const ALWAYS: [&str; 3] = [
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
];

/// Headers that the log leaves out: they prove who calls.
const SECRET_HEADERS: [&str; 4] = [
    "authorization",
    "cookie",
    "x-amz-security-token",
    "x-api-key",
];

impl WebAcl {
    /// A firewall whose log is encrypted with `key`.
    pub fn new(key: &KeyRef) -> Self {
        Self {
            key: *key,
            managed: ALWAYS.map(ManagedRules::aws).into(),
            rate_limit: 2000,
            only_from: None,
            never_from: None,
            countries: Vec::new(),
            protects: Vec::new(),
        }
    }

    /// Has these rules too; rules that it has already get these settings.
    pub fn managed(mut self, rules: ManagedRules) -> Self {
        let known = self
            .managed
            .iter_mut()
            .find(|known| known.vendor == rules.vendor && known.name == rules.name);
        match known {
            Some(known) => *known = rules,
            None => self.managed.push(rules),
        }
        self
    }

    /// Takes this many requests of one address in 5 minutes, 10 at least; 2000
    /// unless said.
    pub fn rate_limit(mut self, requests: u32) -> Self {
        self.rate_limit = requests;
        self
    }

    /// Takes requests from these addresses only: whatever else is blocked.
    pub fn only_from(mut self, addresses: &IpSetRef) -> Self {
        self.only_from = Some(*addresses);
        self
    }

    /// Blocks requests from these addresses.
    pub fn never_from(mut self, addresses: &IpSetRef) -> Self {
        self.never_from = Some(*addresses);
        self
    }

    /// Takes requests from these countries only, by their codes of two letters.
    pub fn only_countries<C: Into<String>>(mut self, codes: impl IntoIterator<Item = C>) -> Self {
        self.countries.extend(codes.into_iter().map(Into::into));
        self
    }

    /// Stands in front of `api`.
    ///
    /// Only REST APIs can have a firewall, so nothing else can be said here.
    pub fn protects(mut self, api: &RestApiRef) -> Self {
        self.protects.push(*api);
        self
    }
}

impl Construct for WebAcl {
    type Handle = WebAclRef;

    fn build(self, scope: &mut Scope<'_>) -> WebAclRef {
        limits::within(
            scope,
            "Rules.Limit",
            self.rate_limit,
            &(10..=2_000_000_000),
            "",
        );
        for code in &self.countries {
            if code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
                scope.problem(
                    "Rules.CountryCodes",
                    format_args!("has `{code}` as a country"),
                    "use a code of ISO 3166 such as `DE`",
                );
            }
        }
        let name = metric_name(scope.path());
        // Requests that come this far are the API's to judge; with a list of those who
        // may come at all, whoever is not on it never does.
        let action = match self.only_from {
            Some(_) => wafv2::WebAclDefaultAction::new().block(wafv2::WebAclBlockAction::new()),
            None => wafv2::WebAclDefaultAction::new().allow(wafv2::WebAclAllowAction::new()),
        };
        let acl = wafv2::WebAcl::new(action, "REGIONAL", visibility(&name))
            .rules(self.rules(&name))
            .build(scope);
        let group = LogGroup::new(&self.key)
            .retention(Retention::Days2192)
            .named(format!(
                "aws-waf-logs-{}-{name}",
                scope.physical_stack_name()
            ));
        let group = scope.add("Logs", group);
        let destination = join![
            "arn:",
            Pseudo::Partition,
            ":logs:",
            Pseudo::Region,
            ":",
            Pseudo::AccountId,
            ":log-group:",
            group.name(),
        ];
        let headers = SECRET_HEADERS.map(|name| {
            wafv2::LoggingConfigurationFieldToMatch::new()
                .single_header(wafv2::LoggingConfigurationSingleHeader::new(name))
        });
        let query = wafv2::LoggingConfigurationFieldToMatch::new().query_string(empty());
        scope.add(
            "Logging",
            wafv2::LoggingConfiguration::new([destination], acl.get(wafv2::WebAcl::ARN))
                .redacted_fields(headers.into_iter().chain([query])),
        );
        for (index, api) in self.protects.iter().enumerate() {
            scope.add(
                &format!("Api{}", index + 1),
                wafv2::WebAclAssociation::new(api.stage_arn(), acl.get(wafv2::WebAcl::ARN)),
            );
        }
        WebAclRef { id: acl.id() }
    }
}

impl WebAcl {
    fn rules(&self, name: &str) -> Vec<wafv2::WebAclRule> {
        let block = || wafv2::WebAclRuleAction::new().block(wafv2::WebAclBlockAction::new());
        let statement = wafv2::WebAclStatement::new;
        let not = |inner| statement().not_statement(wafv2::WebAclNotStatement::new(inner));
        let from = |set: IpSetRef| {
            statement()
                .ip_set_reference_statement(wafv2::WebAclIpSetReferenceStatement::new(set.arn()))
        };
        let mut rules: Vec<(String, wafv2::WebAclStatement, Verdict)> = Vec::new();
        if let Some(set) = self.never_from {
            rules.push(("NeverFrom".to_owned(), from(set), Verdict::Action(block())));
        }
        if let Some(set) = self.only_from {
            rules.push((
                "OnlyFrom".to_owned(),
                not(from(set)),
                Verdict::Action(block()),
            ));
        }
        if !self.countries.is_empty() {
            let countries = wafv2::WebAclGeoMatchStatement::new().country_codes(&self.countries);
            let elsewhere = not(statement().geo_match_statement(countries));
            rules.push((
                "OnlyCountries".to_owned(),
                elsewhere,
                Verdict::Action(block()),
            ));
        }
        let rate = wafv2::WebAclRateBasedStatement::new("IP", self.rate_limit);
        let rate = statement().rate_based_statement(rate);
        rules.push(("RateLimit".to_owned(), rate, Verdict::Action(block())));
        for managed in &self.managed {
            rules.push((
                managed.name.clone(),
                managed.statement(),
                Verdict::AsManaged,
            ));
        }
        if let Some(set) = self.only_from {
            let allow = wafv2::WebAclRuleAction::new().allow(wafv2::WebAclAllowAction::new());
            rules.push(("Welcome".to_owned(), from(set), Verdict::Action(allow)));
        }
        let rules = rules.into_iter().enumerate();
        rules
            .map(|(priority, (id, statement, verdict))| {
                let metric = visibility(&format!("{name}{id}"));
                let rule = wafv2::WebAclRule::new(id, index(priority), statement, metric);
                match verdict {
                    Verdict::Action(action) => rule.action(action),
                    Verdict::AsManaged => {
                        rule.override_action(wafv2::WebAclOverrideAction::new().none(empty()))
                    }
                }
            })
            .collect()
    }
}

/// What a rule does with a request that it is about.
enum Verdict {
    Action(wafv2::WebAclRuleAction),
    AsManaged,
}

impl WebAclRef {
    /// Returns the firewall's ARN.
    pub const fn arn(self) -> Value<Arn<WebAcl>> {
        self.id.attribute("Arn")
    }
}

impl ManagedRules {
    /// Rules that AWS keeps, such as `AWSManagedRulesSQLiRuleSet`.
    pub fn aws(name: impl Into<String>) -> Self {
        Self::of_vendor("AWS", name)
    }

    /// Rules that somebody on the marketplace keeps.
    pub fn of_vendor(vendor: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            vendor: vendor.into(),
            name: name.into(),
            version: None,
            counting: Vec::new(),
        }
    }

    /// Stays at this version, instead of the vendor's own choice.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Only counts requests that this one rule is about.
    pub fn counting(mut self, rule: impl Into<String>) -> Self {
        self.counting.push(rule.into());
        self
    }

    fn statement(&self) -> wafv2::WebAclStatement {
        let mut group =
            wafv2::WebAclManagedRuleGroupStatement::new(self.name.as_str(), self.vendor.as_str());
        if let Some(version) = &self.version {
            group = group.version(version);
        }
        if !self.counting.is_empty() {
            let overrides = self.counting.iter().map(|rule| {
                let count = wafv2::WebAclRuleAction::new().count(wafv2::WebAclCountAction::new());
                wafv2::WebAclRuleActionOverride::new(count, rule.as_str())
            });
            group = group.rule_action_overrides(overrides.collect::<Vec<_>>());
        }
        wafv2::WebAclStatement::new().managed_rule_group_statement(group)
    }
}

impl IpSet {
    /// Blocks of IPv4 addresses, such as `203.0.113.0/24`.
    pub fn v4<B: Into<String>>(blocks: impl IntoIterator<Item = B>) -> Self {
        Self::of(IpVersion::V4, blocks)
    }

    /// Blocks of IPv6 addresses, such as `2001:db8::/32`.
    pub fn v6<B: Into<String>>(blocks: impl IntoIterator<Item = B>) -> Self {
        Self::of(IpVersion::V6, blocks)
    }

    fn of<B: Into<String>>(version: IpVersion, blocks: impl IntoIterator<Item = B>) -> Self {
        Self {
            version,
            blocks: blocks.into_iter().map(Into::into).collect(),
        }
    }
}

impl Construct for IpSet {
    type Handle = IpSetRef;

    fn build(self, scope: &mut Scope<'_>) -> IpSetRef {
        for block in &self.blocks {
            if !self.version.has(block) {
                scope.problem(
                    "Addresses",
                    format_args!("has `{block}` as a block of addresses"),
                    match self.version {
                        IpVersion::V4 => "write it like `203.0.113.0/24`, with a prefix of 1 to 32",
                        IpVersion::V6 => "write it like `2001:db8::/32`, with a prefix of 1 to 128",
                    },
                );
            }
        }
        let version = match self.version {
            IpVersion::V4 => "IPV4",
            IpVersion::V6 => "IPV6",
        };
        let set = wafv2::IpSet::new(self.blocks, version, "REGIONAL").build(scope);
        IpSetRef { id: set.id() }
    }
}

impl IpVersion {
    fn has(self, block: &str) -> bool {
        let Some((address, prefix)) = block.split_once('/') else {
            return false;
        };
        let Ok(prefix) = prefix.parse::<u8>() else {
            return false;
        };
        match self {
            Self::V4 => address.parse::<std::net::Ipv4Addr>().is_ok() && (1..=32).contains(&prefix),
            Self::V6 => {
                address.parse::<std::net::Ipv6Addr>().is_ok() && (1..=128).contains(&prefix)
            }
        }
    }
}

impl IpSetRef {
    /// Returns the set's ARN.
    pub const fn arn(self) -> Value<Arn<IpSet>> {
        self.id.attribute("Arn")
    }
}

/// Metrics, but no samples: those show addresses and headers in the console.
fn visibility(metric: &str) -> wafv2::WebAclVisibilityConfig {
    wafv2::WebAclVisibilityConfig::new(true, metric, false)
}

fn metric_name(path: &str) -> String {
    path.chars().filter(char::is_ascii_alphanumeric).collect()
}

fn empty() -> Tree {
    Tree::Map(Vec::new())
}

fn index(priority: usize) -> i64 {
    i64::try_from(priority).expect("a firewall has far fewer rules than that")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{key, synth};

    fn acl(change: impl FnOnce(&mut Scope<'_>, WebAcl) -> WebAcl) -> serde_json::Value {
        let assembly = synth(|scope| {
            let key = key(scope);
            let acl = change(scope, WebAcl::new(&key));
            scope.add("Firewall", acl);
        });
        assembly.template("Test").json()["Resources"].clone()
    }

    #[test]
    fn a_firewall_without_options_has_rules_and_keeps_no_samples() {
        let json = acl(|_, acl| acl);
        let firewall = &json["Firewall"]["Properties"];
        assert_eq!(firewall["Scope"], "REGIONAL");
        assert_eq!(
            firewall["VisibilityConfig"]["SampledRequestsEnabled"],
            false
        );
        let rules = firewall["Rules"].as_array().unwrap();
        let names: Vec<&str> = rules
            .iter()
            .filter_map(|rule| rule["Name"].as_str())
            .collect();
        assert_eq!(names[0], "RateLimit");
        assert_eq!(names[1..], ALWAYS);
        for (priority, rule) in rules.iter().enumerate() {
            assert_eq!(rule["Priority"], priority);
            assert_eq!(rule["VisibilityConfig"]["SampledRequestsEnabled"], false);
            assert_eq!(rule["VisibilityConfig"]["CloudWatchMetricsEnabled"], true);
        }
    }

    #[test]
    fn the_log_is_encrypted_and_leaves_out_what_proves_who_calls() {
        let json = acl(|_, acl| acl);
        let group = &json["FirewallLogs"]["Properties"];
        let name = group["LogGroupName"].as_str().unwrap();
        assert!(name.starts_with("aws-waf-logs-"), "{name}");
        assert_eq!(group["KmsKeyId"]["Fn::GetAtt"][0], "Key");
        let redacted = json["FirewallLogging"]["Properties"]["RedactedFields"].to_string();
        for field in ["authorization", "cookie", "QueryString"] {
            assert!(redacted.contains(field), "{redacted}");
        }
    }

    #[test]
    fn whoever_is_not_on_the_list_is_blocked() {
        let json = acl(|scope, acl| {
            let offices = scope.add("Offices", IpSet::v4(["203.0.113.0/24"]));
            acl.only_from(&offices)
        });
        let firewall = &json["Firewall"]["Properties"];
        assert!(firewall["DefaultAction"]["Block"].is_object(), "{firewall}");
        let first = &firewall["Rules"][0];
        assert!(first["Action"]["Block"].is_object(), "{first}");
        let inner = &first["Statement"]["NotStatement"]["Statement"];
        assert_eq!(
            inner["IPSetReferenceStatement"]["Arn"]["Fn::GetAtt"][0],
            "Offices"
        );
    }

    #[test]
    fn rules_that_are_named_again_are_changed_and_not_added() {
        let json = acl(|_, acl| {
            let rules = ManagedRules::aws(ALWAYS[1]).version("Version_1.4");
            acl.managed(rules.counting("SizeRestrictions_BODY"))
        });
        let rules = json["Firewall"]["Properties"]["Rules"].as_array().unwrap();
        assert_eq!(rules.len(), ALWAYS.len() + 1);
        let group = &rules[2]["Statement"]["ManagedRuleGroupStatement"];
        assert_eq!(group["Version"], "Version_1.4");
        assert!(group["RuleActionOverrides"][0]["ActionToUse"]["Count"].is_object());
    }

    #[test]
    fn what_the_firewall_would_refuse_is_a_problem() {
        let mut app = lightsout_core::App::new("clinic", lightsout_core::Stage::new("dev"));
        let mut scope = app.stack("Test");
        let key = key(&mut scope);
        scope.add(
            "Set",
            IpSet::v4(["203.0.113.0", "2001:db8::/32", "0.0.0.0/0"]),
        );
        let acl = WebAcl::new(&key).rate_limit(9).only_countries(["Germany"]);
        scope.add("Firewall", acl);
        let problems = app.synth().unwrap_err().problems;
        assert_eq!(problems.len(), 5, "{problems:#?}");
    }
}
