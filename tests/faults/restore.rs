//! The database goes back to an older moment: by a point-in-time recovery, which gives a new timeline, and the blunt way, an
//! old copy put in its place. The devices bring back what they hold, in whatever order they come.

use crate::archive::{self, Archive};
use crate::device::Device;
use crate::rows::{Rows, assert_same, files_of, on_device, on_server, settle};
use crate::world::World;
use airi_app::{App, AppOptions};
use airi_contract::MessageEdit;
use airi_testkit::Rng;
use airi_tests::{CloudOptions, Moment, User};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// One person with three devices: the first knows everything, the second what was there in between, the third slept.
struct Person {
    user: User,
    first: Device,
    second: Device,
    /// Renamed, starred and tagged after the moment; has the messages.
    kept: String,
    /// Rated after the moment.
    rated: String,
    /// Deleted after the moment.
    deleted_message: String,
    deleted: String,
    /// Deleted before the moment and taken out of the trash after it.
    undeleted: String,
    /// Deleted for good before the moment.
    gone: String,
    /// A device that has heard neither of that nor of anything later.
    asleep: Device,
    /// Written after the moment.
    made: String,
    made_message: String,
    imported: Option<Archive>,
}

fn id_of(answer: &Value) -> String {
    answer["id"].as_str().unwrap().to_owned()
}

impl Person {
    fn before(world: &World) -> Person {
        let user = world.account();
        let first = world.signed_in(&user);
        let new = |title: &str| id_of(&first.run(&["new", "--title", title]));
        let (kept, deleted, undeleted) = (new("Kept"), new("Deleted later"), new("Undeleted later"));
        let gone = new("Gone");
        let add = |id: &str, text: &str| id_of(&first.run(&["add", id, "--role", "assistant", text]));
        let (rated, deleted_message) = (add(&kept, "rate me"), add(&kept, "delete me"));
        for id in [&deleted, &undeleted, &gone] {
            add(id, "old words");
        }
        first.run(&["delete", &undeleted]);
        first.run(&["sync"]);
        let (second, asleep) = (world.signed_in(&user), world.signed_in(&user));
        world.as_user(&user, &format!("delete from public.conversations where id = '{gone}'"));
        first.run(&["sync"]);
        Person {
            user,
            first,
            second,
            kept,
            rated,
            deleted_message,
            deleted,
            undeleted,
            gone,
            asleep,
            made: String::new(),
            made_message: String::new(),
            imported: None,
        }
    }

    /// What is acknowledged by the server after the moment, and then lost by it.
    fn after(&mut self, seed: u64) {
        let (first, second) = (&self.first, &self.second);
        self.made = id_of(&second.run(&["new", "--title", "Made after"]));
        second.run(&["add", &self.made, "--role", "user", "by the second"]);
        second.run(&["edit", &self.kept, "--add-tag", "second"]);
        // An old copy shows by its head alone, so it must not have come up to a cursor again when that device comes back:
        // these move the heads of all cursors well ahead.
        for n in 0..6 {
            second.run(&["add", &self.made, "--role", "user", &format!("by the second {n}")]);
            second.run(&["sync"]);
        }
        first.run(&["sync"]);
        first.run(&["edit", &self.kept, "--title", "Renamed", "--star", "--add-tag", "first"]);
        self.made_message = id_of(&first.run(&["add", &self.made, "--role", "assistant", "by the first"]));
        first.run(&["delete", &self.deleted_message, &self.deleted]);
        first.run(&["undelete", &self.undeleted]);
        rate(first, &self.rated, 4);
        let path = first.path("after.zip");
        let imported = archive::write(&path, &mut Rng::new(seed), 5, 2, 40_000);
        first.import(&path);
        self.imported = Some(imported);
        let report = first.run(&["sync"]);
        assert_eq!((&report["refused"], &report["waiting"]), (&json!(0), &json!(0)), "{report}");
    }
}

/// There is no word of `airi` for it: the window rates.
fn rate(device: &Device, message: &str, rating: u8) {
    let options = AppOptions { data_dir: Some(device.path("data")), ..AppOptions::default() };
    let app = App::open(options).unwrap();
    app.edit_message(MessageEdit { id: message.to_owned(), rating: Some(rating), feedback: None }).unwrap();
    app.close();
}

/// How it ended for one person.
struct Ended {
    order: &'static str,
    person: Person,
    /// The server's.
    rows: Rows,
    devices: Vec<(Rows, BTreeSet<(String, u32)>)>,
}

/// What the server lost, by the way it went back.
struct Restored {
    epochs: [String; 2],
    heads: [i64; 2],
    ended: Vec<Ended>,
}

fn restored(moment: Moment<'static>) -> Restored {
    let mut world = World::start(CloudOptions { archive: true, ..CloudOptions::default() });
    if moment != Moment::Backup {
        world.runtime.block_on(world.cloud.back_up()).unwrap();
    }
    let mut people = [Person::before(&world), Person::before(&world)];
    match moment {
        Moment::Backup => world.runtime.block_on(world.cloud.back_up()).unwrap(),
        Moment::Point(name) => world.runtime.block_on(world.cloud.restore_point(name)).unwrap(),
    }
    for (n, person) in people.iter_mut().enumerate() {
        person.after(n as u64);
    }
    let before = hello(&world, &people[0].user);
    world.runtime.block_on(world.cloud.restore(moment)).unwrap();
    let after = hello(&world, &people[0].user);
    let mut ended = Vec::new();
    for (person, order) in people.into_iter().zip(["who knows more comes first", "who knows more comes last"]) {
        let mut devices = [&person.first, &person.second, &person.asleep];
        if order.ends_with("last") {
            devices.reverse();
        }
        settle(&devices);
        let new = world.signed_in(&person.user);
        let devices = devices.into_iter().chain([&new]).map(|device| (on_device(device), files_of(device))).collect();
        ended.push(Ended { order, rows: on_server(&world, &person.user), devices, person });
    }
    Restored { epochs: [before.0, after.0], heads: [before.1, after.1], ended }
}

