//! `cargo run -p airi-testkit --features provider --example provider [PORT]`: the scripted provider, to try the window by
//! hand without a model. Runs until it is stopped.

fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(0);
    let provider = airi_testkit::provider::ScriptedProvider::start(port, None)?;
    println!("{}", provider.url());
    loop {
        std::thread::park();
    }
}
