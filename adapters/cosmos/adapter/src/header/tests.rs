//! Times as CometBFT writes them.

use super::timestamp;

#[test]
fn times_are_read_to_the_nanosecond() {
    let check = |text: &str, expected: Option<(i64, i32)>| {
        assert_eq!(timestamp(text).map(|time| (time.seconds, time.nanos)), expected, "{text}");
    };
    check("1970-01-01T00:00:00Z", Some((0, 0)));
    check("2026-11-23T02:54:29.534517324Z", Some((1_795_402_469, 534_517_324)));
    check("2026-11-23T02:54:29.5Z", Some((1_795_402_469, 500_000_000)));
    // Absent validators sign at Go's zero time.
    check("0001-01-01T00:00:00Z", Some((-62_135_596_800, 0)));
    check("2024-02-29T23:59:59Z", Some((1_709_251_199, 0)));
    for bad in ["", "Z", "2026-11-23", "2026-11-23T02:54:29", "2026-13-23T02:54:29Z", "2026-11-23T25:54:29Z", "+026-11-23T02:54:29Z"] {
        check(bad, None);
    }
}
