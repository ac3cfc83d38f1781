//! What is there in each environment, and what does it cost?

use std::{collections::BTreeMap, fmt::Write as _, fs};

use lightsout_simulation::scale::{
    Plan, forecast,
    money::{self, Line},
    prices::{self, Basis, Price},
};
use lightsout_stacks::environment::{Environment, Purpose, Settings};
use lightsout_tests::workspace;

use crate::graph::{Graph, each};

/// Hours of a month.
const MONTH_HOURS: f64 = 730.0;

/// Prices of what the forecast of runs knows nothing of.
const DASHBOARD: Price = Price {
    name: "dashboards of CloudWatch",
    unit: "month",
    dollars: 3.0,
    as_of: "2026-06",
    basis: Basis::Read(
        "https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/",
    ),
};
const COMPOSITE: Price = watched("alarms on alarms", "alarm-month", 0.5);
const CONTRIBUTORS: Price = watched("rules of Contributor Insights", "month", 0.5);
const WEB_ACL: Price = guarded("firewalls", 5.0);
const WEB_ACL_RULE: Price = guarded("rules of firewalls", 1.0);
const DATA_EVENTS: Price = watched("data events of CloudTrail", "hundred thousand", 0.1);
const LOGGED: Price = watched("events taken in by CloudWatch Logs", "GB", 0.5);
const OWN: [Price; 7] = [
    DASHBOARD,
    COMPOSITE,
    CONTRIBUTORS,
    WEB_ACL,
    WEB_ACL_RULE,
    DATA_EVENTS,
    LOGGED,
];

/// Bytes of an event in the trail's log group. Assumed.
const EVENT_BYTES: f64 = 1_500.0;

const fn watched(name: &'static str, unit: &'static str, dollars: f64) -> Price {
    Price {
        name,
        unit,
        dollars,
        as_of: "2025-10",
        basis: Basis::Read("a public program that read the Pricing API of AWS on 2025-10-28"),
    }
}

const fn guarded(name: &'static str, dollars: f64) -> Price {
    Price {
        name,
        unit: "month",
        dollars,
        as_of: "2026",
        basis: Basis::Read("https://awsnegotiations.com/waf-pricing-strategy.html"),
    }
}

/// The worker that the prices are of.
const PRICED: &str = "c7g.xlarge";

fn environments() -> Vec<Environment> {
    let all = Environment::all().unwrap().into_iter();
    all.filter(|one| one.settings.purpose != Purpose::ThrowAway)
        .collect()
}

/// A plan of so many charts, with an environment's own settings.
fn plan(settings: &Settings, charts: u64) -> Plan {
    let (fleet, hosts) = (&settings.fleet, &settings.hosts);
    Plan {
        charts,
        most_workers: fleet.most_workers,
        charts_per_worker: fleet.charts_per_worker,
        boot_seconds: fleet.boot_seconds,
        visibility_seconds: fleet.visibility_seconds.into(),
        drain_seconds: fleet.drain_seconds,
        deadline_seconds: fleet.deadline_minutes * 60,
        heartbeat_seconds: fleet.lease_seconds / 4,
        rule_seconds: settings.alarms.heartbeat_minutes * 60,
        spot_percent: hosts.spot_percent,
        zones: settings.network.zones.into(),
        ..Plan::default()
    }
}

