//! What happened to a deletion request. Ids and dates only: the request outlives the person's data.

use crate::domain::shared::AccountId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestedBy {
    /// The person, who proved it with the password again.
    Person,
    /// Staff on the person's behalf.
    Staff(AccountId),
    /// The shell.
    Shell,
    /// The sign-in service, in the person's name.
    SignInService,
}

/// What becomes of the comments of somebody who leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommentsFate {
    /// They stay, without a name.
    #[default]
    Stay,
    /// They are deleted; where there are answers, their place stays.
    Deleted,
}

/// What stands in the way of an erasure that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// A subscription of the person is neither cancelled nor expired.
    LiveSubscription(Uuid),
    /// The account holds a staff role.
    StaffRole,
    /// The account owns that many published works.
    PublishedWorks(u32),
    /// The studio owes the account money: credit that is not used up or paid out.
    OpenCredit,
    /// The studio owes the account money: what came too much, or is on its way back.
    OwedMoney,
    /// A gift that the person ordered is not paid yet: its code would reach nobody.
    UnpaidGift(Uuid),
}

/// A part of the erasure. Each can be repeated without harm.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ErasureStep {
    /// Sessions and tokens end.
    EndSessions,
    /// Payment methods are detached at the gateway.
    DetachPaymentMethods,
    /// Own unpublished uploads go, with all renditions.
    RemoveUploads,
    /// Comments lose their writer or go, as the person chose; likes stay without the person.
    SettleComments,
    /// Progress, saved items and other measurements go.
    RemoveTraces,
    /// The person is told for the last time, while the address is still there.
    TellThePerson,
    /// Mail that was not sent is dropped, mail kept in files outside production is removed.
    DropMail,
    /// Mail address and username become free again.
    ReleaseNames,
    /// The vault rows go and the data key is destroyed.
    DestroyPersonalData,
    /// The account is marked as erased, which pages and lists follow.
    MarkAccount,
    /// What was done is written down, without anything personal.
    WriteCertificate,
}

/// Facts of a deletion request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum DeletionEvent {
    /// Somebody wants the account deleted.
    DeletionRequested {
        /// When.
        at: DateTime<Utc>,
        /// Which account.
        account: AccountId,
        /// Who asked.
        by: RequestedBy,
        /// From when on it is carried out.
        due: DateTime<Utc>,
        /// What becomes of the comments.
        #[serde(default)]
        comments: CommentsFate,
    },
    /// The wish was taken back in time.
    DeletionWithdrawn {
        /// When.
        at: DateTime<Utc>,
        /// Which account.
        account: AccountId,
    },
    /// It was due, but something stands in the way.
    DeletionBlocked {
        /// When.
        at: DateTime<Utc>,
        /// Which account.
        account: AccountId,
        /// What stands in the way, in a fixed order.
        obstacles: Vec<Obstacle>,
    },
    /// Nothing stands in the way: it is carried out.
    ErasureStarted {
        /// When.
        at: DateTime<Utc>,
        /// Which account.
        account: AccountId,
        /// Which run of the job started it.
        run: Uuid,
    },
    /// One step is done.
    ErasureStepDone {
        /// When.
        at: DateTime<Utc>,
        /// Which account.
        account: AccountId,
        /// Which step.
        step: ErasureStep,
        /// How many things it removed.
        removed: u64,
        /// Subjects of the vault other than the account whose keys were destroyed with it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        subjects: Vec<Uuid>,
    },
    /// Every step is done.
    ErasureCompleted {
        /// When.
        at: DateTime<Utc>,
        /// Which account.
        account: AccountId,
        /// Which run of the job started it.
        run: Uuid,
    },
}
