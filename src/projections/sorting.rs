//! The order of a list that somebody chose by a column: only columns that the list names, never what stands in an
//! address.

/// A column that a list can be sorted by: its name in addresses, and what is compared, in SQL.
pub type SortColumn = (&'static str, &'static [&'static str]);

/// By which column a list is sorted, and which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The name of the column.
    pub name: &'static str,
    by: &'static [&'static str],
    /// Whether it rises.
    pub rises: bool,
}

impl Sort {
    /// Reads `name` (rising) or `-name` (falling); none if the list has no such column.
    #[must_use]
    pub fn parse(text: &str, known: &[SortColumn]) -> Option<Self> {
        let (name, rises) = text.strip_prefix('-').map_or((text, true), |name| (name, false));
        known.iter().find(|(n, _)| *n == name).map(|(name, by)| Self { name, by, rises })
    }

    /// What stands behind `order by`: the wished column, then the list's usual order, so that rows that are equal
    /// stay where they are from page to page.
    #[must_use]
    pub fn order(sort: Option<Self>, usual: &str) -> String {
        let Some(Self { by, rises, .. }) = sort else { return usual.to_owned() };
        let way = if rises { "asc nulls last" } else { "desc nulls last" };
        by.iter().map(|column| format!("{column} {way}, ")).collect::<String>() + usual
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[SortColumn] = &[("since", &["at"]), ("amount", &["currency", "minor"])];

    #[test]
    fn only_named_columns_sort_and_ties_keep_the_usual_order() {
        let sort = |text| Sort::order(Sort::parse(text, KNOWN), "id");
        assert_eq!(sort("since"), "at asc nulls last, id");
        assert_eq!(sort("-amount"), "currency desc nulls last, minor desc nulls last, id");
        for strange in ["", "-", "id", "since; drop table people", "--since"] {
            assert_eq!(sort(strange), "id", "{strange}");
        }
    }
}
