//! The project's commands: `cargo xtask run | test | check | cloud | bench`.
//!
//! Few dependencies, so that it builds before anything is installed; what the machine lacks it installs, or it says
//! exactly what is missing.

mod bench;
mod check;
mod cloud;
mod counts;
mod run;
mod setup;
mod shell;
mod soak;
mod test;

use anyhow::{Result, bail};

const HELP: &str = "\
cargo xtask run [--demo] [--data-dir DIR]    sets the machine up, builds, and opens the app
cargo xtask test [FILTER]                    sets the machine up and runs every test
cargo xtask check                            fmt, clippy, rustdoc, licences, layering, svelte-check, eslint
cargo xtask cloud [--port P] [--data DIR]    the real cloud for development: PostgreSQL, PostgREST, gateway
cargo xtask bench [NAME] [OPTIONS]           measures, and writes docs/benchmarks.md
cargo xtask soak KIND [--runs N]             the tests that go on for hours; adds up over calls
cargo xtask setup                            only sets the machine up";

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    match command.as_str() {
        "run" => run::run(&rest),
        "test" => test::test(&rest),
        "check" => check::check(),
        "cloud" => cloud::cloud(&rest),
        "bench" => bench::bench(&rest),
        "soak" => soak::soak(&rest),
        "setup" => setup::everything(),
        "" | "help" | "--help" | "-h" => {
            println!("{HELP}");
            Ok(())
        }
        other => bail!("there is no command '{other}'\n{HELP}"),
    }
}
