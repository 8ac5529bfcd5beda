//! Shamir's secret sharing over GF(2^8) with the polynomial of AES (x^8 + x^4 + x^3 + x + 1).
//!
//! Without tables and without branches on secret values. Coefficients are uniform, zero included;
//! a generator that avoids zero leaks something about the secret.

use zeroize::Zeroizing;

use crate::random::Entropy;

/// One point on the polynomials: `x` is the share's number, from 1.
pub(crate) struct Point {
    pub(crate) x: u8,
    pub(crate) y: Zeroizing<Vec<u8>>,
}

/// Splits `secret` into `count` points of which any `threshold` give it back. `threshold` is at
/// least 1 and at most `count`.
pub(crate) fn split(secret: &[u8], threshold: u8, count: u8, entropy: &mut impl Entropy) -> Vec<Point> {
    let mut points: Vec<Point> =
        (1..=count).map(|x| Point { x, y: Zeroizing::new(Vec::with_capacity(secret.len())) }).collect();
    let mut coefficients = Zeroizing::new(vec![0; usize::from(threshold.saturating_sub(1))]);
    for byte in secret {
        entropy.fill(&mut coefficients);
        for point in &mut points {
            let x = point.x;
            let higher = coefficients.iter().fold(0, |sum, coefficient| mul(sum, x) ^ coefficient);
            point.y.push(mul(higher, x) ^ byte);
        }
    }
    points
}

/// The value at zero of the polynomials through `points`, whose numbers must differ and not be zero.
pub(crate) fn combine(points: &[Point]) -> Zeroizing<Vec<u8>> {
    let len = points.iter().map(|point| point.y.len()).min().unwrap_or(0);
    let mut secret = Zeroizing::new(vec![0; len]);
    for point in points {
        let weight = points
            .iter()
            .filter(|other| other.x != point.x)
            .fold(1, |weight, other| mul(weight, mul(other.x, inverse(other.x ^ point.x))));
        secret.iter_mut().zip(point.y.iter()).for_each(|(sum, y)| *sum ^= mul(*y, weight));
    }
    secret
}

fn mul(mut a: u8, b: u8) -> u8 {
    let mut product = 0;
    for bit in 0..8 {
        product ^= a & 0_u8.wrapping_sub((b >> bit) & 1);
        a = (a << 1) ^ (0x1b & 0_u8.wrapping_sub(a >> 7));
    }
    product
}

/// a^254, which is the inverse of `a`, and zero for zero.
fn inverse(a: u8) -> u8 {
    let mut result = 1;
    let mut power = a;
    for _ in 0..7 {
        power = mul(power, power);
        result = mul(result, power);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::System;
    use proptest::prelude::*;

    fn pick(points: &[Point], numbers: &[u8]) -> Vec<u8> {
        let chosen: Vec<Point> = points
            .iter()
            .filter(|point| numbers.contains(&point.x))
            .map(|point| Point { x: point.x, y: point.y.clone() })
            .collect();
        combine(&chosen).to_vec()
    }

    #[test]
    fn multiplication_is_that_of_aes() {
        assert_eq!(mul(0x57, 0x83), 0xc1);
        assert_eq!(mul(0x57, 0x13), 0xfe);
        assert_eq!(mul(0, 0xff), 0);
        assert_eq!(mul(1, 0xff), 0xff);
    }

    #[test]
    fn every_element_but_zero_has_its_inverse() {
        assert_eq!(inverse(0), 0);
        for a in 1..=255 {
            assert_eq!(mul(a, inverse(a)), 1, "{a}");
        }
    }

    #[test]
    fn multiplication_distributes_over_addition() {
        for a in 0..=255 {
            for b in (0..=255).step_by(7) {
                assert_eq!(mul(a, b), mul(b, a));
                assert_eq!(mul(a, b ^ 0x35), mul(a, b) ^ mul(a, 0x35));
            }
        }
    }

    #[test]
    fn any_three_of_five_open_and_no_two_do() {
        let secret: Vec<u8> = (0..32).collect();
        let points = split(&secret, 3, 5, &mut System);
        for set in 0_u8..32 {
            let numbers: Vec<u8> = (1..=5).filter(|x| set >> (x - 1) & 1 == 1).collect();
            assert_eq!(pick(&points, &numbers) == secret, numbers.len() >= 3, "{numbers:?}");
        }
    }

    #[test]
    fn with_one_share_too_few_every_secret_stays_possible() {
        // For a fixed pair of points of a 3-of-n split, each of the 256 secrets is explained by
        // exactly one value of the third point.
        let points = split(&[42], 3, 3, &mut System);
        let mut seen = [0; 256];
        for y in 0..=255 {
            let guess = [
                Point { x: 1, y: points[0].y.clone() },
                Point { x: 2, y: points[1].y.clone() },
                Point { x: 3, y: Zeroizing::new(vec![y]) },
            ];
            seen[usize::from(combine(&guess)[0])] += 1;
        }
        assert!(seen.iter().all(|count| *count == 1));
    }

    #[test]
    fn zero_coefficients_occur() {
        // 4096 bytes split 2 of 2: the difference of the points is a multiple of the coefficient.
        let points = split(&vec![0; 4096], 2, 2, &mut System);
        assert!(points[0].y.contains(&0));
    }

    proptest! {
        #[test]
        fn any_threshold_of_any_count(
            secret in proptest::collection::vec(any::<u8>(), 1..40),
            (threshold, count) in (2_u8..=8).prop_flat_map(|t| (Just(t), t..=12)),
            seed in any::<u64>(),
        ) {
            let points = split(&secret, threshold, count, &mut System);
            let mut numbers: Vec<u8> = (1..=count).collect();
            let len = numbers.len();
            for i in 0..len {
                numbers.swap(i, (seed.rotate_left(u32::try_from(i * 5).unwrap()) % len as u64) as usize);
            }
            numbers.truncate(usize::from(threshold));
            prop_assert_eq!(pick(&points, &numbers), secret);
        }
    }
}
