//! How the pipeline does, on one page.

use lightsout::{
    Construct, Scope,
    cloudwatch::{Dashboard, Widget},
};

use crate::app::Watched;

/// The backlog, the alarms and the errors, without a name of anybody.
pub(crate) struct Overview<'a>(pub(crate) &'a Watched<'a>);

impl Construct for Overview<'_> {
    type Handle = ();

    fn build(self, scope: &mut Scope<'_>) {
        let Watched {
            intake,
            storage,
            fleet,
            ..
        } = self.0;
        let alarms = &fleet.alarms;
        let dashboard = Dashboard::new()
            .row([Widget::text(
                "# Charts wait, are coded, and the machines end\n\
                 Nothing here names a chart.",
            )])
            .row([Widget::alarms(
                "Alarms",
                [
                    alarms.backlog,
                    alarms.oldest,
                    alarms.dead_letters,
                    alarms.waits_too_long,
                    alarms.run_too_long,
                    alarms.work_left,
                    alarms.reaped,
                    alarms.launcher_errors,
                    alarms.reaper_errors,
                    alarms.failed_events,
                    alarms.undelivered,
                    alarms.silent,
                ],
            )])
            .row([
                Widget::graph("Charts that wait").metric(intake.work.depth()),
                Widget::graph("Seconds that the oldest has waited")
                    .metric(intake.work.oldest_message_age()),
                Widget::number("Dead letters").metric(intake.dead.depth()),
            ])
            .row([
                Widget::graph("Errors of launcher and reaper")
                    .metric(fleet.launcher.errors())
                    .metric(fleet.reaper.errors()),
                Widget::graph("Requests that tables refused")
                    .metric(storage.results.throttled_reads())
                    .metric(storage.results.throttled_writes())
                    .metric(storage.control.throttled_reads())
                    .metric(storage.control.throttled_writes()),
            ]);
        scope.add("Overview", dashboard);
    }
}
