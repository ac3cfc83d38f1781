//! What a master fetches when it boots.

use lightsout_contract::{Program, fleet::bundle};
use lightsout_core::{Asset, AssetFile, FileMode};

/// The playbooks of a run, by their names in the bundle's folder.
const PLAYBOOKS: [(&str, &str); 3] = [
    ("ansible.cfg", include_str!("playbooks/ansible.cfg")),
    (
        "callback_plugins/run_events.py",
        include_str!("playbooks/callback_plugins/run_events.py"),
    ),
    ("site.yml", include_str!("playbooks/site.yml")),
];

/// Ansible with all that it needs, each with its version and its hashes.
const ANSIBLE: &str = include_str!("ansible.txt");

/// The Python that masters run Ansible with: Amazon Linux 2023 has it among its packages,
/// beside [one that Ansible is too new for](https://docs.aws.amazon.com/linux/al2023/ug/python.html).
const PYTHON: &str = "3.11";

/// Returns Ansible as wheels, for a master that reaches no package index.
pub(crate) fn wheelhouse() -> Asset {
    Asset::files("Wheelhouse", [AssetFile::wheels("wheels", ANSIBLE, PYTHON)])
}

/// Returns the programs of master and workers, and the playbooks: those in the
/// workspace's folder `playbooks`, or else our own.
pub(super) fn of<M: Program, P: Program>(id: String, playbooks: Option<String>) -> Asset {
    let programs = [
        AssetFile::program(M::BINARY).named(bundle::MASTER),
        AssetFile::program(P::BINARY).named(bundle::WORKER),
    ];
    let playbooks = match playbooks {
        Some(folder) => vec![AssetFile::path(
            bundle::PLAYBOOKS,
            folder,
            FileMode::Regular,
        )],
        None => PLAYBOOKS
            .into_iter()
            .map(|(name, text)| {
                let name = format!("{}/{name}", bundle::PLAYBOOKS);
                AssetFile::text(name, text, FileMode::Regular)
            })
            .collect(),
    };
    Asset::files(id, programs.into_iter().chain(playbooks))
}
