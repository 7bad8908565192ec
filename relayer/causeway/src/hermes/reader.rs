//! Typed reading of TOML tables: what was read is taken out, so that what is left is what nobody asked for.
//!
//! Hermes writes some numbers as texts, durations with units and sizes in bytes or with units; all of that ends here.

use super::without::WITHOUT_COUNTERPART;
use super::{Fate, Notes};
use toml::{Table, Value};

/// A table of the file, and where it is in it.
#[derive(Debug)]
pub(super) struct Section {
    path: String,
    table: Table,
}

impl Section {
    /// The whole file.
    pub(super) fn root(text: &str) -> Result<Self, String> {
        let table: Table = toml::from_str(text).map_err(|error| format!("not TOML: {}", one_line(error.message())))?;
        Ok(Self { path: String::new(), table })
    }

    /// Names the table anew, for example after the chain that it holds.
    pub(super) fn called(self, path: String) -> Self {
        Self { path, table: self.table }
    }

    /// A key with its place.
    pub(super) fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_string() } else { format!("{}.{key}", self.path) }
    }

    /// Whether the table has the key, which stays.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    fn take<T>(&mut self, key: &str, expected: &str, read: impl FnOnce(&Value) -> Option<T>) -> Result<Option<T>, String> {
        let Some(value) = self.table.remove(key) else { return Ok(None) };
        read(&value).map(Some).ok_or_else(|| format!("{} = {}: expected {expected}", self.key(key), short(&value)))
    }

    /// A text.
    pub(super) fn text(&mut self, key: &str) -> Result<Option<String>, String> {
        self.take(key, "a text", |value| value.as_str().map(str::to_string))
    }

    /// A text that must be there.
    pub(super) fn required(&mut self, key: &str) -> Result<String, String> {
        self.text(key)?.filter(|text| !text.is_empty()).ok_or_else(|| format!("{} is missing; Hermes requires it", self.key(key)))
    }

    /// A truth value.
    pub(super) fn truth(&mut self, key: &str) -> Result<Option<bool>, String> {
        self.take(key, "true or false", Value::as_bool)
    }

    /// A whole number, also as text.
    pub(super) fn whole(&mut self, key: &str) -> Result<Option<u64>, String> {
        self.take(key, "a whole number from 0 on", |value| match value {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_integer().and_then(|number| u64::try_from(number).ok()),
        })
    }

    /// A decimal number from 0 on, also as text.
    pub(super) fn decimal(&mut self, key: &str) -> Result<Option<f64>, String> {
        self.take(key, "a number from 0 on", |value| {
            let number = match value {
                Value::String(text) => text.trim().parse().ok(),
                Value::Integer(number) => Some(f64::from(i32::try_from(*number).ok()?)),
                other => other.as_float(),
            };
            number.filter(|number| number.is_finite() && *number >= 0.0)
        })
    }

    /// A price as exact decimal text.
    pub(super) fn price(&mut self, key: &str) -> Result<Option<String>, String> {
        self.take(key, "a number from 0 on, such as 0.025", |value| match value {
            Value::String(text) => Some(text.trim().to_string()),
            Value::Integer(number) if *number >= 0 => Some(number.to_string()),
            // The shortest digits that give the same number, never in powers of ten.
            Value::Float(number) if number.is_finite() && *number >= 0.0 => Some(number.to_string()),
            _ => None,
        })
    }

    /// A duration such as `500ms`, `14days` or `1h 30m`, in milliseconds.
    pub(super) fn duration_ms(&mut self, key: &str) -> Result<Option<u64>, String> {
        self.take(key, "a duration such as '10s' or '14days'", |value| duration_ms(value.as_str()?))
    }

    /// A number of bytes, also as text such as `32KiB`.
    pub(super) fn bytes(&mut self, key: &str) -> Result<Option<u64>, String> {
        self.take(key, "a number of bytes, or a text such as '32KiB'", |value| match value {
            Value::String(text) => bytes(text),
            other => other.as_integer().and_then(|number| u64::try_from(number).ok()),
        })
    }

    /// A list of pairs of texts.
    pub(super) fn pairs(&mut self, key: &str) -> Result<Option<Vec<(String, String)>>, String> {
        let pair = |value: &Value| match value.as_array()?.as_slice() {
            // Hermes takes white space around them as unintended.
            [port, channel] => Some((port.as_str()?.trim().to_string(), channel.as_str()?.trim().to_string())),
            _ => None,
        };
        self.take(key, "a list of [port, channel]", |value| value.as_array()?.iter().map(pair).collect())
    }

    /// A table within.
    pub(super) fn section(&mut self, key: &str) -> Result<Option<Self>, String> {
        let path = self.key(key);
        let table = self.take(key, "a table", |value| value.as_table().cloned())?;
        Ok(table.map(|table| Self { path, table }))
    }

    /// A list of tables within.
    pub(super) fn sections(&mut self, key: &str) -> Result<Vec<Self>, String> {
        let path = self.key(key);
        let tables = self.take(key, "a list of tables, written [[chains]]", |value| {
            value.as_array()?.iter().map(|value| value.as_table().cloned()).collect::<Option<Vec<_>>>()
        })?;
        let named = |(index, table)| Self { path: format!("{path}[{index}]"), table };
        Ok(tables.unwrap_or_default().into_iter().enumerate().map(named).collect())
    }

    /// Takes out a key that is not taken over, and says why.
    pub(super) fn drop_key(&mut self, key: &str, fate: Fate, why: &str, notes: &mut Notes) {
        if self.table.remove(key).is_some() {
            notes.add(self.key(key), fate, why);
        }
    }

    /// Notes everything that is left: keys that have no counterpart here, and keys that are not known.
    pub(super) fn rest(self, notes: &mut Notes) {
        let kind = self.path.split(['.', '[']).next().unwrap_or_default();
        for key in self.table.keys() {
            let known = WITHOUT_COUNTERPART.iter().find(|(section, name, _)| *section == kind && name == key);
            match known {
                Some((_, _, why)) => notes.add(self.key(key), Fate::NotNeeded, *why),
                None => notes.add(self.key(key), Fate::Unknown, "no key of Hermes that is known here; nothing became of it"),
            }
        }
    }
}

