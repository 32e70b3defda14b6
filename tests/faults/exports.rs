//! The daily export and the monthly archive, by the operator's scripts, into a server that speaks S3: whole or not named, not
//! written twice, broken off and repeated, brought back into the app, and forgotten with the account.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::SystemTime;

use airi_testkit::Rng;
use airi_tests::{CloudOptions, ObjectStore, User};
use serde_json::Value;

use crate::archive;
use crate::device::Device;
use crate::world::World;

/// How a script ended: whether well, and all that it said.
type Said = (bool, String);

struct Stage {
    world: World,
    store: ObjectStore,
}

impl Stage {
    fn run(&self, script: &str, args: &[&str], with: &[(&str, &str)]) -> Said {
        let args: Vec<&Path> = args.iter().map(Path::new).collect();
        let mut command = self.world.cloud.operation(script, &args).unwrap();
        command.envs(self.store.environment()).envs(with.iter().copied());
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        (output.status.success(), said)
    }

    fn runs(&self, script: &str, args: &[&str]) -> String {
        let (well, said) = self.run(script, args, &[]);
        assert!(well, "{script}: {said}");
        said
    }

    /// The objects below a prefix, and when each was written.
    fn objects(&self, prefix: &str) -> BTreeMap<String, SystemTime> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.store.bucket().join(prefix)];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for entry in entries.map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    let name = entry.path().strip_prefix(self.store.bucket()).unwrap().display().to_string();
                    found.insert(name, entry.metadata().unwrap().modified().unwrap());
                }
            }
        }
        found
    }

    /// What people said, as the server has it.
    fn said_by(&self, user: &User) -> BTreeSet<String> {
        let sql = "select coalesce(jsonb_agg(m.content), '[]') from public.chat_messages as m
            join public.conversations as c on c.id = m.conversation_id
            where m.user_id = $1 and m.deleted_at is null and c.deleted_at is null";
        texts(&self.world.json(user, sql))
    }

    /// Runs SQL that no trigger sees.
    fn unseen(&self, sql: &str) {
        self.world.runtime.block_on(async {
            let client = self.world.cloud.connect().await.unwrap();
            let quiet = format!("set session_replication_role = replica; {sql}");
            client.batch_execute(&quiet).await.unwrap();
        });
    }
}

