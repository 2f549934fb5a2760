//! Answers leave in the order of what they answer, also when a later one is ready first (RFC 2920 section 3.2).

use super::{Reply, Status};
use std::time::Duration;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::timeout;

/// One answer in its place.
pub enum QueuedReply {
    /// Known already.
    Now(Reply),
    /// To a mail that is being accepted; the permit is its share of what one connection may have under way.
    Later(oneshot::Receiver<Reply>, OwnedSemaphorePermit),
}

/// Writes answers until the last one is out. Several that are ready go out together.
pub async fn write<W: AsyncWrite + Unpin>(
    mut answers: mpsc::Receiver<QueuedReply>,
    stream: &mut W,
    patience: Duration,
) -> std::io::Result<()> {
    let mut out = Vec::new();
    loop {
        let answer = match answers.try_recv() {
            Ok(answer) => answer,
            Err(TryRecvError::Disconnected) => break,
            Err(TryRecvError::Empty) => {
                flush(&mut out, stream, patience).await?;
                match answers.recv().await {
                    Some(answer) => answer,
                    None => break,
                }
            }
        };
        match answer {
            QueuedReply::Now(reply) => reply.write_to(&mut out),
            QueuedReply::Later(mut later, _permit) => {
                let reply = match later.try_recv() {
                    Ok(reply) => Ok(reply),
                    Err(oneshot::error::TryRecvError::Closed) => Err(()),
                    Err(oneshot::error::TryRecvError::Empty) => {
                        flush(&mut out, stream, patience).await?;
                        later.await.map_err(drop)
                    }
                };
                // Whoever accepted the mail has gone down with it: whether it was stored is not known, so it is not promised.
                let lost = |()| {
                    Reply::new(
                        451,
                        Status(4, 3, 0),
                        "The mail could not be processed; try again",
                    )
                };
                reply.unwrap_or_else(lost).write_to(&mut out);
            }
        }
    }
    flush(&mut out, stream, patience).await
}

async fn flush<W: AsyncWrite + Unpin>(
    out: &mut Vec<u8>,
    stream: &mut W,
    patience: Duration,
) -> std::io::Result<()> {
    if out.is_empty() {
        return Ok(());
    }
    let writing = async {
        stream.write_all(out).await?;
        // TLS may have taken what the network has not.
        stream.flush().await
    };
    timeout(patience, writing).await??;
    out.clear();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio::io::AsyncReadExt;
    use tokio::sync::Semaphore;

    fn reply(code: u16) -> Reply {
        Reply::plain(code, "x")
    }

    #[tokio::test]
    async fn answers_leave_in_order_and_those_before_a_pending_one_leave_at_once() {
        let (answers, queue) = mpsc::channel(8);
        let (mut client, mut server) = tokio::io::duplex(1024);
        let writer =
            tokio::spawn(async move { write(queue, &mut server, Duration::from_secs(10)).await });
        let places = Arc::new(Semaphore::new(3));
        let (slow, slow_later) = oneshot::channel();
        let (fast, fast_later) = oneshot::channel();
        let (lost, lost_later) = oneshot::channel::<Reply>();
        answers.send(QueuedReply::Now(reply(250))).await.unwrap();
        for later in [slow_later, fast_later, lost_later] {
            let permit = Arc::clone(&places).acquire_owned().await.unwrap();
            answers
                .send(QueuedReply::Later(later, permit))
                .await
                .unwrap();
        }
        answers.send(QueuedReply::Now(reply(221))).await.unwrap();
        drop(answers);
        fast.send(reply(251)).unwrap();
        drop(lost);

        let mut line = [0; 7];
        client.read_exact(&mut line).await.unwrap();
        assert_eq!(&line, b"250 x\r\n");
        slow.send(reply(252)).unwrap();
        let mut rest = String::new();
        client.read_to_string(&mut rest).await.unwrap();
        let codes: Vec<&str> = rest.lines().map(|l| &l[..3]).collect();
        assert_eq!(codes, ["252", "251", "451", "221"]);
        writer.await.unwrap().unwrap();
        assert_eq!(places.available_permits(), 3);
    }
}
