use lightsout_phi::Phi;

fn main() {
    let chart = Phi::new(String::new());
    let _: &str = chart.open();
    let _: &str = chart.open(&"because");
    let _: &str = &chart.0;
    let _: &str = &chart;
}
