//! What happens to a user when servers fail and come back, told to the connector step by step.

mod world;

use plugin_sdk::connector::{Input, Outcome, Output, RequestId, Route, ServerFault};
use plugin_sdk::{FailbackWait, Health, Side, State, Timing, Why};
use world::{Mode, NORTH, SOUTH, World};

#[test]
fn the_partner_is_learnt_and_remembered_without_configuration() {
    let world = World::at_work();
    let pair = world.remembered.as_ref().expect("remembered");
    assert_eq!(pair.primary.fqdn, "north.example.net");
    assert_eq!(pair.partner.as_ref().expect("a partner").http, SOUTH);
    assert_eq!(world.stream_on(), Some(NORTH));
    assert_eq!(
        world.status().partner.expect("a partner").health,
        Health::Good { caught_up: true }
    );
}

#[test]
fn after_a_kill_an_idle_page_is_on_the_partner_before_anybody_acts() {
    let mut world = World::at_work();
    world.set(Side::Primary, Mode::Dead);
    let ms = world.run_until(5_000, |world| world.state() == State::OnPartner);
    assert!(
        ms < 1_000,
        "the closed stream tells at once, not after {ms} ms"
    );
    world.run(100);
    assert_eq!(world.stream_on(), Some(SOUTH));
    assert_eq!(world.status().why, Why::Refused);
    assert!(world.status().primary.out_since.is_some());
}

#[test]
fn after_a_kill_the_next_action_is_answered_by_the_partner() {
    let mut world = World::at_work();
    world.set(Side::Primary, Mode::Dead);
    let asked = world.ask();
    world.run_until(2_000, |world| world.asked[asked].answered.is_some());
    assert_eq!(world.asked[asked].answered.expect("answered").1, SOUTH);
}

#[test]
fn a_request_under_way_at_the_kill_is_sent_again() {
    let mut world = World::at_work();
    let asked = world.ask();
    world.run(5);
    world.set(Side::Primary, Mode::Dead);
    world.run_until(2_000, |world| world.asked[asked].answered.is_some());
    assert_eq!(world.asked[asked].answered.expect("answered").1, SOUTH);
}

#[test]
fn a_server_that_accepts_and_never_answers_is_left_within_5_s_of_an_action() {
    let mut world = World::at_work();
    world.set(Side::Primary, Mode::Hung);
    let asked = world.ask();
    let ms = world.run_until(5_000, |world| world.asked[asked].answered.is_some());
    assert_eq!(world.asked[asked].answered.expect("answered").1, SOUTH);
    assert!(ms <= 3_000, "{ms} ms");
    assert_eq!(world.status().why, Why::Silent);
}

#[test]
fn a_server_that_hangs_is_left_within_5_s_even_when_nobody_acts() {
    let mut world = World::at_work();
    world.set(Side::Primary, Mode::Hung);
    world.run_until(5_000, |world| world.state() == State::OnPartner);
}

#[test]
fn a_server_that_answers_probes_but_no_requests_is_left_too() {
    let mut world = World::at_work();
    world.set(Side::Primary, Mode::HalfHung);
    let asked = world.ask();
    world.run_until(10_000, |world| world.asked[asked].answered.is_some());
    assert_eq!(world.asked[asked].answered.expect("answered").1, SOUTH);
    // Its probes are good, so the client goes back, finds the same and stays away for longer each time.
    let from = world.now;
    for _ in 0..600 {
        world.ask();
        world.run(1_000);
    }
    assert!(world.changes(from).len() < 14, "{:?}", world.changes(from));
}

#[test]
fn an_answer_that_arrives_slowly_but_steadily_doubts_nobody() {
    let mut world = World::at_work();
    let from = world.now;
    let id = RequestId(1_000_000);
    world.feed(Input::RequestStarted(id));
    for _ in 0..30 {
        world.run(1_000);
        world.feed(Input::RequestProgress(id));
    }
    assert_eq!(world.probes(from, Side::Partner), 0);
    assert_eq!(world.changes(from), []);
}

#[test]
fn a_server_that_breaks_off_request_after_request_is_left_though_its_probes_are_good() {
    let mut world = World::at_work();
    let requests = [RequestId(1_000_000), RequestId(1_000_001)];
    for id in requests {
        world.feed(Input::RequestStarted(id));
    }
    for id in requests {
        let outcome = Outcome::Failed(ServerFault::Refused);
        world.feed(Input::RequestEnded { id, outcome });
    }
    world.run_until(1_000, |world| world.state() == State::GoingBack);
    assert_eq!(world.status().on, Some(Side::Partner));
}

