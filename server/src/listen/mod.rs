//! What every listener does before and around its protocol: it accepts, counts, finds out who is at the other end, and stops in time.
//!
//! A protocol edge gives its [`Rules`] and a function that serves one [`Connection`]; [`run`] does the rest. A stranger's connections
//! are limited in number for each address and in all (`places`), and by the file handles that there are (`handles`); so are the octets
//! that are kept for them, over all listeners together (`budget`), and the time in which they must say something (`idle`). A proxy that
//! is trusted says for whom it speaks (`proxy`, `forwarded`). Where it is wanted, what follows is sealed ([`tls`]). Nothing here knows
//! HTTP's or SMTP's words.

mod accept;
mod budget;
pub mod forwarded;
mod handles;
mod idle;
mod places;
mod proxy;
mod stream;
pub mod tls;

pub use accept::{Connection, Rules, WhenFull, describe_metrics, run};
pub use budget::{Budget, Share, TooMuch};
pub use handles::{Handles, ListenerHandles};
pub use idle::IdleLimit;
pub use places::{PlaceLimits, Places, Presence, UnderWay};
pub use proxy::{Proxies, read_header};
pub use stream::Stream;