/// Durations as Hermes reads them (crate humantime): numbers with units, one after the other.
fn duration_ms(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let number: u64 = number.parse().ok()?;
        let after = after.trim_start();
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, left) = after.split_at(letters);
        let ms = match unit {
            "ns" | "nsec" => number.div_ceil(1_000_000),
            "us" | "usec" => number.div_ceil(1_000),
            "ms" | "msec" => number,
            "s" | "sec" | "secs" | "second" | "seconds" => number.checked_mul(1_000)?,
            "m" | "min" | "mins" | "minute" | "minutes" => number.checked_mul(60_000)?,
            "h" | "hr" | "hrs" | "hour" | "hours" => number.checked_mul(3_600_000)?,
            "d" | "day" | "days" => number.checked_mul(86_400_000)?,
            "w" | "week" | "weeks" => number.checked_mul(7 * 86_400_000)?,
            _ => return None,
        };
        total = total.checked_add(ms)?;
        rest = left.trim_start();
    }
    Some(total)
}

/// Sizes as Hermes reads them (crate byte-unit): a number and a unit of a thousand or of 1024.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "kib" => 1 << 10,
        "mb" => 1_000_000,
        "mib" => 1 << 20,
        "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// A value as it is shown in an error.
fn short(value: &Value) -> String {
    one_line(&value.to_string())
}

fn one_line(text: &str) -> String {
    text.chars().take(120).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_read_as_hermes_reads_them() {
        let cases = [
            ("10s", Some(10_000)),
            ("500ms", Some(500)),
            ("14days", Some(1_209_600_000)),
            ("224hours", Some(806_400_000)),
            ("1h 30m", Some(5_400_000)),
            ("1m30s", Some(90_000)),
            ("10", None),
            ("", None),
            ("ten seconds", None),
            ("10 parsecs", None),
            ("99999999999999999999s", None),
        ];
        for (text, expected) in cases {
            assert_eq!(duration_ms(text), expected, "{text}");
        }
        for (text, expected) in [("33554432", Some(33_554_432)), ("32KiB", Some(32_768)), ("2 MB", Some(2_000_000)), ("2 heaps", None)] {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }
}
