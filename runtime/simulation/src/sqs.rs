//! A standard queue: at least once, in any order, counted late.

use std::collections::VecDeque;

use lightsout_protocol::run::Depth;

/// Receives after which a message goes to the dead letters, as the stacks set it.
const RECEIVES: u32 = 3;

/// [Most messages in flight](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html).
pub const MOST_IN_FLIGHT: usize = 120_000;

/// Seconds by which counts lag when they lag.
const LAG: u64 = 10;

/// A message as the queue keeps it.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its id, also the number of its chart.
    pub chart: usize,
    /// What it says.
    pub body: String,
    /// When it was sent.
    pub sent_at: u64,
    /// Until when it is hidden.
    pub hidden_until: u64,
    /// How often it was received; the receipt of the last time.
    pub receives: u32,
    /// Who received it last.
    pub holder: Option<u64>,
}

/// The work queue with its dead letters.
#[derive(Debug, Default)]
pub struct Sqs {
    /// What is neither deleted nor dead.
    pub messages: Vec<Kept>,
    /// Charts whose messages went to the dead letters, which alarms a person.
    pub dead: Vec<usize>,
    history: VecDeque<(u64, Depth)>,
}

impl Sqs {
    /// Takes a message in.
    pub fn send(&mut self, chart: usize, body: String, now: u64) {
        self.messages.push(Kept {
            chart,
            body,
            sent_at: now,
            hidden_until: 0,
            receives: 0,
            holder: None,
        });
    }

    /// Gives up to `many` visible messages to `holder`: index of chart, body, receipt.
    pub fn receive(
        &mut self,
        many: usize,
        holder: u64,
        visibility: u64,
        now: u64,
    ) -> Vec<(usize, String, u64)> {
        let in_flight = self
            .messages
            .iter()
            .filter(|message| message.hidden_until > now)
            .count();
        let mut got = Vec::new();
        let mut kept = Vec::with_capacity(self.messages.len());
        for mut message in std::mem::take(&mut self.messages) {
            if message.hidden_until <= now
                && got.len() < many
                && in_flight + got.len() < MOST_IN_FLIGHT
            {
                if message.receives >= RECEIVES {
                    self.dead.push(message.chart);
                    continue;
                }
                message.receives += 1;
                message.hidden_until = now + visibility;
                message.holder = Some(holder);
                got.push((message.chart, message.body.clone(), receipt(&message)));
            }
            kept.push(message);
        }
        self.messages = kept;
        got
    }

    /// Hides a message anew, or shows it with zero seconds.
    pub fn hide(&mut self, receipt_of: u64, seconds: u64, now: u64) {
        for message in &mut self.messages {
            if message.hidden_until > now && receipt(message) == receipt_of {
                message.hidden_until = now + seconds;
                if seconds == 0 {
                    message.holder = None;
                }
            }
        }
    }

    /// Deletes a message: an old receipt may do it too, as on AWS it mostly does.
    pub fn delete(&mut self, receipt_of: u64) {
        self.messages
            .retain(|message| receipt(message) != receipt_of);
    }

    /// Returns the true counts.
    pub fn depth(&self, now: u64) -> Depth {
        let in_flight = self
            .messages
            .iter()
            .filter(|message| message.hidden_until > now)
            .count() as u64;
        Depth {
            visible: self.messages.len() as u64 - in_flight,
            in_flight,
            delayed: 0,
        }
    }

    /// Notes the counts for those who see them late.
    pub fn note(&mut self, now: u64) {
        let depth = self.depth(now);
        self.history.push_back((now, depth));
        while self.history.front().is_some_and(|(at, _)| at + LAG < now) {
            self.history.pop_front();
        }
    }

    /// Returns the counts of a while ago.
    pub fn late_depth(&self) -> Depth {
        self.history
            .front()
            .map(|(_, depth)| *depth)
            .unwrap_or_default()
    }
}

fn receipt(message: &Kept) -> u64 {
    ((message.chart as u64) << 20) | ((message.sent_at % 4096) << 8) | u64::from(message.receives)
}
