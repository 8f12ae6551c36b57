//! Amounts of bytes as people write them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// An amount of bytes, written `64KiB`, `512MiB` or `2GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Size(u64);

/// The units, largest first, in bytes.
const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl Size {
    /// So many mebibytes.
    pub const fn mebibytes(count: u64) -> Self {
        Self(count << 20)
    }

    /// In bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a size; write for example 64KiB, 512MiB or 2GiB");
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let count: u64 = text[..digits].parse().map_err(|_| wrong())?;
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == text[digits..].trim_start()).ok_or_else(wrong)?;
        count.checked_mul(*unit).map(Self).ok_or_else(wrong)
    }
}

impl From<Size> for String {
    fn from(size: Size) -> Self {
        let (name, unit) = UNITS.iter().find(|(_, unit)| size.0.is_multiple_of(*unit)).unwrap_or(&("B", 1));
        format!("{}{name}", size.0 / unit)
    }
}

impl schemars::JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[0-9]+ ?(B|KiB|MiB|GiB)$", "examples": ["512MiB"]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_and_show() {
        let size = Size::try_from("512MiB".to_owned()).expect("a size");
        assert_eq!((size.bytes(), String::from(size)), (536_870_912, "512MiB".to_owned()));
        assert_eq!(String::from(Size::try_from("1536 KiB".to_owned()).expect("a size")), "1536KiB");
        for wrong in ["", "5", "5MB", "-1MiB", "MiB", "99999999999999GiB"] {
            assert!(Size::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