#[test]
fn one_request_that_breaks_off_is_a_slip() {
    let mut world = World::at_work();
    let from = world.now;
    let id = RequestId(1_000_000);
    world.feed(Input::RequestStarted(id));
    let outcome = Outcome::Failed(ServerFault::Refused);
    world.feed(Input::RequestEnded { id, outcome });
    world.run(20_000);
    assert_eq!(world.changes(from), []);
}

#[test]
fn a_slow_answer_alone_is_no_reason_to_leave() {
    let mut world = World::at_work();
    let from = world.now;
    world.set(Side::Primary, Mode::HalfHung);
    let asked = world.ask();
    world.run(4_000);
    world.set(Side::Primary, Mode::Up);
    assert_eq!(world.changes(from), []);
    assert_eq!(world.state(), State::OnPrimary);
    assert!(world.asked[asked].answered.is_none());
    assert!(world.probes(from, Side::Partner) <= 2);
}

#[test]
fn a_closed_stream_is_opened_again_where_the_server_is_well() {
    let mut world = World::at_work();
    let from = world.now;
    for _ in 0..3 {
        world.end_stream();
        world.run(20_000);
    }
    assert_eq!(world.changes(from), []);
    let opened =
        |output: &Output| matches!(output, Output::OpenEvents { http, .. } if http == NORTH);
    assert_eq!(
        world
            .trace
            .iter()
            .filter(|(at, output)| *at >= from && opened(output))
            .count(),
        3
    );
}

#[test]
fn a_stream_without_a_sign_of_life_is_not_trusted() {
    let mut world = World::at_work();
    let opened = world.trace.len();
    // The server is well, but what it sends over the stream does not arrive.
    world.set(Side::Primary, Mode::HalfHung);
    world.run(60_000);
    let later = &world.trace[opened..];
    assert!(
        later
            .iter()
            .any(|(_, output)| matches!(output, Output::CloseEvents { .. }))
    );
    assert!(
        later
            .iter()
            .any(|(_, output)| matches!(output, Output::OpenEvents { .. }))
    );
    assert_eq!(world.state(), State::OnPrimary);
}

#[test]
fn a_dead_partner_is_noticed_and_changes_nothing() {
    let mut world = World::at_work();
    let from = world.now;
    world.set(Side::Partner, Mode::Dead);
    world.run(130_000);
    assert_eq!(world.changes(from), []);
    assert_eq!(world.state(), State::OnPrimary);
    assert_eq!(
        world.status().partner.expect("a partner").health,
        Health::Refused
    );
    assert!(world.probes(from, Side::Partner) <= 4);
}

#[test]
fn since_when_a_server_is_out_is_told_only_where_it_was_heard_of_shortly_before() {
    let partner = |world: &World| world.status().partner.expect("a partner");
    let out = |world: &World| !partner(world).health.is_good();
    let mut world = World::at_work();
    world.run(61_000);
    world.set(Side::Partner, Mode::Dead);
    world.run_until(70_000, out);
    let since = partner(&world).out_since;
    assert!(since.is_some());
    world.run(70_000);
    assert_eq!(partner(&world).out_since, since, "asked again");

    // A hidden page does not ask for the partner.
    let mut world = World::at_work();
    world.run(61_000);
    world.feed(Input::Visible(false));
    world.run(600_000);
    world.set(Side::Partner, Mode::Dead);
    world.feed(Input::Visible(true));
    world.run_until(5_000, out);
    assert_eq!(partner(&world).out_since, None);
    world.feed(Input::RetryNow);
    world.run(5_000);
    assert_eq!(partner(&world).out_since, None);
}

#[test]
fn a_partner_that_dies_under_the_user_gives_the_user_back_to_the_primary_caught_up_or_not() {
    let mut world = World::on_partner();
    world.north.caught_up = false;
    world.set(Side::Primary, Mode::Up);
    world.run(10_000);
    assert_eq!(world.status().waiting_for, Some(FailbackWait::CatchUp));
    world.set(Side::Partner, Mode::Dead);
    world.run_until(5_000, |world| world.state() == State::OnPrimary);
}

