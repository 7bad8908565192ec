//! `causeway completions`: for bash, zsh, fish, elvish and powershell.

use crate::cli::Cli;
use crate::exit::Failure;
use clap::CommandFactory;

/// Print completions for a shell.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    /// The shell.
    shell: clap_complete::Shell,
}

impl Command {
    /// Writes the script to standard output.
    pub(crate) fn execute(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "causeway", &mut script);
        print!("{}", String::from_utf8_lossy(&script));
        Ok(())
    }
}
