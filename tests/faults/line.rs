//! Two devices and another client work over a broken line, under a seeded schedule.

use crate::archive;
use crate::device::Device;
use crate::env::{self, Replay};
use crate::ledger::Ledger;
use crate::proxy::{Fault, Proxy};
use crate::rows::{converge, on_device};
use crate::world::{World, shared};
use airi_testkit::Rng;
use airi_tests::User;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

/// Calls that meet a fault.
const SHARE: f64 = 0.3;
/// What a round of sync over such a line may end with. None of them is the user's fault or needs their work to be redone.
const PASSING: [&str; 5] = ["offline", "busy", "session_ended", "server_refused", "server_unsuitable"];

#[test]
fn over_a_broken_line_nothing_is_lost_or_doubled() {
    let seed = env::seed("AIRI_FAULT_SEED");
    let steps = env::number("AIRI_FAULT_STEPS", 200);
    let _replay = Replay(format!("AIRI_FAULT_SEED={seed} AIRI_FAULT_STEPS={steps}"));
    let mut work = Work::begin(shared(), seed);
    for _ in 0..steps {
        work.step();
    }
    work.end();
}

fn broken(mut rng: Rng) -> impl FnMut(&crate::proxy::Call<'_>) -> Fault + Send {
    move |call| {
        if !rng.chance(SHARE) {
            return Fault::Pass;
        }
        match rng.below(9) {
            0 => Fault::CutBefore,
            1 | 2 => Fault::CutAfter,
            3 => Fault::Truncate(rng.unit()),
            4 => Fault::Delay(Duration::from_millis(rng.below(200) as u64)),
            5 => Fault::Double,
            6 => Fault::Page(*rng.pick(&[200, 302, 403, 502])),
            7 => Fault::Empty(*rng.pick(&[200, 204, 500])),
            // The one status that means success there: only the server itself says that an object is there already.
            8 if call.path.starts_with("/storage/v1/upload/resumable") => Fault::Status(503, Some(1)),
            _ => {
                let status = *rng.pick(&[401, 403, 408, 409, 413, 425, 429, 500, 502, 503, 504]);
                Fault::Status(status, rng.chance(0.5).then_some(1))
            }
        }
    }
}

struct Work<'a> {
    world: &'a World,
    user: User,
    rng: Rng,
    devices: [Device; 2],
    lines: [Proxy; 2],
    ledger: Ledger,
    conversations: Vec<String>,
    messages: Vec<String>,
    /// Acts by number, so that every text is another one.
    number: u32,
    failed: u32,
}