#[test]
fn with_both_dead_it_says_so_and_tries_after_2_4_8_up_to_60_s() {
    let mut world = World::at_work();
    world.set(Side::Primary, Mode::Dead);
    world.set(Side::Partner, Mode::Dead);
    world.run_until(5_000, |world| world.state() == State::Unreachable);
    let from = world.now;
    assert!(world.status().next_try_at.is_some());
    world.run(400_000);
    let tries = world.trace.iter().filter(|(at, _)| *at > from);
    let tries: Vec<u64> = tries
        .filter(|(_, output)| {
            matches!(
                output,
                Output::Probe {
                    side: Side::Primary,
                    ..
                }
            )
        })
        .map(|(at, _)| at.0)
        .collect();
    let pauses: Vec<u64> = tries
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).div_ceil(1_000))
        .collect();
    for (pause, expected) in pauses.iter().zip([4, 8, 16, 32, 60, 60, 60]) {
        assert!(
            (expected * 9 / 10..=expected + 1).contains(pause),
            "{pauses:?}"
        );
    }
    world.set(Side::Partner, Mode::Up);
    world.run_until(65_000, |world| world.state() == State::OnPartner);
}

#[test]
fn with_both_dead_an_action_or_the_network_coming_back_tries_at_once_but_does_not_storm() {
    let mut world = World::at_work();
    world.set(Side::Primary, Mode::Dead);
    world.set(Side::Partner, Mode::Dead);
    world.run(60_000);
    assert_eq!(world.connector.route(), Route::Nowhere);
    let from = world.now;
    for _ in 0..100 {
        world.ask();
        world.run(50);
    }
    let probes = world.probes(from, Side::Primary);
    assert!(
        (2..=6).contains(&probes),
        "{probes} tries in 5 s of hectic clicking"
    );
    assert!(
        world.asked.iter().all(|asked| asked.gave_up),
        "each is told that there is no server"
    );
    world.set(Side::Primary, Mode::Up);
    world.feed(Input::Online(false));
    assert!(world.status().network_offline);
    world.feed(Input::Online(true));
    world.run_until(1_000, |world| world.state() == State::OnPrimary);
}

#[test]
fn both_hung_is_told_as_unreachable_after_a_second_more_patient_question() {
    let mut world = World::at_work();
    world.set(Side::Primary, Mode::Hung);
    world.set(Side::Partner, Mode::Hung);
    let asked = world.ask();
    world.run_until(10_000, |world| world.state() == State::Unreachable);
    assert!(world.asked[asked].gave_up);
    let slow = Timing::default().probe_timeout_slow_ms;
    let is_slow =
        |output: &Output| matches!(output, Output::Probe { timeout_ms, .. } if *timeout_ms == slow);
    assert!(world.trace.iter().any(|(_, output)| is_slow(output)));
}

#[test]
fn it_goes_back_only_after_good_answers_over_some_time() {
    let mut world = World::on_partner();
    world.run(20_000);
    world.set(Side::Primary, Mode::Up);
    let back = world.now;
    world.run_until(10_000, |world| world.state() == State::GoingBack);
    let ms = world.run_until(10_000, |world| world.state() == State::OnPrimary);
    let timing = Timing::default();
    assert!(ms >= timing.back_steady_ms, "after {ms} ms");
    assert!(world.probes(back, Side::Primary) >= timing.back_answers as usize);
    assert_eq!(world.status().why, Why::CaughtUp);
    world.run(100);
    assert_eq!(world.stream_on(), Some(NORTH));
}

#[test]
fn it_does_not_go_back_before_the_primary_has_caught_up() {
    let mut world = World::on_partner();
    world.north.caught_up = false;
    world.set(Side::Primary, Mode::Up);
    let from = world.now;
    world.run(300_000);
    assert_eq!(world.changes(from), []);
    assert_eq!(world.state(), State::GoingBack);
    assert_eq!(world.status().waiting_for, Some(FailbackWait::CatchUp));
    world.north.caught_up = true;
    world.run_until(10_000, |world| world.state() == State::OnPrimary);
}

