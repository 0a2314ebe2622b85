//! Every number Kinora exposes, declared once.
//!
//! A room that counts something takes the shared [`Metrics`] and uses a typed handle; the name,
//! the labels and the sentence in `docs/metrics.md` all come from the declarations here. Labels
//! are bounded words (a route, a kind of actor, an outcome), never anything a person typed.

mod family;
mod host;
mod reference;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use prometheus::{Encoder, Registry, TextEncoder};

pub use family::Family;
use family::{Declarations, families};
pub use host::sample_host;
pub use reference::markdown;

/// Seconds, for things a person waits for.
const WAITS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Seconds, for work in the background.
const WORK: [f64; 9] = [0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0];
/// Events in one batch.
const BATCHES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

families! {
    /// Rate, errors and duration of every route.
    HttpMetrics, "Requests" {
        requests: IntCounterVec "kinora_http_requests_total" ["method", "route", "status"] =>
            "Requests answered, by method, route pattern and status code.";
        duration: HistogramVec "kinora_http_request_duration_seconds" ["method", "route"] in WAITS =>
            "Time from the end of the request's head until the answer is ready to be sent.";
        in_flight: IntGauge "kinora_http_requests_in_flight" =>
            "Requests being worked on now.";
        connections: IntGauge "kinora_http_connections" =>
            "Open connections.";
        refused: IntCounterVec "kinora_http_refused_total" ["reason"] =>
            "Requests or connections refused before a page saw them, by reason (host, csrf, too_large, busy; timeout: it did not arrive in time; malformed: it is no HTTP).";
        bytes_sent: IntCounter "kinora_http_sent_bytes_total" =>
            "Bytes of answers' bodies sent, where their length was known.";
    }
}

families! {
    /// The event log and the journal that writes it.
    StoreMetrics, "Event store" {
        appended: IntCounterVec "kinora_events_appended_total" ["category"] =>
            "Events appended and durable, by kind of stream.";
        batch_events: Histogram "kinora_append_batch_events" in BATCHES =>
            "Events written by one transaction of the journal.";
        append_duration: Histogram "kinora_append_duration_seconds" in WAITS =>
            "Time from handing an append to the journal until it is durable.";
        conflicts: IntCounterVec "kinora_append_conflicts_total" ["category"] =>
            "Appends refused because another process had moved the stream.";
        position: IntGauge "kinora_event_log_position" =>
            "Position of the newest event.";
        verifications: IntCounterVec "kinora_event_log_verifications_total" ["outcome"] =>
            "Verifications of the log's hash chain by any process since this one started, by outcome (good, bad).";
        verified_position: IntGauge "kinora_event_log_verified_position" =>
            "Position up to which the hash chain was last found unbroken.";
        verified_at: IntGauge "kinora_event_log_verified_timestamp_seconds" =>
            "When the hash chain was last found unbroken, in seconds since 1970.";
        database_connections: IntGaugeVec "kinora_database_connections" ["state"] =>
            "Connections of the pool to PostgreSQL, by state (open, idle, waiting).";
        database_up: IntGauge "kinora_database_up" =>
            "1 while PostgreSQL answered the last sample, 0 when it did not.";
    }
}

families! {
    /// The actors behind the bus and those that work in the background.
    ActorMetrics, "Actors" {
        commands: IntCounterVec "kinora_actor_commands_total" ["actor", "outcome"] =>
            "Commands handled, by kind of actor and outcome (accepted, unchanged, replayed, refused, busy, timed_out, unavailable, panicked).";
        duration: HistogramVec "kinora_actor_command_duration_seconds" ["actor"] in WAITS =>
            "Time from a command's arrival at the bus until its answer.";
        mailbox_depth: IntGaugeVec "kinora_actor_mailbox_depth" ["actor"] =>
            "Messages waiting or being handled, by kind of actor.";
        refused: IntCounterVec "kinora_actor_mailbox_refused_total" ["actor"] =>
            "Messages refused because the queue of that kind of actor was full.";
        live: IntGaugeVec "kinora_actor_live" ["actor"] =>
            "Actors alive now, by kind.";
        restarts: IntCounterVec "kinora_actor_restarts_total" ["actor"] =>
            "Actors started again after a panic or a lost connection, by kind.";
        last_success: IntGaugeVec "kinora_actor_last_success_timestamp_seconds" ["actor"] =>
            "When a working actor last finished a piece of work, in seconds since 1970.";
    }
}

