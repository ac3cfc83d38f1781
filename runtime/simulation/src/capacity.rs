//! What EC2 may be asked for, and what it has no capacity for.

use lightsout_protocol::fleet::{Choice, Market, Offer};

use crate::{schedule::Kind, world::State};

/// Types and zones that masters and workers may have.
pub const CHOICE: Choice<'static> = Choice {
    types: "small,large",
    subnets: "subnet-a,subnet-b",
};

/// Of a hundred workers, those that are asked for as spot instances first.
pub const SPOT_PERCENT: u32 = 50;

/// What EC2 says where it is short.
pub const SHORT: &str = "InsufficientInstanceCapacity";

/// Returns whether EC2 is short of what is asked for; a token that it knows is answered from
/// memory, capacity or not.
pub fn is_short(state: &mut State, offer: &Offer<'_>, token: &str) -> bool {
    if state.ec2.knows(token) {
        return false;
    }
    let is_first_type = offer.instance_type.is_none();
    let is_first_zone = CHOICE.subnets.starts_with(offer.subnet);
    let is_little = (is_first_type && state.hit(Kind::TypeShort) && state.random.below(2) == 0)
        || (is_first_zone && state.hit(Kind::ZoneShort))
        || (offer.market == Market::Spot && state.hit(Kind::SpotShort));
    is_little || state.hit(Kind::CapacityShort)
}
