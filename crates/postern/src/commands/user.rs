//! `postern user ...`.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Subcommand, ValueEnum};
use ipnet::IpNet;
use postern_control::{Leaving, LinkIssued, UserChange, UserCreate, UserCreated, VendorTerms};
use postern_domain::link::{CredentialMade, WaitingCredential};
use postern_domain::period::Period;
use postern_domain::permission::RoleAssignment;
use postern_domain::policy::{Day, Hours};
use postern_domain::user::{User, UserKind, UserState};
use postern_domain::vendor::Vendor;
use postern_domain::{GroupName, ScopePath, Timestamp, UserName};
use reqwest::Method;
use serde_json::json;

use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

/// Users.
#[derive(Subcommand)]
pub(crate) enum UserCommand {
    /// Make a user; prints the one-time link by which they enrol.
    #[command(visible_alias = "add")]
    Create {
        /// The sign-in name.
        name: UserName,
        /// Where notices go.
        #[arg(long)]
        email: Option<String>,
        /// A group to be in, made when there is none of this name; may be repeated.
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<GroupName>,
        /// A role to hold, as role or role=/scope; may be repeated.
        #[arg(long = "role", value_name = "ROLE=SCOPE", value_parser = role_in)]
        roles: Vec<RoleIn>,
        /// The scope that they belong to; your own unless given.
        #[arg(long)]
        scope: Option<ScopePath>,
        /// A program: a service, a pipeline. It enrols nothing: `postern token create --for` makes it a token.
        #[arg(long, conflicts_with_all = ["vendor", "identity", "email"])]
        workload: bool,
        /// Somebody of another company: each session needs a yes and somebody who watches it.
        #[arg(long, requires_all = ["sponsor", "until"])]
        vendor: bool,
        #[command(flatten)]
        terms: TermsIn,
        /// What policies may choose them by; may be repeated.
        #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = attribute)]
        attributes: Vec<(String, String)>,
        /// The person's everyday user, where this one is for privileged work only.
        #[arg(long, value_name = "USER")]
        identity: Option<UserName>,
    },
    /// Let a vendor in on other terms, or under another sponsor; what is not given stays.
    Vendor {
        /// The sign-in name.
        name: UserName,
        #[command(flatten)]
        terms: TermsIn,
        /// Let them in from any network.
        #[arg(long, conflicts_with = "networks")]
        any_network: bool,
        /// Let them in at any hour.
        #[arg(long, conflicts_with = "hours")]
        any_hour: bool,
    },
    /// Set what policies may choose a user by, all of it; without any, there is nothing.
    Attributes {
        /// The sign-in name.
        name: UserName,
        /// An attribute.
        #[arg(value_name = "NAME=VALUE", value_parser = attribute)]
        attributes: Vec<(String, String)>,
    },
    /// Say whose user for privileged work a user is.
    Identity {
        /// The sign-in name.
        name: UserName,
        /// The person's everyday user; nobody's where it is left out.
        everyday: Option<UserName>,
    },
    /// List users.
    List {
        /// A part of the name or of the address that notices go to.
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// In this scope or below.
        #[arg(long)]
        scope: Option<ScopePath>,
        /// In this state.
        #[arg(long, value_enum)]
        state: Option<State>,
    },
    /// Show one user.
    Show {
        /// The sign-in name.
        name: UserName,
    },
    /// Disable a user: ends their sign-ins, tokens, grants and live sessions, and changes the secrets they know.
    Disable {
        /// The sign-in name.
        name: UserName,
        /// Who answers from now on for the accounts that they answered for.
        #[arg(long, value_name = "USER")]
        heir: Option<UserName>,
    },
    /// List the accounts that a user answers for, and those whose secret they know by a check-out.
    Leaving {
        /// The sign-in name.
        name: UserName,
    },
    /// Let a disabled user act again.
    Enable {
        /// The sign-in name.
        name: UserName,
    },
    /// Issue a new enrolment link, which replaces the password and the second factor when it is used. It works once
    /// somebody else has confirmed it, where there is somebody else.
    Link {
        /// The sign-in name.
        name: UserName,
    },
    /// List enrolment links, and tokens and keys of workloads, that do not work yet.
    Waiting,
    /// Confirm the enrolment link that somebody else has made for a user.
    LinkConfirm {
        /// The sign-in name.
        name: UserName,
    },
    /// End the enrolment link that waits for a user.
    LinkRefuse {
        /// The sign-in name.
        name: UserName,
    },
    /// Set the roles that a user holds directly, all of them; without any they hold none.
    Role {
        /// The sign-in name.
        name: UserName,
        /// A role, as role or role=/scope.
        #[arg(value_name = "ROLE=SCOPE", value_parser = role_in)]
        roles: Vec<RoleIn>,
    },
}

