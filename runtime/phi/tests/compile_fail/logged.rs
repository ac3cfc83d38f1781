use lightsout_phi::Phi;

fn main() {
    let chart = Phi::new(String::new());
    tracing::info!(%chart, "read");
    tracing::info!(?chart, "read");
    tracing::info!(chart, "read");
}
