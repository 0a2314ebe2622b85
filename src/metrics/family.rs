//! How one family of numbers is declared: its type, name, labels and help text in one line, so that
//! the registry, the typed handle and `docs/metrics.md` can never tell different stories.

use prometheus::core::Collector;
use prometheus::{
    Counter, CounterVec, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec,
    IntGauge, IntGaugeVec, Opts, Registry,
};

/// What the reference says about one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// The part of Kinora it belongs to, as a heading of the reference.
    pub group: &'static str,
    /// The full name, `kinora_…`.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// The label names, all with bounded values.
    pub labels: &'static [&'static str],
    /// One sentence for people.
    pub help: &'static str,
}

/// A prometheus type that can be made from a declaration.
pub trait Measure: Collector + Clone + Sized + 'static {
    /// The word of the exposition format.
    const KIND: &'static str;

    /// Makes the handle; `labels` and `buckets` are empty where the type has none.
    fn make(name: &str, help: &str, labels: &[&str], buckets: &[f64]) -> prometheus::Result<Self>;
}

macro_rules! measure {
    ($type:ty, $kind:literal, |$name:ident, $help:ident, $labels:ident, $buckets:ident| $make:expr) => {
        impl Measure for $type {
            const KIND: &'static str = $kind;
            fn make(
                $name: &str,
                $help: &str,
                $labels: &[&str],
                $buckets: &[f64],
            ) -> prometheus::Result<Self> {
                $make
            }
        }
    };
}

measure!(IntCounter, "counter", |name, help, _labels, _buckets| IntCounter::new(name, help));
measure!(Counter, "counter", |name, help, _labels, _buckets| Counter::new(name, help));
measure!(IntGauge, "gauge", |name, help, _labels, _buckets| IntGauge::new(name, help));
measure!(Gauge, "gauge", |name, help, _labels, _buckets| Gauge::new(name, help));
measure!(IntCounterVec, "counter", |name, help, labels, _buckets| IntCounterVec::new(
    Opts::new(name, help),
    labels
));
measure!(CounterVec, "counter", |name, help, labels, _buckets| CounterVec::new(
    Opts::new(name, help),
    labels
));
measure!(IntGaugeVec, "gauge", |name, help, labels, _buckets| IntGaugeVec::new(
    Opts::new(name, help),
    labels
));
measure!(GaugeVec, "gauge", |name, help, labels, _buckets| GaugeVec::new(Opts::new(name, help), labels));
measure!(Histogram, "histogram", |name, help, _labels, buckets| Histogram::with_opts(
    HistogramOpts::new(name, help).buckets(buckets.to_vec())
));
measure!(HistogramVec, "histogram", |name, help, labels, buckets| HistogramVec::new(
    HistogramOpts::new(name, help).buckets(buckets.to_vec()),
    labels
));

/// Collects the declarations while the handles are registered.
pub struct Declarations<'r> {
    registry: &'r Registry,
    /// Every family registered so far, in order.
    pub families: Vec<Family>,
}

impl<'r> Declarations<'r> {
    /// Starts with nothing declared.
    pub fn new(registry: &'r Registry) -> Self {
        Self { registry, families: Vec::new() }
    }

    /// Makes one family, registers it and notes it for the reference.
    pub fn declare<M: Measure>(&mut self, mut family: Family, buckets: &[f64]) -> prometheus::Result<M> {
        let handle = M::make(family.name, family.help, family.labels, buckets)?;
        self.registry.register(Box::new(handle.clone()))?;
        family.kind = M::KIND;
        self.families.push(family);
        Ok(handle)
    }
}

/// Declares one group of families: the struct of handles, its registration and its part of the
/// reference, from one list.
macro_rules! families {
    (
        $(#[$meta:meta])*
        $group:ident, $heading:literal {
            $( $field:ident: $type:ident $name:literal $([$($label:literal),+])? $(in $buckets:expr)? => $help:literal; )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone)]
        pub struct $group {
            $( #[doc = $help] pub $field: prometheus::$type, )+
        }

        impl $group {
            fn declare(into: &mut $crate::metrics::family::Declarations<'_>) -> prometheus::Result<Self> {
                Ok(Self {
                    $( $field: into.declare(
                        $crate::metrics::family::Family {
                            group: $heading,
                            name: $name,
                            kind: "",
                            labels: &[$($($label),+)?],
                            help: $help,
                        },
                        { let buckets: &[f64] = &[]; $( let buckets: &[f64] = { let _ = buckets; &$buckets }; )? buckets },
                    )?, )+
                })
            }
        }
    };
}
pub(super) use families;
