//! What a fleet's images are made of.

use std::marker::PhantomData;

use lightsout_contract::{Program, fleet::ProgramArchive};
use lightsout_core::{Asset, AssetFile, AssetRef, Construct, Scope, Value, join};

use super::boot::{BAKED, INSTALL_ANSIBLE, VERIFY};
use super::bundle;
use crate::{
    ec2::Image,
    imagebuilder::{BuilderRef, Component, MachineImage, MachineImageRef},
    s3::BucketRef,
};

/// Makes machines smaller and stricter.
const HARDEN: &str = include_str!("images/harden.sh");
/// Checks that they are.
const CHECK_HARDENING: &str = include_str!("images/check-hardening.sh");

/// Where components put what they download.
const CONTENTS: &str = "/var/tmp/contents.zip";

/// The images of a fleet's master and workers, hardened, with what they run baked in.
///
/// Both are hardened after the CIS benchmark, as far as it fits machines that live for a
/// run: SSH for one key and nothing but commands, kernel parameters, no swap, no core dumps,
/// temporary files in memory, audit rules, and no package that nobody calls. The master's
/// has Ansible, from the same pinned wheels that it would install otherwise, the workers'
/// the worker. [`Hosts::baked`](super::Hosts::baked) takes both.
#[derive(Debug)]
#[must_use = "images are made once they are added to a stack"]
pub struct FleetImages<P> {
    worker: PhantomData<fn() -> P>,
    builder: BuilderRef,
    programs: BucketRef<ProgramArchive>,
    base: Image,
}

/// Images that were added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FleetImagesRef {
    /// What masters boot from.
    pub master: MachineImageRef,
    /// What workers boot from.
    pub worker: MachineImageRef,
}

impl<P: Program> FleetImages<P> {
    /// Images like `base`, of Amazon Linux 2023, for workers that run this program.
    ///
    /// The builder [fetches](crate::imagebuilder::Builder::fetches_from) what is baked from
    /// the bucket of programs.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the value says which program it is, so that no turbofish has to"
    )]
    pub fn new(
        worker: P,
        builder: &BuilderRef,
        programs: &BucketRef<ProgramArchive>,
        base: Image,
    ) -> Self {
        let _ = worker;
        Self {
            worker: PhantomData,
            builder: *builder,
            programs: *programs,
            base,
        }
    }
}

impl<P: Program> Construct for FleetImages<P> {
    type Handle = FleetImagesRef;

    fn build(self, scope: &mut Scope<'_>) -> FleetImagesRef {
        let Self {
            worker: _,
            builder,
            programs,
            base,
        } = self;
        let wheelhouse = scope.asset(bundle::wheelhouse());
        let worker = AssetFile::program(P::BINARY).named("worker");
        let worker = scope.asset(Asset::files("WorkerImage", [worker]));
        let hardened = || MachineImage::new(&builder, base.clone()).component(hardening());
        let ansible = baking("Ansible", "Bakes Ansible in", wheelhouse, &programs)
            .bash(install_ansible(wheelhouse.hash()))
            .check(format!("{BAKED}/ansible/bin/ansible-playbook --version\n"));
        let program = baking("Program", "Bakes the worker in", worker, &programs)
            .bash(install_worker(worker.hash()))
            .check(format!("test -x {BAKED}/worker\n"));
        FleetImagesRef {
            master: scope.add("Master", hardened().component(ansible)),
            worker: scope.add("Worker", hardened().component(program)),
        }
    }
}

fn hardening() -> Component {
    Component::new("Hardening", "Makes the machine smaller and stricter")
        .bash(HARDEN)
        .check(CHECK_HARDENING)
}

fn baking(
    name: &'static str,
    description: &'static str,
    asset: AssetRef,
    programs: &BucketRef<ProgramArchive>,
) -> Component {
    Component::new(name, description).fetch(asset, programs, CONTENTS)
}

/// Unpacks what was downloaded, if it is what was deployed.
fn unpacked(digest: Value<String>) -> Value<String> {
    join![
        VERIFY,
        format!("cd /var/tmp\nverify {CONTENTS} "),
        digest,
        format!("\npython3 -m zipfile -e {CONTENTS} contents\ninstall -d -m 755 {BAKED}\n"),
    ]
}

fn install_ansible(digest: Value<String>) -> Value<String> {
    join![
        INSTALL_ANSIBLE,
        unpacked(digest),
        format!("install_ansible contents/wheels {BAKED}/ansible\nrm -r contents {CONTENTS}\n"),
    ]
}

fn install_worker(digest: Value<String>) -> Value<String> {
    join![
        unpacked(digest),
        format!("install -m 755 contents/worker {BAKED}/worker\nrm -r contents {CONTENTS}\n"),
    ]
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Output};

    use super::*;

    /// Runs `script` with the functions of the check, as Image Builder's agent would.
    fn checking(script: &str) -> Output {
        let (functions, _) = CHECK_HARDENING.split_once("for package in").unwrap();
        Command::new("bash")
            .args(["-c", &format!("set -Eeuo pipefail\n{functions}\n{script}")])
            .output()
            .unwrap()
    }

    #[test]
    fn a_check_hears_what_it_wants_of_a_program_that_goes_on_talking() {
        let talking = "talk() { echo 'PermitRootLogin no'; for ((i = 0; i < 30000; i++)); do echo more; done; }";
        let output = checking(&format!(
            "{talking}\nmust 'root stays out' says 'permitrootlogin no' talk"
        ));
        assert!(output.status.success(), "{output:?}");
    }

    #[test]
    fn a_check_fails_and_tells_what_is_not_so() {
        for (script, told) in [
            (
                "must 'root stays out' says 'permitrootlogin no' echo 'permitrootlogin yes'",
                "root stays out",
            ),
            ("must 'it is gone' no true", "it is gone"),
            ("must 'it answers' says 'yes' false", "it answers"),
        ] {
            let output = checking(&format!("{script}\necho passed"));
            assert!(
                !output.status.success() && output.stdout.is_empty(),
                "{script}"
            );
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(said, format!("not so: {told}\n"));
        }
        assert!(checking("must 'it is gone' no false").status.success());
    }

    #[test]
    fn the_check_reads_the_kernel_settings_that_are_written() {
        let written = HARDEN.split_once("cat > /etc/sysctl.d/").unwrap().1;
        let (name, settings) = written.split_once(" << 'SYSCTL'\n").unwrap();
        assert!(CHECK_HARDENING.contains(&format!("done < /etc/sysctl.d/{name}")));
        let (settings, _) = settings.split_once("SYSCTL\n").unwrap();
        // As the kernel would answer: from what was written.
        let kernel = r#"sysctl() { sed -n "s/^$2 = //p" <<< "$WRITTEN"; }"#;
        let (_, reading) = CHECK_HARDENING
            .split_once("sysctl --quiet --system\n")
            .unwrap();
        let (reading, _) = reading.split_once("must 'there is no swap'").unwrap();
        let reading = reading.replace(&format!("< /etc/sysctl.d/{name}"), r#"<<< "$WRITTEN""#);
        let with = |change: &str| {
            let written = format!("WRITTEN='{}'", settings.trim_end());
            checking(&format!("{written}\n{kernel}\n{change}\n{reading}"))
        };
        assert!(with("").status.success(), "{:?}", with(""));
        let spoilt = with("sysctl() { echo 1; }");
        assert!(!spoilt.status.success());
    }
}
