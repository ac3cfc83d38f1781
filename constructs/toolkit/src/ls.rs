//! `ls`: the stacks of an app, in deploy order.

use lightsout_core::Assembly;

use crate::{
    io::{Event, Io},
    status::Status,
};

/// Lists the stacks of each stage in the order of deployment.
pub fn ls(assemblies: &[Assembly], io: &mut dyn Io) -> Status {
    for assembly in assemblies {
        for stack in assembly.stacks() {
            io.emit(Event::Stack {
                stage: assembly.stage().name.clone(),
                name: stack.name().to_owned(),
                physical_name: stack.physical_name().to_owned(),
                dependencies: stack.dependencies().to_vec(),
            });
        }
    }
    Status::Fine
}