#[test]
fn it_does_not_go_back_in_the_middle_of_a_playback_or_a_recording() {
    for hold in [Input::Playing as fn(bool) -> Input, Input::Recording] {
        let mut world = World::on_partner();
        world.feed(hold(true));
        world.set(Side::Primary, Mode::Up);
        let from = world.now;
        world.run(120_000);
        assert_eq!(world.changes(from), []);
        assert_eq!(world.status().waiting_for, Some(FailbackWait::Playback));
        // A hidden page asks seldom, but now it has a reason.
        world.feed(Input::Visible(false));
        world.run(1_000);
        world.feed(hold(false));
        world.run_until(1_000, |world| world.state() == State::OnPrimary);
    }
}

#[test]
fn a_playback_does_not_keep_a_user_on_a_server_that_died() {
    let mut world = World::at_work();
    world.feed(Input::Playing(true));
    world.set(Side::Primary, Mode::Dead);
    world.run_until(5_000, |world| world.state() == State::OnPartner);
}

#[test]
fn a_primary_that_comes_and_goes_drags_nobody_to_and_fro() {
    let mut world = World::at_work();
    let from = world.now;
    // Half an hour of 15 s up, 10 s down.
    for _ in 0..72 {
        world.set(Side::Primary, Mode::Dead);
        world.run(10_000);
        world.set(Side::Primary, Mode::Up);
        world.run(15_000);
    }
    let changes = world.changes(from).len();
    assert!(changes <= 22, "{changes} changes of server in half an hour");
    assert_eq!(world.status().waiting_for, Some(FailbackWait::Calm));
    assert_eq!(
        world.state(),
        State::OnPartner,
        "what takes minutes is not called going back"
    );
    // Peace returns, and so does the user.
    world.run_until(310_000, |world| world.state() == State::OnPrimary);
}

#[test]
fn maintenance_is_no_fault_and_is_called_by_its_name() {
    let mut world = World::at_work();
    world.north.in_service = false;
    world.run_until(5_000, |world| world.state() == State::Maintenance);
    assert_eq!(world.status().why, Why::OutOfService);
    assert_eq!(world.status().on, Some(Side::Partner));
    world.run(60_000);
    world.north.in_service = true;
    world.run_until(20_000, |world| world.state() == State::OnPrimary);
}

#[test]
fn a_request_refused_for_maintenance_goes_to_the_partner_at_once() {
    let mut world = World::at_work();
    world.north.in_service = false;
    let asked = world.ask();
    world.run_until(1_000, |world| world.asked[asked].answered.is_some());
    assert_eq!(world.asked[asked].answered.expect("answered").1, SOUTH);
}

#[test]
fn a_page_loaded_while_the_primary_is_dead_finds_the_remembered_partner() {
    let pair = World::at_work().remembered;
    let mut world = World::starting(NORTH, pair, 1, |world| world.north.mode = Mode::Dead);
    assert_eq!(world.state(), State::Connecting);
    let asked = world.ask();
    world.run_until(1_000, |world| world.asked[asked].answered.is_some());
    assert_eq!(world.state(), State::OnPartner);
}

#[test]
fn a_page_loaded_while_the_primary_hangs_finds_the_remembered_partner() {
    let pair = World::at_work().remembered;
    let mut world = World::starting(NORTH, pair, 1, |world| world.north.mode = Mode::Hung);
    let ms = world.run_until(5_000, |world| world.state() == State::OnPartner);
    // The partner was asked beside it: its answer is there when the primary's time is over.
    assert!(ms <= 1_510, "{ms} ms");
}

#[test]
fn a_page_loaded_while_the_primary_catches_up_shows_the_partner_which_knows_more() {
    let mut world = World::starting(NORTH, None, 1, |world| world.north.caught_up = false);
    world.run(200);
    assert_eq!(world.status().on, Some(Side::Partner));
    assert_eq!(world.status().why, Why::NotCaughtUp);
    world.log_in("north.example.net");
    world.run(10_000);
    world.north.caught_up = true;
    world.run_until(3_000, |world| world.state() == State::OnPrimary);
}

#[test]
fn without_a_memory_a_dead_server_is_all_there_is_and_it_keeps_trying() {
    let mut world = World::starting(NORTH, None, 1, |world| world.north.mode = Mode::Dead);
    world.run(1_000);
    assert_eq!(world.state(), State::Unreachable);
    assert_eq!(world.status().partner, None);
    world.set(Side::Primary, Mode::Up);
    world.run_until(5_000, |world| world.state() == State::OnPrimary);
}

