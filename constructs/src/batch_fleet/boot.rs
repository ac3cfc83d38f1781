//! What a fleet's hosts run when they boot.

use std::time::Duration;

/// What masters and workers have in common.
const INSTANCE: &str = include_str!("boot/instance.sh");

/// How a master comes up: fetches its bundle, and starts what watches the run.
pub(super) const MASTER: &str = include_str!("boot/master.sh");

/// How a worker's host comes up: lets the master in, and announces itself.
pub(super) const WORKER: &str = include_str!("boot/worker.sh");

/// The boot scripts of a fleet with that deadline by name, for checkers of shell.
///
/// The launch templates export variables before them, the program's environment
/// among them.
pub fn boot_scripts(deadline: Duration) -> [(&'static str, String); 2] {
    [
        ("master", armed(deadline, MASTER)),
        ("worker", armed(deadline, WORKER)),
    ]
}

/// Returns a script that arms the power-off timer before anything else.
pub(super) fn armed(deadline: Duration, script: &str) -> String {
    let minutes = deadline.as_secs().div_ceil(60);
    format!(
        "# The machine ends in {minutes} minutes, whatever becomes of the rest of this script.\n\
         systemd-run --quiet --unit=lightsout-deadline --on-active={minutes}m systemctl poweroff ||\n  \
         shutdown -h +{minutes} || shutdown -h now\n\n\
         {INSTANCE}\n{script}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_power_off_timer_is_armed_before_anything_else() {
        for (name, script) in boot_scripts(Duration::from_secs(601)) {
            let first = script
                .lines()
                .find(|line| !line.is_empty() && !line.starts_with('#'))
                .unwrap();
            assert!(first.contains("--unit=lightsout-deadline"), "{name}");
            assert!(first.contains("--on-active=11m"), "{name}");
        }
    }
}
