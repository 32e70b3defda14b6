//! When a client must compare everything: the server is another one, or stands behind the client's cursor.

use crate::people;
use crate::session::Cursor;
use crate::world::{Template, clone_of};

#[tokio::test]
async fn a_new_stored_id_makes_every_cursor_rejoin() {
    let database = clone_of(Template::Base).await;
    let owner = database.as_owner().await;
    let person = people::person(&owner, "epoch").await;
    let session = database.as_user(person.id).await;
    let before = session.hello().await["epoch"].as_str().unwrap().to_owned();
    let page = session.pull(&before, &Cursor::start(), 1000).await;
    assert!(page.get("rejoin").is_none() && !page["rows"].as_array().unwrap().is_empty(), "{page}");

    owner.batch_execute("update airi_private.sync_epoch set epoch = gen_random_uuid()").await.unwrap();
    let after = session.hello().await["epoch"].as_str().unwrap().to_owned();
    assert_ne!(after, before);
    let answer = session.pull(&before, &Cursor::next(&page), 1000).await;
    assert_eq!(answer["rejoin"], true, "{answer}");
    assert_eq!(answer["epoch"], after.as_str());
    assert!(answer.get("rows").is_none(), "no rows of the new epoch for a cursor of the old one");
    assert!(session.pull(&after, &Cursor::start(), 1000).await.get("rejoin").is_none());
}

#[tokio::test]
async fn the_epoch_names_the_stored_id_the_system_and_the_timeline() {
    let database = clone_of(Template::Base).await;
    let owner = database.as_owner().await;
    let person = people::person(&owner, "epoch").await;
    let epoch = database.as_user(person.id).await.hello().await["epoch"].as_str().unwrap().to_owned();
    let statement = "select e.epoch || ':' || s.system_identifier || ':' || c.timeline_id
        from airi_private.sync_epoch as e, pg_control_system() as s, pg_control_checkpoint() as c";
    let expected: String = database.as_superuser().await.query_one(statement, &[]).await.unwrap().get(0);
    assert_eq!(epoch, expected);
}

#[tokio::test]
async fn a_cursor_beyond_the_head_rejoins() {
    let database = clone_of(Template::Base).await;
    let person = people::person(&database.as_owner().await, "epoch").await;
    let session = database.as_user(person.id).await;
    let hello = session.hello().await;
    let (epoch, head) = (hello["epoch"].as_str().unwrap(), hello["head"].as_i64().unwrap());
    assert!(session.pull(epoch, &Cursor::after(head), 10).await.get("rejoin").is_none());
    assert_eq!(session.pull(epoch, &Cursor::after(head + 1), 10).await["rejoin"], true);
}
