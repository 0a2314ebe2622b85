//! The parts that pages are made of (maud). They take plain data, know neither requests nor
//! sessions, and look the same on every page. `docs/design.md` lists them with their use.

pub mod button;
pub mod card;
pub mod chart;
pub mod form;
pub mod format;
pub mod icon;
pub mod layout;
pub mod markdown;
pub mod panel;
pub mod picture;
pub mod shortcodes;
pub mod stats;
pub mod table;

#[cfg(test)]
mod preview;

pub use super::assets::url as asset;
pub use button::Weight;
pub use card::{Card, Corner, Hero, Line, card, hero, lines, tabs};
pub use chart::{Signed, bars, signed, stacked};
pub use form::{
    Choice, Errors, Field, FormTokens, checkbox, checkbox_with_id, choices, error_summary, form, form_inline,
    form_of_acts, hidden_fields, search_form,
};
pub use icon::{Icon, icon};
pub use layout::{
    Frame, Person, Place, Theme, crumbs, document, page_head, problem_page, rooms, shelf, shelf_head,
};
pub use markdown::{markdown, markdown_below, plain_text};
pub use panel::{Tone, chip, empty, filter, filters, locked, notice, notice_text, steps};
pub use picture::{Fetch, Picture, Ratio, Rendition, picture};
pub use stats::{Stat, stat, stats};
pub use table::{Column, Moment, facts, paging, table, timeline};
