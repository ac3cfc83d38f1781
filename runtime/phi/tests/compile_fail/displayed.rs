use lightsout_phi::Phi;

fn main() {
    let chart = Phi::new(String::new());
    println!("{chart}");
}
