//! A TCP stream that remembers its first bytes, so that a peer that speaks another protocol than TLS can be named.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tributary_certs::fault::FaultKind;
use tributary_protocol::printable::Printable;

use crate::failure::{Failure, explain_io};

/// First bytes that are remembered.
const HEAD_BYTES: usize = 9;

/// How HTTP begins: an answer, a request, or a page without a status line (HTTP/0.9), as some servers send to what they cannot read.
const HTTP: [&[u8]; 9] =
    [b"HTTP/", b"<!DOCTYPE", b"<HTML", b"GET /", b"POST /", b"HEAD /", b"PUT /", b"OPTIONS ", b"CONNECT "];

/// The stream.
pub(super) struct Stream {
    inner: TcpStream,
    head: [u8; HEAD_BYTES],
    known: usize,
}

impl Stream {
    pub(super) fn new(inner: TcpStream) -> Self {
        Self { inner, head: [0; HEAD_BYTES], known: 0 }
    }

    /// What a failed handshake on this stream means.
    pub(super) fn explain(&self, fault: &io::Error) -> Failure {
        let head = &self.head[..self.known];
        match speaks_http(head) {
            true => FaultKind::TlsHttp.because(format!("it begins with {:?}", Printable::of_bytes(head))).into(),
            false => explain_io(fault),
        }
    }
}

fn speaks_http(head: &[u8]) -> bool {
    HTTP.iter().any(|begin| head.len() >= begin.len() && head[..begin.len()].eq_ignore_ascii_case(begin))
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let own = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut own.inner).poll_read(context, buffer);
        if own.known < HEAD_BYTES {
            let new = &buffer.filled()[before..];
            let taken = new.len().min(HEAD_BYTES - own.known);
            own.head[own.known..own.known + taken].copy_from_slice(&new[..taken]);
            own.known += taken;
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_told_from_tls() {
        for http in [&b"HTTP/1.1 400 Bad Request"[..9], b"<!doctype", b"<html><he", b"GET / HTT", b"CONNECT f"] {
            assert!(speaks_http(http), "{http:?}");
        }
        for other in [&b""[..], b"HTTP", b"\x16\x03\x03\x00\x7aHTTP", b"\x15\x03\x03\x00\x02", b"SSH-2.0-x"] {
            assert!(!speaks_http(other), "{other:?}");
        }
    }
}
