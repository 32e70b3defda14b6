//! A screen of its own: Xvfb with a small window manager (dialogues need one to get the keyboard).

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) struct Screen {
    pub(crate) display: String,
    children: Vec<Child>,
}

impl Screen {
    pub(crate) fn start(width: u32, height: u32) -> Screen {
        let mut xvfb = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", &format!("{width}x{height}x24"), "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb starts (`cargo xtask setup` installs it)");
        let mut number = String::new();
        BufReader::new(xvfb.stdout.take().unwrap()).read_line(&mut number).unwrap();
        let display = format!(":{}", number.trim());
        let manager = Command::new("openbox")
            .env("DISPLAY", &display)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("openbox starts (`cargo xtask setup` installs it)");
        Screen { display, children: vec![manager, xvfb] }
    }

    pub(crate) fn shot(&self, to: &Path) {
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        let status = Command::new("import").env("DISPLAY", &self.display).args(["-window", "root"]).arg(to).status();
        assert!(status.unwrap().success(), "no screenshot");
    }

    fn xdotool(&self, args: &[&str]) -> Option<String> {
        let output = Command::new("xdotool").env("DISPLAY", &self.display).args(args).output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Presses keys on the real keyboard, one combination after the other (`ctrl+f`, `Return`).
    pub(crate) fn press(&self, keys: &[&str]) {
        for key in keys {
            assert!(self.xdotool(&["key", "--clearmodifiers", key]).is_some(), "xdotool cannot press {key}");
        }
    }

    /// Types a text on the real keyboard.
    pub(crate) fn type_text(&self, text: &str) {
        assert!(self.xdotool(&["type", "--clearmodifiers", "--delay", "12", text]).is_some(), "xdotool cannot type");
    }

    /// Drags files from a window of another program to a place, as a hand does: in steps, and holding still before letting
    /// go until `held` is content.
    pub(crate) async fn drag_files(&self, files: &[&Path], to: (u32, u32), held: impl AsyncFnOnce()) {
        const FROM: (u32, u32) = (40, 400);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/drag.py");
        let mut source = Command::new("/usr/bin/python3")
            .arg(script)
            .args([FROM.0.to_string(), FROM.1.to_string()])
            .args(files.iter().map(|path| format!("file://{}", path.display())))
            .env("DISPLAY", &self.display)
            .env_remove("WAYLAND_DISPLAY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 with GTK (`cargo xtask setup` installs it)");
        let mut ready = String::new();
        BufReader::new(source.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert_eq!(ready.trim(), "ready");
        let go = |x: u32, y: u32| self.xdotool(&["mousemove", "--sync", &x.to_string(), &y.to_string()]);
        go(FROM.0 + 30, FROM.1 + 30);
        self.xdotool(&["mousedown", "1"]);
        for step in 1..=20 {
            let part = |from: u32, to: u32| (from + 30) * (20 - step) / 20 + to * step / 20;
            go(part(FROM.0, to.0), part(FROM.1, to.1));
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        held().await;
        self.xdotool(&["mouseup", "1"]);
        // Its end of the drag is over before it goes.
        tokio::time::sleep(Duration::from_millis(500)).await;
        drop(source.stdin.take());
        source.wait().unwrap();
    }

    /// The number of the window of that title, while there is one.
    pub(crate) fn window_named(&self, title: &str) -> Option<String> {
        let found = self.xdotool(&["search", "--onlyvisible", "--name", title])?;
        found.lines().next().filter(|number| !number.is_empty()).map(str::to_owned)
    }

    pub(crate) fn minimise(&self, window: &str) {
        assert!(self.xdotool(&["windowminimize", "--sync", window]).is_some(), "the window cannot be minimised");
    }

    pub(crate) fn resize(&self, window: &str, width: u32, height: u32) {
        let size = [width.to_string(), height.to_string()];
        assert!(self.xdotool(&["windowsize", "--sync", window, &size[0], &size[1]]).is_some(), "no other size");
    }

    /// Width and height of a window, in pixels.
    pub(crate) fn size(&self, window: &str) -> Option<(u32, u32)> {
        let told = self.xdotool(&["getwindowgeometry", "--shell", window])?;
        let of = |name: &str| told.lines().find_map(|line| line.strip_prefix(name)?.parse().ok());
        Some((of("WIDTH=")?, of("HEIGHT=")?))
    }

    /// Closes a window as its title bar does. One that has just come may not be the window manager's yet.
    pub(crate) fn close_window(&self, window: &str) {
        wait("the window to the front", || self.xdotool(&["windowactivate", "--sync", window]));
        self.press(&["alt+F4"]);
    }

    /// Answers the file dialogue that is about to open with a path, as a person types it.
    pub(crate) fn answer_dialogue(&self, path: &Path) {
        let windows = |screen: &Screen| {
            let found = screen.xdotool(&["search", "--onlyvisible", "--class", "airi"]).unwrap_or_default();
            found.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        let dialogue = wait("the file dialogue", || {
            let mut open = windows(self);
            (open.len() > 1).then(|| open.pop()).flatten()
        });
        self.xdotool(&["windowfocus", "--sync", &dialogue]);
        // Typed text opens the location line by its slash; it is selected and typed over.
        let text = path.to_str().unwrap();
        let gone = wait_for(Duration::from_secs(20), || {
            self.xdotool(&["key", "--clearmodifiers", "ctrl+l"]);
            self.xdotool(&["key", "--clearmodifiers", "ctrl+a"]);
            self.xdotool(&["type", "--clearmodifiers", "--delay", "8", text]);
            self.xdotool(&["key", "Return"]);
            wait_for(Duration::from_secs(3), || (windows(self).len() < 2).then_some(()))
        });
        assert!(gone.is_some(), "the file dialogue stays open");
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(crate) fn wait_for<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if start.elapsed() > limit {
            return None;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub(crate) fn wait<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_for(Duration::from_secs(30), look).unwrap_or_else(|| panic!("never came: {what}"))
}
