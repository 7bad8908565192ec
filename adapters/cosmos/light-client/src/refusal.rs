//! Names of the rules, and what a broken one says.

use alloc::string::{String, ToString};
use core::fmt;

/// A rule: its name is the label in errors and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rule(pub(crate) &'static str);

impl Rule {
    /// The name.
    pub fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A broken rule: which, what was expected and what came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: expected {expected}, found {found}")]
pub struct Refusal {
    /// The rule.
    pub rule: Rule,
    /// What it expects.
    pub expected: String,
    /// What came.
    pub found: String,
}

/// A refusal, for `Err`. Texts are cut to 200 characters.
pub(crate) fn refuse(rule: &'static str, expected: impl fmt::Display, found: impl fmt::Display) -> Refusal {
    let cut = |text: String| if text.len() > 200 { text.chars().take(200).collect() } else { text };
    Refusal { rule: Rule(rule), expected: cut(expected.to_string()), found: cut(found.to_string()) }
}