families! {
    /// Tables folded from events, and the processes that follow the log.
    ProjectionMetrics, "Projections and workflows" {
        position: IntGaugeVec "kinora_projection_position" ["projection"] =>
            "Position of the last event a projection has applied.";
        lag_events: IntGaugeVec "kinora_projection_lag_events" ["projection"] =>
            "Events between the newest one and the projection.";
        lag_seconds: GaugeVec "kinora_projection_lag_seconds" ["projection"] =>
            "Age of the oldest event the projection has not applied; 0 when it has all.";
        applied: IntCounterVec "kinora_projection_applied_events_total" ["projection"] =>
            "Events applied by a projection.";
        rebuilds: IntCounterVec "kinora_projection_rebuilds_total" ["projection"] =>
            "Rebuilds of a projection from the first event.";
        parked: IntGaugeVec "kinora_dead_letters" ["consumer"] =>
            "Events a projection or workflow could not handle and has set aside.";
        stopped: IntGaugeVec "kinora_stopped_readers" ["reader"] =>
            "1 for a projection or workflow that stands in front of an event which this version does not know.";
        workflow_lag_events: IntGaugeVec "kinora_workflow_lag_events" ["workflow"] =>
            "Events between the newest one and the workflow.";
        workflow_retries: IntCounterVec "kinora_workflow_retries_total" ["workflow"] =>
            "Attempts of a workflow that failed and are tried again.";
    }
}

families! {
    /// Encoding, pictures and the bytes they leave.
    MediaMetrics, "Media" {
        jobs: IntGaugeVec "kinora_media_jobs" ["state"] =>
            "Pieces of processing work in the last seven days, by state (queued, running, done, failed, cancelled).";
        oldest_job: GaugeVec "kinora_media_job_oldest_age_seconds" ["state"] =>
            "Age of the oldest piece of work that is queued or running.";
        frames: IntCounterVec "kinora_media_encode_frames_total" ["codec"] =>
            "Frames encoded.";
        seconds: CounterVec "kinora_media_encode_seconds_total" ["codec"] =>
            "Seconds of wall time spent encoding; frames divided by it is the speed.";
        finished: IntCounterVec "kinora_media_jobs_finished_total" ["kind", "outcome"] =>
            "Pieces of processing work that ended, by kind and outcome (done, failed, released, hung).";
        stuck: IntCounter "kinora_media_jobs_stuck_total" =>
            "Pieces of processing work that were stopped because nothing moved any more.";
        queue_acts: IntCounterVec "kinora_media_queue_acts_total" ["act"] =>
            "What operators did to the processing queue, by act (pause, resume, first, usual, last, cancel, retry).";
        uploads: IntCounterVec "kinora_media_uploads_total" ["outcome"] =>
            "Uploads that ended, by outcome (accepted, refused, aborted).";
        storage: IntGaugeVec "kinora_storage_bytes" ["area"] =>
            "Bytes stored, in the data folder by area (media, uploads, mail, database, other); bucket: of works in the bucket.";
        sent: IntCounter "kinora_media_sent_bytes_total" =>
            "Bytes of media files that Kinora sent itself to viewers.";
        downloads: IntCounterVec "kinora_media_downloads_total" ["kind", "who"] =>
            "Files that were saved, by kind of work and by whether somebody with an account did (account, visitor).";
        withheld: IntCounterVec "kinora_media_withheld_total" ["reason"] =>
            "Requests for files that were refused although the address was right, by reason (rate, other_site).";
    }
}

families! {
    /// Searching, and the index of an engine beside the studio.
    SearchMetrics, "Search" {
        questions: IntCounterVec "kinora_search_questions_total" ["engine", "outcome"] =>
            "Questions to the search engine that the settings name, by outcome (answered; timed_out, away or refused: the visitor was told that search does not work).";
        duration: HistogramVec "kinora_search_duration_seconds" ["engine"] in WAITS =>
            "Time a question took, with the look into the studio's own tables.";
        fillings: IntCounterVec "kinora_search_fillings_total" ["outcome"] =>
            "Pieces of work on the index of an engine beside the studio, by outcome (told: of what had changed; anew: all of it; timed_out, away, refused: tried again).";
        behind: IntGauge "kinora_search_behind_events" =>
            "Events between the catalogue and the index of an engine beside the studio.";
    }
}

