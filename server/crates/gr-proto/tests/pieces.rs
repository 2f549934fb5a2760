//! Stories of long bodies and of slow links.

mod support;

use domain::BodyRef;
use gr_proto::{Input, Item, Limits, Message, Output, Payload, Piece, Reason};
use support::guide::plant;
use support::*;

/// Longer than a message should be on the fastest link.
const LONG: u32 = 5_000_000;

fn long(n: u8) -> BodyRef {
    BodyRef {
        hash: [n; 32],
        len: LONG,
    }
}

/// A pair whose north has a user, known on both, and a message with a long body, of which nothing has been sent yet.
fn with_long_message() -> (Pair, BodyRef) {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    let body = long(1);
    pair.ledger(NORTH).receive_body(body);
    pair.change(NORTH, message(2, 1, Some(body)));
    (pair, body)
}

fn items(message: &Message) -> &[Item] {
    match &message.payload {
        Payload::Data(items) => items,
        _ => &[],
    }
}

fn have(message: &Message) -> Option<u32> {
    let Payload::Ack(ack) = &message.payload else {
        panic!("no acknowledgement")
    };
    assert_eq!(ack.refused.last()?.reason, Reason::NEED_BODY);
    ack.refused.last()?.have
}

/// Carries one piece and its acknowledgement; returns the piece.
fn one_piece(pair: &mut Pair) -> Piece {
    let sent = pair.take(NORTH);
    assert_eq!(sent.len(), 1, "one piece of a body is under way");
    let piece = items(&sent[0])[0].piece.expect("a piece");
    pair.give(SOUTH, sent[0].clone());
    pair.carry(SOUTH);
    piece
}

#[test]
fn a_long_body_travels_in_pieces_and_its_object_appears_when_it_is_whole() {
    let (mut pair, body) = with_long_message();
    let first = one_piece(&mut pair);
    assert_eq!(first.at, 0);
    assert!(u64::from(first.len) < Limits::default().window_bytes_first);
    let second = one_piece(&mut pair);
    assert_eq!(
        u64::from(second.at),
        first.end(),
        "it goes on where the first ended"
    );
    assert!(!pair.ledger(SOUTH).objects.contains_key(&id(2)));
    assert!(pair.ledger(NORTH).marks.contains_key(&id(2)));
    pair.settle();
    pair.assert_equal();
    assert!(pair.ledger(SOUTH).bodies.contains(&body));
    assert!(pair.ledger(SOUTH).body_parts.is_empty());
    let told = |o: &Output| matches!(o, Output::Event(gr_proto::Event::Refused(..)));
    assert!(
        !pair.sides[SOUTH].said.iter().any(told),
        "nothing went wrong"
    );
}

#[test]
fn a_small_message_passes_between_the_pieces_of_a_long_one() {
    let (mut pair, _) = with_long_message();
    assert_eq!(pair.sides[NORTH].out.len(), 1);
    pair.change(NORTH, message(3, 1, None));
    let sent = pair.take(NORTH);
    assert_eq!(
        items(&sent[1])[0].id,
        id(3),
        "it does not wait for the piece"
    );
    for message in sent {
        pair.give(SOUTH, message);
    }
    assert!(pair.ledger(SOUTH).objects.contains_key(&id(3)));
    assert!(!pair.ledger(SOUTH).objects.contains_key(&id(2)));
    pair.settle();
    pair.assert_equal();
}

#[test]
fn a_piece_shares_its_message_with_nobody() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    pair.ledger(NORTH).receive_body(long(1));
    let changes = [
        message(2, 1, None),
        message(3, 1, Some(long(1))),
        message(4, 1, None),
    ];
    pair.transact(NORTH, &changes, vec![]);
    let with_piece = |m: &&Message| items(m).iter().any(|item| item.piece.is_some());
    let piece = pair.sides[NORTH].out.iter().find(with_piece).cloned();
    assert_eq!(items(&piece.expect("a piece")).len(), 1);
    pair.settle();
    pair.assert_equal();
}

#[test]
fn a_piece_that_is_first_shares_its_message_with_nobody_either() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    pair.ledger(NORTH).receive_body(long(1));
    let changes = [
        message(2, 1, Some(long(1))),
        message(3, 1, None),
        message(4, 1, None),
    ];
    pair.transact(NORTH, &changes, vec![]);
    let sent = pair.sides[NORTH].out.iter().map(items);
    let sent: Vec<Vec<_>> = sent.map(|all| all.iter().map(|i| i.id).collect()).collect();
    assert_eq!(sent, [vec![id(2)], vec![id(3), id(4)]]);
    pair.settle();
    pair.assert_equal();
}

