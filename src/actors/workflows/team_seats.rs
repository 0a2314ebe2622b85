//! Gives seats to whoever belongs to a team, and takes them back: after its owner wrote down who belongs
//! to it, after a mail address was confirmed or changed, and after the plan changed.

use super::{Workflow, WorkflowError, caught_up};
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::services::Services;
use crate::actors::{mailer, team_lists};
use crate::domain::account::AccountEvent;
use crate::domain::shared::AccountId;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::domain::subscription::{Subscription, SubscriptionEvent};
use crate::domain::team::{SeatCause, Team, TeamCommand, TeamError, TeamEvent};
use crate::emails::MailKind;
use crate::projections::teams;
use crate::store::RecordedEvent;
use crate::store::repository::EventRepository;
use async_trait::async_trait;
use uuid::Uuid;

/// The workflow.
pub struct TeamSeats;

const NAME: &str = "team_seats";

#[async_trait]
impl Workflow for TeamSeats {
    fn name(&self) -> &'static str {
        NAME
    }

    fn follows(&self) -> &'static [&'static str] {
        &[TeamEvent::CATEGORY, SubscriptionEvent::CATEGORY, AccountEvent::CATEGORY]
    }

    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
        if let Some(happened) = event.decode::<TeamEvent>()? {
            return after_team(event, happened, cx).await;
        }
        if let Some(happened) = event.decode::<SubscriptionEvent>()? {
            return after_subscription(event, happened, cx).await;
        }
        match event.decode::<AccountEvent>()? {
            Some(AccountEvent::MailConfirmed { .. } | AccountEvent::MailChanged { .. }) => {
                place(event, cx).await
            }
            Some(AccountEvent::AccountErased { .. }) => leave(event, cx).await,
            // Whoever is on a list by the address of the closed account has the seat with the kept one.
            Some(AccountEvent::AccountMerged { .. }) => {
                caught_up(event, cx, &["people", "teams"]).await?;
                for team in teams::all(&cx.reader).await? {
                    let (closed, known) =
                        (event.stream_uuid(), team.state.holders().iter().chain(team.state.waiting()));
                    if known.into_iter().any(|account| *account == closed) {
                        match_all(event, cx, team.id).await?;
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

async fn send(
    event: &RecordedEvent,
    cx: &Services,
    team: Uuid,
    purpose: &str,
    command: TeamCommand,
) -> Result<(), WorkflowError> {
    let (id, meta) = cx.follow(event, NAME, purpose);
    match cx.bus.dispatch::<Team>(Envelope::new(id, team, command, meta)).await {
        // The owner matches their own domain, or the plan changed meanwhile.
        Ok(_) | Err(CommandError::Refused(TeamError::Owner | TeamError::Missing)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A team has as many seats as the plan of its subscription says.
async fn after_subscription(
    event: &RecordedEvent,
    happened: SubscriptionEvent,
    cx: &Services,
) -> Result<(), WorkflowError> {
    use SubscriptionEvent as E;
    let (owner, terms) = match happened {
        // There is no team yet that could have seats too many.
        E::SubscriptionJoined { terms, .. } if terms.seats.is_none() => return Ok(()),
        E::SubscriptionJoined { owner, terms, .. } => (owner, terms),
        // Nobody loses a seat, and nobody has one more, before the plan begins.
        E::PlanChanged { begins_on: Some(_), .. } => return Ok(()),
        E::PlanChanged { terms, .. } | E::PlanBegan { terms, .. } => {
            let repository = EventRepository::<Subscription>::new(cx.pool.clone(), cx.journal.clone());
            (repository.load(event.stream_uuid()).await?.state.owner(), terms)
        }
        E::SubscriptionMoved { to, .. } => {
            let command = TeamCommand::HandOver { to, at: event.effective_at };
            return send(event, cx, event.stream_uuid(), "hand over", command).await;
        }
        _ => return Ok(()),
    };
    let command = TeamCommand::FollowPlan { owner, seats: terms.seats, at: event.effective_at };
    send(event, cx, event.stream_uuid(), "follow", command).await
}

async fn after_team(event: &RecordedEvent, happened: TeamEvent, cx: &Services) -> Result<(), WorkflowError> {
    let team = event.stream_uuid();
    match happened {
        TeamEvent::SeatGiven { account, .. } => tell(event, cx, account, MailKind::SeatGiven).await,
        TeamEvent::SeatMissing { .. } => match load(cx, team).await?.owner() {
            Some(owner) => tell(event, cx, owner, MailKind::SeatMissing).await,
            None => Ok(()),
        },
        TeamEvent::SeatTaken { account, cause, .. } => {
            if !matches!(cause, SeatCause::AccountErased | SeatCause::OwnsTeam) {
                tell(event, cx, account, MailKind::SeatTaken).await?;
            }
            match_all(event, cx, team).await
        }
        TeamEvent::TeamArranged { .. } => {
            // Pages open the list that the tables name: the one before goes when they name the new one.
            caught_up(event, cx, &["people", "teams"]).await?;
            team_lists::discard_former(cx, event).await?;
            match_all(event, cx, team).await
        }
        TeamEvent::TeamFormed { .. }
        | TeamEvent::TeamSeatsChanged { .. }
        | TeamEvent::TeamHandedOver { .. }
        | TeamEvent::SeatReadmitted { .. } => match_all(event, cx, team).await,
    }
}

async fn load(cx: &Services, team: Uuid) -> Result<Team, WorkflowError> {
    Ok(EventRepository::<Team>::new(cx.pool.clone(), cx.journal.clone()).load(team).await?.state)
}

async fn tell(
    event: &RecordedEvent,
    cx: &Services,
    to: AccountId,
    mail: MailKind,
) -> Result<(), WorkflowError> {
    let (id, _) = cx.follow(event, NAME, "mail");
    mailer::enqueue(cx, id, to, mail, cx.clock.now()).await?;
    Ok(())
}

/// Gives everybody who belongs to the team a seat, and takes those of everybody else.
async fn match_all(event: &RecordedEvent, cx: &Services, team: Uuid) -> Result<(), WorkflowError> {
    let state = load(cx, team).await?;
    if state.seats().is_none() {
        return Ok(());
    }
    caught_up(event, cx, &["people", "teams"]).await?;
    let list = team_lists::open(cx, &state).await?;
    let belong = team_lists::people(cx, &list).await?;
    let at = event.effective_at;
    for account in state.holders().iter().chain(state.waiting()).filter(|a| !belong.contains(a)) {
        let command = TeamCommand::TakeSeat { account: *account, cause: SeatCause::NotListed, at };
        send(event, cx, team, &format!("take {account}"), command).await?;
    }
    for account in belong {
        send(event, cx, team, &format!("give {account}"), TeamCommand::GiveSeat { account, at }).await?;
    }
    Ok(())
}

/// Somebody proved to read mail at an address: it may belong to a team, and the one before may have.
async fn place(event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
    let account = event.stream_uuid();
    caught_up(event, cx, &["people", "teams"]).await?;
    let Some(mail) = team_lists::mail_of(cx, account).await? else { return Ok(()) };
    let at = event.effective_at;
    for team in teams::all(&cx.reader).await? {
        let belongs = team_lists::has(cx, &team.state, &mail).await?;
        if belongs {
            send(event, cx, team.id, &format!("give {}", team.id), TeamCommand::GiveSeat { account, at })
                .await?;
        } else if team.state.holders().contains(&account) || team.state.waiting().contains(&account) {
            let command = TeamCommand::TakeSeat { account, cause: SeatCause::NotListed, at };
            send(event, cx, team.id, &format!("take {}", team.id), command).await?;
        }
    }
    Ok(())
}

async fn leave(event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
    let account = event.stream_uuid();
    caught_up(event, cx, &["people", "teams"]).await?;
    for team in teams::all(&cx.reader).await? {
        let (cause, at) = (SeatCause::AccountErased, event.effective_at);
        let command = TeamCommand::TakeSeat { account, cause, at };
        send(event, cx, team.id, &format!("leave {}", team.id), command).await?;
    }
    Ok(())
}
