use super::*;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn mailbox(number: &str) -> Account {
    Account::Mailbox(number.into())
}

/// So many seconds after the beginning.
struct Clock(Instant);

impl Clock {
    fn at(&self, seconds: u64) -> Moment {
        Moment {
            now: self.0 + Duration::from_secs(seconds),
            wall: Timestamp(1_000 * seconds as i64),
        }
    }
}

fn clock() -> Clock {
    Clock(Instant::now())
}

#[test]
fn an_address_that_tries_too_often_is_told_how_long_to_wait() {
    let limit = AddressLimit::new(3, 60);
    let (now, here) = (Instant::now(), IpAddr::from([192, 0, 2, 1]));
    for _ in 0..3 {
        assert_eq!(limit.take(here, now), Ok(()));
    }
    assert_eq!(limit.take(here, now), Err(Duration::from_secs(1)));
    assert_eq!(limit.take(IpAddr::from([192, 0, 2, 2]), now), Ok(()));
    assert_eq!(limit.take(here, now + Duration::from_secs(1)), Ok(()));
    limit.give_back(here);
    assert_eq!(limit.take(here, now + Duration::from_secs(1)), Ok(()));
    assert!(limit.take(here, now + Duration::from_secs(1)).is_err());
}

#[test]
fn all_addresses_of_an_ipv6_network_count_as_one() {
    let limit = AddressLimit::new(1, 1);
    let now = Instant::now();
    assert_eq!(limit.take(address("2001:db8:1:2::1"), now), Ok(()));
    assert!(limit.take(address("2001:db8:1:2:ffff::9"), now).is_err());
    assert_eq!(limit.take(address("2001:db8:1:3::1"), now), Ok(()));
    assert_eq!(limit.take(address("::ffff:192.0.2.1"), now), Ok(()));
    assert!(limit.take(address("192.0.2.1"), now).is_err());
}

#[test]
fn a_crowd_of_addresses_does_not_buy_anybody_new_tries() {
    let limit = AddressLimit::new(2, 1);
    let (now, here) = (Instant::now(), address("192.0.2.1"));
    assert_eq!(
        (limit.take(here, now), limit.take(here, now)),
        (Ok(()), Ok(()))
    );
    for n in 0..2 * ADDRESSES_MAX as u64 {
        let crowd = std::net::Ipv6Addr::from_bits(u128::from(n) << 64);
        assert_eq!(limit.take(crowd.into(), now), Ok(()));
    }
    assert!(lock(&limit.buckets).len() <= ADDRESSES_MAX);
    assert!(limit.take(here, now).is_err(), "its bucket is still empty");
}

#[test]
fn waits_grow_and_are_forgotten_after_a_quarter_of_an_hour() {
    let (attempts, clock) = (Attempts::new(3, 0), clock());
    let (who, here) = (mailbox("7200"), address("192.0.2.1"));
    let wait = |seconds| Wrong::Wait(Duration::from_secs(seconds));
    assert_eq!(attempts.wrong(&who, here, clock.at(0)), Wrong::TriesLeft(2));
    assert_eq!(attempts.wrong(&who, here, clock.at(0)), Wrong::TriesLeft(1));
    assert_eq!(attempts.wrong(&who, here, clock.at(0)), wait(15));
    let asked = |seconds| attempts.ask(&who, here, clock.at(seconds), None);
    assert_eq!(asked(5), Err(Duration::from_secs(10)));
    assert_eq!(asked(15), Ok(()));
    assert_eq!(attempts.wrong(&who, here, clock.at(15)), wait(30));
    assert_eq!(attempts.wrong(&who, here, clock.at(45)), wait(60));
    for _ in 0..40 {
        attempts.wrong(&who, here, clock.at(50));
    }
    assert_eq!(attempts.wrong(&who, here, clock.at(50)), wait(900));
    assert!(asked(50 + 899).is_err());
    assert_eq!(asked(50 + 900), Ok(()));
    assert_eq!(
        attempts.wrong(&who, here, clock.at(950)),
        Wrong::TriesLeft(2),
        "as at the beginning"
    );
}

#[test]
fn whoever_guesses_from_elsewhere_delays_himself_and_not_the_owner() {
    let (attempts, clock) = (Attempts::new(3, 100), clock());
    let who = mailbox("7200");
    let (stranger, owner) = (address("2001:db8:1::1"), address("192.0.2.7"));
    for _ in 0..9 {
        attempts.wrong(&who, stranger, clock.at(0));
    }
    let neighbour = address("2001:db8:1::2");
    assert!(attempts.ask(&who, stranger, clock.at(1), None).is_err());
    assert!(attempts.ask(&who, neighbour, clock.at(1), None).is_err());
    assert_eq!(attempts.ask(&who, owner, clock.at(1), None), Ok(()));
    let other = mailbox("7201");
    assert_eq!(attempts.ask(&other, stranger, clock.at(1), None), Ok(()));
}