/// The terms of a vendor, as they are typed.
#[derive(clap::Args)]
pub(crate) struct TermsIn {
    /// Who answers for the vendor: somebody who may approve requests.
    #[arg(long, value_name = "USER")]
    sponsor: Option<UserName>,
    /// When the vendor's access ends: 2027-03-31T18:00:00Z, or a period from now such as 30d.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// The company they come from.
    #[arg(long)]
    company: Option<String>,
    /// A network that they come from; may be repeated.
    #[arg(long = "network", value_name = "NETWORK")]
    networks: Vec<IpNet>,
    /// Hours in which they may do anything: `mon,tue,fri 08:00-18:00 Europe/Berlin`; may be repeated.
    #[arg(long = "hours", value_name = "HOURS", value_parser = hours)]
    hours: Vec<Hours>,
}

impl TermsIn {
    fn any(&self) -> bool {
        self.sponsor.is_some()
            || self.until.is_some()
            || self.company.is_some()
            || !self.networks.is_empty()
            || !self.hours.is_empty()
    }

    /// The terms; what was not typed is as `before`.
    fn over(self, before: Option<&Vendor>) -> Result<VendorTerms, Failure> {
        let sponsor = self.sponsor.or_else(|| before.map(|vendor| vendor.sponsor.clone()));
        let until = match &self.until {
            Some(text) => Some(moment(text)?),
            None => before.map(|vendor| vendor.ends_at),
        };
        let (Some(sponsor), Some(ends_at)) = (sponsor, until) else {
            return Err(Failure::usage("give --sponsor and --until: they are no vendor yet"));
        };
        let of = |empty, before: Option<&Vendor>| before.filter(|_| empty).cloned();
        let networks = of(self.networks.is_empty(), before).map_or(self.networks, |vendor| vendor.networks);
        let hours = of(self.hours.is_empty(), before).map_or(self.hours, |vendor| vendor.hours);
        let company = self.company.or_else(|| before.map(|vendor| vendor.company.clone())).unwrap_or_default();
        Ok(VendorTerms { sponsor, company, ends_at, networks, hours })
    }
}

/// An instant, or a period from now.
fn moment(text: &str) -> Result<Timestamp, Failure> {
    if let Ok(period) = text.parse::<Period>() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        return Ok(Timestamp::from_millis(0).after(now).after(period.duration()));
    }
    text.parse().map_err(|_| Failure::usage(format!("--until: `{text}` is no time: write 2027-03-31T18:00:00Z or 30d")))
}

/// Reads `NAME=VALUE`.
fn attribute(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, for example department=payments")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Reads `mon,tue 08:00-18:00 Europe/Berlin`; days and zone may be left out.
fn hours(text: &str) -> Result<Hours, String> {
    let mut hours = Hours {
        days: BTreeSet::new(),
        from: String::new(),
        to: String::new(),
        zone: "UTC".to_owned(),
        except: BTreeSet::new(),
    };
    for word in text.split_whitespace() {
        if let Some((from, to)) = word.split_once('-').filter(|(from, _)| from.contains(':')) {
            (hours.from, hours.to) = (from.to_owned(), to.to_owned());
        } else if hours.from.is_empty() {
            for day in word.split(',') {
                let day: Day = serde_json::from_value(json!(day.to_lowercase()))
                    .map_err(|_| format!("`{day}` is no day: write mon, tue, wed, thu, fri, sat or sun"))?;
                hours.days.insert(day);
            }
        } else {
            hours.zone = word.to_owned();
        }
    }
    hours.check().map_err(|error| error.to_string())?;
    Ok(hours)
}

/// A user's state, as it is typed.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum State {
    /// Has not enrolled yet.
    Invited,
    /// May act.
    Active,
    /// May not act.
    Disabled,
}

/// A role, and the scope if one was typed.
#[derive(Clone)]
pub(crate) struct RoleIn {
    role: postern_domain::RoleName,
    scope: Option<ScopePath>,
}

impl RoleIn {
    /// The assignment; `scope` stands where none was typed.
    pub(crate) fn within(self, scope: &ScopePath) -> RoleAssignment {
        RoleAssignment { role: self.role, scope: self.scope.unwrap_or_else(|| scope.clone()) }
    }
}

