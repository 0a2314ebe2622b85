//! Bjøntegaard's measure: by how many percent the bit rate of one encoder differs from that of another
//! at equal quality, averaged over the range of qualities that both reach.
//!
//! G. Bjøntegaard, "Calculation of average PSNR differences between RD-curves", ITU-T SG16 Q.6,
//! VCEG-M33 (Austin, 2001), improved in VCEG-AI11 (Berlin, 2008): with `r(q)` the logarithm of the
//! rate over the quality and `[a, b]` the range that both curves have,
//!
//! ```text
//! BD-rate = (10 ^ (1/(b−a) · ∫ₐᵇ (r_test(q) − r_anchor(q)) dq) − 1) · 100 %
//! ```
//!
//! M33 lays one cubic polynomial through four points; here, as in the common test conditions of HEVC
//! and AV1, a piecewise cubic Hermite interpolation (PCHIP; F. Fritsch and R. Carlson, "Monotone
//! piecewise cubic interpolation", SIAM J. Numer. Anal. 17, 1980), which takes any number of points
//! and never turns back between them.

/// One measurement: bits a second (or bytes of the same clip), and quality, higher for better.
pub type Point = (f64, f64);

/// By how many percent `test` needs more bits than `anchor` at equal quality; negative: fewer.
/// `None` with fewer than four points, or when the two have no quality in common.
pub fn bd_rate(anchor: &[Point], test: &[Point]) -> Option<f64> {
    let (anchor, test) = (Curve::through(anchor)?, Curve::through(test)?);
    let from = anchor.first().max(test.first());
    let to = anchor.last().min(test.last());
    if to - from <= 0.0 {
        return None;
    }
    let mean = (test.area(from, to) - anchor.area(from, to)) / (to - from);
    Some((10_f64.powf(mean) - 1.0) * 100.0)
}

/// Logarithm of the rate over the quality.
struct Curve {
    /// Quality, ascending, and logarithm of the rate.
    points: Vec<(f64, f64)>,
    /// Slope at each point.
    slopes: Vec<f64>,
}

impl Curve {
    fn through(measured: &[Point]) -> Option<Self> {
        if measured.len() < 4 || measured.iter().any(|(rate, q)| *rate <= 0.0 || !q.is_finite()) {
            return None;
        }
        let mut points: Vec<(f64, f64)> = measured.iter().map(|(rate, q)| (*q, rate.log10())).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        if points.windows(2).any(|w| w[1].0 - w[0].0 <= 0.0) {
            return None;
        }
        let slopes = slopes(&points);
        Some(Self { points, slopes })
    }

    fn first(&self) -> f64 {
        self.points[0].0
    }

    fn last(&self) -> f64 {
        self.points[self.points.len() - 1].0
    }

    /// The integral from `from` to `to`, which lie within the curve.
    fn area(&self, from: f64, to: f64) -> f64 {
        (1..self.points.len())
            .map(|n| {
                let ((x0, _), (x1, _)) = (self.points[n - 1], self.points[n]);
                let (a, b) = (from.max(x0), to.min(x1));
                if a < b { self.piece(n, b) - self.piece(n, a) } else { 0.0 }
            })
            .sum()
    }

    /// The antiderivative of piece `n` at `x`, zero at the beginning of the piece.
    fn piece(&self, n: usize, x: f64) -> f64 {
        let ((x0, y0), (x1, y1)) = (self.points[n - 1], self.points[n]);
        let (h, m0, m1) = (x1 - x0, self.slopes[n - 1], self.slopes[n]);
        let t = (x - x0) / h;
        let (t2, t3, t4) = (t * t, t * t * t, t * t * t * t);
        h * (y0 * (t4 / 2.0 - t3 + t)
            + h * m0 * (t4 / 4.0 - 2.0 * t3 / 3.0 + t2 / 2.0)
            + y1 * (t3 - t4 / 2.0)
            + h * m1 * (t4 / 4.0 - t3 / 3.0))
    }
}

/// Slopes that keep each piece monotone: a weighted harmonic mean inside, three points at the ends.
fn slopes(points: &[(f64, f64)]) -> Vec<f64> {
    let h: Vec<f64> = points.windows(2).map(|w| w[1].0 - w[0].0).collect();
    let d: Vec<f64> = points.windows(2).map(|w| (w[1].1 - w[0].1) / (w[1].0 - w[0].0)).collect();
    let last = h.len() - 1;
    let inner = |n: usize| {
        if d[n - 1] * d[n] <= 0.0 {
            return 0.0;
        }
        let (a, b) = (2.0 * h[n] + h[n - 1], h[n] + 2.0 * h[n - 1]);
        (a + b) / (a / d[n - 1] + b / d[n])
    };
    let end = |h0: f64, h1: f64, d0: f64, d1: f64| {
        let slope = ((2.0 * h0 + h1) * d0 - h0 * d1) / (h0 + h1);
        if slope * d0 <= 0.0 {
            0.0
        } else if d0 * d1 <= 0.0 && slope.abs() > 3.0 * d0.abs() {
            3.0 * d0
        } else {
            slope
        }
    };
    let mut all = vec![end(h[0], h[1], d[0], d[1])];
    all.extend((1..=last).map(inner));
    all.push(end(h[last], h[last - 1], d[last], d[last - 1]));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: Option<f64>, wanted: f64) {
        let found = found.unwrap_or(f64::NAN);
        assert!((found - wanted).abs() < 1e-6, "{found} instead of {wanted}");
    }

    /// The values that the Python package `bjontegaard` 1.3 gives with `method='pchip'` (SciPy inside).
    #[test]
    fn known_curves_give_known_values() {
        let anchor = [(9487.76, 40.037), (4593.60, 38.615), (2486.44, 36.845), (1358.24, 34.851)];
        let test = [(9787.80, 40.121), (4469.00, 38.651), (2451.52, 36.970), (1356.24, 34.987)];
        close(bd_rate(&anchor, &test), -4.417_485_350_589_045);
        let anchor = [(686.76, 40.28), (309.58, 37.18), (157.11, 34.24), (85.95, 31.42)];
        let test = [(893.34, 40.39), (407.8, 37.21), (204.93, 34.17), (112.75, 31.24)];
        close(bd_rate(&anchor, &test), 31.379_878_202_397_627);
    }

    #[test]
    fn a_constant_factor_is_found_exactly_and_the_order_of_points_does_not_matter() {
        let anchor = [(100.0, 30.0), (200.0, 33.0), (400.0, 35.5), (800.0, 37.0), (1600.0, 38.2)];
        let mut more: Vec<Point> = anchor.iter().map(|(r, q)| (r * 1.25, *q)).collect();
        close(bd_rate(&anchor, &more), 25.0);
        close(bd_rate(&more, &anchor), -20.0);
        more.reverse();
        close(bd_rate(&anchor, &more), 25.0);
        close(bd_rate(&anchor, &anchor), 0.0);
    }

    #[test]
    fn what_cannot_be_compared_is_not() {
        let anchor = [(100.0, 30.0), (200.0, 33.0), (400.0, 35.5), (800.0, 37.0)];
        assert_eq!(bd_rate(&anchor[..3], &anchor), None, "too few points");
        let above: Vec<Point> = anchor.iter().map(|(r, q)| (*r, q + 10.0)).collect();
        assert_eq!(bd_rate(&anchor, &above), None, "no quality in common");
        assert_eq!(bd_rate(&anchor, &[(1.0, 30.0), (2.0, 30.0), (3.0, 31.0), (4.0, 32.0)]), None);
    }
}