#[test]
fn many_networks_together_are_slowed_down_and_those_of_the_owner_are_not() {
    let (attempts, clock) = (Attempts::new(3, 90), clock());
    let who = mailbox("7200");
    let owner = address("192.0.2.7");
    attempts.right(&who, owner, clock.at(0).now);
    for n in 0..90_u8 {
        let one_of_many = IpAddr::from([10, 0, 0, n]);
        assert_eq!(attempts.ask(&who, one_of_many, clock.at(0), None), Ok(()));
        attempts.wrong(&who, one_of_many, clock.at(0));
    }
    let (next, others) = (address("10.0.1.1"), mailbox("7201"));
    let ten = Duration::from_secs(10);
    assert_eq!(attempts.ask(&who, next, clock.at(0), None), Err(ten));
    assert_eq!(attempts.ask(&who, next, clock.at(11), None), Ok(()));
    assert_eq!(attempts.ask(&who, owner, clock.at(0), None), Ok(()));
    assert_eq!(attempts.ask(&others, next, clock.at(0), None), Ok(()));
    attempts.forget(&who);
    assert_eq!(attempts.ask(&who, next, clock.at(0), None), Ok(()));
}

#[test]
fn an_administrator_forgives_on_this_server_and_on_the_other() {
    let (attempts, clock) = (Attempts::new(1, 0), clock());
    let (who, here) = (mailbox("7200"), address("192.0.2.1"));
    attempts.wrong(&who, here, clock.at(10));
    let forgiven = |seconds: i64| {
        let when = Some(Timestamp(1_000 * seconds));
        attempts.ask(&who, here, clock.at(11), when)
    };
    assert!(forgiven(9).is_err(), "before the last wrong one");
    assert!(forgiven(3_612).is_err(), "by a clock that nobody believes");
    assert_eq!(forgiven(11), Ok(()));
    attempts.wrong(&who, here, clock.at(12));
    attempts.forget(&who);
    assert_eq!(attempts.ask(&who, here, clock.at(12), None), Ok(()));
}

#[test]
fn a_right_password_forgets_what_its_network_guessed_and_nothing_else() {
    let (attempts, clock) = (Attempts::new(5, 0), clock());
    let (who, here, there) = (mailbox("7200"), address("192.0.2.1"), address("192.0.2.2"));
    attempts.wrong(&who, here, clock.at(0));
    attempts.wrong(&who, there, clock.at(0));
    attempts.right(&who, here, clock.at(0).now);
    assert_eq!(attempts.wrong(&who, here, clock.at(1)), Wrong::TriesLeft(4));
    assert_eq!(
        attempts.wrong(&who, there, clock.at(1)),
        Wrong::TriesLeft(3)
    );
}

#[test]
fn what_strangers_make_a_server_remember_has_an_end() {
    let (attempts, clock) = (Attempts::new(5, 100), clock());
    for n in 0..PAIRS_MAX + 10 {
        attempts.wrong(&mailbox(&n.to_string()), address("192.0.2.1"), clock.at(0));
    }
    assert!(lock(&attempts.guesses).len() <= PAIRS_MAX);
    assert!(lock(&attempts.levels).len() <= ACCOUNTS_MAX);
}

#[test]
fn one_network_has_a_share_of_the_tries_at_the_same_moment() {
    let attempts = Attempts::new(5, 0);
    let here = address("2001:db8::1");
    let mut all: Vec<_> = (0..AT_ONCE_MAX).map(|_| attempts.enter(here)).collect();
    assert!(all.iter().all(Option::is_some));
    assert!(attempts.enter(address("2001:db8::2")).is_none());
    assert!(attempts.enter(address("2001:db8:0:1::1")).is_some());
    all.pop();
    assert!(attempts.enter(here).is_some());
    drop(all);
    assert!(
        lock(&attempts.at_once).is_empty(),
        "nobody is remembered who has left"
    );
}

#[tokio::test]
async fn tries_of_one_account_and_network_go_one_after_another_and_others_beside_them() {
    let attempts = Attempts::new(5, 0);
    let (who, here) = (mailbox("7200"), address("192.0.2.1"));
    let first = attempts.turn(&who, here).await;
    let mut second = Box::pin(attempts.turn(&who, here));
    assert!(polled(&mut second).is_none());
    drop(attempts.turn(&mailbox("7201"), here).await);
    drop(attempts.turn(&who, address("192.0.2.2")).await);
    drop(first);
    assert!(polled(&mut second).is_some());
    drop(second);
    for n in 0..2 * TURNS_SOME {
        drop(attempts.turn(&mailbox(&n.to_string()), here).await);
    }
    let kept = lock(&attempts.turns).running.len();
    assert!(kept <= TURNS_SOME, "turns that nobody holds are forgotten");
}

/// Polls once.
fn polled<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(future).poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}