/// Reads `role` or `role=/scope`.
pub(crate) fn role_in(text: &str) -> Result<RoleIn, String> {
    let (role, scope) = match text.split_once('=') {
        Some((role, scope)) => (role, Some(scope)),
        None => (text, None),
    };
    Ok(RoleIn {
        role: role.parse().map_err(|error: postern_domain::InvalidName| error.to_string())?,
        scope: scope.map(str::parse).transpose().map_err(|error: postern_domain::InvalidName| error.to_string())?,
    })
}

impl Columns for User {
    const HEADINGS: &'static [&'static str] = &["NAME", "KIND", "STATE", "SCOPE", "GROUPS", "ROLES", "LAST SEEN"];

    fn cells(&self) -> Vec<String> {
        let state = match self.state {
            UserState::Invited => "invited",
            UserState::Active => "active",
            UserState::Disabled => "disabled",
        };
        let kind = match (self.profile.kind, self.vendor(), &self.profile.identity) {
            (UserKind::Workload, ..) => "workload",
            (_, Some(_), _) => "vendor",
            (_, _, Some(_)) => "privileged",
            _ => "person",
        };
        let groups: Vec<_> = self.groups.iter().map(ToString::to_string).collect();
        let roles: Vec<_> = self.roles.iter().map(|held| format!("{}={}", held.role, held.scope)).collect();
        vec![
            self.name.to_string(),
            kind.to_owned(),
            state.to_owned(),
            self.scope.to_string(),
            groups.join(","),
            roles.join(","),
            self.last_seen_at.map_or_else(|| "-".to_owned(), output::time),
        ]
    }
}

impl Columns for WaitingCredential {
    const HEADINGS: &'static [&'static str] = &["WHAT", "USER", "MADE BY", "MADE", "WORKS FROM", "UNTIL"];

    fn cells(&self) -> Vec<String> {
        vec![
            match self.kind {
                CredentialMade::Link => "link".to_owned(),
                CredentialMade::Token => format!("token {} ({})", self.id, self.label),
                CredentialMade::SshKey => format!("key {} ({})", self.id, self.label),
            },
            self.user.to_string(),
            self.made_by.to_string(),
            output::time(self.created_at),
            self.works_from.map_or_else(|| "when confirmed".to_owned(), output::time),
            self.expires_at.map_or_else(|| "-".to_owned(), output::time),
        ]
    }
}

