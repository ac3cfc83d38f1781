//! Where the programs lie before they run.

use lightsout::{
    Construct, Removal, Scope,
    kms::Key,
    s3::{Bucket, BucketRef, LogBucket},
};
use lightsout_protocol::environment::ProgramArchive;

/// The asset store: deployed first, so that the programs can be uploaded.
pub(crate) struct Assets {
    pub(crate) removal: Removal,
}

/// References into the asset store.
pub(crate) struct AssetsRef {
    pub(crate) bucket: BucketRef<ProgramArchive>,
}

impl Construct for Assets {
    type Handle = AssetsRef;

    fn build(self, scope: &mut Scope<'_>) -> AssetsRef {
        let key = scope.add(
            "Key",
            Key::new("Programs and templates of Lightsout").removal(self.removal),
        );
        let access = scope.add("AccessLogs", LogBucket::new().removal(self.removal));
        let bucket = scope.add(
            "Programs",
            Bucket::new(&key).access_logs(&access, "programs/"),
        );
        AssetsRef { bucket }
    }
}
