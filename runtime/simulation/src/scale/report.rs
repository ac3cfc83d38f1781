//! A forecast as text, as JSON, and as the tables of the README.

use std::fmt::{self, Write};

use serde_json::{Value, json};

use super::{
    Forecast, Plan, float, forecast,
    limits::{Limit, MOST_WORKERS},
    money::{self, Line},
    prices::{self, Basis},
};

/// Writes a forecast for people, with the arithmetic of each line of money.
pub fn text(plan: &Plan) -> String {
    let mut out = String::new();
    // Writing into a string does not fail.
    let _ = write_text(&mut out, plan, &forecast(plan));
    out
}

fn write_text(out: &mut String, plan: &Plan, answer: &Forecast) -> fmt::Result {
    let calls = &answer.calls;
    writeln!(out, "charts                 {}", plan.charts)?;
    writeln!(out, "workers of a run       {}", answer.workers)?;
    writeln!(out, "runs                   {}", answer.runs)?;
    writeln!(
        out,
        "charts/s of a worker   {:.0}",
        answer.worker_charts_per_second
    )?;
    writeln!(
        out,
        "charts/s of the fleet  {:.0}",
        answer.fleet_charts_per_second
    )?;
    writeln!(
        out,
        "charts/s there are     {:.0}, because of {}",
        answer.charts_per_second, answer.bound_by
    )?;
    writeln!(
        out,
        "wall time              {}",
        duration(answer.wall_seconds)
    )?;
    writeln!(
        out,
        "hours of workers       {:.1}",
        answer.worker_seconds / 3_600.0
    )?;
    writeln!(
        out,
        "hours of masters       {:.1}",
        answer.master_seconds / 3_600.0
    )?;
    writeln!(out, "most in flight         {}", answer.most_in_flight)?;
    writeln!(
        out,
        "calls of SQS           {} sends, {} receives, {} empty, {} deletes, {} extensions, {} counts",
        calls.sends,
        calls.receives,
        calls.empty_receives,
        calls.deletes,
        calls.extensions,
        calls.counts
    )?;
    writeln!(
        out,
        "calls of EC2           {} launches, {} terminations",
        calls.launches, calls.terminations
    )?;
    writeln!(out, "\nlimits, the first to be reached first")?;
    for limit in &answer.limits {
        let at = reached(limit);
        writeln!(
            out,
            "{} {}: {:.1} of {:.0} {}, reached by {at}\n    {}\n    {}",
            if limit.is_reached() { "!" } else { " " },
            limit.name,
            limit.used,
            limit.most,
            limit.unit,
            limit.then,
            limit.source
        )?;
    }
    let bills = [
        ("until the last machine ends", money::bill(plan, answer)),
        (
            "each month in which charts and outcomes are kept",
            money::kept_month(plan),
        ),
        (
            "each month, for the clock that asks for work",
            money::clock_month(plan),
        ),
    ];
    for (name, lines) in bills {
        writeln!(out, "\n${:.2} {name}", money::total(&lines))?;
        for line in &lines {
            writeln!(
                out,
                "{:>12.2} = {:.4} x ${}/{}, {}{}",
                line.dollars(),
                line.quantity,
                line.price.dollars,
                line.price.unit,
                line.price.name,
                if line.price.basis == Basis::Assumed {
                    " (assumed)"
                } else {
                    ""
                }
            )?;
        }
    }
    Ok(())
}

/// Writes a forecast for programs.
pub fn json(plan: &Plan) -> Value {
    let answer = forecast(plan);
    let calls = &answer.calls;
    let limits: Vec<_> = answer
        .limits
        .iter()
        .map(|limit| {
            json!({
                "name": limit.name, "unit": limit.unit, "most": limit.most, "used": limit.used,
                "at_workers": limit.at_workers, "at_charts": limit.at_charts,
                "is_reached": limit.is_reached(), "source": limit.source, "then": limit.then,
            })
        })
        .collect();
    json!({
        "charts": plan.charts,
        "workers": answer.workers,
        "runs": answer.runs,
        "worker_charts_per_second": answer.worker_charts_per_second,
        "fleet_charts_per_second": answer.fleet_charts_per_second,
        "charts_per_second": answer.charts_per_second,
        "bound_by": answer.bound_by,
        "wall_seconds": answer.wall_seconds,
        "worker_hours": answer.worker_seconds / 3_600.0,
        "master_hours": answer.master_seconds / 3_600.0,
        "most_in_flight": answer.most_in_flight,
        "calls": {
            "sends": calls.sends, "receives": calls.receives,
            "empty_receives": calls.empty_receives, "deletes": calls.deletes,
            "extensions": calls.extensions, "counts": calls.counts,
            "puts": calls.puts, "gets": calls.gets, "write_units": calls.write_units,
            "control_units": calls.control_units, "launches": calls.launches,
            "terminations": calls.terminations, "invocations": calls.invocations,
            "key_requests": calls.key_requests,
        },
        "limits": limits,
        "region": prices::REGION,
        "bill": lines(&money::bill(plan, &answer)),
        "kept_month": lines(&money::kept_month(plan)),
        "clock_month": lines(&money::clock_month(plan)),
    })
}

