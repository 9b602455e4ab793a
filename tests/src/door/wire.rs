//! The bytes on the wire, and the ways to break them off.
//!
//! An HTTP library will not reset a connection or send less than it promised; a vendor's load balancer does both. So every accepted
//! connection is wrapped, and a handler tells the wrapper, before it answers, where to cut: then a reset is a TCP reset and a
//! truncated body ends in a closed connection, exactly as a client meets them outside. The wrapper also ends every connection when
//! the server closes, idle ones as well: a vendor that is down does not keep answering on connections from before.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::lock;

/// Where the next answer on a connection breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Nothing of it is sent: the connection is reset (RST).
    Reset,
    /// The head and this many bytes of the body are sent, then the connection is closed (FIN).
    AfterBody(usize),
}

/// A handler's end of the connection that its request came in on.
#[derive(Clone, Debug, Default)]
pub(super) struct Wire(Arc<Mutex<Option<Cut>>>);

impl Wire {
    /// From here on, the answer breaks off at `cut`.
    pub(super) fn cut(&self, cut: Cut) {
        *lock(&self.0) = Some(cut);
    }
}

impl Connected<IncomingStream<'_, DoorListener>> for Wire {
    fn connect_info(stream: IncomingStream<'_, DoorListener>) -> Self {
        stream.io().wire.clone()
    }
}

/// Accepts connections and wraps each.
pub(super) struct DoorListener {
    inner: TcpListener,
    lives: watch::Receiver<u64>,
}

impl DoorListener {
    /// Its connections end when the number of `lives` changes.
    pub(super) fn new(inner: TcpListener, lives: watch::Receiver<u64>) -> Self {
        Self { inner, lives }
    }
}

impl Listener for DoorListener {
    type Io = Connection;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (socket, address) = Listener::accept(&mut self.inner).await;
        // Answers are written whole; waiting for more would only add 40 ms to each.
        let _ = socket.set_nodelay(true);
        let mut lives = self.lives.clone();
        let connection = Connection {
            socket,
            wire: Wire::default(),
            sent: None,
            closing: Box::pin(async move {
                let _ = lives.changed().await;
            }),
        };
        (connection, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.inner.local_addr()
    }
}

/// A connection whose answers can be broken off.
pub(super) struct Connection {
    socket: TcpStream,
    wire: Wire,
    /// Bytes that may still leave, once a cut is under way.
    sent: Option<usize>,
    closing: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Connection {
    /// How many bytes of `buffer`, the next to be written, may leave.
    fn allowance(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let cut = *lock(&self.wire.0);
        match cut {
            None => Ok(buffer.len()),
            Some(Cut::Reset) => {
                self.socket.set_zero_linger()?;
                Err(io::ErrorKind::ConnectionReset.into())
            }
            Some(Cut::AfterBody(length)) => {
                let left = *self.sent.get_or_insert_with(|| head_length(buffer) + length);
                if left == 0 {
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
                Ok(left.min(buffer.len()))
            }
        }
    }
}

/// The length of an HTTP head; the server writes the head in one piece.
fn head_length(buffer: &[u8]) -> usize {
    const END: &[u8] = b"\r\n\r\n";
    buffer.windows(END.len()).position(|window| window == END).map_or(buffer.len(), |at| at + END.len())
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.closing.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let allowed = match self.allowance(buffer) {
            Ok(allowed) => buffer.get(..allowed).unwrap_or(buffer),
            Err(error) => return Poll::Ready(Err(error)),
        };
        let written = Pin::new(&mut self.socket).poll_write(context, allowed);
        if let (Some(left), Poll::Ready(Ok(written))) = (self.sent.as_mut(), &written) {
            *left = left.saturating_sub(*written);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if *lock(&self.wire.0) == Some(Cut::Reset) {
            // A FIN first would let the client see an orderly end.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
