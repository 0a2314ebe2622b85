//! The internal scheduler: jobs do not hold each other up, a slot runs once, and what any process ran is counted.

use crate::support::Studio;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kinora::actors::jobs::{Counts, Job, JobError, Run};
use kinora::actors::{Services, scheduler};
use kinora::domain::clock::Schedule;
use kinora::startup::Roles;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use uuid::Uuid;

#[derive(Default)]
struct Seen {
    quick: Notify,
    slow_is_done: Notify,
    slots: Mutex<Vec<(&'static str, DateTime<Utc>)>>,
}

struct Slow(Arc<Seen>);
struct Quick(Arc<Seen>);
struct Broken;

#[async_trait]
impl Job for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }
    fn schedule(&self) -> Schedule {
        Schedule::weekly(0)
    }
    async fn run(&self, run: &Run, _: &Services) -> Result<Counts, JobError> {
        // Ends only after another job has run: one after the other they would wait for ever.
        self.0.quick.notified().await;
        self.0.slots.lock().expect("slots").push(("slow", run.at));
        self.0.slow_is_done.notify_one();
        Ok(Counts::new())
    }
}

#[async_trait]
impl Job for Quick {
    fn name(&self) -> &'static str {
        "quick"
    }
    fn schedule(&self) -> Schedule {
        Schedule::minutes(1)
    }
    async fn run(&self, run: &Run, _: &Services) -> Result<Counts, JobError> {
        self.0.slots.lock().expect("slots").push(("quick", run.at));
        self.0.quick.notify_one();
        Ok(Counts::new())
    }
}

#[async_trait]
impl Job for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }
    fn schedule(&self) -> Schedule {
        Schedule::weekly(0)
    }
    async fn run(&self, _: &Run, _: &Services) -> Result<Counts, JobError> {
        Err(JobError::Failed("it is broken".into()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_job_holds_no_other_up_and_every_slot_runs_once() {
    // Two processes with schedulers; the studio itself has none.
    let studio = Studio::with_roles(Roles { scheduler: false, ..Roles::ALL }).await;
    // So that the first sample has something to show.
    crate::accounts::person(&studio, "any@example.org", &[]).await;
    let seen = Arc::new(Seen::default());
    let cx = studio.instance.services.clone();
    let metrics = Arc::clone(&cx.metrics);
    // The first sample is where counting begins.
    let sampled = Instant::now() + Duration::from_secs(60);
    while metrics.runtime.accounts.with_label_values(&["active"]).get() == 0
        && metrics.store.position.get() == 0
        && Instant::now() < sampled
    {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for name in ["scheduler one", "scheduler two"] {
        let (cx, seen) = (Services { process: Uuid::now_v7(), ..cx.clone() }, Arc::clone(&seen));
        studio.instance.supervisor().supervise(name, move |desk| {
            let jobs: Vec<Arc<dyn Job>> =
                vec![Arc::new(Slow(Arc::clone(&seen))), Arc::new(Quick(Arc::clone(&seen))), Arc::new(Broken)];
            Box::pin(scheduler::run(jobs, cx.clone(), desk))
        });
    }
    tokio::time::timeout(Duration::from_secs(180), seen.slow_is_done.notified()).await.expect("side by side");
    let until = Instant::now() + Duration::from_secs(180);
    let count = |job: &str, outcome: &str| metrics.runtime.runs.with_label_values(&[job, outcome]).get();
    while (count("slow", "completed"), count("broken", "failed")) != (1, 1) && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!((count("slow", "completed"), count("broken", "failed")), (1, 1), "read back from the log");
    let slots = seen.slots.lock().expect("slots").clone();
    assert_eq!(slots.len(), slots.iter().collect::<BTreeSet<_>>().len(), "a slot ran twice: {slots:?}");
    studio.settle().await;
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verifications_by_any_process_are_counted() {
    let studio = Studio::start().await;
    let cx = studio.instance.services.clone();
    let found = cx.audit.verify(false, &[], |_, _| {}).await.expect("verified");
    for ok in [true, false, true] {
        let found = kinora::store::log::Verification { ok, ..found.clone() };
        cx.audit.note_verification(&found, true, cx.clock.now()).await.expect("noted");
    }
    let last =
        kinora::projections::operator::last_verification(&cx.reader).await.expect("read").expect("one");
    assert_eq!((last.ok, last.good, last.bad), (true, 2, 1));
    studio.close().await;
}
