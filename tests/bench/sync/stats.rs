//! What rounds come to: the median and the spread, never a mean that one bad round moves.

/// Times of one thing over the rounds, in milliseconds, or ratios of two.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample(Vec<f64>);

impl Sample {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    pub(crate) fn rounds(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn first(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    pub(crate) fn median(&self) -> f64 {
        let sorted = self.sorted();
        match sorted.len() {
            0 => f64::NAN,
            n if n % 2 == 1 => sorted[n / 2],
            n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
        }
    }

    /// The smallest and the largest.
    pub(crate) fn spread(&self) -> (f64, f64) {
        let sorted = self.sorted();
        (sorted.first().copied().unwrap_or(f64::NAN), sorted.last().copied().unwrap_or(f64::NAN))
    }

    /// Round by round: rounds lie close together in time, so what else the machine did falls out.
    pub(crate) fn over(&self, other: &Sample) -> Sample {
        Sample(self.0.iter().zip(&other.0).map(|(a, b)| a / b).collect())
    }

    /// `12.3 ms (11.8–14.0)`, in seconds from a second on.
    pub(crate) fn as_time(&self) -> String {
        let (least, most) = self.spread();
        match self.median() {
            median if median >= 1000.0 => {
                format!("{:.2} s ({:.2}–{:.2})", median / 1e3, least / 1e3, most / 1e3)
            }
            median if median >= 100.0 => format!("{median:.0} ms ({least:.0}–{most:.0})"),
            median => format!("{median:.2} ms ({least:.2}–{most:.2})"),
        }
    }

    /// `1.42 × (1.38–1.51)`.
    pub(crate) fn as_ratio(&self) -> String {
        let (least, most) = self.spread();
        format!("{:.2} × ({least:.2}–{most:.2})", self.median())
    }
}
