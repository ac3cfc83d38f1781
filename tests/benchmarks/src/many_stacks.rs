//! Synthesizes an app of many stacks, as large as one likes: what is measured.
//!
//! `peers/cdk/many-stacks.js` is the same app for the AWS CDK: queues, topics,
//! log groups and alarms in equal parts, each alarm watching a queue of its own
//! stack and telling a topic of the stack before.

use std::{error::Error, path::PathBuf, process::ExitCode};

use clap::Parser;
use lightsout_cfn::{cloudwatch, logs, sns, sqs};
use lightsout_core::{App, Stage, Value};

/// Synthesizes an app of many stacks.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many stacks.
    #[arg(long, default_value_t = 100)]
    stacks: usize,
    /// How many resources in each stack; a multiple of four.
    #[arg(long, default_value_t = 100)]
    resources: usize,
    /// The folder for the templates.
    #[arg(long)]
    out: PathBuf,
}

#[expect(clippy::print_stderr, reason = "a binary prints")]
fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    app(arguments.stacks, arguments.resources)
        .synth()?
        .write(&arguments.out)?;
    Ok(())
}

fn app(stacks: usize, resources: usize) -> App {
    let mut app = App::new("many", Stage::new("bench"));
    let mut told: Option<Value<String>> = None;
    for number in 0..stacks {
        let mut stack = app.stack(&format!("Stack{number}"));
        let mut first_topic = None;
        for index in 0..resources / 4 {
            let queue = stack.add(
                &format!("Queue{index}"),
                sqs::Queue::new()
                    .visibility_timeout(300)
                    .message_retention_period(1_209_600)
                    .sqs_managed_sse_enabled(true),
            );
            let topic = stack.add(
                &format!("Topic{index}"),
                sns::Topic::new().display_name("Notices"),
            );
            stack.add(
                &format!("Logs{index}"),
                logs::LogGroup::new().retention_in_days(400),
            );
            let topic = Value::from(topic.get(sns::Topic::TOPIC_ARN));
            first_topic.get_or_insert_with(|| topic.clone());
            let told = told.clone().unwrap_or(topic);
            let watched = queue.get(sqs::Queue::QUEUE_NAME);
            stack.add(
                &format!("Behind{index}"),
                cloudwatch::Alarm::new("GreaterThanThreshold", 3)
                    .namespace("AWS/SQS")
                    .metric_name("ApproximateAgeOfOldestMessage")
                    .dimensions([cloudwatch::AlarmDimension::new("QueueName", watched)])
                    .statistic("Maximum")
                    .period(60)
                    .threshold(900)
                    .alarm_actions([told]),
            );
        }
        told = first_topic;
    }
    app
}
