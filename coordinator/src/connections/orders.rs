//! What a session is told from outside. Each order has a place of its own: none is lost because others wait, and the hardest comes first.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// An order to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// End at once, with this reason.
    Cut(String),
    /// The same process has begun anew.
    Leave,
    /// Another process of this identity asks for the seat: prove that the client is alive, or leave.
    Prove,
}

/// The orders of one session, which one task takes.
#[derive(Default)]
pub(crate) struct Orders {
    given: Mutex<Given>,
    news: Notify,
}

/// An order that is given again before it was taken is one order.
#[derive(Default)]
struct Given {
    /// For good: it is not used up when it is taken.
    cut: Option<String>,
    leave: bool,
    prove: bool,
}

impl Given {
    fn take(&mut self) -> Option<Order> {
        if let Some(reason) = &self.cut {
            return Some(Order::Cut(reason.clone()));
        }
        let taken = |given: &mut bool, order| std::mem::take(given).then_some(order);
        taken(&mut self.leave, Order::Leave).or_else(|| taken(&mut self.prove, Order::Prove))
    }
}

impl Orders {
    /// Gives an order. It never waits, and it always arrives. Of several cuts the first one's reason is told.
    pub(super) fn give(&self, order: Order) {
        let mut given = self.given();
        match order {
            Order::Cut(reason) => {
                given.cut.get_or_insert(reason);
            }
            Order::Leave => given.leave = true,
            Order::Prove => given.prove = true,
        }
        drop(given);
        self.news.notify_one();
    }

    /// The next order. Cancel-safe.
    pub(crate) async fn next(&self) -> Order {
        loop {
            let order = self.given().take();
            match order {
                Some(order) => return order,
                None => self.news.notified().await,
            }
        }
    }

    /// The reason of a cut, for whoever may wait for nothing else. Other orders stay for [`Orders::next`]. Cancel-safe.
    pub(super) async fn cut(&self) -> String {
        loop {
            let cut = self.given().cut.clone();
            match cut {
                Some(reason) => return reason,
                None => self.news.notified().await,
            }
        }
    }

    fn given(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn now<T>(future: impl Future<Output = T>) -> Option<T> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        }
    }

    #[test]
    fn no_order_is_lost_however_many_were_given_before_it() {
        let orders = Orders::default();
        for _ in 0..1_000 {
            orders.give(Order::Prove);
        }
        assert_eq!(now(orders.cut()), None, "others are not taken for a cut");
        orders.give(Order::Leave);
        orders.give(Order::Cut("revoked".into()));
        orders.give(Order::Cut("denied".into()));
        let cut = || Order::Cut("revoked".into());
        assert_eq!(now(orders.cut()), Some("revoked".into()));
        assert_eq!((now(orders.next()), now(orders.next())), (Some(cut()), Some(cut())), "a cut stays");
    }

    #[test]
    fn the_hardest_order_comes_first_and_each_once() {
        let orders = Orders::default();
        for order in [Order::Prove, Order::Leave, Order::Prove] {
            orders.give(order);
        }
        let taken: Vec<_> = std::iter::from_fn(|| now(orders.next())).collect();
        assert_eq!(taken, [Order::Leave, Order::Prove]);
    }

    #[test]
    fn a_cut_wakes_whoever_waits() {
        let orders = Orders::default();
        let mut waiting = pin!(orders.cut());
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        orders.give(Order::Prove);
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        orders.give(Order::Cut("revoked".into()));
        assert_eq!(waiting.as_mut().poll(&mut context), Poll::Ready("revoked".into()));
        assert_eq!(now(orders.next()), Some(Order::Cut("revoked".into())));
    }
}
