//! Which scheme goes first: one whose collection another looks into, before that other.

/// The indexes `0..lookups.len()` so that each scheme comes after those it looks into; where they look into each other in
/// a circle, in the order given. `lookups[i]` are the schemes that scheme `i` looks into.
pub fn by_lookups(lookups: &[Vec<usize>]) -> Vec<usize> {
    fn visit(scheme: usize, lookups: &[Vec<usize>], seen: &mut [bool], order: &mut Vec<usize>) {
        match seen.get_mut(scheme) {
            Some(seen) if !*seen => *seen = true,
            _ => return,
        }
        for looked_into in lookups.get(scheme).into_iter().flatten() {
            visit(*looked_into, lookups, seen, order);
        }
        order.push(scheme);
    }
    let mut seen = vec![false; lookups.len()];
    let mut order = Vec::with_capacity(lookups.len());
    for scheme in 0..lookups.len() {
        visit(scheme, lookups, &mut seen, &mut order);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::by_lookups;

    #[test]
    fn what_is_looked_into_goes_first() {
        let cases: [(&[&[usize]], &[usize]); 4] = [
            (&[&[], &[]], &[0, 1]),
            (&[&[1, 2], &[], &[1]], &[1, 2, 0]),
            (&[&[1], &[0], &[]], &[1, 0, 2]),
            (&[&[0], &[7]], &[0, 1]),
        ];
        for (lookups, expected) in cases {
            let lookups: Vec<Vec<usize>> = lookups.iter().map(|uses| uses.to_vec()).collect();
            assert_eq!(by_lookups(&lookups), expected, "{lookups:?}");
        }
    }
}
