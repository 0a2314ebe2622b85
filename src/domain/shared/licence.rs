//! Licences under which works are published.

use serde::{Deserialize, Serialize};

/// A licence, by its SPDX-like code in events and by its usual name on pages.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
pub enum Licence {
    /// Attribution 4.0, the studio's default.
    #[default]
    #[serde(rename = "CC-BY-4.0")]
    #[strum(serialize = "CC-BY-4.0")]
    CcBy,
    /// Attribution, share alike 4.0.
    #[serde(rename = "CC-BY-SA-4.0")]
    #[strum(serialize = "CC-BY-SA-4.0")]
    CcBySa,
    /// Attribution, not commercial 4.0.
    #[serde(rename = "CC-BY-NC-4.0")]
    #[strum(serialize = "CC-BY-NC-4.0")]
    CcByNc,
    /// Attribution, no derivatives 4.0.
    #[serde(rename = "CC-BY-ND-4.0")]
    #[strum(serialize = "CC-BY-ND-4.0")]
    CcByNd,
    /// Attribution, not commercial, share alike 4.0.
    #[serde(rename = "CC-BY-NC-SA-4.0")]
    #[strum(serialize = "CC-BY-NC-SA-4.0")]
    CcByNcSa,
    /// Attribution, not commercial, no derivatives 4.0.
    #[serde(rename = "CC-BY-NC-ND-4.0")]
    #[strum(serialize = "CC-BY-NC-ND-4.0")]
    CcByNcNd,
    /// Attribution 3.0, of older open films.
    #[serde(rename = "CC-BY-3.0")]
    #[strum(serialize = "CC-BY-3.0")]
    CcBy3,
    /// No rights reserved.
    #[serde(rename = "CC0-1.0")]
    #[strum(serialize = "CC0-1.0")]
    Cc0,
    /// All rights reserved.
    #[serde(rename = "all-rights-reserved")]
    #[strum(serialize = "all-rights-reserved")]
    AllRightsReserved,
}

impl Licence {
    /// The code, as in events and forms.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.into()
    }
    /// The name on pages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CcBy => "CC BY 4.0",
            Self::CcBySa => "CC BY-SA 4.0",
            Self::CcByNc => "CC BY-NC 4.0",
            Self::CcByNd => "CC BY-ND 4.0",
            Self::CcByNcSa => "CC BY-NC-SA 4.0",
            Self::CcByNcNd => "CC BY-NC-ND 4.0",
            Self::CcBy3 => "CC BY 3.0",
            Self::Cc0 => "CC0 1.0",
            Self::AllRightsReserved => "All rights reserved",
        }
    }
    /// Where its text stands; `None` for all rights reserved.
    #[must_use]
    pub fn url(self) -> Option<&'static str> {
        match self {
            Self::CcBy => Some("https://creativecommons.org/licenses/by/4.0/"),
            Self::CcBySa => Some("https://creativecommons.org/licenses/by-sa/4.0/"),
            Self::CcByNc => Some("https://creativecommons.org/licenses/by-nc/4.0/"),
            Self::CcByNd => Some("https://creativecommons.org/licenses/by-nd/4.0/"),
            Self::CcByNcSa => Some("https://creativecommons.org/licenses/by-nc-sa/4.0/"),
            Self::CcByNcNd => Some("https://creativecommons.org/licenses/by-nc-nd/4.0/"),
            Self::CcBy3 => Some("https://creativecommons.org/licenses/by/3.0/"),
            Self::Cc0 => Some("https://creativecommons.org/publicdomain/zero/1.0/"),
            Self::AllRightsReserved => None,
        }
    }
}