#[test]
fn without_gr_a_dead_server_is_unreachable_and_nobody_speaks_of_a_partner() {
    let mut world = World::starting(NORTH, None, 1, |world| world.north.partner = None);
    world.run(100);
    world.log_in("north.example.net");
    world.run(5_000);
    world.set(Side::Primary, Mode::Hung);
    let mut seen = Vec::new();
    world.ask();
    for _ in 0..200 {
        world.run(50);
        seen.push(world.state());
    }
    assert!(
        !seen.contains(&State::Switching),
        "there is nothing to switch to"
    );
    assert_eq!(world.state(), State::Unreachable);
    assert_eq!(world.probes(plugin_sdk::Millis(0), Side::Partner), 0);
}

#[test]
fn gr_turned_off_is_forgotten_also_while_on_the_partner() {
    let mut world = World::at_work();
    world.north.partner = None;
    world.run(5_000);
    assert_eq!(world.status().partner, None);
    assert_eq!(world.remembered.as_ref().expect("remembered").partner, None);

    let mut world = World::on_partner();
    world.north.partner = None;
    world.set(Side::Primary, Mode::Up);
    // At its first word: a server that is no partner any more is left without waiting.
    world.run_until(2_500, |world| world.state() == State::OnPrimary);
    assert_eq!(world.status().partner, None);
}

#[test]
fn another_partner_takes_the_place_of_the_old_one() {
    let mut world = World::at_work();
    world.north.partner = Some((world.west.fqdn, world.west.http));
    world.west.partner = Some((world.north.fqdn, NORTH));
    world.run(5_000);
    let west = world.west.http;
    assert_eq!(
        world
            .remembered
            .as_ref()
            .and_then(|pair| pair.partner.as_ref())
            .expect("a partner")
            .http,
        west
    );
    world.set(Side::Primary, Mode::Dead);
    let asked = world.ask();
    world.run_until(2_000, |world| world.asked[asked].answered.is_some());
    assert_eq!(world.asked[asked].answered.expect("answered").1, west);
}

#[test]
fn a_partner_learnt_in_the_middle_of_a_doubt_is_asked_in_the_same() {
    let mut world = World::at_work();
    let west = world.west.http;
    world.west.partner = Some((world.north.fqdn, NORTH));
    world.south.partner = None;
    world.set(Side::Primary, Mode::Hung);
    world.ask();
    // The old partner has said that it is none before the primary comes round and names the new one.
    world.run_until(2_000, |world| {
        world
            .status()
            .partner
            .is_some_and(|partner| partner.health == Health::Broken)
    });
    world.north.in_service = false;
    world.north.partner = Some((world.west.fqdn, west));
    world.set(Side::Primary, Mode::Up);
    world.run_until(2_000, |world| world.status().on == Some(Side::Partner));
    world.run(100);
    assert_eq!(world.stream_on(), Some(west));
    assert!(
        !world
            .trace
            .iter()
            .any(|(_, output)| *output == Output::NoServer)
    );
}

#[test]
fn a_server_that_is_not_the_primarys_partner_gets_no_users() {
    let changes: [fn(&mut World); 3] = [
        // It was taken out of the pair.
        |world| world.south.partner = None,
        // It is paired with another.
        |world| world.south.partner = Some((world.west.fqdn, world.west.http)),
        // Another server answers at its address.
        |world| world.south.fqdn = "west.example.net",
    ];
    for change in changes {
        let mut world = World::at_work();
        change(&mut world);
        world.set(Side::Primary, Mode::Dead);
        world.run_until(5_000, |world| world.state() == State::Unreachable);
        let partner = world.status().partner.expect("a partner");
        assert_eq!(partner.health, Health::Broken);
    }
}

#[test]
fn a_user_of_the_other_server_goes_home_after_the_log_in() {
    let mut world = World::new();
    world.run(100);
    world.log_in("south.example.net");
    assert_eq!(world.status().primary.fqdn, "south.example.net");
    world.run_until(1_000, |world| world.state() == State::OnPrimary);
    world.run(100);
    assert_eq!(world.stream_on(), Some(SOUTH));
    assert_eq!(
        world.remembered.as_ref().expect("remembered").primary.http,
        SOUTH
    );
}

