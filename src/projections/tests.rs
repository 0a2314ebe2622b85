use super::Projection;
use crate::domain::approval::Approval;
use crate::domain::comment::Comment;
use crate::domain::coupon::Coupon;
use crate::domain::gift::Gift;
use crate::domain::mandate::Mandate;
use crate::domain::subscription::Subscription;
use crate::domain::team::Team;
use serde::Serialize;
use std::collections::BTreeSet;

#[test]
fn names_and_tables_are_used_once() {
    let all = super::all();
    let names: BTreeSet<&str> = all.iter().map(|p| p.name()).collect();
    assert_eq!(names.len(), all.len(), "a projection is listed twice");
    let tables: Vec<&str> = all.iter().flat_map(|p| p.tables().iter().copied()).collect();
    assert_eq!(tables.iter().collect::<BTreeSet<_>>().len(), tables.len(), "two projections share a table");
}

fn form(projection: &dyn Projection, state: &impl Serialize) -> String {
    let state = serde_json::to_value(state).unwrap();
    let fields: Vec<&String> = state.as_object().unwrap().keys().collect();
    format!("{} version {}: {fields:?}", projection.name(), projection.version())
}

/// These tables keep an aggregate as it stands. Rows that an older Kinora wrote cannot be read when its fields are
/// others: raise the projection's version together with this picture, so that they are made anew.
#[test]
fn another_form_of_a_kept_state_is_another_version() {
    let forms = [
        form(&super::approvals::Approvals, &Approval::default()),
        form(&super::comments::Comments, &Comment::default()),
        form(&super::coupons::Coupons, &Coupon::default()),
        form(&super::debits::Debits, &Mandate::default()),
        form(&super::gifts::Gifts, &Gift::default()),
        form(&super::subscriptions::Subscriptions, &Subscription::default()),
        form(&super::teams::Teams, &Team::default()),
    ];
    insta::assert_snapshot!(forms.join("\n"));
}
