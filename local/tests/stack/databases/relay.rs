//! A real PostgreSQL whose answers are replaced once the user is in.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
};

use super::{Database, Engine, log_in};
use crate::Outcome;

/// Hands everything on but the first query, which it answers by itself.
async fn relay(client: TcpStream, port: u16, answer: &[u8]) -> Outcome {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = TcpStream::connect(("127.0.0.1", port)).await?.into_split();
    let answers = tokio::spawn(async move {
        let _ = copy(&mut from_server, &mut to_client).await;
        to_client
    });
    let mut said = vec![0; 4096];
    loop {
        let length = from_client.read(&mut said).await?;
        if length == 0 || said[0] == b'Q' {
            break;
        }
        to_server.write_all(&said[..length]).await?;
    }
    to_server.shutdown().await?;
    answers.await?.write_all(answer).await?;
    Ok(())
}

#[tokio::test]
async fn no_answer_to_the_query_gets_the_better_of_a_login() -> Outcome {
    let Some(database) = Database::start(Engine::Postgres).await? else { return Ok(()) };
    database.create_user("plain", "correct-horse").await?;
    let fields = |count: u16, rest: &[u8]| [&count.to_be_bytes(), rest].concat();
    let message = |tag: u8, length: u32, body: &[u8]| [&[tag], length.to_be_bytes().as_slice(), body].concat();
    let rows: [(&str, Vec<u8>); 7] = [
        ("a row without a count", message(b'D', 4, b"")),
        ("a row of half a count", message(b'D', 5, b"\0")),
        ("a row of more than there is", message(b'D', 6, &fields(u16::MAX, b""))),
        ("a field of more than there is", message(b'D', 10, &fields(1, &i32::MAX.to_be_bytes()))),
        ("a field of less than nothing", message(b'D', 10, &fields(1, &(-7_i32).to_be_bytes()))),
        ("a length of nothing", message(b'D', 0, b"")),
        ("a description without an end", message(b'T', 8, &fields(1, b"xx"))),
    ];
    for (name, row) in rows {
        for described in [false, true] {
            let description = message(b'T', 6, &fields(0, b""));
            let answer = [if described { description } else { Vec::new() }, row.clone()].concat();
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let relay_port = listener.local_addr()?.port();
            let port = database.port;
            let relayed = tokio::spawn(async move { relay(listener.accept().await?.0, port, &answer).await });
            let settings = database.settings(&format!("127.0.0.1:{relay_port};plaintext"));
            let string = format!("postgres://plain:correct-horse@127.0.0.1:{relay_port}/app");
            // Let in or not: the server itself had let the user in.
            let ended = log_in(&settings, &string).await?;
            let cause = format!("{ended:?}");
            assert!(!cause.contains("the driver gave up"), "{name}: {cause}");
            relayed.await??;
        }
    }
    Ok(())
}
