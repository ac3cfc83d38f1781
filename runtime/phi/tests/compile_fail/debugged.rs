use lightsout_phi::Phi;

#[derive(Debug)]
struct Fetched {
    chart: Phi<Vec<u8>>,
}

fn main() {
    dbg!(Phi::new(String::new()));
}
