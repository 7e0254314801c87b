//! What the driver does not refuse by itself: a password in the clear, a server that asks for none, endless messages.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};

/// Bytes that a server may send in all. A login takes about a thousand; the driver keeps notices and reserves what a
/// message says it has.
const MOST_BYTES: usize = 256 * 1024;

/// Tag of the messages by which a client proves who it is (PostgreSQL 55.7: `PasswordMessage` and the SASL messages).
const PROOF: u8 = b'p';

/// A connection on which both directions are watched, message by message.
pub(super) struct Guarded<S> {
    stream: S,
    encrypted: bool,
    /// Whether the first message, which has no tag, has been written.
    started: bool,
    /// Whether the server has asked who the client is, and was answered.
    proved: bool,
    /// Bytes of the message being written that are still to come.
    unwritten: usize,
    /// Bytes that the server may still send.
    left: usize,
    /// The header of the message being read, as far as it is known.
    header: Vec<u8>,
    /// Bytes of the message being read that are still to come.
    unread: usize,
}

impl<S> Guarded<S> {
    /// Inside TLS to a server whose name was verified: it may ask for the password itself.
    pub(super) fn encrypted(stream: S) -> Self {
        Self::new(stream, true)
    }

    /// Without TLS: only SCRAM, which shows the password to nobody.
    pub(super) fn plaintext(stream: S) -> Self {
        Self::new(stream, false)
    }

    fn new(stream: S, encrypted: bool) -> Self {
        let header = Vec::with_capacity(5);
        Self { stream, encrypted, started: false, proved: false, unwritten: 0, left: MOST_BYTES, header, unread: 0 }
    }

    /// The length of the message at the start of `bytes`, if it may be written. The driver writes no part of a header.
    fn check_written(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let in_part = || io::Error::new(io::ErrorKind::InvalidInput, "a header in part");
        let (tag, after) = bytes.split_first().ok_or_else(in_part)?;
        if !self.started {
            self.started = true;
            return bytes.first_chunk().map(|length| length_of(*length)).ok_or_else(in_part);
        }
        let (length, body) = after.split_first_chunk().ok_or_else(in_part)?;
        if !self.proved {
            if *tag != PROOF {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the server asked for no password"));
            }
            if !self.encrypted && !body.starts_with(b"SCRAM-SHA-256\0") {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the server asked for the password itself"));
            }
            self.proved = true;
        }
        Ok(length_of(*length) + 1)
    }

    /// Follows the messages in `bytes`, which the server has sent.
    fn check_read(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let too_long = || io::Error::new(io::ErrorKind::InvalidData, "more than a login takes");
        self.left = self.left.checked_sub(bytes.len()).ok_or_else(too_long)?;
        loop {
            let (skipped, rest) = bytes.split_at(self.unread.min(bytes.len()));
            self.unread -= skipped.len();
            let Some((first, rest)) = rest.split_first() else { return Ok(()) };
            self.header.push(*first);
            bytes = rest;
            if let [_, length @ ..] = self.header.as_slice()
                && let Ok(length) = <[u8; 4]>::try_from(length)
            {
                self.unread = length_of(length).saturating_sub(4);
                self.header.clear();
                if self.unread > MOST_BYTES {
                    return Err(too_long());
                }
            }
        }
    }
}

fn length_of(bytes: [u8; 4]) -> usize {
    usize::try_from(u32::from_be_bytes(bytes)).unwrap_or(usize::MAX)
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, into))?;
        Poll::Ready(self.check_read(into.filled().split_at(before).1))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.unwritten == 0 {
            self.unwritten = self.check_written(bytes)?;
        }
        let message = bytes.split_at(self.unwritten.min(bytes.len())).0;
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, message))?;
        self.unwritten -= written;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Guarded<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.stream.channel_binding()
    }
}
