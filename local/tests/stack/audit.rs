//! The audit log, from the real stream of the embedded table.

use std::{
    io::{self, Write},
    time::Duration,
};

use aws_sdk_dynamodb::types::{AttributeValue, StreamSpecification};
use harness::emulator::{Item, text};
use local::{stream::Stream, template::Template};
use serde_json::{Value, json, value::RawValue};
use session::{end::Scope, end::end_many, invocation::Invocation, lifecycle::Activity, unix_time::UnixMillis};

use crate::{
    Outcome,
    world::{World, at, reconnect_token, token},
};

const INVOCATION: Invocation<'_> = Invocation { request_id: "invocation-1", trace_id: Some("Root=1-2-3") };

/// The stream of a world from now on.
pub(crate) fn stream(world: &World) -> Outcome<Stream> {
    world.emulator.stream()
}

/// Everything that was written since the last call.
pub(crate) fn batch(stream: &mut Stream) -> Outcome<Box<RawValue>> {
    Ok(stream.next_batch()?.ok_or("nothing was written")?)
}

/// The records of a batch from one on, changed.
fn records(batch: &RawValue, from: usize, change: impl FnOnce(&mut Vec<Value>)) -> Outcome<Box<RawValue>> {
    let batch: Value = serde_json::from_str(batch.get())?;
    let mut records = batch["Records"].as_array().ok_or("no records")?[from..].to_vec();
    change(&mut records);
    Ok(RawValue::from_string(json!({ "Records": records }).to_string())?)
}

/// The answer to a batch, and the lines that were written before it.
fn recorded(batch: &RawValue, out: &mut Lines) -> Outcome<Value> {
    Ok(serde_json::to_value(record_events::handle(batch, &INVOCATION, out)?)?)
}

fn lines(batch: &RawValue) -> Outcome<Vec<Value>> {
    let mut out = Lines::default();
    assert_eq!(recorded(batch, &mut out)?, json!({ "batchItemFailures": [] }));
    out.read()
}

fn actions(lines: &[Value]) -> Vec<String> {
    let told = |line: &Value| {
        let reason = line["reason"].as_str().map(|reason| format!(" {reason}")).unwrap_or_default();
        format!("{}{reason}", line["action"].as_str().unwrap_or_default())
    };
    lines.iter().map(told).collect()
}

/// What was written, with room for so many lines.
struct Lines {
    text: Vec<u8>,
    room: usize,
}

