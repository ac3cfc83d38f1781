//! What machines a run is made of.

use super::fault::Fault;
use crate::{
    ec2::{Image, Market},
    lambda::Architecture,
};

/// What machines a run is made of.
///
/// The image is Amazon Linux 2023 unless said. A master installs Ansible when it boots,
/// from wheels that are deployed with the programs, as no package index is to be reached;
/// or it has Ansible in its image, as [`ImageBuilder`](crate::imagebuilder) bakes it.
///
/// ```
/// use lightsout::batch_fleet::Hosts;
///
/// let hosts = Hosts::arm64().worker_types(["c7g.xlarge", "m7g.xlarge"]).spot_percent(80);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Hosts {
    pub(super) architecture: Architecture,
    pub(super) master_image: Image,
    pub(super) worker_image: Image,
    pub(super) ansible: Ansible,
    pub(super) master_types: Vec<String>,
    pub(super) worker_types: Vec<String>,
    pub(super) spot_percent: u32,
    pub(super) master_spot: bool,
}

/// How Ansible reaches a master.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ansible {
    /// As wheels, which the master installs when it boots.
    Wheelhouse,
    /// In the master's image.
    Baked,
}

/// Instance types that one policy statement lists without growing out of bounds.
const MOST_TYPES: usize = 10;

impl Hosts {
    /// AWS Graviton: a `t4g.small` as master, `c7g.large` as workers.
    pub fn arm64() -> Self {
        Self::of(Architecture::Arm64, "arm64", "t4g.small", "c7g.large")
    }

    /// Intel and AMD: a `t3.small` as master, `c7i.large` as workers.
    pub fn x86_64() -> Self {
        Self::of(Architecture::X86_64, "x86_64", "t3.small", "c7i.large")
    }

    /// Boots from another image, for the same processor.
    ///
    /// It is of the family of Amazon Linux 2023: its `dnf` has `python3.11`, or it is there.
    pub fn image(mut self, image: Image) -> Self {
        self.master_image = image.clone();
        self.worker_image = image;
        self
    }

    /// Boots from images into which everything was baked, for the same processor: Ansible
    /// into the master's.
    pub fn baked(mut self, master: Image, worker: Image) -> Self {
        self.master_image = master;
        self.worker_image = worker;
        self.ansible = Ansible::Baked;
        self
    }

    /// Runs the master on one of these instance types: the first, or the next where
    /// capacity is short; one to ten.
    pub fn master_types<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.master_types = names.into_iter().map(Into::into).collect();
        self
    }

    /// Runs workers on these instance types: the first, and the next where capacity
    /// is short; one to ten.
    pub fn worker_types<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.worker_types = names.into_iter().map(Into::into).collect();
        self
    }

    /// Asks for this share of the workers as spot instances first, 0 to 100 of a
    /// hundred; none unless said.
    ///
    /// Where there is no spot capacity, they are paid for in full. A worker must
    /// bear two minutes' notice.
    pub fn spot_percent(mut self, percent: u32) -> Self {
        self.spot_percent = percent;
        self
    }

    /// Asks for the master as a spot instance first, too.
    ///
    /// A master that EC2 takes away costs the run the time until the reaper has noticed it
    /// and the launcher has started another, and nothing else.
    pub fn spot_master(mut self) -> Self {
        self.master_spot = true;
        self
    }

    pub(super) fn master_market(&self) -> Market {
        if self.master_spot {
            Market::Spot
        } else {
            Market::OnDemand
        }
    }

    pub(super) fn market(&self) -> Market {
        if self.spot_percent == 0 {
            Market::OnDemand
        } else {
            Market::Spot
        }
    }

    pub(super) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        faults.extend(faults_of("workers", "worker_types", &self.worker_types));
        faults.extend(faults_of("masters", "master_types", &self.master_types));
        let types = self.master_types.iter().chain(&self.worker_types);
        for name in types {
            match architecture_of(name) {
                None => faults.push(Fault::new(
                    format!("has the instance type `{name}`, which is none"),
                    "write it like `c7g.large`",
                )),
                Some(other) if other != self.architecture => faults.push(Fault::new(
                    format!("has the instance type `{name}`, which is of another processor"),
                    match self.architecture {
                        Architecture::Arm64 => {
                            "take a Graviton type, such as `c7g.large`, or `Hosts::x86_64`"
                        }
                        Architecture::X86_64 => {
                            "take an Intel or AMD type, such as `c7i.large`, or `Hosts::arm64`"
                        }
                    },
                )),
                Some(_) => (),
            }
        }
        if self.spot_percent > 100 {
            faults.push(Fault::new(
                format!(
                    "asks for `{}` spot instances of a hundred",
                    self.spot_percent
                ),
                "give `Hosts::spot_percent` 0 to 100",
            ));
        }
        faults
    }

    fn of(architecture: Architecture, name: &str, master: &str, worker: &str) -> Self {
        let image = Image::Parameter(format!(
            "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{name}"
        ));
        Self {
            architecture,
            master_image: image.clone(),
            worker_image: image,
            ansible: Ansible::Wheelhouse,
            master_types: vec![master.to_owned()],
            worker_types: vec![worker.to_owned()],
            spot_percent: 0,
            master_spot: false,
        }
    }
}

impl Default for Hosts {
    fn default() -> Self {
        Self::arm64()
    }
}

/// Lists what is wrong with the types of one role, as a list.
fn faults_of(role: &str, setting: &str, types: &[String]) -> Vec<Fault> {
    let mut faults = Vec::new();
    if types.is_empty() {
        faults.push(Fault::new(
            format!("has no instance type for its {role}"),
            format!("give `Hosts::{setting}` at least one, such as `c7g.large`"),
        ));
    }
    if types.len() > MOST_TYPES {
        faults.push(Fault::new(
            format!("has {} instance types for its {role}", types.len()),
            format!("give `Hosts::{setting}` {MOST_TYPES} at most"),
        ));
    }
    for (place, name) in types.iter().enumerate() {
        if types[..place].contains(name) {
            faults.push(Fault::new(
                format!("names the instance type `{name}` twice"),
                format!("name it once in `Hosts::{setting}`"),
            ));
        }
    }
    faults
}

/// Reads the processor from an instance type, by AWS's
/// [naming convention](https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html):
/// a family, a generation, and `g` first among the options for Graviton.
fn architecture_of(name: &str) -> Option<Architecture> {
    let (series, size) = name.split_once('.')?;
    let is_plain = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let family = series.trim_start_matches(|c: char| c.is_ascii_lowercase());
    let options = family.trim_start_matches(|c: char| c.is_ascii_digit());
    if !is_plain(series) || !is_plain(size) || family.len() == series.len() || options == family {
        return None;
    }
    Some(if options.starts_with('g') || series == "a1" {
        Architecture::Arm64
    } else {
        Architecture::X86_64
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_read_from_the_names_of_types() {
        for (name, architecture) in [
            ("c7g.large", Architecture::Arm64),
            ("im4gn.xlarge", Architecture::Arm64),
            ("g5g.xlarge", Architecture::Arm64),
            ("g4dn.xlarge", Architecture::X86_64),
            ("t3.small", Architecture::X86_64),
            ("m7i-flex.large", Architecture::X86_64),
        ] {
            assert_eq!(architecture_of(name), Some(architecture), "{name}");
        }
        for name in [
            "",
            "c7g",
            "large",
            "c.large",
            "7g.large",
            "C7g.large",
            "c7g.",
        ] {
            assert_eq!(architecture_of(name), None, "{name}");
        }
    }
}
