//! Networks without a way out, and the hosts in them.

mod fleet;
mod image;
mod launch_template;
mod network;
mod security_group;
mod user_data;

pub use fleet::Fleet;
pub use image::Image;
pub(crate) use launch_template::Market;
pub use launch_template::{LaunchTemplate, LaunchTemplateRef};
pub use network::{Cidr, CidrError, Endpoint, Network, NetworkRef, Zones};
pub use security_group::{Ports, SecurityGroup, SecurityGroupRef};
pub use user_data::{UserData, UserDataFits};
