use lightsout::Asset;

fn bare_binary_name() -> Asset {
    Asset::program("Worker", "worker")
}

fn main() {}
