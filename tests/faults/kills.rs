//! `kill -9` at a random moment, with a ledger outside the killed process.

use crate::archive::{self, Archive};
use crate::device::Device;
use crate::env::{self, Replay};
use crate::ledger::Ledger;
use crate::rows::{Rows, converge, on_device};
use crate::upgrade;
use crate::world::{World, shared};
use airi_testkit::Rng;
use airi_tests::User;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Kills on one device before everything must be on the server, and a new device begins.
const BATCH: u64 = 20;

#[test]
fn a_process_killed_at_any_moment_loses_and_doubles_nothing() {
    let total = env::number("AIRI_FAULTS_KILLS", 100);
    let first = env::seed("AIRI_FAULTS_KILLS_SEED");
    let started = Instant::now();
    let mut tally = Tally::default();
    for batch in 0..total.div_ceil(BATCH) {
        let seeds = first + batch * BATCH..first + ((batch + 1) * BATCH).min(total);
        let _replay =
            Replay(format!("AIRI_FAULTS_KILLS={} AIRI_FAULTS_KILLS_SEED={}", seeds.end - seeds.start, seeds.start));
        let mut victim = Victim::begin(shared(), seeds.start);
        for seed in seeds {
            victim.kill_one(seed, &mut tally);
        }
        victim.end();
        let done = ((batch + 1) * BATCH).min(total);
        println!("{done} of {total} kills in {} s: {:?}", started.elapsed().as_secs(), tally.0);
    }
    let killed: u64 = tally.0.values().map(|count| count.killed).sum();
    assert!(killed * 2 > total, "most processes were done before they were killed: {:?}", tally.0);
}

#[derive(Debug, Default, Clone, Copy)]
struct Count {
    killed: u64,
    done: u64,
}

#[derive(Default)]
struct Tally(BTreeMap<&'static str, Count>);

/// What became of a process.
pub(crate) enum End {
    /// It ended by itself, and said so.
    Done(Value),
    Killed,
}

/// Starts a process and kills it after a while, unless it is done by then.
pub(crate) fn run_and_kill(mut command: Command, after: Duration) -> End {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(after);
    // One that has ended by itself cannot be killed any more.
    let _ = child.kill();
    let output = child.wait_with_output().unwrap();
    if output.status.signal() == Some(9) {
        return End::Killed;
    }
    assert!(output.status.success(), "it failed by itself: {}", String::from_utf8_lossy(&output.stderr));
    End::Done(serde_json::from_slice(&output.stdout).unwrap())
}

struct Victim<'a> {
    world: &'a World,
    user: User,
    device: Device,
    ledger: Ledger,
    conversation: String,
    /// Imports whose answer never came.
    unsure: Vec<(std::path::PathBuf, Archive)>,
    /// How long each kind takes when it is let be.
    typical: BTreeMap<&'static str, Duration>,
}

