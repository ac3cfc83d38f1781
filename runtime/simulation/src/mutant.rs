//! Bugs that are planted to see whether the simulation finds them.

macro_rules! mutants {
    ($($mutant:ident = $name:literal),+ $(,)?) => {
        /// A planted bug.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Mutant {
            $(#[doc = $name] $mutant),+
        }

        impl Mutant {
            /// Every planted bug.
            pub const ALL: &'static [Self] = &[$(Self::$mutant),+];

            /// Returns its name on the command line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$mutant => $name),+ }
            }
        }
    };
}

mutants! {
    DeleteBeforeStore = "delete-before-store",
    NoEpochCheck = "no-epoch-check",
    AskTogether = "ask-together",
    TokenWithTimestamp = "token-with-timestamp",
    TakeWithoutCondition = "take-without-condition",
    DrainedOnOneZero = "drained-on-one-zero",
    NoSecondLook = "no-second-look",
    UnmeasuredIsEmpty = "unmeasured-is-empty",
    ReaperSeesOnce = "reaper-sees-once",
    ReaperIgnoresGrace = "reaper-ignores-grace",
    ReaperClosesAnyway = "reaper-closes-anyway",
    TagsAfterLaunch = "tags-after-launch",
    TerminateOnce = "terminate-once",
    VisibilityNotExtended = "visibility-not-extended",
    OverwriteResult = "overwrite-result",
    UnansweredIsRefused = "unanswered-is-refused",
    MismatchIsRefused = "mismatch-is-refused",
    ChartTextInLog = "chart-text-in-log",
    TrustOnFirstUse = "trust-on-first-use",
}