fn texts(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Imports a file on a device without an account, and returns what is said there.
fn brought_back(path: &Path) -> BTreeSet<String> {
    let device = Device::new();
    device.import(path);
    let export: Value = serde_json::from_slice(&device.export("all.json")).unwrap();
    let conversations = export["conversations"].as_array().unwrap();
    let messages = conversations.iter().flat_map(|conversation| conversation["messages"].as_array().unwrap());
    messages.map(|message| message["content"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_users_export_is_whole_repeatable_and_comes_back_into_the_app() {
    let stage = Stage { world: World::start(CloudOptions::default()), store: ObjectStore::start().unwrap() };
    let [anna, bert] = [stage.world.account(), stage.world.account()];
    let [device, other] = [stage.world.signed_in(&anna), stage.world.signed_in(&bert)];
    let path = device.path("in.zip");
    archive::write(&path, &mut Rng::new(5), 4, 6, 20_000);
    device.import(&path);
    device.run(&["new", "--title", "Umlaute \u{e4}\u{f6}\u{fc} \"quoted\" \u{6570} \u{1f680}"]);
    other.run(&["new", "--title", "Bert's"]);
    for device in [&device, &other] {
        device.run(&["sync"]);
    }

    // With a key that is not the bucket's nothing is written, and the run says so.
    let (well, said) = stage.run("export-users.sh", &[], &[("AWS_SECRET_ACCESS_KEY", "wrong")]);
    assert!(!well && said.contains("403"), "{said}");
    assert_eq!(stage.objects("exports").len(), 0);

    // The first account is the cloud's own.
    assert!(stage.runs("export-users.sh", &[]).contains("3 users, 0 failed"));
    let first = stage.objects("exports");
    assert_eq!(first.len(), 9, "two parts each, and which they are: {first:#?}");
    stage.runs("export-users.sh", &[]);
    assert_eq!(stage.objects("exports"), first, "who has changed nothing is not written again");

    let id = anna.id.to_string();
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("anna.json");
    let fetch = [id.as_str(), file.to_str().unwrap()];
    stage.runs("fetch-export.sh", &fetch);
    let before = stage.said_by(&anna);
    assert!(before.len() > 3, "{before:?}");
    assert_eq!(brought_back(&file), before);
    let account = place.path().join("account.json");
    stage.runs("fetch-export.sh", &[&id, account.to_str().unwrap(), "account"]);
    let account: Value = serde_json::from_slice(&std::fs::read(account).unwrap()).unwrap();
    assert_eq!((&account["format"], &account["profile"]["id"]), (&"airi-account".into(), &id.as_str().into()));

    // The bucket is gone in the middle: an error, and the last whole export stays the one that is named.
    let mut stage = stage;
    let made = device.run(&["new", "--title", "Later"]);
    device.run(&["add", made["id"].as_str().unwrap(), "--role", "user", "said later"]);
    device.run(&["sync"]);
    stage.store.stop();
    let (well, said) = stage.run("export-users.sh", &[&id], &[("S3_RETRIES", "1")]);
    assert!(!well && said.contains("no answer"), "{said}");
    stage.store.start_again().unwrap();
    stage.runs("fetch-export.sh", &fetch);
    assert_eq!(brought_back(&file), before);
    stage.runs("export-users.sh", &[]);
    stage.runs("fetch-export.sh", &fetch);
    assert!(brought_back(&file).contains("said later"));
    assert_eq!(brought_back(&file), stage.said_by(&anna));
    let again = stage.objects("exports");
    assert_eq!(again.len(), 11, "nobody else's is written anew, and the older one stays: {again:#?}");

    // Of many the last ones stay.
    for n in 0..3 {
        device.run(&["new", "--title", &format!("Number {n}")]);
        device.run(&["sync"]);
        let (well, said) = stage.run("export-users.sh", &[&id], &[("KEEP", "2")]);
        assert!(well, "{said}");
    }
    assert_eq!(stage.objects(&format!("exports/{id}")).len(), 5);
    stage.runs("fetch-export.sh", &fetch);
    assert_eq!(brought_back(&file), stage.said_by(&anna));

    // An object that is not what was written is not taken for it.
    std::fs::remove_file(&file).unwrap();
    for name in stage.objects(&format!("exports/{id}")).keys().filter(|name| name.contains(".conversations.")) {
        std::fs::write(stage.store.bucket().join(name), "something else").unwrap();
    }
    let (well, said) = stage.run("fetch-export.sh", &fetch, &[]);
    assert!(!well && said.contains("is not what was written") && !file.exists(), "{said}");

    // Erasing the account takes it along.
    let others = stage.objects("exports").len() - 5;
    stage.runs("forget-exports.sh", &[&id]);
    assert_eq!(stage.objects("exports").len(), others);
    assert_eq!(stage.objects(&format!("exports/{id}")).len(), 0);
}

#[test]
fn conversations_that_lay_long_in_the_archive_are_written_once_and_stay() {
    let stage = Stage { world: World::start(CloudOptions::default()), store: ObjectStore::start().unwrap() };
    let user = stage.world.account();
    let device = stage.world.signed_in(&user);
    let mut ids = Vec::new();
    for title in ["old", "new in the archive", "in use"] {
        let made = device.run(&["new", "--title", title]);
        let id = made["id"].as_str().unwrap().to_owned();
        device.run(&["add", &id, "--role", "user", &format!("said in {title}")]);
        ids.push(id);
    }
    device.run(&["sync"]);
    let age = |id: &str, archived: bool, months: u32| {
        stage.unseen(&format!(
            "update public.conversations set is_archived = {archived}, last_message_at = now() - interval '{months} months',
               updated_at = now() - interval '{months} months' where id = '{id}'"
        ));
    };
    age(&ids[0], true, 13);
    age(&ids[1], true, 11);
    age(&ids[2], false, 13);

    assert!(stage.runs("archive-conversations.sh", &[]).contains("1 written, 0 there already"));
    let first = stage.objects("archive");
    let names: Vec<&String> = first.keys().collect();
    assert_eq!(names.len(), 1);
    assert!(names[0].starts_with(&format!("archive/{}/{}.", user.id, ids[0])), "{names:?}");
    assert!(stage.runs("archive-conversations.sh", &[]).contains("0 written, 1 there already"));
    assert_eq!(stage.objects("archive"), first);

    // One that was said to since takes the place of the older.
    device.run(&["add", &ids[0], "--role", "user", "said again"]);
    device.run(&["sync"]);
    age(&ids[0], true, 14);
    assert!(stage.runs("archive-conversations.sh", &["12"]).contains("1 written, 0 there already"));
    let second = stage.objects("archive");
    assert_eq!(second.len(), 1);
    assert!(!second.contains_key(names[0]));
    assert!(stage.runs("archive-conversations.sh", &["10"]).contains("1 written, 1 there already"));

    // It is a file of the app, and the server still has the conversation.
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("one.json");
    let packed = stage.store.bucket().join(second.keys().next().unwrap());
    let unpacked = std::process::Command::new("gzip").arg("-dc").arg(packed).output().unwrap();
    std::fs::write(&file, unpacked.stdout).unwrap();
    let expected: BTreeSet<String> = ["said in old", "said again"].map(String::from).into();
    assert_eq!(brought_back(&file), expected);
    assert!(stage.said_by(&user).is_superset(&expected));
}