#[test]
fn a_user_who_goes_home_does_not_wait_for_faults_of_earlier_users() {
    let mut world = World::on_partner();
    world.set(Side::Primary, Mode::Up);
    world.run_until(20_000, |world| world.state() == State::OnPrimary);
    world.log_in("south.example.net");
    world.run_until(1_000, |world| world.state() == State::OnPrimary);
    assert_eq!(world.status().primary.fqdn, "south.example.net");
}

#[test]
fn a_page_reached_by_another_address_keeps_that_address() {
    // The server calls itself north.example.net, but this page came from an address that leads there.
    let mut world = World::starting("http://west.example.net:8080/", None, 1, |world| {
        world.west.fqdn = "north.example.net";
        world.west.partner = Some(("south.example.net", SOUTH));
        world.north.mode = Mode::Dead;
    });
    world.run(100);
    world.log_in("north.example.net");
    world.run(10_000);
    assert_eq!(world.state(), State::OnPrimary);
    assert_eq!(world.stream_on(), Some("http://west.example.net:8080"));
}

#[test]
fn a_partner_reached_by_another_address_keeps_that_address() {
    // This page came from an address that leads to the south, whose user belongs to the north.
    let alias = "http://west.example.net:8080";
    let mut world = World::starting(alias, None, 1, |world| {
        world.west.fqdn = "south.example.net";
        world.west.partner = Some(("north.example.net", NORTH));
        world.south.mode = Mode::Dead;
    });
    world.run(100);
    world.log_in("north.example.net");
    world.run_until(3_000, |world| world.state() == State::OnPrimary);
    world.run(10_000);
    assert_eq!(world.status().partner.expect("a partner").http, alias);
    world.set(Side::Primary, Mode::Dead);
    world.run_until(2_000, |world| world.state() == State::OnPartner);
}

#[test]
fn a_refusal_is_believed_after_a_moment_though_the_server_may_hang_from_then_on() {
    let mut world = World::at_work();
    world.set(Side::Primary, Mode::Dead);
    let asked = world.ask();
    world.run(1);
    world.set(Side::Primary, Mode::Hung);
    let ms = world.run_until(5_000, |world| world.asked[asked].answered.is_some());
    assert!(
        ms < 1_000,
        "{ms} ms: the probe's own patience was waited for"
    );
}

#[test]
fn a_hidden_page_asks_less_and_asks_at_once_when_it_is_seen_again() {
    let mut world = World::at_work();
    let from = world.now;
    world.run(60_000);
    let visible = world.probes(from, Side::Primary);
    world.feed(Input::Visible(false));
    let from = world.now;
    world.run(60_000);
    let hidden = world.probes(from, Side::Primary);
    assert!((25..=40).contains(&visible), "{visible}");
    assert!(hidden <= 6, "{hidden}");
    world.set(Side::Primary, Mode::Hung);
    world.feed(Input::Visible(true));
    world.run_until(5_000, |world| world.state() == State::OnPartner);
}

#[test]
fn switching_is_shown_while_it_lasts_and_a_blink_is_not() {
    let mut world = World::at_work();
    world.set(Side::Primary, Mode::Hung);
    world.ask();
    let mut seen = Vec::new();
    for _ in 0..100 {
        world.run(50);
        if seen.last() != Some(&world.state()) {
            seen.push(world.state());
        }
    }
    assert_eq!(seen, [State::OnPrimary, State::Switching, State::OnPartner]);

    let mut world = World::at_work();
    world.set(Side::Primary, Mode::Dead);
    let mut seen = Vec::new();
    for _ in 0..100 {
        world.run(50);
        if seen.last() != Some(&world.state()) {
            seen.push(world.state());
        }
    }
    assert_eq!(seen, [State::OnPartner]);
}

#[test]
fn a_quiet_hour_costs_few_words() {
    let mut world = World::at_work();
    let from = world.now;
    world.run(3_600_000);
    let later = world.trace.iter().filter(|(at, _)| *at >= from);
    let told = later
        .filter(|(_, output)| *output == Output::StatusChanged)
        .count();
    assert!(
        told <= 200,
        "{told} changes of status in an hour in which nothing happens"
    );
    assert!(world.probes(from, Side::Primary) <= 2_000);
    assert!(world.probes(from, Side::Partner) <= 70);
}
