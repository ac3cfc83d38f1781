//! The control table: conditional writes, all or nothing.

use std::collections::BTreeMap;

use lightsout_protocol::{
    launch::Standing,
    reap::Sweep,
    run::{Asking, Hold, Lease, RunState},
};

/// One run's item.
#[derive(Debug, Clone)]
pub struct Run {
    /// Where it stands.
    pub state: RunState,
    /// When it was begun.
    pub started_at: u64,
    /// How its master was asked for last.
    pub asking: Asking,
}

/// The lease, the runs and the hosts.
#[derive(Debug, Default)]
pub struct Table {
    /// The lease, with the machine that holds it.
    pub lease: Option<Lease>,
    /// The machine that extended the lease last, and for which run.
    pub holder: Option<(String, u64)>,
    /// The runs by id.
    pub runs: BTreeMap<String, Run>,
    /// Host keys by instance, as the hosts announced them.
    pub hosts: BTreeMap<u64, u64>,
    /// What the reaper's last sweep left.
    pub sweep: Sweep,
}

impl Table {
    /// Returns the lease, and where its run stands.
    pub fn standing(&self) -> Standing {
        let lease = self.lease.clone();
        let run = lease
            .as_ref()
            .and_then(|lease| self.runs.get(lease.run.as_str()));
        Standing {
            state: run.map(|run| run.state),
            asking: run.map(|run| run.asking),
            lease,
        }
    }

    /// Extends or releases the lease and writes the state, on the condition of
    /// the epoch: the same condition as the master's transaction.
    pub fn write(
        &mut self,
        run: &str,
        epoch: u64,
        instance: u64,
        hold: Hold,
        state: RunState,
        is_checked: bool,
    ) -> bool {
        let Some(lease) = &mut self.lease else {
            return false;
        };
        let of_other = self
            .holder
            .as_ref()
            .is_some_and(|(of, machine)| of == run && *machine != instance);
        let is_closing = hold == Hold::Released;
        let holds = lease.epoch == epoch
            && lease.run.as_str() == run
            && !of_other
            && (is_closing || lease.hold != Hold::Released);
        if is_checked && !holds {
            return false;
        }
        lease.hold = hold;
        self.holder = Some((run.to_owned(), instance));
        if let Some(stored) = self.runs.get_mut(run) {
            stored.state = state;
        }
        true
    }
}
