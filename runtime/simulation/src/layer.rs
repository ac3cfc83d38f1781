//! The layers of termination, each of which can be switched off.

/// What ends machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The playbook's `always` block.
    Playbook,
    /// The supervisor's finalizer, and the watch in its place.
    Finalizer,
    /// What each machine arms when it boots: the power-off timer, and a worker's guard.
    PowerOff,
    /// The reaper.
    Reaper,
    /// The alarm to a person, who ends machines half an hour later.
    Person,
}

impl Layer {
    /// Every layer, the first to act first.
    pub const ALL: [Self; 5] = [
        Self::Playbook,
        Self::Finalizer,
        Self::PowerOff,
        Self::Reaper,
        Self::Person,
    ];

    /// Returns its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Playbook => "playbook",
            Self::Finalizer => "finalizer",
            Self::PowerOff => "power-off",
            Self::Reaper => "reaper",
            Self::Person => "person",
        }
    }
}
