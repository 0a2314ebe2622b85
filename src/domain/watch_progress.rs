//! When something counts as started and as finished. Where one is in it is a measurement and no event.

/// Seconds after which a work or a lesson counts as started.
pub const STARTED_AFTER: u32 = 5;
/// Seconds on a page without anything that plays after which it counts as finished.
pub const PAGE_READ_AFTER: u32 = 60;
/// Share of its length, in per cent, after which what plays counts as finished.
const FINISHED_PERCENT: u64 = 80;

/// How far somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not looked at for long enough to be remembered.
    Glimpsed,
    /// Started and not finished.
    Started,
    /// Seen as far as it has to be.
    Finished,
}

/// The stage at second `at` of `length` seconds.
#[must_use]
pub fn stage(at: u32, length: u32) -> Stage {
    if u64::from(at) * 100 >= u64::from(length) * FINISHED_PERCENT && at > 0 {
        Stage::Finished
    } else if at >= STARTED_AFTER {
        Stage::Started
    } else {
        Stage::Glimpsed
    }
}

/// The stage after `at` seconds on a page without anything that plays.
#[must_use]
pub fn stage_of_page(at: u32) -> Stage {
    match at {
        _ if at >= PAGE_READ_AFTER => Stage::Finished,
        _ if at >= STARTED_AFTER => Stage::Started,
        _ => Stage::Glimpsed,
    }
}

/// How much of it was seen, 0 to 100.
#[must_use]
pub fn percent(at: u32, length: u32) -> u8 {
    let share = u64::from(at) * 100 / u64::from(length.max(1));
    u8::try_from(share.min(100)).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn started_after_five_seconds_and_finished_at_eighty_per_cent() {
        assert_eq!(stage(0, 0), Stage::Glimpsed);
        assert_eq!(stage(4, 100), Stage::Glimpsed);
        assert_eq!(stage(5, 100), Stage::Started);
        assert_eq!(stage(79, 100), Stage::Started);
        assert_eq!(stage(80, 100), Stage::Finished);
        assert_eq!(stage(4, 5), Stage::Finished, "a clip that is shorter than that");
        assert_eq!(stage(u32::MAX, u32::MAX), Stage::Finished);
    }

    #[test]
    fn a_page_is_read_after_a_minute() {
        assert_eq!(stage_of_page(4), Stage::Glimpsed);
        assert_eq!(stage_of_page(59), Stage::Started);
        assert_eq!(stage_of_page(60), Stage::Finished);
    }

    #[test]
    fn a_share_never_leaves_its_bounds() {
        assert_eq!(percent(1, 3), 33);
        assert_eq!(percent(9, 3), 100);
        assert_eq!(percent(0, 0), 0);
    }
}
