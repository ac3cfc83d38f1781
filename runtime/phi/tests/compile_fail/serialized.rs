use lightsout_phi::Phi;

fn main() {
    let chart = Phi::new(String::new());
    let _ = serde_json::to_string(&chart);
    let _ = serde_json::json!({ "chart": chart });
}
