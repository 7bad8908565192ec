//! Exit codes, and the error that carries one to `main`. The codes are documented in docs/operations.md and tested.

use std::fmt;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    /// The command was understood and did not succeed.
    Failed = 1,
    /// The configuration, or a value that stands for one, is wrong (EX_USAGE of sysexits.h, as linkerd2-proxy uses it).
    BadConfig = 64,
    /// Something a chain showed was refused, or there is no root of trust to judge it by (EX_DATAERR).
    Untrusted = 65,
    /// A chain, an adapter or a running relayer does not answer (EX_UNAVAILABLE).
    Unavailable = 69,
    /// The store cannot be opened, for example because another process has it (EX_CANTCREAT).
    Store = 73,
    /// A key is missing or its passphrase is wrong (EX_NOPERM).
    Key = 77,
}

/// A failure with its exit code. Its text is one line that says what to do.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How the process ends.
    pub(crate) code: Code,
    /// What the person sees.
    pub(crate) message: String,
    /// Whether the command has given its one answer on standard output already.
    pub(crate) answered: bool,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl Failure {
    /// A failure with a code.
    pub(crate) fn new(code: Code, message: impl fmt::Display) -> Self {
        Self { code, message: without_numbers(&message.to_string()), answered: false }
    }

    /// A failure that the answer on standard output tells already: programs read one object, not two.
    pub(crate) fn after_answer(code: Code, message: impl fmt::Display) -> Self {
        Self { answered: true, ..Self::new(code, message) }
    }
}

/// Takes the operating system's numbers out of a text: `No such file or directory (os error 2)`. The words before them say the same to people.
fn without_numbers(text: &str) -> String {
    let mut parts = text.split(" (os error ");
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |text, part| text + part.split_once(')').map_or(part, |(_, rest)| rest))
}

/// Turns any error into a [`Failure`] with a code.
pub(crate) trait OrFail<T> {
    /// Attaches the code.
    fn or_fail(self, code: Code) -> Result<T, Failure>;
}

impl<T, E: fmt::Display> OrFail<T> for Result<T, E> {
    fn or_fail(self, code: Code) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(code, error))
    }
}

#[cfg(test)]
mod tests;
