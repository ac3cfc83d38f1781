//! Progress of a long command, step by step, on stderr.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::terminal;

/// The steps of `lightsout local`, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Python, terminology and sshd are there.
    SetUp,
    /// Templates are written and binaries built.
    Synthesize,
    /// MiniStack and the EC2 endpoint answer.
    StartRegion,
    /// Stacks are deployed through change sets.
    Deploy,
    /// Charts lie in the inbox.
    Upload,
    /// The launcher was invoked.
    Alarm,
    /// The run is over: launched, provisioned, coded, drained.
    Run,
    /// No instance is left.
    Empty,
    /// The API has answered for every chart.
    Ask,
    /// Everything is torn down.
    TearDown,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 10] = [
        Self::SetUp,
        Self::Synthesize,
        Self::StartRegion,
        Self::Deploy,
        Self::Upload,
        Self::Alarm,
        Self::Run,
        Self::Empty,
        Self::Ask,
        Self::TearDown,
    ];

    /// Returns the step's name in machine-readable output.
    pub fn key(self) -> &'static str {
        match self {
            Self::SetUp => "set_up",
            Self::Synthesize => "synthesize",
            Self::StartRegion => "start_region",
            Self::Deploy => "deploy",
            Self::Upload => "upload",
            Self::Alarm => "alarm",
            Self::Run => "run",
            Self::Empty => "no_instance_left",
            Self::Ask => "ask_api",
            Self::TearDown => "tear_down",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::SetUp => "set up",
            Self::Synthesize => "synthesize and build",
            Self::StartRegion => "start the region",
            Self::Deploy => "deploy the stacks",
            Self::Upload => "upload the charts",
            Self::Alarm => "raise the alarm",
            Self::Run => "run",
            Self::Empty => "look for instances",
            Self::Ask => "ask the API",
            Self::TearDown => "tear down",
        }
    }
}

/// Times the steps and tells a person where things stand.
#[derive(Debug, Default)]
pub struct Progress {
    seconds: BTreeMap<Step, f64>,
    current: Option<(Step, Instant)>,
}

impl Progress {
    /// Goes on from steps that an earlier process has finished.
    pub fn resumed(seconds: BTreeMap<Step, f64>) -> Self {
        Self {
            seconds,
            current: None,
        }
    }

    /// Ends the current step and begins `step`.
    pub fn begin(&mut self, step: Step) {
        self.finish();
        let number = Step::ALL.iter().position(|s| *s == step).unwrap_or(0) + 1;
        terminal::heading(&format!("{number:>2}/{} {}", Step::ALL.len(), step.title()));
        self.current = Some((step, Instant::now()));
    }

    /// Says something about the current step.
    pub fn note(&self, text: &str) {
        terminal::note(text);
    }

    /// Ends the current step.
    pub fn finish(&mut self) {
        if let Some((step, begun)) = self.current.take() {
            let elapsed = round(begun.elapsed());
            terminal::note(&format!("{elapsed:.1} s"));
            *self.seconds.entry(step).or_default() += elapsed;
        }
    }

    /// Returns the seconds that each finished step took.
    pub fn seconds(&self) -> &BTreeMap<Step, f64> {
        &self.seconds
    }
}

/// Rounds to hundredths: what lies beyond is noise.
fn round(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100.0).round() / 100.0
}