/// The bill of a month without charts: what the templates hold, at what it is charged by
/// the month, and the clock's calls.
fn idle_month(graph: &Graph) -> Vec<Line> {
    let count = |kind: &str| float(graph.any(kind).len());
    let settings = &graph.environment.settings;
    let interfaces: usize = graph
        .any("AWS::EC2::VPCEndpoint")
        .into_iter()
        .filter(|(_, one)| one["Properties"]["VpcEndpointType"] == "Interface")
        .map(|(_, one)| each(&one["Properties"]["SubnetIds"]).len())
        .sum();
    let rules: usize = graph
        .any("AWS::WAFv2::WebACL")
        .into_iter()
        .map(|(_, acl)| acl["Properties"]["Rules"].as_array().map_or(0, Vec::len))
        .sum();
    let hours = float(interfaces) * MONTH_HOURS;
    let line = |price, quantity| Line { price, quantity };
    let clock = money::clock_month(&plan(settings, 0));
    [
        line(prices::ENDPOINT, hours),
        line(prices::KEY, count("AWS::KMS::Key")),
        line(prices::ALARM, count("AWS::CloudWatch::Alarm")),
        line(prices::METRIC, count("AWS::Logs::MetricFilter")),
        line(COMPOSITE, count("AWS::CloudWatch::CompositeAlarm")),
        line(DASHBOARD, count("AWS::CloudWatch::Dashboard")),
        line(CONTRIBUTORS, count("AWS::CloudWatch::InsightRule")),
        line(WEB_ACL, count("AWS::WAFv2::WebACL")),
        line(WEB_ACL_RULE, float(rules)),
    ]
    .into_iter()
    .chain(clock)
    .collect()
}