impl<'a> Work<'a> {
    fn begin(world: &'a World, seed: u64) -> Work<'a> {
        let user = world.account();
        let mut rng = Rng::new(seed);
        let devices = [Device::new(), Device::new()];
        let lines = [Proxy::before(world), Proxy::before(world)];
        for (device, line) in devices.iter().zip(&lines) {
            line.plan(broken(rng.fork()));
            let args = world.login_args(&line.url, &user);
            let args = args.each_ref().map(String::as_str);
            let tries = (0..100).find(|_| device.output(&args, &user.password).status.success());
            assert!(tries.is_some(), "a hundred tries to sign in: {:?}", line.trace());
        }
        Work {
            world,
            user,
            rng,
            devices,
            lines,
            ledger: Ledger::default(),
            conversations: Vec::new(),
            messages: Vec::new(),
            number: 0,
            failed: 0,
        }
    }

    fn step(&mut self) {
        self.number += 1;
        let which = self.rng.below(2);
        match self.rng.below(20) {
            0 | 1 => self.new_conversation(which),
            2..=6 => self.add(which),
            7..=9 => self.edit(which),
            10 => self.delete(which),
            11 => self.import(which),
            12 | 13 => self.other_client(),
            14 => self.both_sync(),
            _ => self.sync(which),
        }
    }

    /// The answer of a call that needs no network: acknowledged, or the device has not heard of the row yet.
    fn local(&self, which: usize, args: &[&str]) -> Option<Value> {
        let output = self.devices[which].output(args, "");
        if output.status.success() {
            return Some(serde_json::from_slice(&output.stdout).unwrap());
        }
        let error: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(error["error"]["code"], "not_found", "airi {args:?}: {error}");
        None
    }

    fn any_conversation(&mut self) -> Option<String> {
        (!self.conversations.is_empty()).then(|| self.rng.pick(&self.conversations).clone())
    }

    fn new_conversation(&mut self, which: usize) {
        let title = format!("conversation {}", self.number);
        let made = self.local(which, &["new", "--title", &title]).unwrap();
        let id = made["id"].as_str().unwrap().to_owned();
        self.ledger.conversation(&id, &title);
        self.conversations.push(id);
    }

    fn add(&mut self, which: usize) {
        let Some(conversation) = self.any_conversation() else { return self.new_conversation(which) };
        let text = format!("message {} of device {which}", self.number);
        let Some(made) = self.local(which, &["add", &conversation, "--role", "user", &text]) else { return };
        let id = made["id"].as_str().unwrap().to_owned();
        self.ledger.message(&id, &conversation, &text);
        self.messages.push(id);
    }

    /// Titles and tags are written by all, stars by the first device alone, the archive by the second alone.
    fn edit(&mut self, which: usize) {
        let Some(id) = self.any_conversation() else { return };
        let text = format!("edit {}", self.number);
        let on = self.rng.chance(0.5);
        match self.rng.below(3) {
            0 if self.local(which, &["edit", &id, "--title", &text]).is_some() => {
                self.ledger.conversation(&id, &text);
            }
            1 if self.local(which, &["edit", &id, "--add-tag", &text]).is_some() => {
                self.ledger.conversations.get_mut(&id).unwrap().tags.insert(text);
            }
            2 => {
                let flag = match (which, on) {
                    (0, true) => "--star",
                    (0, false) => "--unstar",
                    (_, true) => "--archive",
                    (_, false) => "--unarchive",
                };
                if self.local(which, &["edit", &id, flag]).is_some() {
                    let known = self.ledger.conversations.get_mut(&id).unwrap();
                    *(if which == 0 { &mut known.starred } else { &mut known.archived }) = Some(on);
                }
            }
            _ => {}
        }
    }

    fn delete(&mut self, which: usize) {
        if self.messages.is_empty() {
            return;
        }
        let id = self.rng.pick(&self.messages).clone();
        if self.local(which, &["delete", &id]).is_some() {
            self.ledger.deleted.insert(id);
        }
    }

    fn import(&mut self, which: usize) {
        let path = self.devices[which].path(&format!("archive-{}.zip", self.number));
        let archive = archive::write(&path, &mut self.rng, 4, 2, 3000);
        let report = self.devices[which].import(&path);
        assert_eq!(report["attachments_imported"], 2, "{report}");
        self.ledger.import(&archive);
        self.conversations.push(archive.conversation);
    }

    /// Another client writes the tables straight, as far as the conversation has come there.
    fn other_client(&mut self) {
        let Some(conversation) = self.any_conversation() else { return };
        let (id, text) = (Uuid::now_v7(), format!("message {} of the web", self.number));
        let title = format!("title {} of the web", self.number);
        let owner = self.user.id;
        self.ledger.conversation(&conversation, &title);
        self.world.as_user(
            &self.user,
            &format!(
                "insert into public.chat_messages (id, conversation_id, user_id, role, content)
                   select '{id}', id, '{owner}', 'user', '{text}' from public.conversations where id = '{conversation}';
                 update public.conversations set title = '{title}' where id = '{conversation}'"
            ),
        );
        let there = format!("select count(*) from public.chat_messages where user_id = $1 and id = '{id}'");
        if self.world.count(&self.user, &there) == 1 {
            self.ledger.message(&id.to_string(), &conversation, &text);
            self.messages.push(id.to_string());
        }
    }

    fn sync(&mut self, which: usize) {
        let output = self.devices[which].output(&["sync"], "");
        self.judge(which, &output);
    }

    fn both_sync(&mut self) {
        let outputs = std::thread::scope(|scope| {
            let started = self.devices.each_ref().map(|device| scope.spawn(|| device.output(&["sync"], "")));
            started.map(|thread| thread.join().unwrap())
        });
        for (which, output) in outputs.iter().enumerate() {
            self.judge(which, output);
        }
    }

    fn judge(&mut self, which: usize, output: &std::process::Output) {
        if output.status.success() {
            return;
        }
        self.failed += 1;
        let error: Value = serde_json::from_slice(&output.stderr)
            .unwrap_or_else(|_| panic!("sync: {}", String::from_utf8_lossy(&output.stderr)));
        let code = error["error"]["code"].as_str().unwrap();
        assert!(PASSING.contains(&code), "{error} after {:?}", self.lines[which].trace().last());
    }

    fn end(self) {
        let kinds: BTreeSet<String> = self.lines.iter().flat_map(|line| line.counts().into_keys()).collect();
        for line in &self.lines {
            println!("the line: {:?}", line.counts());
            line.quiet();
        }
        println!("{} rounds of sync failed on the way", self.failed);
        let rows = converge(self.world, &self.user, &[&self.devices[0], &self.devices[1]]);
        self.ledger.assert_kept("the server", &rows);
        for device in &self.devices {
            self.ledger.assert_kept("a device", &on_device(device));
        }
        // A third device takes everything from the server, the bytes of the files included.
        let third = self.world.signed_in(&self.user);
        converge(self.world, &self.user, &[&self.devices[0], &third]);
        assert!(kinds.len() >= 8, "the line was hardly broken: {kinds:?}");
    }
}
