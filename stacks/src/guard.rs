//! What stands in front of the API, and who reads too much.

use std::time::Duration;

use lightsout::{
    Construct, Scope,
    apigateway::RestApiRef,
    cloudwatch::Contributors,
    kms::Key,
    wafv2::{IpSet, WebAcl},
};

use crate::app::Watched;

/// A firewall in front of the API, and an alarm about a caller who reads too much.
pub(crate) struct Guard<'a>(pub(crate) &'a Watched<'a>, pub(crate) &'a RestApiRef);

impl Construct for Guard<'_> {
    type Handle = ();

    fn build(self, scope: &mut Scope<'_>) {
        let Self(watched, api) = self;
        let key = scope.add(
            "Key",
            Key::new("Logs of the firewall").removal(watched.removal),
        );
        let mut firewall = WebAcl::new(&key).protects(api);
        let callers = &watched.settings.api.callers;
        if !callers.is_empty() {
            firewall = firewall.only_from(&scope.add("Callers", IpSet::v4(callers)));
        }
        scope.add("Firewall", firewall);
        let reads = Contributors::by(&api.access_log(), "caller").where_begins("status", "2");
        let readers = scope.add("Readers", reads);
        let much = readers
            .largest_in(Duration::from_hours(1))
            .at_least(watched.settings.alarms.reads_per_hour)
            .describe("One caller reads unusually many results; ask who, and why.");
        scope.add("ReadsMuch", much.notifies(watched.people));
    }
}
