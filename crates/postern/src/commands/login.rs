//! `postern login`, `logout` and `whoami`.

use std::path::PathBuf;

use clap::Args;
use postern_control::{SignedIn, WhoAmI};
use postern_domain::user::Login as LoginView;
use postern_domain::{SecretText, UserName};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, Profile};
use crate::exit::{DONE, Failure};
use crate::output::{self, Format};
use crate::terminal;

/// Sign in. Without --server and --user: prove a second factor again in the sign-in that is kept.
#[derive(Args)]
pub(crate) struct Login {
    /// The server, for example https://gate.example.net:8443; the last one used unless given.
    #[arg(long)]
    server: Option<String>,
    /// The file with the certificate authority that signed the server's certificate, PEM; the system's
    /// authorities unless given.
    #[arg(long)]
    ca: Option<PathBuf>,
    /// Who.
    #[arg(long)]
    user: Option<UserName>,
    /// Read the password from standard input instead of asking for it.
    #[arg(long)]
    password_stdin: bool,
    /// The one-time code of your generator, or a recovery code; asked for where there is a terminal.
    #[arg(long)]
    otp: Option<String>,
}

/// Sign out.
#[derive(Args)]
pub(crate) struct Logout {
    /// In all browsers and on all machines.
    #[arg(long)]
    everywhere: bool,
}

/// Show who is signed in and what they may do.
#[derive(Args)]
pub(crate) struct WhoAmICommand {}

impl Login {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let Some(user) = self.user else {
            if self.server.is_some() || self.password_stdin {
                return Err(Failure::usage("say who signs in: --user NAME"));
            }
            return step_up(self.otp, format).await;
        };
        let kept = Profile::load().ok();
        let server = match (self.server, &kept) {
            (Some(server), _) => server,
            (None, Some(kept)) => kept.server.clone(),
            (None, None) => return Err(Failure::usage("say where: --server https://HOST:PORT")),
        };
        let ca = match self.ca {
            Some(path) => Some(
                std::fs::read_to_string(&path)
                    .map_err(|error| Failure::usage(format!("--ca {}: cannot be read: {error}", path.display())))?,
            ),
            None => kept.filter(|kept| kept.server == server).and_then(|kept| kept.ca),
        };
        let password = terminal::password(self.password_stdin, &format!("Password of {user}"))?;
        let client = Client::new(&server, ca.as_deref(), None)?;
        let signed_in = sign_in(&client, &user, &password, self.otp).await?;
        let token = signed_in.token.clone().unwrap_or_default();
        Profile { server, ca, token, user: user.to_string() }.store()?;
        // The token stays in the profile: what is printed may end in a log.
        let shown = SignedIn { token: None, ..signed_in };
        if format != Format::Table {
            output::one(format, &shown)?;
            return Ok(DONE);
        }
        output::line(&format!("signed in as {user} until {}", output::time(shown.login.expires_at)))?;
        Ok(DONE)
    }
}

/// Signs in; asks for a code when one is needed and was not given.
async fn sign_in(
    client: &Client,
    user: &UserName,
    password: &SecretText,
    otp: Option<String>,
) -> Result<SignedIn, Failure> {
    let client_name = format!("postern-cli on {}", host_name());
    let body = |code: Option<String>| -> Value {
        json!({ "user": user, "password": password.expose(), "code": code, "client": client_name })
    };
    let given = otp.is_some();
    match client.post("/v1/login", &body(otp)).await {
        Err(Failure::Problem(problem)) if problem.code == "code_required" && !given => {
            match terminal::code("One-time code")? {
                Some(code) => client.post("/v1/login", &body(Some(code))).await,
                None => Err(Failure::Problem(problem)),
            }
        }
        answer => answer,
    }
}

async fn step_up(otp: Option<String>, format: Format) -> Result<u8, Failure> {
    let client = Client::signed_in()?;
    let code = match otp {
        Some(code) => Some(code),
        None => terminal::code("One-time code")?,
    };
    let code = code.ok_or_else(|| Failure::usage("give the one-time code: --otp CODE"))?;
    let login: LoginView = client.post("/v1/login/factor", &json!({ "code": code })).await?;
    if format == Format::Table {
        output::line("second factor proved")?;
    } else {
        output::one(format, &login)?;
    }
    Ok(DONE)
}

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().to_owned())
        .unwrap_or_else(|_| "this machine".to_owned())
}

impl Logout {
    pub(crate) async fn run(self, _: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        let path = if self.everywhere { "/v1/logins" } else { "/v1/login" };
        let ended = client.tell(Method::DELETE, path, &json!({})).await;
        // A token that the server no longer takes is of no use here either.
        match ended {
            Err(Failure::Problem(problem)) if problem.code == "unauthenticated" => {}
            Err(failure) => return Err(failure),
            Ok(()) => {}
        }
        Profile::forget()?;
        output::line("signed out")?;
        Ok(DONE)
    }
}

impl WhoAmICommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let me: WhoAmI = Client::signed_in()?.get("/v1/login").await?;
        if format != Format::Table {
            output::one(format, &me)?;
            return Ok(DONE);
        }
        output::line(&format!("user    {}", me.user.name))?;
        output::line(&format!("scope   {}", me.user.scope))?;
        let groups: Vec<_> = me.user.groups.iter().map(ToString::to_string).collect();
        output::line(&format!("groups  {}", if groups.is_empty() { "-".to_owned() } else { groups.join(", ") }))?;
        let roles: Vec<_> = me.user.roles.iter().map(|held| format!("{} in {}", held.role, held.scope)).collect();
        output::line(&format!("roles   {}", if roles.is_empty() { "user".to_owned() } else { roles.join(", ") }))?;
        if let Some(login) = &me.login {
            output::line(&format!("until   {}", output::time(login.expires_at)))?;
            output::line(&format!("factor  {}", login.mfa_at.map_or_else(|| "-".to_owned(), output::time)))?;
        }
        Ok(DONE)
    }
}