fn lines(lines: &[Line]) -> Value {
    let each: Vec<_> = lines
        .iter()
        .map(|line| {
            let (basis, source) = match line.price.basis {
                Basis::Read(source) => ("read", Some(source)),
                Basis::Assumed => ("assumed", None),
            };
            json!({
                "name": line.price.name, "unit": line.price.unit, "price": line.price.dollars,
                "as_of": line.price.as_of, "basis": basis, "source": source,
                "quantity": line.quantity, "dollars": line.dollars(),
            })
        })
        .collect();
    json!({"dollars": money::total(lines), "lines": each})
}

/// Writes the README's tables: forecasts, limits, money and prices.
pub fn tables() -> String {
    let mut out = String::new();
    // Writing into a string does not fail.
    let _ = write_tables(&mut out);
    out
}

fn write_tables(out: &mut String) -> fmt::Result {
    writeln!(
        out,
        "| charts | workers | runs | charts/s | bound by | wall time | worker hours | in flight | SQS calls | to code | to keep, a month |"
    )?;
    writeln!(
        out,
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    )?;
    for charts in [10_000, 1_000_000, 100_000_000] {
        let plan = Plan {
            charts,
            ..Plan::default()
        };
        let answer = forecast(&plan);
        let calls = &answer.calls;
        let queue = calls.sends
            + calls.receives
            + calls.empty_receives
            + calls.deletes
            + calls.extensions
            + calls.counts;
        writeln!(
            out,
            "| {} | {} | {} | {:.0} | {} | {} | {:.1} | {} | {} | ${:.2} | ${:.2} |",
            grouped(charts),
            answer.workers,
            answer.runs,
            answer.charts_per_second,
            answer.bound_by,
            duration(answer.wall_seconds),
            answer.worker_seconds / 3_600.0,
            answer.most_in_flight,
            grouped(queue),
            money::total(&money::bill(&plan, &answer)),
            money::total(&money::kept_month(&plan))
        )?;
    }
    let plan = Plan::default();
    writeln!(
        out,
        "\n| limit | AWS allows | 16 workers use | reached by | what the design does |"
    )?;
    writeln!(out, "| --- | --- | --- | --- | --- |")?;
    for limit in forecast(&plan).limits {
        let at = reached(&limit);
        writeln!(
            out,
            "| {} | {:.0} {} | {:.1} | {at} | {} |",
            limit.name, limit.most, limit.unit, limit.used, limit.then
        )?;
    }
    writeln!(
        out,
        "\n| price in {} | dollars | for one | as of | read in |",
        prices::REGION
    )?;
    writeln!(out, "| --- | --- | --- | --- | --- |")?;
    for price in prices::ALL {
        let basis = match price.basis {
            Basis::Read(page) => page,
            Basis::Assumed => "assumed",
        };
        writeln!(
            out,
            "| {} | {} | {} | {} | {basis} |",
            price.name, price.dollars, price.unit, price.as_of
        )?;
    }
    Ok(())
}

/// Says where a limit is reached.
fn reached(limit: &Limit) -> String {
    match (limit.at_workers, limit.at_charts) {
        (Some(workers), _) if workers > u64::from(MOST_WORKERS) => {
            format!(
                "{} workers; the stacks accept {MOST_WORKERS}",
                grouped(workers)
            )
        }
        (Some(1), _) => "any worker".to_owned(),
        (Some(workers), Some(charts)) => format!("{workers} workers: {} charts", grouped(charts)),
        (_, Some(charts)) => format!("{} charts", grouped(charts)),
        _ => "no number of charts".to_owned(),
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn duration(seconds: f64) -> String {
    let minutes = seconds / 60.0;
    if minutes < 120.0 {
        format!("{minutes:.0} min")
    } else if minutes < float(48 * 60) {
        format!("{:.1} h", minutes / 60.0)
    } else {
        format!("{:.1} days", minutes / 1_440.0)
    }
}
