//! Work that can be stopped: what was begun is dropped, and with it its request.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// Stops the work that runs under it. Copies stop the same.
#[derive(Clone, Default)]
pub struct Stopper(Rc<State>);

#[derive(Default)]
struct State {
    /// How often it was stopped: what was begun before that ends.
    stops: Cell<u32>,
    waker: RefCell<Option<Waker>>,
}

impl Stopper {
    /// Runs work until it is done; `None` if it was stopped before.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let begun = self.0.stops.get();
        let mut work = pin!(work);
        poll_fn(|context| {
            if self.0.stops.get() != begun {
                return Poll::Ready(None);
            }
            *self.0.waker.borrow_mut() = Some(context.waker().clone());
            work.as_mut().poll(context).map(Some)
        })
        .await
    }

    /// Stops what runs.
    pub fn stop(&self) {
        self.0.stops.set(self.0.stops.get().wrapping_add(1));
        if let Some(waker) = self.0.waker.take() {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Context;

    #[test]
    fn what_is_stopped_ends_without_an_outcome_and_the_next_work_runs() {
        let stopper = Stopper::default();
        let mut context = Context::from_waker(Waker::noop());
        let dropped = Rc::new(());
        let held = Rc::clone(&dropped);
        {
            let mut endless = pin!(stopper.run(async move {
                let _held = held;
                std::future::pending::<()>().await;
            }));
            assert!(endless.as_mut().poll(&mut context).is_pending());
            stopper.stop();
            assert_eq!(endless.as_mut().poll(&mut context), Poll::Ready(None));
        }
        assert_eq!(Rc::strong_count(&dropped), 1, "its work was dropped");
        let mut next = pin!(stopper.run(async { 7 }));
        assert_eq!(next.as_mut().poll(&mut context), Poll::Ready(Some(7)));
    }
}