#[test]
fn a_body_that_just_fits_into_a_message_goes_whole() {
    let limits = Limits {
        window_bytes_first: 4_000,
        ..Limits::default()
    };
    for (len, whole) in [(3_000, true), (3_001, false)] {
        let mut pair = Pair::running_with(limits);
        plant(pair.ledger(NORTH), id(1), NORTH, "7001");
        let body = BodyRef { hash: [1; 32], len };
        pair.ledger(NORTH).receive_body(body);
        pair.change(NORTH, message(2, 1, Some(body)));
        let sent = pair.take(NORTH);
        let item = &items(&sent[0])[0];
        assert_eq!((item.with_body, item.piece.is_none()), (whole, whole));
    }
}

/// Carries everything until a piece has come; returns where it began, and whether it was asked before.
fn next_piece(pair: &mut Pair) -> (u32, bool) {
    let mut asked = false;
    for _ in 0..200 {
        for message in pair.take(NORTH) {
            let item = items(&message).iter().find(|item| item.id == id(2));
            let piece = item.map(|item| item.piece);
            pair.give(SOUTH, message);
            match piece {
                Some(Some(piece)) => return (piece.at, asked),
                Some(None) => asked = true,
                None => {}
            }
        }
        pair.carry(SOUTH);
        pair.wait(500);
    }
    panic!("no piece comes");
}

#[test]
fn it_goes_on_where_it_was_after_a_new_session() {
    let (mut pair, body) = with_long_message();
    one_piece(&mut pair);
    for side in [SOUTH, NORTH] {
        let here = pair.ledger(SOUTH).body_parts[&body];
        pair.take(NORTH);
        pair.restart(side);
        pair.wait(100_000);
        assert_eq!(next_piece(&mut pair), (here, true), "it asks, and goes on");
    }
    pair.live(5_000);
    pair.assert_equal();
}

#[test]
fn a_lost_piece_is_sent_again_and_one_that_fell_back_begins_anew() {
    let (mut pair, body) = with_long_message();
    let first = one_piece(&mut pair);
    // The bytes beside the message are lost.
    let sent = pair.take(NORTH);
    let mut bare = sent[0].clone();
    if let Payload::Data(items) = &mut bare.payload {
        items[0].piece = None;
    }
    pair.give(SOUTH, bare);
    assert_eq!(have(&pair.sides[SOUTH].out[0]), Some(first.len));
    pair.carry(SOUTH);
    assert_eq!(one_piece(&mut pair).at, first.len, "the same once more");
    // The partner finds what it has damaged, or needs the room.
    pair.ledger(SOUTH).body_parts.remove(&body);
    one_piece(&mut pair);
    assert_eq!(one_piece(&mut pair).at, 0);
    pair.settle();
    pair.assert_equal();
}

#[test]
fn a_piece_that_comes_twice_or_late_changes_nothing() {
    let (mut pair, body) = with_long_message();
    let sent = pair.take(NORTH);
    let pieces = sent[0].pieces();
    pair.give(SOUTH, sent[0].clone());
    let here = pair.ledger(SOUTH).body_parts[&body];
    pair.ledger(SOUTH)
        .receive_piece(pieces[0].0, pieces[0].1.at, pieces[0].1.len);
    assert_eq!(pair.ledger(SOUTH).body_parts[&body], here);
    pair.settle();
    pair.ledger(SOUTH)
        .receive_piece(pieces[0].0, pieces[0].1.at, pieces[0].1.len);
    assert!(pair.ledger(SOUTH).body_parts.is_empty(), "it is whole");
    pair.assert_equal();
}

#[test]
fn a_body_that_never_comes_is_held_and_stops_nobody() {
    let (mut pair, _) = with_long_message();
    for _ in 0..20 {
        for mut message in pair.take(NORTH) {
            if let Payload::Data(items) = &mut message.payload {
                items.iter_mut().for_each(|item| item.piece = None);
            }
            pair.give(SOUTH, message);
        }
        pair.carry(SOUTH);
    }
    assert_eq!(pair.ledger(NORTH).held[&id(2)].reason, Reason::NEED_BODY);
    pair.change(NORTH, message(3, 1, None));
    pair.settle();
    assert!(pair.ledger(SOUTH).objects.contains_key(&id(3)));
}

