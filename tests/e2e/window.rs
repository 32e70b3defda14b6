//! The app's window through WebDriver.

use crate::screen::Screen;
use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) struct Window {
    pub(crate) client: Client,
    driver: Child,
    pub(crate) screen: Screen,
    shots: PathBuf,
}

/// `target/debug`, where cargo has put the programs beside the tests.
pub(crate) fn built() -> PathBuf {
    std::env::current_exe().unwrap().parent().and_then(Path::parent).unwrap().to_owned()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn tauri_driver() -> PathBuf {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/bin/tauri-driver");
    assert!(kept.is_file(), "tauri-driver is missing: `cargo xtask setup` installs it");
    kept
}

impl Window {
    pub(crate) async fn open(screen: Screen, args: &[&str], environment: &[(&str, &Path)]) -> Window {
        Window::open_program(&built().join("airi-desktop"), screen, args, environment).await
    }

    pub(crate) async fn open_program(
        app: &Path,
        screen: Screen,
        args: &[&str],
        environment: &[(&str, &Path)],
    ) -> Window {
        assert!(app.is_file(), "{} is missing: `cargo build -p airi-desktop` first", app.display());
        let (port, native) = (free_port(), free_port());
        let mut driver = Command::new(tauri_driver());
        driver
            .args(["--port", &port.to_string(), "--native-port", &native.to_string()])
            .env("DISPLAY", &screen.display)
            .env_remove("WAYLAND_DISPLAY")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        for (name, value) in environment {
            driver.env(name, value);
        }
        let driver = driver.spawn().unwrap();
        let capabilities = json!({
            "tauri:options": { "application": app, "args": args },
            "timeouts": { "script": 120_000 },
        });
        let url = format!("http://127.0.0.1:{port}");
        let start = Instant::now();
        let client = loop {
            let capabilities = capabilities.as_object().unwrap().clone();
            match ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
                .capabilities(capabilities)
                .connect(&url)
                .await
            {
                Ok(client) => break client,
                Err(error) => assert!(start.elapsed() < Duration::from_secs(60), "no session: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        let shots = built().join("../e2e");
        Window { client, driver, screen, shots }
    }

    pub(crate) async fn close(self) {
        let _ = self.client.clone().close().await;
    }

    fn css(id: &str) -> String {
        format!("[data-testid=\"{id}\"]")
    }

    /// The first element of that test id, once it is there and shown.
    pub(crate) async fn see(&self, id: &str) -> Element {
        let css = Self::css(id);
        let start = Instant::now();
        loop {
            if let Ok(element) = self.client.find(Locator::Css(&css)).await
                && element.is_displayed().await.unwrap_or(false)
            {
                return element;
            }
            if start.elapsed() > Duration::from_secs(40) {
                self.shot("failed");
                panic!("never came into view: {id}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn click(&self, id: &str) {
        let start = Instant::now();
        // An element may be drawn anew between finding and clicking it.
        while let Err(error) = self.see(id).await.click().await {
            assert!(start.elapsed() < Duration::from_secs(10), "{id}: {error}");
        }
    }

    pub(crate) async fn fill(&self, id: &str, text: &str) {
        let element = self.see(id).await;
        element.clear().await.unwrap();
        element.send_keys(text).await.unwrap();
    }

    /// Types into a field that has selected what it holds, and ends with Enter.
    pub(crate) async fn type_over(&self, id: &str, text: &str) {
        self.see(id).await.send_keys(&format!("{text}\u{e007}")).await.unwrap();
    }

    pub(crate) async fn js(&self, script: &str, args: Vec<Value>) -> Value {
        self.client.execute(script, args).await.unwrap()
    }

    /// Waits until a script gives that value.
    pub(crate) async fn becomes(&self, script: &str, value: &Value) {
        let start = Instant::now();
        while self.js(script, vec![]).await != *value {
            if start.elapsed() > Duration::from_secs(20) {
                self.shot("failed");
                panic!("never {value}: {script}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until nothing of that test id is there any more.
    pub(crate) async fn gone(&self, id: &str) {
        let count = format!("return document.querySelectorAll('{}').length", Self::css(id));
        self.becomes(&count, &json!(0)).await;
    }

    /// The texts of all elements of that test id.
    pub(crate) async fn texts(&self, id: &str) -> Vec<String> {
        let script = "return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText)";
        let found = self.js(script, vec![json!(Self::css(id))]).await;
        found.as_array().unwrap().iter().map(|text| text.as_str().unwrap_or("").to_owned()).collect()
    }

    /// Waits until one of the elements of that test id says something.
    pub(crate) async fn says(&self, id: &str, text: &str) {
        let start = Instant::now();
        loop {
            let texts = self.texts(id).await;
            if texts.iter().any(|found| found.to_lowercase().contains(&text.to_lowercase())) {
                return;
            }
            if start.elapsed() > Duration::from_secs(60) {
                self.shot("failed");
                panic!("{id} never says '{text}', but {texts:?}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Clicks the element of that test id that says something.
    pub(crate) async fn click_saying(&self, id: &str, text: &str) {
        self.says(id, text).await;
        let script = "const one = [...document.querySelectorAll(arguments[0])].find((e) => \
                      e.innerText.toLowerCase().includes(arguments[1].toLowerCase())); \
                      const button = one.matches('button,a,[role=option]') ? one : one.querySelector('button,a') ?? one; \
                      button.click(); return true";
        self.js(script, vec![json!(Self::css(id)), json!(text)]).await;
    }

    pub(crate) fn shot(&self, name: &str) {
        self.screen.shot(&self.shots.join(format!("{name}.png")));
    }
}

impl Drop for Window {
    /// Also when a test fails half-way: nothing is left running.
    fn drop(&mut self) {
        // Asked, it takes the web view's own driver along; killed, it would leave that behind.
        let _ = Command::new("kill").arg(self.driver.id().to_string()).status();
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(5) && matches!(self.driver.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
