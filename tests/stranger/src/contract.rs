//! What the infrastructure promises and the scanner relies on.

use lightsout::contract::{
    Binary, Program, ReceiveFrom, Setting, Side, WriteItems, binary, environment,
};

/// That a parcel was seen somewhere.
pub enum Scan {}

/// Where a parcel was seen last.
pub enum Place {}

environment! {
    /// What the scanner needs from its surroundings.
    pub struct ScannerEnvironment {
        /// Scans that have arrived.
        scans: ReceiveFrom<Scan> = "SCANS_QUEUE",
        /// Where parcels are.
        places: WriteItems<Place> = "PLACES_TABLE",
        /// Days after which a parcel counts as lost.
        lost_after: Setting<u32> = "LOST_AFTER_DAYS",
    }
}

/// Notes where each parcel was seen.
pub struct Scanner;

impl Program for Scanner {
    // Rename the `[[bin]]` in `Cargo.toml`, and this line does not compile.
    const BINARY: Binary = binary!("scanner");
    type Message = Scan;
    type Environment<S: Side> = ScannerEnvironment<S>;
}