impl Default for Lines {
    fn default() -> Self {
        Self { text: Vec::new(), room: usize::MAX }
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.room == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.room -= 1;
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn read(&self) -> Outcome<Vec<Value>> {
        let text = std::str::from_utf8(&self.text)?;
        Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
    }
}

#[tokio::test]
async fn every_change_that_matters_is_one_line() -> Outcome {
    let world = World::start(&[("SESSION_ACCESS_TTL", "30m")]).await?;
    let mut stream = stream(&world)?;
    let ada = world.register("ada", at(0)).await?;
    world.validate(&ada, Activity::Now, at(10)).await?;
    world.validate(&ada, Activity::Now, at(1_000)).await?;
    world.validate(&ada, Activity::Now, at(1_010)).await?;
    let next = world.refresh(token(&ada), &["one"], Activity::Now, at(1_020)).await?;
    world.refresh(token(&ada), &["one"], Activity::Now, at(1_030)).await?;
    world.refresh(token(&next), &["two"], Activity::None, at(1_040)).await?;
    assert!(world.refresh(token(&ada), &["late"], Activity::Now, at(1_050)).await.is_err());
    let guest = world.guest(at(1_060)).await?;
    world.logout(&guest, at(1_070)).await?;
    world.logout(&guest, at(1_080)).await?;
    let eve = world.remember("eve", at(1_090)).await?;
    let again = world.reconnect(reconnect_token(&eve), &["three"], at(1_100)).await?;
    end_many(&world.verifier, &again.access.text, Scope::Others, at(1_110)).await?;

    let lines = lines(&batch(&mut stream)?)?;
    let told = actions(&lines);
    assert_eq!(
        told,
        [
            "session_created",
            "session_extended",
            "session_rotated",
            "session_rotated",
            "session_reused reuse_detected",
            "session_created",
            "session_ended logout",
            "session_created",
            "stored_credential_made",
            "session_created",
            "session_ended replaced",
            "stored_credential_used",
        ],
    );
    for line in &lines {
        assert_eq!((&line["event"], &line["span"]["request_id"]), (&json!("audit"), &json!("invocation-1")), "{line}");
        let level = if line["action"] == "session_reused" { "WARN" } else { "INFO" };
        assert_eq!(line["level"], level, "{line}");
        assert!(line["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
    }
    let of = |name: &str, field: &str| {
        let found = lines.iter().find(|line| line["action"] == name).map(|line| line[field].clone());
        found.unwrap_or_default()
    };
    assert_eq!(of("session_created", "session"), ada.session.id.to_string());
    assert_eq!(of("session_created", "subject"), ada.session.subject.to_string());
    assert_eq!(of("session_extended", "at"), at(1_000).to_rfc3339());
    assert_eq!(of("session_rotated", "generation"), 2);
    assert_eq!(of("stored_credential_used", "session"), again.session.id.to_string());
    Ok(())
}

#[tokio::test]
async fn what_the_table_forgets_by_itself_has_expired_and_what_somebody_deletes_has_not() -> Outcome {
    // The embedded table deletes by the real clock, so nothing but what is made overdue here may be due by it.
    let now = UnixMillis::now();
    let world = World::start_at(now, &[]).await?;
    world.register("ada", now).await?;
    world.remember("eve", now).await?;
    let mut stream = stream(&world)?;
    let overdue = |mut item: Item| {
        item.insert("ttl".to_owned(), AttributeValue::N("1".to_owned()));
        item
    };
    for item in world.emulator.items("S#").await? {
        world.emulator.put(overdue(item)).await?;
    }
    assert_eq!(actions(&lines(&batch(&mut stream)?)?), [""; 0], "a write that changes nothing of a session");
    assert_eq!(world.emulator.embedded.sweep()?, 2);
    let expired = lines(&batch(&mut stream)?)?;
    assert_eq!(actions(&expired), ["session_expired idle_timeout"; 2]);
    let limit = now.after(Duration::from_hours(24));
    assert_eq!(expired[0]["at"], limit.to_rfc3339(), "when its limit passed, not when it was forgotten");
    world.register("zoe", now).await?;
    world.emulator.lose_sessions().await?;
    assert_eq!(actions(&lines(&batch(&mut stream)?)?), ["session_created", "session_deleted"]);
    Ok(())
}

/// Five changes that are one line each.
async fn five() -> Outcome<(World, Box<RawValue>)> {
    let world = World::start(&[]).await?;
    let mut stream = stream(&world)?;
    for second in 0..5 {
        world.guest(at(second)).await?;
    }
    let batch = records(&batch(&mut stream)?, 0, |records| {
        records
            .retain(|record| record["dynamodb"]["Keys"]["sk"]["S"].as_str().is_some_and(|key| key.starts_with("S#")));
    })?;
    Ok((world, batch))
}

#[tokio::test]
async fn a_batch_that_comes_again_gives_lines_that_can_be_told_from_new_ones() -> Outcome {
    let (_world, batch) = five().await?;
    let names = |lines: Vec<Value>| lines.iter().map(|line| line["event_id"].clone()).collect::<Vec<_>>();
    let first = names(lines(&batch)?);
    assert_eq!(names(lines(&batch)?), first);
    let mut distinct: Vec<_> = first.iter().map(ToString::to_string).collect();
    distinct.sort();
    distinct.dedup();
    assert_eq!((first.len(), distinct.len()), (5, 5));
    Ok(())
}

#[tokio::test]
async fn a_line_that_cannot_be_written_comes_again_with_all_after_it_and_none_before() -> Outcome {
    let (_world, batch) = five().await?;
    let all = lines(&batch)?;
    let position = |at: usize| -> Outcome<Value> {
        Ok(serde_json::from_str::<Value>(batch.get())?["Records"][at]["dynamodb"]["SequenceNumber"].clone())
    };
    let mut out = Lines { room: 2, ..Lines::default() };
    assert_eq!(recorded(&batch, &mut out)?, json!({ "batchItemFailures": [{ "itemIdentifier": position(2)? }] }));
    let mut written = out.read()?;
    assert_eq!(written.len(), 2);
    written.extend(lines(&records(&batch, 2, |_| ())?)?);
    let sessions = |lines: &[Value]| lines.iter().map(|line| line["session"].clone()).collect::<Vec<_>>();
    assert_eq!(sessions(&written), sessions(&all));
    Ok(())
}

#[tokio::test]
async fn a_bad_third_record_loses_no_other_and_blocks_nothing() -> Outcome {
    let (_world, batch) = five().await?;
    let all = lines(&batch)?;
    for bad in [json!({}), json!(null), json!({ "eventID": "e", "dynamodb": { "SequenceNumber": "1" } })] {
        let batch = records(&batch, 0, |records| records[2] = bad.clone())?;
        let written = lines(&batch)?;
        let sessions = |lines: &[Value]| lines.iter().map(|line| line["session"].clone()).collect::<Vec<_>>();
        assert_eq!(sessions(&written), [&sessions(&all)[..2], &sessions(&all)[3..]].concat(), "{bad}");
    }
    Ok(())
}

#[tokio::test]
async fn no_line_holds_what_proves_or_opens_anything() -> Outcome {
    let world = World::start(&[]).await?;
    let mut stream = stream(&world)?;
    let opened = world.remember("ada", at(0)).await?;
    let next = world.refresh(token(&opened), &["one"], Activity::Now, at(10)).await?;
    let again = world.reconnect(reconnect_token(&opened), &["two"], at(20)).await?;
    let lines: String = lines(&batch(&mut stream)?)?.iter().map(Value::to_string).collect();
    let tokens = [token(&opened), token(&next), token(&again), reconnect_token(&opened), reconnect_token(&again)];
    let parts = tokens.iter().flat_map(|token| token.split('.').filter(|part| part.len() >= 40));
    let items = [world.emulator.items("S#").await?, world.emulator.items("R#").await?].concat();
    let hashes = items.iter().map(|item| text(item, "cur")).collect::<Outcome<Vec<_>>>()?;
    for secret in parts.chain(hashes) {
        assert!(!lines.contains(secret), "{secret} is in the audit log");
    }
    for name in ["cur", "sealed", "network", "user_agent", "label", "origin"] {
        assert!(!lines.contains(&format!("\"{name}\"")), "{name} is in the audit log");
    }
    Ok(())
}

#[test]
fn another_kind_of_event_is_an_error_and_not_an_empty_batch() -> Outcome {
    for event in ["null", "[]", "{}", r#"{"Records":null}"#, r#"{"version":"2.0","routeKey":"POST /refresh"}"#] {
        let event = RawValue::from_string(event.to_owned())?;
        assert!(record_events::handle(&event, &INVOCATION, &mut Lines::default()).is_err(), "{event}");
    }
    Ok(())
}

#[tokio::test]
async fn a_table_that_was_made_without_a_stream_gets_one() -> Outcome {
    let world = World::start(&[]).await?;
    let client = &world.emulator.client;
    let table = Template::read()?.table;
    client.update_table().table_name(&table.name).stream_specification(off()?).send().await?;
    world.guest(at(0)).await?;
    let mut stream = stream(&world)?;
    assert!(stream.next_batch()?.is_none(), "what was written before is not in it");
    world.guest(at(1)).await?;
    assert_eq!(actions(&lines(&batch(&mut stream)?)?), ["session_created"]);
    Ok(())
}

fn off() -> Outcome<StreamSpecification> {
    Ok(StreamSpecification::builder().stream_enabled(false).build()?)
}
