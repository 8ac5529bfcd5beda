//! `postern right-size`.

use clap::Args;
use postern_control::{PolicyRightSize, PolicyRightSized};
use postern_domain::PolicyName;
use postern_domain::document::{Document, to_yaml};

use super::policy::{print_diff, print_simulated};
use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

/// Tell what policies give that nobody has used.
#[derive(Args)]
pub(crate) struct RightSize {
    /// One policy: with the narrower one that would have done, and what that would have refused.
    policy: Option<PolicyName>,
    /// How many days back.
    #[arg(long, default_value_t = 90)]
    days: u32,
}

impl Columns for PolicyRightSize {
    const HEADINGS: &'static [&'static str] =
        &["POLICY", "ACCESS", "USES", "PEOPLE", "ACCOUNTS", "NEVER USED", "PROPOSED"];

    fn cells(&self) -> Vec<String> {
        let size = &self.size;
        let mut unused: Vec<String> = size.unused_users.iter().map(ToString::to_string).collect();
        unused.extend(size.unused_workloads.iter().map(|workload| format!("workload {workload}")));
        unused.extend(size.unused_attributes.then(|| "attributes".to_owned()));
        unused.extend(size.unused_groups.iter().map(|group| format!("group {group}")));
        unused.extend(size.unused_capabilities.iter().flatten().map(ToString::to_string));
        let proposed = match (size.unused, &size.proposed) {
            (true, _) => "delete it".to_owned(),
            (false, Some(_)) => "narrower".to_owned(),
            (false, None) => "fits".to_owned(),
        };
        vec![
            self.policy.to_string(),
            output::word(&size.access),
            size.uses.to_string(),
            format!("{}/{}", size.people_used, size.people),
            format!("{}/{}", size.accounts_used, size.accounts),
            unused.join(", "),
            proposed,
        ]
    }
}

fn print(format: Format, sized: &PolicyRightSized) -> Result<(), Failure> {
    let size = &sized.size.size;
    if format == Format::Yaml
        && let Some(proposed) = &size.proposed
    {
        // As a document, to be applied as it is.
        return output::line(to_yaml(&[Document::Policy(proposed.clone())])?.trim_end());
    }
    if format != Format::Table {
        return output::one(format, sized);
    }
    output::list(format, std::slice::from_ref(&sized.size))?;
    if size.unused {
        return output::line("nobody has used it: postern policy delete");
    }
    let Some(proposed) = &size.proposed else { return output::line("it fits what was used") };
    for change in &size.changes {
        output::line(&format!("- {change}"))?;
    }
    output::line(to_yaml(&[Document::Policy(proposed.clone())])?.trim_end())?;
    if let Some(diff) = &sized.diff {
        print_diff(format, diff)?;
    }
    output::line(&format!("{} past sessions and check-outs would not have begun", sized.uses_refused))?;
    sized.simulated.as_ref().map_or(Ok(()), |simulated| print_simulated(format, simulated))
}

impl RightSize {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        let days = [("days", Some(self.days.to_string()))];
        match self.policy {
            Some(name) => {
                let path = format!("/v1/policies/{name}/right-size");
                print(format, &client.get_with(&path, &days).await?)?;
            }
            None => {
                let found: Vec<PolicyRightSize> = client.all("/v1/right-size", &days).await?;
                output::list(format, &found)?;
            }
        }
        Ok(DONE)
    }
}