families! {
    /// Money and memberships.
    BillingMetrics, "Billing" {
        payments: IntCounterVec "kinora_payments_total" ["gateway", "outcome"] =>
            "Charges that ended, by gateway and outcome (paid, declined, unknown, refunded, refused, disputed).";
        webhooks: IntCounterVec "kinora_webhooks_total" ["gateway", "outcome"] =>
            "Webhooks of gateways and of the sign-in service (profile), by outcome (taken, repeated, ignored: about nothing of ours, refused, unknown, failed).";
        vat_checks: IntCounterVec "kinora_vat_checks_total" ["answer"] =>
            "Questions to the register of VAT numbers, by answer (confirmed, refused, pending: none).";
        gateway_duration: HistogramVec "kinora_gateway_request_duration_seconds" ["gateway"] in WAITS =>
            "Time a payment gateway took to answer.";
        subscriptions: IntGaugeVec "kinora_subscriptions" ["status", "plan"] =>
            "Subscriptions, by status (on-hold, active, pending-cancellation, cancelled, expired) and plan; paused ones are active.";
        paused: IntGaugeVec "kinora_subscriptions_paused" ["plan"] =>
            "Subscriptions that are paused, by plan.";
        mrr: GaugeVec "kinora_mrr" ["currency"] =>
            "Monthly recurring revenue of active subscriptions, coupons taken off, in units of the currency.";
        overdue: IntGauge "kinora_subscriptions_overdue" =>
            "Active subscriptions whose next payment was due more than two hours ago and has not been tried.";
        orders: IntGaugeVec "kinora_orders" ["status"] =>
            "Orders, by status (created, soft-failed, failed, paid, fulfilled, refunded, cancelled).";
    }
}

families! {
    /// Scheduled commands, mail, accounts and the process itself.
    RuntimeMetrics, "Schedule, mail, accounts and process" {
        runs: IntCounterVec "kinora_scheduled_runs_total" ["command", "outcome"] =>
            "Scheduled runs that ended in any process since this one started, by command and outcome (completed, failed); already_run: asked of this process for a slot that had run.";
        run_duration: HistogramVec "kinora_scheduled_run_duration_seconds" ["command"] in WORK =>
            "Time a scheduled run took.";
        run_last_success: IntGaugeVec "kinora_scheduled_run_last_success_timestamp_seconds" ["command"] =>
            "When a scheduled command last completed by any process, in seconds since 1970 on the system clock.";
        mail: IntCounterVec "kinora_mail_total" ["outcome"] =>
            "Mails handed over, by outcome (sent, deferred, failed).";
        mail_queued: IntGauge "kinora_mail_queued" =>
            "Mails waiting to be sent.";
        sessions: IntGauge "kinora_sessions" =>
            "Sessions that have not expired.";
        sign_ins: IntCounterVec "kinora_sign_ins_total" ["outcome"] =>
            "Attempts to sign in, by outcome (accepted, refused, throttled).";
        accounts: IntGaugeVec "kinora_accounts" ["state"] =>
            "Accounts, by state.";
        deletion_requests: IntGaugeVec "kinora_deletion_requests" ["state"] =>
            "Requests to delete an account, by state.";
        build: IntGaugeVec "kinora_build_info" ["version"] =>
            "Always 1; the label tells which version runs.";
        started_at: IntGauge "kinora_started_timestamp_seconds" =>
            "When this process started, in seconds since 1970.";
    }
}

families! {
    /// The machine: use, saturation and errors without a second exporter.
    HostMetrics, "Host" {
        cpu_seconds: CounterVec "kinora_host_cpu_seconds_total" ["mode"] =>
            "Processor time of the whole machine, by mode (user, system, idle, iowait, steal).";
        cpus: IntGauge "kinora_host_cpus" =>
            "Processors of the machine.";
        load: Gauge "kinora_host_load1" =>
            "Average number of runnable tasks over one minute.";
        memory_total: IntGauge "kinora_host_memory_total_bytes" =>
            "Memory of the machine.";
        memory_available: IntGauge "kinora_host_memory_available_bytes" =>
            "Memory that could be used without swapping.";
        disk_total: IntGauge "kinora_host_data_disk_total_bytes" =>
            "Size of the disk that holds the data folder.";
        disk_free: IntGauge "kinora_host_data_disk_free_bytes" =>
            "Free bytes, for this process, on the disk that holds the data folder.";
        process_resident: IntGauge "kinora_process_resident_bytes" =>
            "Memory this process holds.";
        process_threads: IntGauge "kinora_process_threads" =>
            "Threads of this process.";
        process_files: IntGauge "kinora_process_open_files" =>
            "Files and sockets this process has open.";
        process_cpu: Counter "kinora_process_cpu_seconds_total" =>
            "Processor time this process has used.";
    }
}

/// The handles of every family. Made once at start and shared as `Arc<Metrics>`.
pub struct Metrics {
    /// Requests.
    pub http: HttpMetrics,
    /// The event log.
    pub store: StoreMetrics,
    /// Actors.
    pub actors: ActorMetrics,
    /// Projections and workflows.
    pub projections: ProjectionMetrics,
    /// Media.
    pub media: MediaMetrics,
    /// Search.
    pub search: SearchMetrics,
    /// Billing.
    pub billing: BillingMetrics,
    /// Schedule, mail, accounts, process.
    pub runtime: RuntimeMetrics,
    /// The machine.
    pub host: HostMetrics,
    families: Vec<Family>,
    registry: Registry,
}

