//! The least that a function with one TLS request can do: no SDK, no asynchronous runtime, no HTTP library.
//!
//! Every event is answered with a constant once the endpoint has answered a request whose signature is a constant too.

use std::{
    error::Error,
    io::{self, Read, Write},
    net::TcpStream,
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

const REQUEST: &str = r#"{"TableName":"SessionTable","Key":{"pk":{"S":"U#"},"sk":{"S":"S#"}},"ConsistentRead":true}"#;
const SIGNATURE: &str =
    "AWS4-HMAC-SHA256 Credential=a/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
const ANSWER: &str = r#"{"statusCode":200,"headers":{"content-type":"application/json"},"body":"{}"}"#;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let api = setting("AWS_LAMBDA_RUNTIME_API")?;
    let endpoint = setting("AWS_ENDPOINT_URL_DYNAMODB")?;
    let address = endpoint.strip_prefix("https://").ok_or("not an https endpoint")?;
    let get_item = format!(
        "POST / HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/x-amz-json-1.0\r\n\
         x-amz-target: DynamoDB_20120810.GetItem\r\nx-amz-date: 20260101T000000Z\r\nauthorization: {SIGNATURE}\r\n\
         content-length: {}\r\n\r\n{REQUEST}",
        REQUEST.len()
    );
    let mut table = connect(address)?;
    let mut runtime = TcpStream::connect(&api)?;
    runtime.set_nodelay(true)?;
    loop {
        let next = format!("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: {api}\r\n\r\n");
        let head = exchange(&mut runtime, next.as_bytes())?;
        let id = header(&head, "lambda-runtime-aws-request-id").ok_or("an event without an id")?;
        exchange(&mut table, get_item.as_bytes())?;
        let response = format!(
            "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nhost: {api}\r\ncontent-length: {}\r\n\r\n\
             {ANSWER}",
            ANSWER.len()
        );
        exchange(&mut runtime, response.as_bytes())?;
    }
}

#[expect(clippy::disallowed_methods, reason = "it shares no code with the functions that it is compared with")]
fn setting(name: &str) -> Outcome<String> {
    Ok(std::env::var(name)?)
}

fn connect(address: &str) -> Outcome<StreamOwned<ClientConnection, TcpStream>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(setting("SSL_CERT_FILE")?)? {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (host, _) = address.split_once(':').ok_or("no port")?;
    let tls = ClientConnection::new(Arc::new(config), ServerName::try_from(host.to_owned())?)?;
    let tcp = TcpStream::connect(address)?;
    tcp.set_nodelay(true)?;
    Ok(StreamOwned::new(tls, tcp))
}

/// Sends a request and reads the whole answer to it; returns its head.
fn exchange(stream: &mut (impl Read + Write), request: &[u8]) -> Outcome<String> {
    stream.write_all(request)?;
    stream.flush()?;
    let mut read = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let more = stream.read(&mut buffer)?;
        if more == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        read.extend_from_slice(buffer.get(..more).unwrap_or_default());
        let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(read.get(..end).unwrap_or_default().to_vec())?;
        let length: usize = header(&head, "content-length").unwrap_or("0").parse()?;
        if read.len() >= end + 4 + length {
            return Ok(head);
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    headers.find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
}
