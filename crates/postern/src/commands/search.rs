//! `postern search`.

use std::io::IsTerminal as _;

use clap::Args;
use postern_control::{SearchFound, SearchHit, SearchResult};

use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Format};

/// Find the sessions whose recordings hold something, and where.
///
/// Give words, "phrases" and fields: file:, command:, host:, table:, statement:, user:, asset:, account:,
/// protocol:, reason:, ticket:, since:, until:. All of them must be so: postern search 'file:/etc/shadow since:7d'
#[derive(Args)]
pub(crate) struct Search {
    /// What to look for.
    #[arg(required = true)]
    query: Vec<String>,
    /// How many sessions at most.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=50))]
    limit: u32,
    /// Where an earlier answer ended.
    #[arg(long)]
    after: Option<String>,
}

impl Search {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let query =
            [("q", Some(self.query.join(" "))), ("limit", Some(self.limit.to_string())), ("cursor", self.after)];
        let found: SearchFound = Client::signed_in()?.get_with("/v1/search", &query).await?;
        if format != Format::Table {
            output::one(format, &found)?;
            return Ok(DONE);
        }
        for item in &found.items {
            print(item)?;
        }
        if let Some(next) = &found.next {
            let why =
                if found.stopped { "reading recordings took long, not all were read" } else { "there may be more" };
            output::line(&format!("{why}: add --after {next}"))?;
        } else if found.items.is_empty() {
            output::line("nothing was found in the recordings that you may see")?;
        }
        if found.behind > 0 {
            output::line(&format!("{} recordings are not in the index yet", found.behind))?;
        }
        Ok(DONE)
    }
}

fn print(SearchResult { session, hits }: &SearchResult) -> Result<(), Failure> {
    let began = output::time(session.started_at);
    output::line(&format!("{}  {}  {} on {}  {}", session.id, began, session.user, session.account, session.protocol))?;
    for hit in hits {
        let seconds = hit.at_ms / 1000;
        let at = format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        output::line(&format!("  {at}  {:9}  {}", hit.kind, text(hit)))?;
    }
    Ok(())
}

/// What was found stands out where that can be seen.
fn text(hit: &SearchHit) -> String {
    let bold = std::io::stdout().is_terminal();
    let shown = hit.parts.iter().map(|part| match part.found && bold {
        true => format!("\x1b[1m{}\x1b[0m", part.text),
        false => part.text.clone(),
    });
    shown.collect()
}
