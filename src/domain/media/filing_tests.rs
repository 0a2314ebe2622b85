//! How works are filed.

use super::tests::{at, received};
use super::*;
use cqrs_es::test::TestFramework;
use uuid::Uuid;

type Frame = TestFramework<Media>;

pub(super) fn filed() -> Filing {
    let contributors = vec![Uuid::from_u128(92)];
    Filing { category: Some(Category::ProductionFile), spoiler: true, featured: true, contributors }
}

#[test]
fn a_work_is_filed_and_names_each_person_once() {
    let wish = |filing| MediaCommand::File { filing, at: at(41) };
    let people = |n: u128| (1..=n).map(Uuid::from_u128).collect::<Vec<_>>();
    let owner = match received() {
        MediaEvent::UploadReceived { owner, .. } => owner,
        _ => unreachable!(),
    };
    let twice = [filed().contributors, filed().contributors, vec![owner]].concat();
    let event = MediaEvent::MediaFiled { filing: filed(), at: at(41) };
    Frame::with(())
        .given(vec![received()])
        .when(wish(Filing { contributors: twice, ..filed() }))
        .then_expect_events(vec![event.clone()]);
    Frame::with(()).given(vec![received(), event]).when(wish(filed())).then_expect_events(vec![]);
    let most = u128::try_from(MOST_CONTRIBUTORS).unwrap();
    for (count, fits) in [(most, true), (most + 1, false)] {
        let contributors: Vec<_> = people(count + 200).split_off(200);
        let filing = Filing { contributors, ..Filing::default() };
        let decided = Frame::with(()).given(vec![received()]).when(wish(filing)).inspect_result();
        assert_eq!(decided.is_ok(), fits, "{count}");
    }
}