impl Metrics {
    /// Declares every family in `registry`. Fails only when a name is taken twice.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let mut all = Declarations::new(registry);
        let metrics = Self {
            http: HttpMetrics::declare(&mut all)?,
            store: StoreMetrics::declare(&mut all)?,
            actors: ActorMetrics::declare(&mut all)?,
            projections: ProjectionMetrics::declare(&mut all)?,
            media: MediaMetrics::declare(&mut all)?,
            search: SearchMetrics::declare(&mut all)?,
            billing: BillingMetrics::declare(&mut all)?,
            runtime: RuntimeMetrics::declare(&mut all)?,
            host: HostMetrics::declare(&mut all)?,
            families: all.families,
            registry: registry.clone(),
        };
        metrics.touch();
        Ok(metrics)
    }

    /// A fresh registry with all families, shared.
    pub fn shared() -> prometheus::Result<Arc<Self>> {
        Self::new(&Registry::new()).map(Arc::new)
    }

    /// What the reference lists.
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    /// The text a scraper reads.
    pub fn render(&self) -> prometheus::Result<String> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        String::from_utf8(text).map_err(|bad| prometheus::Error::Msg(bad.to_string()))
    }

    /// Creates the series whose labels are known beforehand, so that a rate is 0 and not absent
    /// before the first event, and an alert can tell "none" from "not measured".
    fn touch(&self) {
        for outcome in ["good", "bad"] {
            self.store.verifications.with_label_values(&[outcome]);
        }
        for state in ["open", "idle", "waiting"] {
            self.store.database_connections.with_label_values(&[state]);
        }
        for reason in ["host", "csrf", "too_large", "busy", "timeout", "malformed"] {
            self.http.refused.with_label_values(&[reason]);
        }
        for state in ["queued", "running", "done", "failed", "cancelled"] {
            self.media.jobs.with_label_values(&[state]);
        }
        for state in ["queued", "running"] {
            self.media.oldest_job.with_label_values(&[state]);
        }
        for codec in ["h264", "av1"] {
            self.media.frames.with_label_values(&[codec]);
            self.media.seconds.with_label_values(&[codec]);
        }
        for reason in ["rate", "other_site"] {
            self.media.withheld.with_label_values(&[reason]);
        }
        for outcome in ["accepted", "refused", "aborted"] {
            self.media.uploads.with_label_values(&[outcome]);
        }
        for area in ["media", "uploads", "mail", "database", "other", "bucket"] {
            self.media.storage.with_label_values(&[area]);
        }
        for outcome in ["answered", "timed_out", "away", "refused"] {
            for engine in ["embedded", "meilisearch"] {
                self.search.questions.with_label_values(&[engine, outcome]);
            }
        }
        for outcome in ["told", "anew", "timed_out", "away", "refused"] {
            self.search.fillings.with_label_values(&[outcome]);
        }
        for gateway in ["sandbox", "stripe", "bank"] {
            self.billing.gateway_duration.with_label_values(&[gateway]);
            for outcome in ["paid", "declined", "unknown", "refunded", "refused", "disputed"] {
                self.billing.payments.with_label_values(&[gateway, outcome]);
            }
        }
        for answer in ["confirmed", "refused", "pending"] {
            self.billing.vat_checks.with_label_values(&[answer]);
        }
        for outcome in ["taken", "repeated", "ignored", "refused", "unknown", "failed"] {
            self.billing.webhooks.with_label_values(&["sandbox", outcome]);
            self.billing.webhooks.with_label_values(&["stripe", outcome]);
        }
        for outcome in ["sent", "deferred", "failed"] {
            self.runtime.mail.with_label_values(&[outcome]);
        }
        for outcome in ["accepted", "refused", "throttled"] {
            self.runtime.sign_ins.with_label_values(&[outcome]);
        }
        self.runtime.build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        self.runtime.started_at.set(chrono::Utc::now().timestamp());
    }

    /// Creates the series of one kind of actor; called where that kind is set up.
    pub fn know_actor(&self, actor: &str) {
        for outcome in ["accepted", "refused", "busy", "panicked"] {
            self.actors.commands.with_label_values(&[actor, outcome]);
        }
        self.actors.duration.with_label_values(&[actor]);
        self.actors.mailbox_depth.with_label_values(&[actor]);
        self.actors.refused.with_label_values(&[actor]);
        self.actors.live.with_label_values(&[actor]);
        self.actors.restarts.with_label_values(&[actor]);
        self.store.appended.with_label_values(&[actor]);
        self.store.conflicts.with_label_values(&[actor]);
    }

    /// Creates the series of one scheduled job; called where the schedule is read.
    pub fn know_job(&self, job: &str) {
        for outcome in ["completed", "failed"] {
            self.runtime.runs.with_label_values(&[job, outcome]);
        }
        self.runtime.run_duration.with_label_values(&[job]);
    }
}