#[test]
fn a_body_of_which_nothing_comes_is_sent_five_times() {
    let (mut pair, _) = with_long_message();
    let mut sent = 0;
    for _ in 0..10 {
        for mut message in pair.take(NORTH).into_iter().filter(is_data) {
            sent += 1;
            if let Payload::Data(items) = &mut message.payload {
                items.iter_mut().for_each(|item| item.piece = None);
            }
            pair.give(SOUTH, message);
        }
        pair.carry(SOUTH);
    }
    // Once in vain, three times on its way but no further, and then the second and the third time in vain.
    assert_eq!(sent, 5);
    assert_eq!(pair.ledger(NORTH).held[&id(2)].reason, Reason::NEED_BODY);
}

/// Whoever sends an object while its body is lost here gets no nearer to the end, whatever the partner has of the body.
#[test]
fn what_was_sent_without_its_body_was_sent_in_vain() {
    for (refused_tries, held) in [(1, true), (2, false)] {
        let mut pair = Pair::running_with(Limits {
            refused_tries,
            ..Limits::default()
        });
        for side in [NORTH, SOUTH] {
            plant(pair.ledger(side), id(1), NORTH, "7001");
        }
        let body = long(1);
        pair.ledger(SOUTH).body_parts.insert(body, 1_000);
        pair.change(NORTH, message(2, 1, Some(body)));
        pair.carry(NORTH);
        pair.ledger(NORTH).receive_body(body);
        pair.tick(NORTH);
        pair.carry(SOUTH);
        assert_eq!(pair.ledger(NORTH).held.contains_key(&id(2)), held);
        let sent = pair.take(NORTH);
        let pieces = sent.iter().flat_map(items).filter_map(|item| item.piece);
        let at: Vec<_> = pieces.map(|piece| piece.at).collect();
        assert_eq!(at, if held { vec![] } else { vec![1_000] });
    }
}

#[test]
fn a_partner_that_knows_no_pieces_gets_the_whole_body() {
    let (mut pair, body) = with_long_message();
    let mut sizes = Vec::new();
    for _ in 0..10 {
        for mut message in pair.take(NORTH) {
            sizes.extend(items(&message).iter().map(|item| item.with_body));
            if let Payload::Data(items) = &mut message.payload {
                items.iter_mut().for_each(|item| item.piece = None);
            }
            pair.give(SOUTH, message);
        }
        for mut message in pair.take(SOUTH) {
            if let Payload::Ack(ack) = &mut message.payload {
                ack.refused
                    .iter_mut()
                    .for_each(|refusal| refusal.have = None);
            }
            pair.give(NORTH, message);
        }
    }
    assert_eq!(sizes, [false, true], "after one piece in vain");
    assert!(pair.ledger(SOUTH).bodies.contains(&body));
    pair.assert_equal();
}

#[test]
fn what_is_deleted_while_its_body_is_under_way_goes_at_once() {
    let (mut pair, _) = with_long_message();
    one_piece(&mut pair);
    pair.change(NORTH, delete(2));
    pair.settle();
    pair.assert_equal();
    assert_eq!(pair.ledger(SOUTH).objects.len(), 1);
}

#[test]
fn a_late_acknowledgement_counts() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    let sent = pair.take(NORTH);
    pair.give(SOUTH, sent[0].clone());
    let acknowledgement = pair.take(SOUTH);
    pair.wait(3_000);
    let again = pair.take(NORTH);
    assert!(again.iter().any(is_data), "it was taken for lost");
    for message in acknowledgement {
        pair.give(NORTH, message);
    }
    assert!(pair.ledger(NORTH).marks.is_empty(), "and was only late");
    pair.settle();
    pair.assert_equal();
}

/// On a link that is taken for broken again and again, every answer comes when what it answers has been given up.
#[test]
fn a_long_body_arrives_even_if_every_answer_is_late() {
    let (mut pair, body) = with_long_message();
    let mut rounds = 0;
    while !pair.ledger(SOUTH).objects.contains_key(&id(2)) {
        pair.carry(NORTH);
        let answers = pair.take(SOUTH);
        pair.transact(NORTH, &[], vec![Input::LinkUp]);
        for answer in answers {
            pair.give(NORTH, answer);
        }
        rounds += 1;
        assert!(rounds < 200, "it goes on from where the partner is");
    }
    pair.settle();
    assert!(pair.ledger(SOUTH).bodies.contains(&body));
    pair.assert_equal();
}

