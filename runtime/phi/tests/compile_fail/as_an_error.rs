use lightsout_phi::Phi;

fn main() -> Result<(), Phi<String>> {
    Err(Phi::new(String::new()))
}
