//! The bridge between our pure `decide` and the `cqrs-es` traits.

use cqrs_es::Aggregate;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// An aggregate whose decisions are a pure, synchronous function of its state and one command.
///
/// `cqrs-es` asks for an asynchronous `handle`; [`decider!`](crate::decider) writes that bridge,
/// so that an aggregate consists of `decide` and `apply` only.
pub trait Decider:
    Aggregate<
        Services = (),
        Command: Clone + Debug + Send + Sync + Unpin + 'static,
        Event: Unpin + 'static,
        Error: Clone + Send + Sync + Unpin + 'static,
    > + Clone
    + Debug
    + Unpin
    + 'static
{
    /// Decides what follows from `command` in the current state.
    ///
    /// An empty vector means that nothing has to change (the wish is already fulfilled).
    ///
    /// # Errors
    /// The business reason for which the command is refused.
    fn decide(&self, command: Self::Command) -> Result<Vec<Self::Event>, Self::Error>;
}

/// What an event enum has to offer beyond `cqrs_es::DomainEvent`: the name of the category its
/// streams belong to, so that a reader of the whole log can tell whether an event is of this kind.
pub trait CategoryEvent: Serialize + DeserializeOwned {
    /// The category, equal to the aggregate's `TYPE`; streams are called `{category}-{uuid}`.
    const CATEGORY: &'static str;
    /// Types whose payload has a newer form than the first, with its version.
    const NEWER: &'static [(&'static str, i16)] = &[];
}

/// Implements the `cqrs-es` traits for an aggregate and its event enum.
///
/// `decider!(Media, MediaCommand, MediaEvent, MediaError, "media");` expects inherent functions
/// `Media::decide(&self, MediaCommand) -> Result<Vec<MediaEvent>, MediaError>` and
/// `Media::apply(&mut self, MediaEvent)`. The event enum derives `strum::IntoStaticStr` and `strum::VariantNames`, and is
/// serialised with `#[serde(tag = "type", content = "data")]`.
/// A newer payload version of a single event is declared with
/// `decider!(.., versions { "MediaProbed" => 2 });` and gets an upcaster in `store/upcasters.rs`.
#[macro_export]
macro_rules! decider {
    ($agg:ty, $cmd:ty, $event:ty, $err:ty, $category:literal) => {
        $crate::decider!($agg, $cmd, $event, $err, $category, versions {});
    };
    ($agg:ty, $cmd:ty, $event:ty, $err:ty, $category:literal, versions { $($name:literal => $v:literal),* $(,)? }) => {
        impl cqrs_es::DomainEvent for $event {
            fn event_type(&self) -> String {
                <&'static str>::from(self).to_owned()
            }
            fn event_version(&self) -> String {
                match <&'static str>::from(self) {
                    $($name => stringify!($v).to_owned(),)*
                    _ => "1".to_owned(),
                }
            }
        }
        impl $crate::domain::shared::aggregate::CategoryEvent for $event {
            const CATEGORY: &'static str = $category;
            const NEWER: &'static [(&'static str, i16)] = &[$(($name, $v)),*];
        }
        impl cqrs_es::Aggregate for $agg {
            const TYPE: &'static str = $category;
            type Command = $cmd;
            type Event = $event;
            type Error = $err;
            type Services = ();
            async fn handle(
                &mut self,
                command: Self::Command,
                _services: &Self::Services,
                sink: &cqrs_es::event_sink::EventSink<Self>,
            ) -> Result<(), Self::Error> {
                for event in <$agg>::decide(self, command)? {
                    sink.write(event, self).await;
                }
                Ok(())
            }
            fn apply(&mut self, event: Self::Event) {
                <$agg>::apply(self, event);
            }
        }
        impl $crate::domain::shared::Decider for $agg {
            fn decide(&self, command: Self::Command) -> Result<Vec<Self::Event>, Self::Error> {
                <$agg>::decide(self, command)
            }
        }
    };
}