/// A change of a flag does not carry the body; that the partner has lost it may be heard late.
#[test]
fn a_body_that_is_asked_for_late_goes_along_all_the_same() {
    let mut pair = Pair::running();
    let body = pair.ledger(NORTH).append_body(b"voice");
    pair.transact(NORTH, &[user(1, NORTH), message(2, 1, Some(body))], vec![]);
    pair.settle();
    pair.ledger(SOUTH).bodies.clear();
    pair.ledger(SOUTH).objects.remove(&id(2));
    pair.change(NORTH, set(2, 3, 1));
    pair.carry(NORTH);
    let answers = pair.take(SOUTH);
    pair.transact(NORTH, &[], vec![Input::LinkUp]);
    assert!(pair.take(NORTH).iter().all(|m| m.bodies().is_empty()));
    for answer in answers {
        pair.give(NORTH, answer);
    }
    pair.transact(NORTH, &[], vec![Input::LinkUp]);
    let again = pair.sides[NORTH].out.iter().find(|m| is_data(m));
    assert_eq!(again.map(|m| m.bodies()), Some(vec![body]));
    pair.settle();
    pair.assert_equal();
}

#[test]
fn what_is_lost_on_a_link_that_has_become_slow_does_not_flood_it() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    for n in 2..100 {
        let body = BodyRef {
            hash: [n; 32],
            len: 60_000,
        };
        pair.ledger(NORTH).receive_body(body);
        pair.change(NORTH, message(n, 1, Some(body)));
    }
    let limits = Limits::default();
    let bytes = |messages: &[Message]| -> u64 {
        let weight = |m: &Message| items(m).iter().map(Item::weight).sum::<u64>();
        messages.iter().map(weight).sum()
    };
    let first = pair.take(NORTH);
    assert!(bytes(&first) <= limits.window_bytes_first + limits.batch_bytes);
    pair.wait(3_000);
    let again = pair.take(NORTH);
    assert!(
        bytes(&again) <= 2 * limits.window_bytes_min,
        "{}",
        bytes(&again)
    );
}

#[test]
fn a_slow_link_is_called_slow_and_its_rate_is_told() {
    let (mut pair, _) = with_long_message();
    let carried = |pair: &mut Pair, ms: u64| {
        pair.now.mono = pair.now.mono.plus(ms);
        let sent = pair.take(NORTH);
        sent.into_iter()
            .for_each(|message| pair.give(SOUTH, message));
        pair.carry(SOUTH);
    };
    carried(&mut pair, 700);
    let status = pair.sides[NORTH].engine.view().status();
    assert!(status.slow, "{status:?}");
    let rate = status.bytes_per_s.expect("a rate");
    assert!((200_000..400_000).contains(&rate), "{rate}");
    let told = |o: &Output| matches!(o, Output::Status(status) if status.slow);
    assert!(pair.sides[NORTH].said.iter().any(told));
    for _ in 0..3 {
        carried(&mut pair, 1);
    }
    assert!(!pair.sides[NORTH].engine.view().status().slow);
}

#[test]
fn an_answer_counts_even_if_the_question_has_been_asked_again() {
    let mut pair = Pair::running();
    pair.change(NORTH, user(1, NORTH));
    pair.settle();
    let order = gr_proto::Command::Start {
        id: ledger::TaskId(5),
        kind: ledger::TaskKind::Resync,
        dry: false,
        agreed: None,
        mailboxes: vec![],
    };
    guide::order(&mut pair, SOUTH, order).unwrap();
    let asked = |m: &Message| matches!(m.payload, Payload::Request(_));
    let question = pair
        .take(SOUTH)
        .into_iter()
        .find(asked)
        .expect("a question");
    pair.give(NORTH, question);
    let answers = pair.take(NORTH);
    // The answer is on its way for so long that the question is repeated, and then less and less often.
    let mut again = 0;
    for _ in 0..50 {
        pair.wait(1_000);
        again += pair.take(SOUTH).iter().filter(|m| asked(m)).count();
    }
    pair.take(NORTH);
    assert!((2..=5).contains(&again), "{again}");
    for answer in answers {
        pair.give(SOUTH, answer);
    }
    let next = pair.take(SOUTH);
    assert!(next.iter().any(asked) || pair.sides[SOUTH].engine.view().tasks().open.is_none());
}