/// The bill of so many charts, with what the trail records of them: each upload, each
/// read, and the write of each outcome.
fn bill(plan: &Plan) -> Vec<Line> {
    let answer = forecast(plan);
    let mut lines = money::bill(plan, &answer);
    let events = answer.calls.puts + answer.calls.gets + plan.charts;
    let events = float(usize::try_from(events).unwrap());
    lines.push(Line {
        price: DATA_EVENTS,
        quantity: events / 1e5,
    });
    lines.push(Line {
        price: LOGGED,
        quantity: events * EVENT_BYTES / 1e9,
    });
    lines
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn float(count: usize) -> f64 {
    count as f64
}

fn document() -> String {
    let mut text = String::from(
        "# What is there, and what it costs\n\n\
         Written by a test from the templates, the environments and the forecast of\n\
         [`runtime/simulation`](../runtime/simulation/README.md), which says what it assumes.\n\
         `LIGHTSOUT_RENEW=1 cargo test -p lightsout-tests --test it costs` writes it anew.\n",
    );
    sizes(&mut text);
    idle(&mut text);
    runs(&mut text);
    listed_prices(&mut text);
    text
}

fn sizes(text: &mut String) {
    text.push_str(
        "\n## Resources, and bytes of templates\n\n\
         CloudFormation takes 500 resources and 1,000,000 bytes in a template.\n\n| stack |",
    );
    let mut rows: BTreeMap<String, BTreeMap<String, (usize, usize)>> = BTreeMap::new();
    let all = Environment::all().unwrap();
    for environment in &all {
        write!(text, " {} |", environment.name).unwrap();
        let assembly = lightsout_stacks::app(environment).synth().unwrap();
        let folder = workspace().join(format!("cdk.out/assembly-{}", environment.name));
        for stack in assembly.stacks() {
            let file = folder.join(format!("{}.template.json", stack.name()));
            let bytes = usize::try_from(fs::metadata(file).unwrap().len()).unwrap();
            let resources = stack.template_json()["Resources"]
                .as_object()
                .unwrap()
                .len();
            assert!(resources < 500 && bytes < 1_000_000, "{}", stack.name());
            for name in [stack.name(), "all"] {
                let row = rows.entry(name.to_owned()).or_default();
                let cell = row.entry(environment.name.clone()).or_default();
                *cell = (cell.0 + resources, cell.1 + bytes);
            }
        }
    }
    text.push_str("\n| --- |");
    text.push_str(&" --- |".repeat(all.len()));
    for (stack, row) in rows {
        write!(text, "\n| {stack} |").unwrap();
        for environment in &all {
            match row.get(&environment.name) {
                Some((resources, bytes)) => write!(text, " {resources}, {bytes} B |").unwrap(),
                None => text.push_str(" left out |"),
            }
        }
    }
    text.push('\n');
}

fn idle(text: &mut String) {
    for environment in environments() {
        let name = environment.name.clone();
        let lines = idle_month(&Graph::of(environment));
        write!(
            text,
            "\n## An idle month of {name}: ${:.2}\n\n\
             No machine runs. Logs, requests and what is stored come on top.\n\n\
             | what | how much | dollars for one | dollars |\n| --- | --- | --- | --- |\n",
            money::total(&lines)
        )
        .unwrap();
        for line in lines.iter().filter(|line| line.quantity > 0.0) {
            writeln!(
                text,
                "| {} | {:.4} | {}/{} | {:.2} |",
                line.price.name,
                line.quantity,
                line.price.dollars,
                line.price.unit,
                line.dollars()
            )
            .unwrap();
        }
    }
}

fn runs(text: &mut String) {
    text.push_str(
        "\n## Runs\n\n\
         | environment | charts | workers | runs | hours | bound by | dollars | to keep, a month |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for environment in environments() {
        let settings = &environment.settings;
        let name = &environment.name;
        if settings.hosts.worker_types.first().map(String::as_str) != Some(PRICED) {
            continue;
        }
        for charts in [10_000, 10_000_000] {
            let plan = plan(settings, charts);
            plan.check().unwrap();
            let answer = forecast(&plan);
            writeln!(
                text,
                "| {name} | {charts} | {} | {} | {:.1} | {} | {:.2} | {:.2} |",
                answer.workers,
                answer.runs,
                answer.wall_seconds / 3_600.0,
                answer.bound_by,
                money::total(&bill(&plan)),
                money::total(&money::kept_month(&plan)),
            )
            .unwrap();
        }
    }
    text.push_str("\nOther environments have workers whose price is not listed here.\n");
    for environment in environments() {
        let settings = &environment.settings;
        if settings.purpose != Purpose::Production {
            continue;
        }
        let plan = plan(settings, 10_000_000);
        write!(
            text,
            "\nTen million charts in {}, line by line:\n\n\
             | what | how much | dollars for one | dollars |\n| --- | --- | --- | --- |\n",
            environment.name
        )
        .unwrap();
        for line in bill(&plan) {
            writeln!(
                text,
                "| {} | {:.4} | {}/{} | {:.2} |",
                line.price.name,
                line.quantity,
                line.price.dollars,
                line.price.unit,
                line.dollars()
            )
            .unwrap();
        }
    }
}

fn listed_prices(text: &mut String) {
    write!(
        text,
        "\n## Prices\n\n\
         Of {}, without free tiers and discounts. An assumed price was read nowhere: look it up.\n\n\
         | what | dollars | for one | as of | read in |\n| --- | --- | --- | --- | --- |\n",
        prices::REGION
    )
    .unwrap();
    for price in prices::ALL.iter().chain(&OWN) {
        let basis = match price.basis {
            Basis::Read(place) => place,
            Basis::Assumed => "assumed",
        };
        writeln!(
            text,
            "| {} | {} | {} | {} | {basis} |",
            price.name, price.dollars, price.unit, price.as_of
        )
        .unwrap();
    }
}

#[test]
fn the_committed_costs_are_those_of_the_templates() {
    let file = workspace().join("stacks/COSTS.md");
    let fresh = document();
    if std::env::var_os("LIGHTSOUT_RENEW").is_some() {
        fs::write(&file, &fresh).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        committed, fresh,
        "renew it: LIGHTSOUT_RENEW=1 cargo test -p lightsout-tests --test it costs"
    );
}

#[test]
fn an_idle_month_is_paid_for_endpoints_and_keys_and_no_machine() {
    let lines = idle_month(&Graph::named("prod"));
    let machines = [
        prices::WORKER,
        prices::SPOT_WORKER,
        prices::MASTER,
        prices::DISK,
    ];
    assert!(lines.iter().all(|line| !machines.contains(&line.price)));
    let of = |price| {
        let line = lines.iter().find(|line| line.price == price).unwrap();
        line.dollars()
    };
    assert!(of(prices::ENDPOINT) + of(prices::KEY) > money::total(&lines) / 2.0);
}
