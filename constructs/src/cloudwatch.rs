//! Metrics, alarms that always act, and dashboards.

mod alarm;
mod composite_alarm;
mod contributors;
mod dashboard;
mod metric;

pub use alarm::{Alarm, AlarmCondition, AlarmRef, MissingData};
pub use composite_alarm::{AlarmRule, CompositeAlarm, CompositeAlarmRef};
pub use contributors::{Contributors, ContributorsRef};
pub use dashboard::{Dashboard, DashboardRef, Widget};
pub use metric::{Expression, Metric, Statistic};
