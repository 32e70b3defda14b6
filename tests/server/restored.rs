//! What happens to numbers and rows when the server is put back to an older moment: no number is given twice, and of the
//! forms that devices bring back the latest wins in whatever order they come.

use airi_tests::{Cloud, CloudOptions, Moment};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::{Caller, call, sign_in};
use crate::people;
use crate::session::{Session, number_of};
use crate::world::{Template, clone_of};

const STEP: i64 = 1_000_000_000_000;
const BY_HAND: i64 = 100_000_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_restores_from_one_backup_number_apart() {
    let options = CloudOptions { archive: true, ..CloudOptions::default() };
    let mut cloud = Cloud::start(options).await.unwrap();
    let user = cloud.create_user().await.unwrap();
    let (caller, _) = sign_in(&cloud, &user).await;
    cloud.back_up().await.unwrap();
    let first = head_after_a_write(&cloud, &caller).await;
    cloud.restore_point("before").await.unwrap();
    let lost = head_after_a_write(&cloud, &caller).await;
    assert_eq!(lost, first + 1);

    cloud.restore(Moment::Point("before")).await.unwrap();
    let second = head_after_a_write(&cloud, &caller).await;
    assert!(second > lost && second / STEP == lost / STEP + 1, "{lost}, then {second}");
    assert_eq!(head_after_a_write(&cloud, &caller).await, second + 1, "then it goes on by one");

    // The same backup again, without what the second life wrote: its numbers must not come a second time either.
    cloud.restore(Moment::Point("before")).await.unwrap();
    let third = head_after_a_write(&cloud, &caller).await;
    assert!(third / STEP > second / STEP, "{second}, then {third}");
    cloud.stop().await.unwrap();
}

/// Writes a conversation and tells the head that this gave.
async fn head_after_a_write(cloud: &Cloud, caller: &Caller) -> i64 {
    let (id, op_id) = (Uuid::new_v4(), Uuid::new_v4());
    let operation = json!({"op_id": op_id, "lane": id, "table": "conversations", "id": id, "kind": "insert",
        "row": {"title": "x"}, "base_seq": 0});
    let answer = call(cloud, caller, "sync_push", &json!({"p_device": null, "p_ops": [operation]})).await;
    assert_eq!(answer.json()["results"][0]["status"], "applied", "{}", answer.text);
    answer.json()["head"].as_i64().unwrap()
}

/// Forms of three rows, as devices hold them: `held`, and a rating or title that tells it.
const FORMS: [i64; 4] = [50, 60, 70, 80];

#[tokio::test]
async fn the_latest_form_wins_in_every_order() {
    let database = clone_of(Template::Base).await;
    let owner = database.as_owner().await;
    for order in orders() {
        let person = people::person(&owner, "restored").await;
        let session = database.as_user(person.id).await;
        owner.batch_execute("update airi_private.sync_epoch set epoch = gen_random_uuid()").await.unwrap();
        let (there, gone) = (person.conversation, Uuid::new_v4());
        let messages: Vec<Uuid> = (0..3).map(|_| Uuid::new_v4()).collect();
        let mut pushed = Vec::new();
        for held in &order {
            let mut operations = vec![
                operation("conversations", there, *held, "patch", &json!({"title": format!("of {held}")})),
                operation("conversations", gone, *held, "insert", &json!({"title": format!("of {held}")})),
            ];
            operations.extend(messages.iter().map(|id| {
                // Ratings end at five.
                let row = json!({"conversation_id": there, "role": "user", "content": "x", "rating": held / 10 - 4,
                    "created_at": "2026-01-01T00:00:00Z"});
                operation("chat_messages", *id, *held, "insert", &row)
            }));
            let answer = session.push(&Value::from(operations.clone())).await.unwrap();
            assert_answers_carry_the_row(&answer, *order.iter().take(pushed.len() + 1).max().unwrap() > *held);
            pushed.push(operations);
        }
        // Repeated, in the same order: nothing moves any more.
        let head = session.head().await;
        for operations in &pushed {
            session.push(&Value::from(operations.clone())).await.unwrap();
        }
        assert_eq!(session.head().await, head, "{order:?}");
        let count = format!(
            "select count(*) from public.conversations where id in ('{there}', '{gone}') and title = 'of 80'
               and change_seq >= {BY_HAND}"
        );
        assert_eq!(number_of(&owner, &count).await, 2, "{order:?}");
        let count =
            format!("select count(*) from public.chat_messages where conversation_id = '{there}' and rating = 4");
        assert_eq!(number_of(&owner, &count).await, 3, "{order:?}");
    }
}

fn assert_answers_carry_the_row(answer: &Value, superseded: bool) {
    for result in answer["results"].as_array().unwrap() {
        assert_eq!(result["status"], "applied", "{result}");
        assert_eq!(result["code"] == "superseded", superseded, "{result}");
        assert_eq!(
            result.get("row").is_some_and(|row| row["change_seq"] == result["change_seq"]),
            superseded,
            "{result}"
        );
    }
}

#[tokio::test]
async fn forms_that_arrive_together_end_as_the_latest() {
    let database = clone_of(Template::Base).await;
    let owner = database.as_owner().await;
    let person = people::person(&owner, "restored").await;
    owner.batch_execute("update airi_private.sync_epoch set epoch = gen_random_uuid()").await.unwrap();
    let sessions: [Session; 3] =
        [database.as_user(person.id).await, database.as_user(person.id).await, database.as_user(person.id).await];
    for round in 0..20 {
        let ids: Vec<Uuid> = (0..50).map(|_| Uuid::new_v4()).collect();
        let forms = |held: i64| {
            let row = json!({"conversation_id": person.conversation, "role": "user", "content": "x", "rating": held / 10 - 4,
                "created_at": "2026-01-01T00:00:00Z"});
            Value::from_iter(ids.iter().map(|id| operation("chat_messages", *id, held, "insert", &row)))
        };
        let [a, b, c] = &sessions;
        let (one, two, three) = (forms(70), forms(60), forms(50));
        let (one, two, three) = tokio::join!(a.push(&one), b.push(&two), c.push(&three));
        for answer in [one, two, three] {
            let answer = answer.unwrap();
            assert!(
                answer["results"].as_array().unwrap().iter().all(|result| result["status"] == "applied"),
                "{answer}"
            );
        }
        let list = ids.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(",");
        let count = format!("select count(*) from public.chat_messages where id in ({list}) and rating = 3");
        assert_eq!(number_of(&owner, &count).await, 50, "round {round}");
    }
}

fn operation(table: &str, id: Uuid, held: i64, kind: &str, data: &Value) -> Value {
    let field = if kind == "insert" { "row" } else { "set" };
    json!({"op_id": Uuid::new_v4(), "lane": id, "table": table, "id": id, "kind": kind, "base_seq": 0, "held": held,
        field: data})
}

/// All orders of [`FORMS`].
fn orders() -> Vec<Vec<i64>> {
    let mut all = vec![vec![]];
    for form in FORMS {
        all = all
            .into_iter()
            .flat_map(|order: Vec<i64>| {
                (0..=order.len()).map(move |place| {
                    let mut longer = order.clone();
                    longer.insert(place, form);
                    longer
                })
            })
            .collect();
    }
    all
}
