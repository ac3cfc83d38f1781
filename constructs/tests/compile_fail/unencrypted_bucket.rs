use lightsout::s3::Bucket;

fn unencrypted_bucket() {
    let _ = Bucket::<()>::new();
}

fn main() {}
