//! What the binary `master` can be asked to do.

use std::io::{self, Write};

use clap::{Args, Parser, Subcommand};
use serde::Serialize;

use crate::{
    BoxError,
    fleet::Fleet,
    hosts,
    supervise::{supervise, terminate},
    surroundings::Surroundings,
    watch::watch,
};

/// The master of one run of the pipeline.
///
/// Every command reads the environment that the stacks declared, and learns
/// its run from the tags of the machine that it runs on.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Supervise the run to its end, then end this machine
    Supervise,
    /// End the run if the supervisor is gone
    Watch,
    /// Bring the fleet to a number of workers; prints how many live and were started
    Launch {
        /// How many workers are wanted
        #[arg(long)]
        workers: u32,
        /// Which start of the playbook asks, counted from one
        #[arg(long, default_value_t = 1)]
        attempt: u32,
    },
    /// Wait until workers have announced themselves; prints how many have
    AwaitHosts {
        /// How many workers are awaited
        #[arg(long)]
        workers: u32,
    },
    /// Print the inventory for Ansible
    Inventory(InventoryArguments),
    /// End the workers of this run
    Terminate {
        /// End this one only
        #[arg(long)]
        instance: Option<String>,
    },
}

#[derive(Debug, Args)]
#[group(required = true)]
struct InventoryArguments {
    /// All hosts with their variables
    #[arg(long)]
    list: bool,
    /// The variables of one host
    #[arg(long)]
    host: Option<String>,
}

impl Command {
    /// Does what was asked.
    pub async fn run(self) -> Result<(), BoxError> {
        match self.action {
            Action::Supervise => supervise().await,
            Action::Watch => watch().await,
            Action::Launch { workers, attempt } => {
                let around = Surroundings::read().await?;
                print(&Fleet::new(&around).launch(workers, attempt).await?)
            }
            Action::AwaitHosts { workers } => {
                let around = Surroundings::read().await?;
                let hosts = hosts::wait(&around, workers).await?;
                print(&serde_json::json!({ "announced": hosts.len() }))
            }
            Action::Inventory(InventoryArguments { host, .. }) => {
                let hosts = hosts::reachable(&Surroundings::read().await?).await?;
                print(&match host {
                    Some(name) => hosts
                        .iter()
                        .find(|host| host.instance == name)
                        .map_or_else(|| serde_json::json!({}), hosts::variables),
                    None => hosts::inventory(&hosts),
                })
            }
            Action::Terminate { instance } => {
                terminate(&Surroundings::read().await?, instance.as_deref()).await
            }
        }
    }
}

fn print(answer: &impl Serialize) -> Result<(), BoxError> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, answer)?;
    writeln!(out)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Command::command().debug_assert();
    }
}
