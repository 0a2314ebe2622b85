//! `lapse-requests`: every hour, what nobody decided in time.

use super::{Counts, Job, JobError, Run};
use crate::actors::approvals;
use crate::actors::bus::Envelope;
use crate::actors::services::Services;
use crate::domain::clock::Schedule;
use crate::domain::order::{Order, OrderCommand};
use crate::projections::{approvals as listed, refunds};
use async_trait::async_trait;

/// Requests taken up at a time.
const PART: i64 = 500;

/// The job.
pub struct LapseRequests;

#[async_trait]
impl Job for LapseRequests {
    fn name(&self) -> &'static str {
        "lapse-requests"
    }

    fn schedule(&self) -> Schedule {
        Schedule::minutes(60)
    }

    async fn run(&self, run: &Run, cx: &Services) -> Result<Counts, JobError> {
        let failed = |e: String| JobError::Failed(e);
        let mut lapsed = 0;
        for approval in listed::to_lapse(&cx.reader, run.at, PART).await? {
            let command = (run.command_id(&format!("lapse {approval}")), run.meta());
            let done = approvals::lapse(cx, approval, command).await;
            lapsed += i64::from(done.map_err(|e| failed(e.to_string()))?);
        }
        for (order, refund) in refunds::to_lapse(&cx.reader, run.at, PART).await? {
            let id = run.command_id(&format!("lapse {refund}"));
            let command = OrderCommand::LapseRefund { refund, at: run.at };
            let sent = cx.bus.dispatch::<Order>(Envelope::new(id, order, command, run.meta())).await;
            let receipt = sent.map_err(|e| failed(e.to_string()))?;
            lapsed += i64::from(!receipt.replayed && receipt.position > 0);
        }
        Ok(Counts::from([("lapsed".into(), lapsed)]))
    }
}
