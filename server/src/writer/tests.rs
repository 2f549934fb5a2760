//! How long the engine rests after a failure.

use super::*;

#[test]
fn the_rest_after_a_failure_grows_and_ends_with_the_first_success_after_it() {
    let mut rest = Rest::default();
    rest.begin(0);
    assert_eq!(rest.until, 1_000);
    rest.end(500);
    rest.begin(1_000);
    assert_eq!(rest.until, 3_000, "a success meanwhile proves nothing");
    for _ in 0..9 {
        rest.begin(10_000);
    }
    assert_eq!(rest.until, 40_000, "no longer than that");
    rest.end(40_000);
    rest.begin(50_000);
    assert_eq!(rest.until, 51_000);
}
