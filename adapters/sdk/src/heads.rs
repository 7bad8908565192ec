//! Which head several endpoints support together. Pure; called by adapters that ask more than one endpoint.

/// The height to work with, of the heads that endpoints which are in good standing tell: the second highest of three or more, so that no
/// single one sets it. Two that differ cannot outvote each other, and the lower one may have stood still for good: the higher one is taken,
/// and the engine, which verifies headers, refuses it by name when no header leads there; the adapter then leaves that endpoint out.
pub fn supported(heights: &[u64]) -> Option<u64> {
    let mut sorted = heights.to_vec();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    if sorted.len() > 2 { sorted.get(1).copied() } else { sorted.first().copied() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_single_endpoint_of_three_sets_the_head() {
        for (heights, expected) in [
            (&[][..], None),
            (&[7], Some(7)),
            (&[7, 9], Some(9)),
            (&[1_000_000, 100, 99], Some(100)),
            (&[100, 1_000_000, 100], Some(100)),
            (&[100, 3, 99], Some(99)),
            (&[u64::MAX, 100, 99, 5], Some(100)),
        ] {
            assert_eq!(supported(heights), expected, "{heights:?}");
        }
    }
}
