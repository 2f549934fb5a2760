//! When to stop: SIGTERM, SIGINT, or a standard input that is closed.

use super::Failure;
use std::io::Read;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Stops at SIGTERM or SIGINT. The second one does not wait any more.
pub fn stop_on_signal(stop: CancellationToken) -> Result<(), Failure> {
    let listen =
        |kind| signal(kind).map_err(|e| Failure::new(format!("signals cannot be received: {e}")));
    let (mut terminate, mut interrupt) = (
        listen(SignalKind::terminate())?,
        listen(SignalKind::interrupt())?,
    );
    tokio::spawn(async move {
        let mut signals = 0;
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            signals += 1;
            // Counted, not read from `stop`: a standard input that is closed in the same moment is no second signal.
            if signals > 1 {
                std::process::exit(1);
            }
            stop.cancel();
        }
    });
    Ok(())
}

/// Stops when whoever started this process closes its standard input, by ending if not otherwise.
pub fn stop_with_stdin(stop: CancellationToken) {
    // A thread of its own: a read of standard input cannot be given up, and the runtime would wait for it.
    std::thread::spawn(move || {
        let mut buffer = [0; 64];
        let mut input = std::io::stdin().lock();
        while input.read(&mut buffer).is_ok_and(|n| n > 0) {}
        stop.cancel();
    });
}
