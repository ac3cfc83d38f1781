//! What the hosts of one run tell each other, through the control table.

pub use lightsout_contract::fleet::{role, tag};
use serde::{Deserialize, Serialize};

/// EC2's codes that mean: no capacity now, for what was asked for.
///
/// Source: [EC2's error codes](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html).
const SHORT: [&str; 10] = [
    "InsufficientCapacity",
    "InsufficientFreeAddressesInSubnet",
    "InsufficientHostCapacity",
    "InsufficientInstanceCapacity",
    "InsufficientReservedInstanceCapacity",
    "InstanceLimitExceeded",
    "MaxSpotInstanceCountExceeded",
    "SpotMaxPriceTooLow",
    // The zone has no instances of this type at all.
    "Unsupported",
    "VcpuLimitExceeded",
];

/// Returns whether EC2's error code means that another way of asking may do: nothing
/// was started, and the same request will not help at once.
pub fn is_short(code: &str) -> bool {
    SHORT.contains(&code)
}

/// One way of asking EC2 for an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer<'t> {
    /// The instance type, or none for that of the launch template.
    pub instance_type: Option<&'t str>,
    /// The subnet, and with it the zone.
    pub subnet: &'t str,
    /// How it is paid for.
    pub market: Market,
}

/// How an instance is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Market {
    /// At the price of what is left over, until somebody pays in full.
    Spot,
    /// In full.
    OnDemand,
}

/// What EC2 may be asked for, as the stacks have it: texts with commas between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice<'t> {
    /// Instance types, the best first; the first is the launch template's own.
    pub types: &'t str,
    /// Subnets, one a zone; none is better than another.
    pub subnets: &'t str,
}

/// Lists how worker `number` is asked for, counted from one: the best way first,
/// the next where capacity is short.
///
/// Of any number of workers, `spot_percent` of a hundred are asked for as spot instances
/// first, and in full where there is none. A type is tried in every zone before a worse one,
/// and workers begin in different zones, so that one that fails does not take all of them.
/// The same worker is always asked for in the same order, so that a repeated launch is
/// the same launch.
///
/// ```
/// use lightsout_protocol::fleet::{Choice, Market, offers};
///
/// let choice = Choice { types: "c7g.large,m7g.large", subnets: "subnet-a,subnet-b" };
/// let of_worker = |number| offers(number, choice, 50);
/// let ways: Vec<_> = of_worker(2)
///     .iter()
///     .map(|way| (way.market, way.instance_type, way.subnet))
///     .collect();
/// assert_eq!(
///     ways,
///     [
///         (Market::Spot, None, "subnet-b"),
///         (Market::Spot, None, "subnet-a"),
///         (Market::Spot, Some("m7g.large"), "subnet-b"),
///         (Market::Spot, Some("m7g.large"), "subnet-a"),
///         (Market::OnDemand, None, "subnet-b"),
///         (Market::OnDemand, None, "subnet-a"),
///         (Market::OnDemand, Some("m7g.large"), "subnet-b"),
///         (Market::OnDemand, Some("m7g.large"), "subnet-a"),
///     ]
/// );
/// assert_eq!(of_worker(1).len(), 4);
/// ```
pub fn offers(number: u32, choice: Choice<'_>, spot_percent: u32) -> Vec<Offer<'_>> {
    let spot_among = |workers: u32| u64::from(workers) * u64::from(spot_percent) / 100;
    let is_spot = spot_among(number) > spot_among(number.saturating_sub(1));
    in_order(choice, number, is_spot)
}

/// Lists how a master is asked for: as a spot instance first where `is_spot`.
///
/// A master that EC2 takes away is found out by the reaper, which wakes the launcher: the
/// run takes longer, and nothing is lost.
///
/// ```
/// use lightsout_protocol::fleet::{Choice, Market, master_offers};
///
/// let choice = Choice { types: "t4g.small", subnets: "subnet-a,subnet-b" };
/// let markets = |is_spot| master_offers(choice, is_spot).iter().map(|way| way.market).collect();
/// let in_full: Vec<_> = markets(false);
/// assert_eq!(in_full, [Market::OnDemand; 2]);
/// let spot_first: Vec<_> = markets(true);
/// assert_eq!(spot_first[1..3], [Market::Spot, Market::OnDemand]);
/// ```
pub fn master_offers(choice: Choice<'_>, is_spot: bool) -> Vec<Offer<'_>> {
    in_order(choice, 1, is_spot)
}

/// Lists every market, type and zone, in this order of importance; zones from the one of
/// that number on.
fn in_order(choice: Choice<'_>, number: u32, is_spot: bool) -> Vec<Offer<'_>> {
    let markets: &[Market] = if is_spot {
        &[Market::Spot, Market::OnDemand]
    } else {
        &[Market::OnDemand]
    };
    let mut subnets: Vec<&str> = choice.subnets.split(',').collect();
    let first = usize::try_from(number.saturating_sub(1)).unwrap_or(0) % subnets.len();
    subnets.rotate_left(first);
    let mut offers = Vec::new();
    for market in markets {
        for (place, name) in choice.types.split(',').enumerate() {
            offers.extend(subnets.iter().map(|subnet| Offer {
                instance_type: (place > 0).then_some(name),
                subnet,
                market: *market,
            }));
        }
    }
    offers
}

/// How to reach a worker, as the worker itself says in the control table.
///
/// The host key here is what SSH checks: nothing is trusted on first use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerHost {
    /// The EC2 instance id.
    pub instance: String,
    /// The private address.
    pub address: String,
    /// The port of sshd.
    pub port: u16,
    /// The user to log in as.
    pub user: String,
    /// The public host key: type and base64, as `ssh-keygen` writes it.
    pub host_key: String,
    /// The folder that the worker keeps its files in.
    pub directory: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(types: &'static str, subnets: &'static str) -> Choice<'static> {
        Choice { types, subnets }
    }

    proptest! {
        #[test]
        fn the_share_of_spot_is_kept_by_fleets_of_any_size(workers in 0_u32..600, percent in 0_u32..=100) {
            let choice = of("c7g.large", "subnet-a");
            let spot = (1..=workers)
                .filter(|number| offers(*number, choice, percent)[0].market == Market::Spot)
                .count();
            prop_assert_eq!(spot, usize::try_from(workers * percent / 100).unwrap());
        }

        #[test]
        fn every_worker_can_be_had_in_full_of_each_type_in_each_zone(
            number in 1_u32..600,
            percent in 0_u32..=100,
        ) {
            let all = offers(number, of("c7g.large,m7g.large", "subnet-a,subnet-b,subnet-c"), percent);
            for instance_type in [None, Some("m7g.large")] {
                for subnet in ["subnet-a", "subnet-b", "subnet-c"] {
                    let in_full = Offer { instance_type, subnet, market: Market::OnDemand };
                    prop_assert_eq!(all.iter().filter(|offer| **offer == in_full).count(), 1);
                }
            }
        }

        #[test]
        fn workers_begin_in_every_zone_alike(workers in 1_u32..200) {
            let mut begun = std::collections::BTreeMap::new();
            for number in 1..=workers {
                let first = offers(number, of("c7g.large", "subnet-a,subnet-b,subnet-c"), 0)[0];
                *begun.entry(first.subnet).or_insert(0_u32) += 1;
            }
            let most = begun.values().max().unwrap();
            prop_assert!(begun.values().all(|many| most - many <= 1 || begun.len() < 3), "{:?}", begun);
        }
    }
}
