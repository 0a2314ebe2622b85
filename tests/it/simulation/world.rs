//! One thread, a clock and dice: tasks run in an order that follows from the seed, and time moves only
//! when all of them wait.

use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use uuid::Uuid;

/// Polls of one run, after which it counts as one that never ends.
const MOST_STEPS: u64 = 400_000;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Time, tasks and chance.
pub struct World {
    core: Mutex<Core>,
    ready: Arc<Mutex<Vec<u64>>>,
    /// Prints what happens.
    loud: bool,
}

struct Core {
    /// Milliseconds since the beginning.
    now: i64,
    random: u64,
    tasks: BTreeMap<u64, Task>,
    timers: BTreeMap<(i64, u64), Waker>,
    count: u64,
    trace: DefaultHasher,
    steps: u64,
}

impl Core {
    /// The next number: SplitMix64, because in a debug build a generator of the library takes a tenth of
    /// the time.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

struct Task {
    owner: u32,
    work: Option<Work>,
    waker: Waker,
}

struct Alarm {
    task: u64,
    ready: Arc<Mutex<Vec<u64>>>,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.ready.lock().unwrap().push(self.task);
    }
}

impl World {
    pub fn new(seed: u64, loud: bool) -> Arc<Self> {
        let core = Core {
            now: 0,
            random: seed,
            tasks: BTreeMap::new(),
            timers: BTreeMap::new(),
            count: 0,
            trace: DefaultHasher::new(),
            steps: 0,
        };
        Arc::new(Self { core: Mutex::new(core), ready: Arc::default(), loud })
    }

    pub fn now(&self) -> i64 {
        self.core.lock().unwrap().now
    }

    /// The true time.
    pub fn time(&self) -> DateTime<Utc> {
        "2026-03-01T09:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::milliseconds(self.now())
    }

    /// From 0 up to `n`, without it.
    pub fn dice(&self, n: u64) -> u64 {
        self.core.lock().unwrap().draw() % n.max(1)
    }

    /// From `low` up to and with `high`.
    pub fn between(&self, low: i64, high: i64) -> i64 {
        low + i64::try_from(self.dice(u64::try_from(high - low + 1).unwrap())).unwrap()
    }

    pub fn chance(&self, of_thousand: u64) -> bool {
        of_thousand > 0 && self.dice(1000) < of_thousand
    }

    pub fn id(&self) -> Uuid {
        let mut core = self.core.lock().unwrap();
        Uuid::from_u64_pair(core.draw(), core.draw())
    }

    /// Enters something into the trace.
    pub fn note(&self, what: &str, who: u128, number: i64) {
        let mut core = self.core.lock().unwrap();
        (core.now, what, who, number).hash(&mut core.trace);
        if self.loud {
            println!("{:>12.3} s  {what} {who:x} {number}", core.now as f64 / 1000.0);
        }
    }

    /// How many steps it took.
    pub fn steps(&self) -> u64 {
        self.core.lock().unwrap().steps
    }

    /// What happened, in one number.
    pub fn trace(&self) -> u64 {
        self.core.lock().unwrap().trace.finish()
    }

    pub fn spawn(&self, owner: u32, work: impl Future<Output = ()> + Send + 'static) {
        let mut core = self.core.lock().unwrap();
        core.count += 1;
        let id = core.count;
        let waker = Waker::from(Arc::new(Alarm { task: id, ready: Arc::clone(&self.ready) }));
        core.tasks.insert(id, Task { owner, work: Some(Box::pin(work)), waker });
        self.ready.lock().unwrap().push(id);
    }

    /// Whatever `owner` was doing ends where it stands.
    pub fn kill(&self, owner: u32) {
        let mut core = self.core.lock().unwrap();
        let all = std::mem::take(&mut core.tasks);
        let (dead, alive): (BTreeMap<_, _>, _) = all.into_iter().partition(|(_, task)| task.owner == owner);
        core.tasks = alive;
        drop(core);
        // What they held may wake others.
        drop(dead);
    }

    pub fn sleep(self: &Arc<Self>, milliseconds: i64) -> Sleep {
        Sleep { world: Arc::clone(self), until: self.now() + milliseconds.max(0), key: None }
    }

    /// A moment: at times none, else up to `most` milliseconds.
    pub async fn pause(self: &Arc<Self>, most: u64) {
        let long = self.dice(2 * most);
        if long < most {
            self.sleep(i64::try_from(long + 1).unwrap()).await;
        }
    }

    /// Runs until `main` is done; an error if it never is.
    pub fn run(self: &Arc<Self>, main: impl Future<Output = ()> + Send + 'static) -> Result<(), String> {
        let done = Arc::new(Mutex::new(false));
        let flag = Arc::clone(&done);
        self.spawn(0, async move {
            main.await;
            *flag.lock().unwrap() = true;
        });
        let mut outcome = Err("it never ends".to_owned());
        for steps in 0..MOST_STEPS {
            self.core.lock().unwrap().steps = steps;
            if !self.step() {
                outcome = Err("everybody waits for ever".to_owned());
                break;
            }
            if *done.lock().unwrap() {
                outcome = Ok(());
                break;
            }
        }
        // Tasks hold the world that holds them.
        let left = std::mem::take(&mut self.core.lock().unwrap().tasks);
        drop(left);
        outcome
    }

    /// Polls one task that is ready, or lets time pass; `false` if nothing will ever happen.
    fn step(&self) -> bool {
        let mut core = self.core.lock().unwrap();
        let id = {
            let mut ready = self.ready.lock().unwrap();
            match ready.len() as u64 {
                0 => None,
                many => Some(ready.swap_remove(usize::try_from(core.draw() % many).unwrap())),
            }
        };
        let Some(id) = id else {
            let Some(((at, _), waker)) = core.timers.pop_first() else { return false };
            core.now = core.now.max(at);
            waker.wake();
            return true;
        };
        let Some(task) = core.tasks.get_mut(&id) else { return true };
        let Some(mut work) = task.work.take() else { return true };
        let waker = task.waker.clone();
        drop(core);
        let poll = work.as_mut().poll(&mut Context::from_waker(&waker));
        let mut core = self.core.lock().unwrap();
        if poll.is_ready() {
            core.tasks.remove(&id);
        } else if let Some(task) = core.tasks.get_mut(&id) {
            task.work = Some(work);
            return true;
        }
        drop(core);
        // Done, or killed by itself: what it held may wake others.
        drop(work);
        true
    }
}

/// Ends at its time.
pub struct Sleep {
    world: Arc<World>,
    until: i64,
    /// Its place among the timers.
    key: Option<(i64, u64)>,
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            // Nobody waits for it any more.
            self.world.core.lock().unwrap().timers.remove(&key);
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let world = Arc::clone(&self.world);
        let mut core = world.core.lock().unwrap();
        if core.now >= self.until {
            return Poll::Ready(());
        }
        if self.key.is_none() {
            core.count += 1;
            let key = (self.until, core.count);
            core.timers.insert(key, cx.waker().clone());
            self.key = Some(key);
        }
        Poll::Pending
    }
}
