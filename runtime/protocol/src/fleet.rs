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

/// One way of asking EC2 for a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer<'t> {
    /// The instance type, or none for that of the launch template.
    pub instance_type: Option<&'t str>,
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

/// Lists how worker `number` is asked for, counted from one: the best way first,
/// the next where capacity is short.
///
/// `types` has commas between them; the first is the launch template's own. Of any
/// number of workers, `spot_percent` of a hundred are asked for as spot instances
/// first, and in full where there is none. The same worker is always asked for in
/// the same order, so that a repeated launch is the same launch.
///
/// ```
/// use lightsout_protocol::fleet::{Market, offers};
///
/// let of_worker = |number| offers(number, "c7g.large,m7g.large", 50);
/// let ways: Vec<_> = of_worker(2).iter().map(|way| (way.market, way.instance_type)).collect();
/// assert_eq!(
///     ways,
///     [
///         (Market::Spot, None),
///         (Market::Spot, Some("m7g.large")),
///         (Market::OnDemand, None),
///         (Market::OnDemand, Some("m7g.large")),
///     ]
/// );
/// assert_eq!(of_worker(1).len(), 2);
/// ```
pub fn offers(number: u32, types: &str, spot_percent: u32) -> Vec<Offer<'_>> {
    let spot_among = |workers: u32| u64::from(workers) * u64::from(spot_percent) / 100;
    let is_spot = spot_among(number) > spot_among(number.saturating_sub(1));
    let markets: &[Market] = if is_spot {
        &[Market::Spot, Market::OnDemand]
    } else {
        &[Market::OnDemand]
    };
    let in_market = |&market| {
        types
            .split(',')
            .enumerate()
            .map(move |(place, name)| Offer {
                instance_type: (place > 0).then_some(name),
                market,
            })
    };
    markets.iter().flat_map(in_market).collect()
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

    proptest! {
        #[test]
        fn the_share_of_spot_is_kept_by_fleets_of_any_size(workers in 0_u32..600, percent in 0_u32..=100) {
            let spot = (1..=workers)
                .filter(|number| offers(*number, "c7g.large", percent)[0].market == Market::Spot)
                .count();
            prop_assert_eq!(spot, usize::try_from(workers * percent / 100).unwrap());
        }

        #[test]
        fn every_worker_can_be_had_in_full(number in 1_u32..600, percent in 0_u32..=100) {
            let last = *offers(number, "c7g.large,m7g.large", percent).last().unwrap();
            let in_full = Offer { instance_type: Some("m7g.large"), market: Market::OnDemand };
            prop_assert_eq!(last, in_full);
        }
    }
}