impl UserCommand {
    async fn link(self, client: &Client, format: Format) -> Result<(), Failure> {
        match self {
            Self::Link { name } => {
                let link: LinkIssued = client.post(&format!("/v1/users/{name}/link"), &json!({})).await?;
                if format == Format::Table {
                    print_link(&link)?;
                } else {
                    output::one(format, &link)?;
                }
                if format == Format::Table && link.awaits_confirmation {
                    output::line(&format!("once somebody else has confirmed it: postern user link-confirm {name}"))?;
                }
            }
            Self::Waiting => {
                let waiting: Vec<WaitingCredential> = client.all("/v1/waiting-credentials", &[]).await?;
                output::list(format, &waiting)?;
            }
            Self::LinkConfirm { name } => {
                let link: WaitingCredential =
                    client.post(&format!("/v1/users/{name}/link/confirm"), &json!({})).await?;
                output::list(format, &[link])?;
            }
            Self::LinkRefuse { name } => {
                client.tell(Method::POST, &format!("/v1/users/{name}/link/refuse"), &json!({})).await?;
                output::line(&format!("the link for {name} is ended"))?;
            }
            _ => {}
        }
        Ok(())
    }

    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        match self {
            Self::Create { name, email, groups, roles, scope, workload, vendor, terms, attributes, identity } => {
                if terms.any() && !vendor {
                    return Err(Failure::usage("the terms are for a vendor: say --vendor too"));
                }
                let vendor = if vendor { Some(terms.over(None)?) } else { None };
                let kind = if workload { UserKind::Workload } else { UserKind::Person };
                let attributes = attributes.into_iter().collect();
                let roles = match &scope {
                    Some(scope) => roles.into_iter().map(|role| role.within(scope)).collect(),
                    None => with_own_scope(&client, roles).await?,
                };
                let wish = UserCreate { name, email, scope, groups, roles, kind, attributes, vendor, identity };
                created(&client.post("/v1/users", &wish).await?, format)?;
            }
            Self::Vendor { name, terms, any_network, any_hour } => {
                let before: User = client.get(&format!("/v1/users/{name}")).await?;
                let mut terms = terms.over(before.vendor())?;
                if any_network {
                    terms.networks.clear();
                }
                if any_hour {
                    terms.hours.clear();
                }
                let change = UserChange { vendor: Some(terms), ..UserChange::default() };
                changed(&client, &name, &change, format).await?;
            }
            Self::Attributes { name, attributes } => {
                let attributes = Some(attributes.into_iter().collect());
                changed(&client, &name, &UserChange { attributes, ..UserChange::default() }, format).await?;
            }
            Self::Identity { name, everyday } => {
                let identity = Some(everyday.map(|name| name.to_string()).unwrap_or_default());
                changed(&client, &name, &UserChange { identity, ..UserChange::default() }, format).await?;
            }
            Self::List { search, scope, state } => {
                let state = state.and_then(|state| state.to_possible_value()).map(|value| value.get_name().to_owned());
                let scope = scope.map(|scope| scope.to_string());
                let query = [("q", search), ("scope", scope), ("state", state)];
                let users: Vec<User> = client.all("/v1/users", &query).await?;
                output::list(format, &users)?;
            }
            Self::Show { name } => output::one(format, &client.get::<User>(&format!("/v1/users/{name}")).await?)?,
            Self::Disable { name, heir } => set_state(&client, &name, UserState::Disabled, heir, format).await?,
            Self::Enable { name } => set_state(&client, &name, UserState::Active, None, format).await?,
            Self::Leaving { name } => {
                let leaving: Leaving = client.get(&format!("/v1/users/{name}/leaving")).await?;
                output::one(format, &leaving)?;
            }
            Self::Link { .. } | Self::Waiting | Self::LinkConfirm { .. } | Self::LinkRefuse { .. } => {
                self.link(&client, format).await?;
            }
            Self::Role { name, roles } => {
                let user: User = client.get(&format!("/v1/users/{name}")).await?;
                let roles: Vec<_> = roles.into_iter().map(|role| role.within(&user.scope)).collect();
                let user: User = client.send(Method::PUT, &format!("/v1/users/{name}/roles"), &roles).await?;
                output::list(format, &[user])?;
            }
        }
        Ok(DONE)
    }
}

/// Says who was made, and what they need next.
fn created(made: &UserCreated, format: Format) -> Result<(), Failure> {
    if format != Format::Table {
        output::one(format, made)?;
        return Ok(());
    }
    let name = &made.user.name;
    match &made.link {
        Some(link) => {
            output::line(&format!("user {name} created; they enrol by this link, once:"))?;
            print_link(link)?;
        }
        None => {
            output::line(&format!("workload {name} created; make it a token: postern token create --for {name}"))?;
        }
    }
    Ok(())
}

/// The assignments; where no scope was typed, the caller's own stands, as it does for the user.
async fn with_own_scope(client: &Client, roles: Vec<RoleIn>) -> Result<Vec<RoleAssignment>, Failure> {
    if roles.is_empty() {
        return Ok(Vec::new());
    }
    let me: postern_control::WhoAmI = client.get("/v1/login").await?;
    Ok(roles.into_iter().map(|role| role.within(&me.user.scope)).collect())
}

async fn changed(client: &Client, name: &UserName, change: &UserChange, format: Format) -> Result<(), Failure> {
    let user: User = client.send(Method::PATCH, &format!("/v1/users/{name}"), change).await?;
    output::list(format, &[user])
}

async fn set_state(
    client: &Client,
    name: &UserName,
    state: UserState,
    heir: Option<UserName>,
    format: Format,
) -> Result<(), Failure> {
    let change = UserChange { state: Some(state), heir, ..UserChange::default() };
    let user: User = client.send(Method::PATCH, &format!("/v1/users/{name}"), &change).await?;
    output::list(format, &[user])
}

/// A user as tables name them: with the everyday user, where this is another of the same person.
pub(crate) fn called(user: &UserName, identity: Option<&UserName>) -> String {
    identity.map_or_else(|| user.to_string(), |everyday| format!("{user} ({everyday})"))
}

fn print_link(link: &LinkIssued) -> Result<(), Failure> {
    output::line(&link.url)?;
    if let Some(from) = link.works_from {
        output::line(&format!("it works from {}", output::time(from)))?;
    }
    output::line(&format!("it works until {}", output::time(link.expires_at)))
}
