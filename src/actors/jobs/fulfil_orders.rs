//! `fulfil-orders`: every hour, orders whose time is over.

use super::{Counts, Job, JobError, Run};
use crate::actors::bus::Envelope;
use crate::actors::services::Services;
use crate::domain::clock::Schedule;
use crate::domain::order::{Order, OrderCommand};
use crate::projections::fulfilments;
use async_trait::async_trait;

/// Most orders of one run; the next one goes on.
const MOST: i64 = 5000;

/// The job.
pub struct FulfilOrders;

#[async_trait]
impl Job for FulfilOrders {
    fn name(&self) -> &'static str {
        "fulfil-orders"
    }

    fn schedule(&self) -> Schedule {
        Schedule::minutes(60)
    }

    async fn run(&self, run: &Run, cx: &Services) -> Result<Counts, JobError> {
        let (mut fulfilled, mut failed) = (0, 0);
        for order in fulfilments::over(&cx.reader, run.at, MOST).await? {
            let id = run.command_id(&format!("fulfil {order}"));
            let command = OrderCommand::Fulfil { at: run.at };
            let sent = cx.bus.dispatch::<Order>(Envelope::new(id, order, command, run.meta())).await;
            match sent {
                Ok(receipt) => fulfilled += i64::from(!receipt.replayed && receipt.position > 0),
                // The others do not wait for this one; it is tried again by the next run.
                Err(error) => {
                    failed += 1;
                    tracing::error!(%order, %error, "an order could not be fulfilled");
                }
            }
        }
        Ok(Counts::from([("fulfilled".into(), fulfilled), ("failed".into(), failed)]))
    }
}
