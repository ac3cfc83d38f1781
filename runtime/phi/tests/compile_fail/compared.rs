use lightsout_phi::Phi;

fn main() {
    assert!(Phi::new(String::new()) == Phi::new(String::new()));
}
