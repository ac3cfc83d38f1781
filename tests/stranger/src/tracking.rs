//! The whole system as one construct.

use lightsout::{
    Asset, Construct, Scope,
    contract::Program,
    dynamodb::{Table, TableRef},
    ec2::NetworkRef,
    kms::KeyRef,
    lambda::{Code, Function},
    s3::BucketRef,
    setting,
    sns::Topic,
};

use crate::{
    carrier::{Carrier, CarrierRef},
    contract::{Place, Scanner, ScannerEnvironment},
};

/// Takes the scans of a carrier, and knows where each parcel is.
pub struct Tracking<'a> {
    /// The carrier's name.
    pub carrier: &'a str,
    /// Encrypts everything.
    pub key: &'a KeyRef,
    /// Where the scanner runs.
    pub network: &'a NetworkRef,
    /// Where programs are uploaded to.
    pub programs: &'a BucketRef<()>,
}

/// A system that was added to a stack.
pub struct TrackingRef {
    /// Who scans.
    pub carrier: CarrierRef,
    /// Where parcels are.
    pub places: TableRef<Place>,
}

// An L3 is no other thing than an L2: it composes.
impl Construct for Tracking<'_> {
    type Handle = TrackingRef;

    fn build(self, scope: &mut Scope<'_>) -> TrackingRef {
        let Self { key, network, .. } = self;
        let carrier = scope.add("Carrier", Carrier::new(self.carrier, key));
        let places = scope.add("Places", Table::new(key, "parcel"));

        // The permissions of the scanner's role follow from these three lines.
        let environment = ScannerEnvironment {
            scans: carrier.scans.receiver(),
            places: places.writer(),
            lost_after: setting(14),
        };
        let program = scope.asset(Asset::program("Scanner", Scanner::BINARY));
        let code = Code::new(program, self.programs.name());
        let scanner = Function::new(Scanner, environment, code, network, key);
        let scanner = scope.add("Scanner", scanner);

        let operators = scope.add("Operators", Topic::new(key));
        scope.add("Arrived", carrier.scans.depth().above(0).invokes(&scanner));
        scope.add("Lost", carrier.failed.depth().above(0).notifies(&operators));
        TrackingRef { carrier, places }
    }
}
