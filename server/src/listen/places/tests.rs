use super::*;

fn places(max: usize, per_address_max: usize, for_partner: usize) -> Places {
    let limits = PlaceLimits {
        max,
        per_address_max,
        for_partner,
        partner: Vec::new(),
    };
    Places::new(limits, "test", "test")
}

fn enter(places: &Places, ip: &str) -> Result<Place, NoPlace> {
    places.enter(Some(ip.parse().unwrap()))
}

/// A connection for which something is being done.
fn busy(places: &Places, ip: &str) -> Result<(Place, UnderWay), NoPlace> {
    let place = enter(places, ip)?;
    let under_way = place.presence().begin();
    Ok((place, under_way))
}

fn leaves(place: &Place) -> bool {
    place.presence().leave().is_cancelled()
}

#[test]
fn one_address_holds_half_of_the_busy_connections_and_leaving_makes_room() {
    let places = places(4, 0, 0);
    let first = busy(&places, "10.0.0.1").unwrap();
    let _second = busy(&places, "::ffff:10.0.0.1").unwrap();
    assert_eq!(busy(&places, "10.0.0.1").err(), Some(NoPlace::OfOne));
    let _third = busy(&places, "2001:db8::1").unwrap();
    let fourth = busy(&places, "2001:db8:0:1::2").unwrap();
    assert_eq!(busy(&places, "10.0.0.2").err(), Some(NoPlace::Full));
    drop(fourth);
    assert_eq!(busy(&places, "10.0.0.1").err(), Some(NoPlace::OfOne));
    drop(first);
    assert!(busy(&places, "10.0.0.1").is_ok());
    let counts = places.counts();
    assert_eq!(counts.holders(), 2, "nobody is remembered who has left");
    assert_eq!((counts.all, counts.busy, counts.leaving), (2, 2, 0));
}

#[test]
fn a_network_of_ipv6_counts_as_one() {
    let places = places(10, 1, 0);
    let _first = busy(&places, "2001:db8::1").unwrap();
    assert!(busy(&places, "2001:db8::2").is_err());
    assert!(busy(&places, "2001:db8:0:1::1").is_ok());
}

#[test]
fn the_longest_waiting_connection_of_an_address_makes_room_for_its_next_one() {
    let places = places(100, 2, 0);
    let first = enter(&places, "10.0.0.1").unwrap();
    let second = enter(&places, "10.0.0.1").unwrap();
    let other = enter(&places, "10.0.0.2").unwrap();
    let _third = enter(&places, "10.0.0.1").unwrap();
    assert_eq!(
        [&first, &second, &other].map(leaves),
        [true, false, false],
        "and nobody else's"
    );
    // What was done for it is over: it waits again, and not as long as the third.
    drop(second.presence().begin());
    let _fourth = enter(&places, "10.0.0.1").unwrap();
    assert!(!leaves(&second) && leaves(&_third));
    assert_eq!(places.counts().of("10.0.0.1".parse().unwrap()), 2);
}

#[test]
fn when_all_places_are_taken_the_greediest_address_makes_room() {
    let places = places(5, 3, 0);
    let honest = enter(&places, "10.0.0.1").unwrap();
    let greedy: Vec<Place> = (0..3)
        .map(|_| enter(&places, "10.0.0.9").unwrap())
        .collect();
    let _busy = busy(&places, "10.0.0.3").unwrap();
    let newcomer = enter(&places, "10.0.0.2").unwrap();
    assert!(leaves(&greedy[0]) && !leaves(&greedy[1]) && !leaves(&honest));
    drop(greedy);
    assert!(!leaves(&newcomer));
    let counts = places.counts();
    assert_eq!((counts.all, counts.leaving), (3, 0));
}

#[test]
fn who_gets_on_is_not_cut_and_who_stands_still_is() {
    let places = places(2, 2, 0);
    let first = enter(&places, "10.0.0.1").unwrap();
    let second = enter(&places, "10.0.0.1").unwrap();
    for place in [&first, &second] {
        place.presence().got_on(Duration::from_secs(3_600));
    }
    assert_eq!(enter(&places, "10.0.0.2").err(), Some(NoPlace::Full));
    first.presence().got_on(Duration::ZERO);
    assert!(enter(&places, "10.0.0.2").is_ok());
    assert!(leaves(&first) && !leaves(&second));
}

#[test]
fn the_partner_has_places_that_no_stranger_gets_once_it_has_proved_who_it_is() {
    let places = places(16, 16, 2);
    let partner = enter(&places, "10.0.0.5").unwrap();
    partner.presence().prove();
    let strangers: Vec<_> = (0..13)
        .map(|n| busy(&places, &format!("10.1.0.{n}")).unwrap())
        .collect();
    assert_eq!(busy(&places, "10.1.0.99").err(), Some(NoPlace::Full));
    assert!(!leaves(&partner), "it makes no room for anybody");
    // It comes again, perhaps before the old connection is found dead, and once more.
    let again = busy(&places, "10.0.0.5");
    let once_more = busy(&places, "10.0.0.5");
    assert!(again.is_ok() && once_more.is_ok());
    assert_eq!(busy(&places, "10.0.0.5").err(), Some(NoPlace::Full));
    drop(strangers);
}

#[test]
fn an_operator_can_say_where_the_partner_is() {
    let limits = PlaceLimits {
        max: 8,
        per_address_max: 8,
        for_partner: 1,
        partner: vec!["10.0.0.5".parse().unwrap()],
    };
    let places = Places::new(limits, "test", "test");
    let _strangers: Vec<_> = (0..7).map(|_| busy(&places, "10.1.0.1").unwrap()).collect();
    assert!(busy(&places, "10.1.0.2").is_err());
    assert!(busy(&places, "10.0.0.5").is_ok());
}

#[tokio::test]
async fn whoever_waits_gets_the_next_place() {
    let places = places(1, 0, 0);
    let first = busy(&places, "10.0.0.1").unwrap();
    let waiting = tokio::spawn({
        let places = places.clone();
        async move { places.enter_or_wait(None, true).await }
    });
    drop(first);
    drop(waiting.await.unwrap());
    assert!(places.enter(None).is_ok());
}
