//! Whatever happens to the servers, and in whatever order: what the connector never does, and where it always ends up.

mod world;

use plugin_sdk::connector::{Input, Output};
use plugin_sdk::{Health, Millis, Side, State, Timing, Why};
use proptest::prelude::*;
use world::{Mode, NORTH, World};

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Set(Side, Mode),
    InService(Side, bool),
    CaughtUp(Side, bool),
    Ask,
    EndStream,
    Online(bool),
    Visible(bool),
    Playing(bool),
    RetryNow,
    LogIn,
    LogOut,
    Pass(u64),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let side = prop_oneof![Just(Side::Primary), Just(Side::Partner)];
    let mode = prop_oneof![
        3 => Just(Mode::Up),
        2 => Just(Mode::Dead),
        2 => Just(Mode::Hung),
        1 => Just(Mode::HalfHung),
    ];
    let pause = prop_oneof![0u64..50, 50u64..3_000, 3_000u64..100_000];
    let one = prop_oneof![
        6 => (side.clone(), mode).prop_map(|(side, mode)| Happening::Set(side, mode)),
        2 => (side.clone(), any::<bool>()).prop_map(|(side, yes)| Happening::InService(side, yes)),
        2 => (side, any::<bool>()).prop_map(|(side, yes)| Happening::CaughtUp(side, yes)),
        4 => Just(Happening::Ask),
        1 => Just(Happening::EndStream),
        1 => any::<bool>().prop_map(Happening::Online),
        1 => any::<bool>().prop_map(Happening::Visible),
        2 => any::<bool>().prop_map(Happening::Playing),
        1 => Just(Happening::RetryNow),
        1 => Just(Happening::LogIn),
        1 => Just(Happening::LogOut),
        12 => pause.prop_map(Happening::Pass),
    ];
    prop::collection::vec(one, 1..60)
}

/// A world in which things happen, with what has to be known to judge the connector's deeds.
struct Judged {
    world: World,
    playing: bool,
    /// How many of the choices have been judged.
    seen: usize,
}

impl Judged {
    fn start(seed: u64) -> Self {
        let world = World::starting(NORTH, None, seed, |_| {});
        let (playing, seen) = (false, 0);
        Self {
            world,
            playing,
            seen,
        }
    }

    fn happen(&mut self, happening: Happening) {
        let world = &mut self.world;
        match happening {
            Happening::Set(side, mode) => world.set(side, mode),
            Happening::InService(side, yes) => world.side(side).in_service = yes,
            Happening::CaughtUp(side, yes) => world.side(side).caught_up = yes,
            Happening::Ask => drop(world.ask()),
            Happening::EndStream if world.stream_on().is_some() => world.end_stream(),
            Happening::EndStream => {}
            Happening::Online(yes) => world.feed(Input::Online(yes)),
            Happening::Visible(yes) => world.feed(Input::Visible(yes)),
            Happening::Playing(yes) => {
                self.playing = yes;
                world.feed(Input::Playing(yes));
            }
            Happening::RetryNow => world.feed(Input::RetryNow),
            Happening::LogIn
                if world.connector.current().is_some()
                    && world.status().state != State::Switching =>
            {
                if let plugin_sdk::connector::Route::To(..) = world.connector.route() {
                    world.log_in("north.example.net");
                }
            }
            Happening::LogIn => {}
            Happening::LogOut => world.feed(Input::LoggedOut),
            Happening::Pass(ms) => {
                // In small steps, so that each deed is judged by what was known when it was done.
                let end = world.now.plus(ms);
                while self.world.now < end {
                    let step = end.since(self.world.now).min(10);
                    self.world.run(step);
                    self.judge();
                }
            }
        }
        self.judge();
    }

    fn judge(&mut self) {
        for (side, why, status) in &self.world.choices[self.seen..] {
            let health = |side| match side {
                Side::Primary => status.primary.health,
                Side::Partner => {
                    (status.partner.as_ref()).map_or(Health::Unknown, |partner| partner.health)
                }
            };
            let (ours, theirs) = (health(*side), health(side.other()));
            let sound = ours.is_good() || !theirs.is_good();
            assert!(
                sound,
                "used {side:?} which was {ours:?} although the other was {theirs:?}"
            );
            let back = *why == Why::CaughtUp;
            assert!(
                !(back && self.playing),
                "went back in the middle of a playback"
            );
        }
        self.seen = self.world.choices.len();
        let status = self.world.status();
        assert_eq!(
            status.on.is_none(),
            matches!(status.state, State::Connecting | State::Unreachable)
        );
    }

    /// No server was ever asked more often than the gap allows, nor twice at a time.
    fn judge_probes(&self) {
        let gap = Timing::default().probe_gap_ms;
        for of in [Side::Primary, Side::Partner] {
            let mut last: Option<Millis> = None;
            for (at, output) in &self.world.trace {
                if matches!(output, Output::Probe { side, .. } if *side == of) {
                    assert!(
                        last.is_none_or(|last| at.since(last) >= gap),
                        "two probes within {gap} ms"
                    );
                    last = Some(*at);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn it_never_errs_and_always_settles(seed in any::<u64>(), story in happenings(), rest in 0usize..6) {
        let mut judged = Judged::start(seed);
        for happening in story {
            judged.happen(happening);
        }
        judged.judge_probes();

        // Then the world holds still. Where does the client end up?
        let (north, south) = [
            (Mode::Up, Mode::Up), (Mode::Up, Mode::Dead), (Mode::Dead, Mode::Up),
            (Mode::Hung, Mode::Up), (Mode::Dead, Mode::Hung), (Mode::Dead, Mode::Dead),
        ][rest];
        for side in [Side::Primary, Side::Partner] {
            judged.happen(Happening::InService(side, true));
            judged.happen(Happening::CaughtUp(side, true));
        }
        judged.happen(Happening::Set(Side::Primary, north));
        judged.happen(Happening::Set(Side::Partner, south));
        judged.happen(Happening::Playing(false));
        // Without the partner's first word no client can know of it.
        let knows_partner = judged.world.connector.pair().partner.is_some();
        judged.happen(Happening::Pass(Timing::default().hold_down_max_ms + 100_000));
        let state = judged.world.state();
        let expected = match (north, south) {
            (Mode::Up, _) => State::OnPrimary,
            (_, Mode::Up) if knows_partner => State::OnPartner,
            _ => State::Unreachable,
        };
        prop_assert_eq!(state, expected);
        let before = judged.world.now;
        judged.happen(Happening::Pass(200_000));
        prop_assert_eq!(judged.world.changes(before), []);
        judged.judge_probes();
    }

    #[test]
    fn the_same_story_gives_the_same_course(seed in any::<u64>(), story in happenings()) {
        let run = || {
            let mut judged = Judged::start(seed);
            story.iter().for_each(|happening| judged.happen(*happening));
            judged.world.trace
        };
        prop_assert_eq!(run(), run());
    }
}