/// Epoch and head as that user's clients are told.
fn hello(world: &World, user: &User) -> (String, i64) {
    let client = world.transaction(user);
    let answer: String = world
        .runtime
        .block_on(async { client.query_one("select public.sync_hello()::text", &[]).await.unwrap().get(0) });
    let answer: Value = serde_json::from_str(&answer).unwrap();
    (answer["epoch"].as_str().unwrap().to_owned(), answer["head"].as_i64().unwrap())
}

/// Each of the two ways is gone once; the tests look at what came of it.
fn both() -> [&'static Restored; 2] {
    static RECOVERED: OnceLock<Option<Restored>> = OnceLock::new();
    static REPLACED: OnceLock<Option<Restored>> = OnceLock::new();
    // A way that breaks off says why once, and is not gone again for each test.
    let go = |moment| std::panic::catch_unwind(|| restored(moment)).ok();
    let recovered = RECOVERED.get_or_init(|| go(Moment::Point("moment"))).as_ref();
    let replaced = REPLACED.get_or_init(|| go(Moment::Backup)).as_ref();
    [recovered.expect("the recovery has broken off"), replaced.expect("the replacement has broken off")]
}

fn each(look: impl Fn(&Ended, &dyn Fn(&'static str, &str) -> Value)) {
    for (way, restored) in ["point in time", "old copy"].into_iter().zip(both()) {
        for ended in &restored.ended {
            println!("{way}, {}", ended.order);
            look(ended, &|table, id| {
                ended.rows.get(&(table, id.to_owned())).unwrap_or_else(|| panic!("{table} {id} is not there")).clone()
            });
        }
    }
}

#[test]
fn a_recovery_changes_the_timeline_alone_and_an_old_copy_only_the_head() {
    let [recovered, replaced] = both();
    let parts = |epoch: &str| epoch.split(':').map(str::to_owned).collect::<Vec<_>>();
    let [before, after] = recovered.epochs.each_ref().map(|epoch| parts(epoch));
    assert_eq!(before[..2], after[..2], "the stored id and the system stay");
    assert_ne!(before[2], after[2], "the timeline is another");
    assert_eq!(replaced.epochs[0], replaced.epochs[1]);
    assert!(replaced.heads[1] < replaced.heads[0], "{:?}", replaced.heads);
}

#[test]
fn rows_made_after_the_moment_come_back() {
    each(|ended, row| {
        let person = &ended.person;
        assert_eq!(row("conversations", &person.made)["title"], "Made after");
        assert_eq!(row("chat_messages", &person.made_message)["content"], "by the first");
        let imported = person.imported.as_ref().unwrap();
        for (id, text) in &imported.messages {
            assert_eq!(row("chat_messages", id)["content"], text.as_str());
        }
        for (id, hash) in &imported.attachments {
            assert_eq!(row("message_attachments", id)["sha256"], hash.as_str());
        }
    });
}

#[test]
fn files_made_after_the_moment_come_back_for_every_device() {
    each(|ended, _| {
        for (n, (_, files)) in ended.devices.iter().enumerate() {
            for (_, hash) in &ended.person.imported.as_ref().unwrap().attachments {
                let there = files.iter().any(|(name, _)| name.ends_with(hash.as_str()));
                assert!(there, "device {n} of {} cannot get {hash} from the server", ended.devices.len());
            }
        }
    });
}

#[test]
fn all_devices_and_the_server_are_equal_in_the_end() {
    each(|ended, _| {
        for (n, (rows, _)) in ended.devices.iter().enumerate() {
            assert_same(&format!("device {n} and the server"), rows, &ended.rows);
        }
    });
}

#[test]
fn what_was_deleted_for_good_before_the_moment_stays_gone() {
    each(|ended, _| {
        assert!(!ended.rows.contains_key(&("conversations", ended.person.gone.clone())));
    });
}

#[test]
fn edits_acknowledged_after_the_moment_come_back() {
    each(|ended, row| {
        let kept = row("conversations", &ended.person.kept);
        assert_eq!((&kept["title"], &kept["is_starred"]), (&json!("Renamed"), &json!(true)), "{kept}");
        assert_eq!(kept["tags"], json!(["first", "second"]), "{kept}");
        assert_eq!(row("chat_messages", &ended.person.rated)["rating"], 4);
    });
}

#[test]
fn deletions_after_the_moment_come_back() {
    each(|ended, row| {
        let person = &ended.person;
        assert!(!row("chat_messages", &person.deleted_message)["deleted_at"].is_null());
        assert!(!row("conversations", &person.deleted)["deleted_at"].is_null());
    });
}

#[test]
fn what_was_taken_out_of_the_trash_after_the_moment_is_out_of_it_again() {
    each(|ended, row| {
        let undeleted = row("conversations", &ended.person.undeleted);
        assert!(undeleted["deleted_at"].is_null(), "{undeleted}");
        assert_eq!(undeleted["is_archived"], false, "{undeleted}");
    });
}
