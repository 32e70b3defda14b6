//! The written recovery procedure (docs/operations.md, "Recovery"), as an operator goes through it and with the operator's own
//! scripts: the machine is lost; what comes up is the database of the chosen moment, row for row, in a new epoch before anyone
//! can ask; and the people's devices bring back what was acknowledged after it.

use crate::archive::{self, Archive};
use crate::device::Device;
use crate::rows::{converge, files_of, on_server};
use crate::world::World;
use airi_testkit::Rng;
use airi_tests::{CloudOptions, User};
use serde_json::Value;

struct Person {
    user: User,
    devices: [Device; 2],
    conversation: String,
    imported: Vec<Archive>,
}

impl Person {
    fn new(world: &World) -> Person {
        let user = world.account();
        let devices = [world.signed_in(&user), world.signed_in(&user)];
        let made = devices[0].run(&["new", "--title", "Kept"]);
        let mut person =
            Person { user, devices, conversation: made["id"].as_str().unwrap().to_owned(), imported: Vec::new() };
        person.writes("before the backup");
        person
    }

    /// Messages and files on both devices, acknowledged by the server.
    fn writes(&mut self, text: &str) {
        let seed = self.user.id.as_u64_pair().0.wrapping_add(self.imported.len() as u64);
        let path = self.devices[0].path("in.zip");
        let imported = archive::write(&path, &mut Rng::new(seed), 4, 2, 20_000);
        self.devices[0].import(&path);
        self.imported.push(imported);
        self.devices[0].run(&["add", &self.conversation, "--role", "user", text]);
        for device in &self.devices {
            device.run(&["sync"]);
        }
        self.devices[1].run(&["add", &self.conversation, "--role", "assistant", &format!("{text}, answered")]);
        for device in self.devices.iter().rev() {
            device.run(&["sync"]);
        }
    }
}

/// The line of one table.
fn of<'a>(manifest: &'a str, table: &str) -> &'a str {
    manifest.lines().find(|line| line.starts_with(&format!("{table} "))).unwrap()
}

fn epoch(world: &World, person: &Person) -> String {
    let sql = "select to_jsonb(e.epoch::text) from airi_private.sync_epoch as e where $1::uuid is not null";
    let answer: Value = world.json(&person.user, sql);
    answer.as_str().unwrap().to_owned()
}

#[test]
fn a_lost_machine_comes_back_at_the_chosen_moment_and_the_devices_bring_the_rest() {
    let mut world = World::start(CloudOptions { archive: true, ..CloudOptions::default() });
    let mut people = [Person::new(&world), Person::new(&world)];
    world.runtime.block_on(world.cloud.back_up()).unwrap();
    world.cloud.copy_objects().unwrap();

    // Between the copy of the objects and the moment: their rows are in the log, their bytes nowhere but on devices.
    people.iter_mut().for_each(|person| person.writes("before the moment"));
    let at_the_moment = world.cloud.manifest().unwrap();
    let moment: Value =
        world.json(&people[0].user, "select to_jsonb(clock_timestamp()::text) where $1::uuid is not null");
    let before = epoch(&world, &people[0]);
    people.iter_mut().for_each(|person| person.writes("after the moment"));
    let rows: Vec<_> = people.iter().map(|person| on_server(&world, &person.user)).collect();
    let files: Vec<_> = people.iter().map(|person| files_of(&person.devices[0])).collect();
    assert_ne!(world.cloud.manifest().unwrap(), at_the_moment, "the manifest hears of rows after the moment");
    world.runtime.block_on(world.cloud.archive_all()).unwrap();

    world.cloud.destroy().unwrap();
    world.runtime.block_on(world.cloud.recover(moment.as_str().unwrap())).unwrap();
    assert_eq!(world.cloud.manifest().unwrap(), at_the_moment, "every table, row for row");
    // Nobody is answered before the new epoch is set.
    let (_, code, _) = people[0].devices[0].fail(&["sync"]);
    assert_eq!(epoch(&world, &people[0]), before, "{code}");

    let said = world.runtime.block_on(world.cloud.reopen()).unwrap();
    assert!(said.ends_with("whole\n"), "{said}");
    assert_ne!(epoch(&world, &people[0]), before);
    let missing = said.lines().filter(|line| line.starts_with("missing: attachments/")).count();
    assert_eq!(missing, 2 * people.len(), "the objects between copy and moment, of each person two: {said}");
    let now = world.cloud.manifest().unwrap();
    for table in ["public.conversations", "public.chat_messages", "public.tombstones", "auth.users"] {
        assert_eq!(of(&now, table), of(&at_the_moment, table), "reopening changes no row of people's");
    }

    for ((person, rows), files) in people.iter().zip(&rows).zip(&files) {
        let [first, second] = &person.devices;
        let after = converge(&world, &person.user, &[first, second]);
        assert_eq!(&after, rows, "what was acknowledged before the loss");
        // A device that has nothing of its own gets the bytes of every file from the server.
        let new = world.signed_in(&person.user);
        new.run(&["sync"]);
        assert_eq!(&files_of(&new), files);
    }
}

#[test]
fn what_is_not_whole_keeps_the_api_closed() {
    let mut world = World::start(CloudOptions { archive: true, ..CloudOptions::default() });
    let user = world.account();
    let device = world.signed_in(&user);
    device.run(&["new", "--title", "One"]);
    device.run(&["sync"]);
    let owner = world.runtime.block_on(world.cloud.connect()).unwrap();
    assert!(world.runtime.block_on(world.cloud.reopen()).unwrap().ends_with("whole\n"));
    for (harm, word) in [
        ("update public.sync_heads set seq = 0", "above the head"),
        ("delete from public.user_profiles", "conversations_user_id_fkey"),
    ] {
        world.execute(&owner, &format!("set session_replication_role = replica; {harm}"));
        let error = world.runtime.block_on(world.cloud.reopen()).unwrap_err().to_string();
        assert!(error.contains("not whole") && error.contains(word), "{error}");
    }
}

#[test]
fn an_operator_cannot_overwrite_what_is_left_or_reach_a_moment_that_no_backup_covers() {
    let mut world = World::start(CloudOptions { archive: true, ..CloudOptions::default() });
    world.runtime.block_on(world.cloud.back_up()).unwrap();
    world.cloud.copy_objects().unwrap();
    let error = world.runtime.block_on(world.cloud.recover("latest")).unwrap_err().to_string();
    assert!(error.contains("is not empty"), "{error}");
    world.cloud.destroy().unwrap();
    let error = world.runtime.block_on(world.cloud.recover("2020-01-01 00:00:00+00")).unwrap_err().to_string();
    assert!(error.contains("no backup"), "{error}");
    world.runtime.block_on(world.cloud.recover("latest")).unwrap();
}
