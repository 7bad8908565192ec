//! What an alarm system is shown: alarms that are there before they rise, and whether a path is halted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::sim::{Class, simulate};
use causeway_adapter::fakes::FakeFamily;
use metrics::{Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Every figure by its name and labels.
#[derive(Debug, Default, Clone)]
struct Figures(Arc<Mutex<BTreeMap<String, f64>>>);

#[derive(Debug)]
struct Figure(Figures, String);

impl Figure {
    fn change(&self, change: impl FnOnce(&mut f64)) {
        change(self.0.0.lock().unwrap().entry(self.1.clone()).or_default());
    }
}

impl CounterFn for Figure {
    fn increment(&self, value: u64) {
        self.change(|old| *old += value as f64);
    }

    fn absolute(&self, value: u64) {
        self.change(|old| *old = value as f64);
    }
}

impl GaugeFn for Figure {
    fn increment(&self, value: f64) {
        self.change(|old| *old += value);
    }

    fn decrement(&self, value: f64) {
        self.change(|old| *old -= value);
    }

    fn set(&self, value: f64) {
        self.change(|old| *old = value);
    }
}

impl Figures {
    fn figure(&self, key: &Key) -> Arc<Figure> {
        let labels: Vec<String> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        Arc::new(Figure(self.clone(), format!("{}{{{}}}", key.name(), labels.join(","))))
    }

    fn get(&self, name: &str) -> Option<f64> {
        self.0.lock().unwrap().get(name).copied()
    }
}

impl Recorder for Figures {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.figure(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.figure(key))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[test]
fn a_halt_is_shown_as_long_as_it_lasts_and_alarms_are_there_before_they_rise() {
    let figures = Figures::default();
    metrics::with_local_recorder(&figures, || {
        simulate(31, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
            let halted = |reason: &str| figures.get(&format!("causeway_path_halted{{path=left-right,reason={reason}}}"));
            let alarms = |kind: &str| figures.get(&format!("causeway_alarms_total{{chain=right,kind={kind}}}"));
            sim.second().await;
            sim.try_start().await.unwrap();
            for reason in ["misbehaviour", "client-frozen", "consensus-mismatch"] {
                assert_eq!(halted(reason), Some(0.0), "{reason}");
            }
            for kind in ["misbehaviour", "client-frozen", "consensus-mismatch", "header-conflict", "client-ahead", "endpoint-divergence"] {
                assert_eq!(alarms(kind), Some(0.0), "{kind}");
            }
            sim.recorders[1].twist(|twist| twist.view = Some(|view| view.frozen = true));
            sim.send(true, Class::Echo);
            for _ in 0..60 {
                sim.second().await;
            }
            assert_eq!((halted("client-frozen"), halted("misbehaviour")), (Some(1.0), Some(0.0)));
            assert_eq!(alarms("client-frozen"), Some(1.0));
            sim.recorders[1].twist(|twist| twist.view = None);
            for _ in 0..120 {
                sim.second().await;
            }
            assert_eq!(halted("client-frozen"), Some(0.0));
        });
    });
}
