use crate::domain::shared::calendar::day_words;
use chrono::NaiveDate;

/// Why a subscription refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscriptionError {
    /// No such subscription.
    #[error("There is no such subscription.")]
    Missing,
    /// The stream holds one already.
    #[error("This subscription exists already.")]
    Exists,
    /// Automatic collection with nothing to charge.
    #[error("This plan is paid automatically: add a card first.")]
    NeedsMethod,
    /// The card is past its end.
    #[error("This card has expired. Pay with another one.")]
    CardExpired,
    /// Cancelled or expired.
    #[error("This subscription has ended. Join again to go on.")]
    Ended,
    /// Nothing is open.
    #[error("There is no open order to pay.")]
    NothingOpen,
    /// Another order is open by now.
    #[error("The order that was to be waived is not open any more.")]
    OtherOrder,
    /// The bank was told to collect it.
    #[error("This order is being collected by direct debit. Wait until the bank has booked it.")]
    DebitAwaited,
    /// A charge is under way.
    #[error("A payment is being processed. Wait for its result, then try again.")]
    InFlight,
    /// It was not cancelled, or the time is over.
    #[error("There is no cancellation to undo.")]
    NotCancelling,
    /// Not parked.
    #[error("This subscription is not parked.")]
    NotParked,
    /// Parked: staff first say how it goes on.
    #[error("This subscription is parked: let it go on first.")]
    Parked,
    /// Too few or too many days.
    #[error("Give 1 to 366 days.")]
    Days,
    /// On hold: there is no paid time to extend.
    #[error("Nothing is paid for now: waive the open order instead.")]
    NotPaidFor,
    /// An order for the next period is out.
    #[error("An order for the next period is open: settle or waive it first.")]
    OrderOpen,
    /// The clock will not try this order again.
    #[error("No further attempt is planned for this order: the member has to pay it, or it is waived.")]
    NoRetry,
    /// Not active: on hold, or cancelled.
    #[error("This works while a subscription is active and not cancelled.")]
    NotRunning,
    /// A pause is planned or has begun.
    #[error("A pause is planned or running: end it first.")]
    PauseExists,
    /// No pause to end.
    #[error("There is no pause to end.")]
    NotPaused,
    /// Dates of a pause that make no sense.
    #[error("Let the pause begin today or within a year, and end after it begins, within a year.")]
    PauseDates,
    /// The plan one has.
    #[error("This is the plan you have.")]
    SamePlan,
    /// Another currency or another way of paying.
    #[error("This plan is paid in another way: cancel, and join again when your time is over.")]
    OtherTerms,
    /// What was shown is not what it would be.
    #[error("What is to be paid is another amount by now. Nothing was changed: look at it again.")]
    OtherPrice,
    /// No change of plan is planned.
    #[error("There is no planned change to give up.")]
    NoChange,
    /// A discount runs already.
    #[error("There is a discount already: another one can follow when it is used up.")]
    DiscountExists,
    /// In another currency, or as much as the price.
    #[error("This coupon does not fit this price.")]
    DiscountDoesNotFit,
    /// A business.
    #[error("The right of withdrawal is one of consumers: this was bought by a business.")]
    NotAConsumer,
    /// Given up when it was bought, or not offered.
    #[error("There is no right of withdrawal from this subscription. You can cancel it.")]
    WithdrawalWaived,
    /// The buyer withdrew while a charge was under way.
    #[error("You have withdrawn from the contract. It ends as soon as the result of the payment is known.")]
    Withdrawing,
    /// Too late.
    #[error("The time in which you could withdraw is over. You can cancel instead.")]
    WithdrawalOver,
    /// A day for the next payment that makes no sense.
    #[error("Choose a day after today, and at most 366 days after the one on which the next payment is due.")]
    DueDay,
    /// It would take away what was paid for.
    #[error("Up to {} the time is paid for, or was no gift of staff: choose that day or a later one.", day_words(*.0))]
    PaidFor(NaiveDate),
    /// Beyond the calendar.
    #[error("The dates of this subscription lie beyond the calendar.")]
    Calendar,
}

impl From<crate::domain::shared::calendar::CalendarError> for SubscriptionError {
    fn from(_: crate::domain::shared::calendar::CalendarError) -> Self {
        Self::Calendar
    }
}