impl<'a> Victim<'a> {
    fn begin(world: &'a World, seed: u64) -> Victim<'a> {
        let user = world.account();
        let device = world.signed_in(&user);
        let conversation = device.run(&["new", "--title", "Kills"])["id"].as_str().unwrap().to_owned();
        let mut ledger = Ledger::default();
        ledger.conversation(&conversation, "Kills");
        let mut victim =
            Victim { world, user, device, ledger, conversation, unsure: Vec::new(), typical: BTreeMap::new() };
        // Once without a kill: so the moments of the kills spread over the whole of each kind.
        let mut rng = Rng::new(seed);
        let (path, archive) = victim.archive(&mut rng);
        victim.timed("import", |victim| drop(victim.device.import(&path)));
        victim.ledger.import(&archive);
        victim.timed("write", |victim| victim.add("before the kills"));
        let made = seed.to_string();
        victim.timed("generate", |victim| drop(victim.device.run(&["generate", "--messages", "40", "--seed", &made])));
        victim.timed("sync", |victim| drop(victim.device.run(&["sync"])));
        let late = Device::new();
        world.log_in(&late, &victim.user);
        victim.timed("first sync", |_| drop(late.run(&["sync"])));
        victim
    }

    fn timed(&mut self, kind: &'static str, act: impl FnOnce(&mut Self)) {
        let started = Instant::now();
        act(self);
        self.typical.insert(kind, started.elapsed());
    }

    fn archive(&self, rng: &mut Rng) -> (std::path::PathBuf, Archive) {
        let path = self.device.path(&format!("{}.zip", Uuid::now_v7()));
        let archive = archive::write(&path, rng, 30, 3, 20_000);
        (path, archive)
    }

    fn add(&mut self, text: &str) {
        let made = self.device.run(&["add", &self.conversation, "--role", "user", text]);
        self.ledger.message(made["id"].as_str().unwrap(), &self.conversation, text);
    }

    fn kill_one(&mut self, seed: u64, tally: &mut Tally) {
        let mut rng = Rng::new(seed);
        let kind = match rng.below(10) {
            0..4 => "sync",
            4 | 5 => "import",
            6 | 7 => "write",
            8 if rng.chance(0.5) => "generate",
            8 => "first sync",
            _ => "upgrade",
        };
        let killed = match kind {
            "sync" => self.kill_sync(&mut rng),
            "import" => self.kill_import(&mut rng),
            "write" => self.kill_write(seed, &mut rng),
            "generate" => self.kill_generate(seed, &mut rng),
            "first sync" => self.kill_first_sync(&mut rng),
            _ => upgrade::kill_one(&mut rng),
        };
        let count = tally.0.entry(kind).or_default();
        *(if killed { &mut count.killed } else { &mut count.done }) += 1;
    }

    fn moment(&self, kind: &str, rng: &mut Rng) -> Duration {
        self.typical[kind].mul_f64(rng.unit() * 1.05)
    }

    /// Sound, and with everything acknowledged in it once.
    fn assert_sound(&self) -> Rows {
        let verify = self.device.output(&["verify"], "");
        assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stdout));
        let rows = on_device(&self.device);
        self.ledger.assert_kept("the killed device", &rows);
        rows
    }

    fn kill_sync(&mut self, rng: &mut Rng) -> bool {
        for _ in 0..1 + rng.below(4) {
            self.add(&format!("to send {}", Uuid::now_v7()));
        }
        let (path, archive) = self.archive(rng);
        if rng.chance(0.3) {
            self.device.import(&path);
            self.ledger.import(&archive);
        }
        if rng.chance(0.5) {
            self.write_elsewhere();
        }
        let end = run_and_kill(self.device.command(&["sync"]), self.moment("sync", rng));
        self.assert_sound();
        matches!(end, End::Killed)
    }

    /// Another client writes, as far as the conversation has come to the server.
    fn write_elsewhere(&mut self) {
        let (id, text) = (Uuid::now_v7(), format!("from the web {}", Uuid::now_v7()));
        let (owner, conversation) = (self.user.id, self.conversation.clone());
        self.world.as_user(
            &self.user,
            &format!(
                "insert into public.chat_messages (id, conversation_id, user_id, role, content)
                   select '{id}', id, '{owner}', 'user', '{text}' from public.conversations where id = '{conversation}'"
            ),
        );
        self.ledger.unsure.insert(text);
    }

    fn kill_import(&mut self, rng: &mut Rng) -> bool {
        let (path, archive) = self.archive(rng);
        let import = self.device.command(&["import", path.to_str().unwrap()]);
        let killed = match run_and_kill(import, self.moment("import", rng)) {
            End::Done(report) => {
                assert_eq!(report["messages_imported"], json!(archive.messages.len()), "{report}");
                self.ledger.import(&archive);
                false
            }
            End::Killed => true,
        };
        let rows = self.assert_sound();
        let there = |id: &String| rows.contains_key(&("chat_messages", id.clone()));
        let count = archive.messages.iter().filter(|(id, _)| there(id)).count();
        assert!(count == 0 || count == archive.messages.len(), "half an import: {count} messages");
        if killed {
            self.unsure.push((path, archive));
        }
        killed
    }

    fn kill_write(&mut self, seed: u64, rng: &mut Rng) -> bool {
        let text = format!("written {seed}");
        let conversation = self.conversation.clone();
        let is_message = rng.chance(0.6);
        let args = match is_message {
            true => ["add", &conversation, "--role", "user", &text].to_vec(),
            false => ["edit", &conversation, "--title", &text, "--add-tag", &text].to_vec(),
        };
        let end = run_and_kill(self.device.command(&args), self.moment("write", rng));
        if !is_message {
            self.ledger.conversation(&conversation, &text);
        }
        let killed = match end {
            End::Done(made) if is_message => {
                self.ledger.message(made["id"].as_str().unwrap(), &conversation, &text);
                false
            }
            End::Done(_) => {
                // The last word of the only writer.
                let known = self.ledger.conversations.get_mut(&conversation).unwrap();
                known.titles = [text.clone()].into();
                known.tags.insert(text);
                false
            }
            End::Killed => {
                self.ledger.unsure.insert(text);
                true
            }
        };
        self.assert_sound();
        killed
    }

    fn kill_generate(&mut self, seed: u64, rng: &mut Rng) -> bool {
        let before = self.device.run(&["status"])["messages"].as_u64().unwrap();
        let made = (seed << 8).to_string();
        let generate = self.device.command(&["generate", "--messages", "40", "--seed", &made]);
        let end = run_and_kill(generate, self.moment("generate", rng));
        self.assert_sound();
        let now = self.device.run(&["status"])["messages"].as_u64().unwrap() - before;
        assert!(now == 0 || now == 40, "half of what is made in one part: {now}");
        assert!(now == 40 || matches!(end, End::Killed), "an acknowledged part is missing");
        matches!(end, End::Killed)
    }

    /// A new device is killed while it takes everything for the first time, and goes on from there.
    fn kill_first_sync(&mut self, rng: &mut Rng) -> bool {
        self.device.run(&["sync"]);
        let late = Device::new();
        self.world.log_in(&late, &self.user);
        let end = run_and_kill(late.command(&["sync"]), self.moment("first sync", rng));
        assert_eq!(late.run(&["verify"])["ok"], json!(true));
        converge(self.world, &self.user, &[&late]);
        matches!(end, End::Killed)
    }

    /// What was unsure is done again, and then everything is on the server, once.
    fn end(mut self) {
        for (path, archive) in std::mem::take(&mut self.unsure) {
            self.device.import(&path);
            self.ledger.import(&archive);
        }
        let rows = converge(self.world, &self.user, &[&self.device]);
        self.ledger.assert_kept("the server", &rows);
    }
}
