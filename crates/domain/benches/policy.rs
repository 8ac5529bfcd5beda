//! Decisions and `who-can` over 10,000 people, 10,000 accounts and 1,000 policies. Ends in one line and
//! fails where a decision of a hundred takes 50 us or more, or the slowest `who-can` a second or more.

use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::{Duration, Instant};

use postern_domain::account::{Account, AccountState, CredentialKind};
use postern_domain::asset::{Asset, Platform};
use postern_domain::policy::{
    Access, Accounts, Action, Answer, Conditions, Effect, Estate, Holding, Obligations, Policy, Resident, Subjects,
};
use postern_domain::user::{Profile, User, UserState};
use postern_domain::{GroupName, ScopePath, Timestamp};

const PEOPLE: usize = 10_000;
const ACCOUNTS: usize = 10_000;
const POLICIES: usize = 1_000;
const GROUPS: usize = 400;
const DECISIONS: usize = 50_000;
const QUESTIONS: usize = 50;
const DECISION_MAX: Duration = Duration::from_micros(50);
const QUESTION_MAX: Duration = Duration::from_secs(1);
const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 1, 2, 3));
const NOW: Timestamp = Timestamp::from_millis(1_795_003_200_000);
const SCOPES: [&str; 6] = ["/emea", "/emea/prod", "/emea/prod/eu", "/emea/test", "/emea/lab", "/emea/prod/uk"];
const PLATFORMS: [Platform; 3] = [Platform::Linux, Platform::Postgresql, Platform::NetworkDevice];
const ACCOUNT_NAMES: [&str; 4] = ["root", "app", "deploy", "backup"];

/// The same numbers at every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % end
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        let at = self.below(from.len());
        from.get(at).copied()
    }
}

fn named<T: FromStr>(text: impl AsRef<str>) -> Option<T> {
    text.as_ref().parse().ok()
}

fn person(number: usize, numbers: &mut Numbers) -> Option<Resident> {
    let mut groups: Vec<(GroupName, ScopePath)> = Vec::new();
    for _ in 0..5 {
        groups.push((named(format!("group-{}", numbers.below(GROUPS)))?, named("/emea")?));
    }
    let user = User {
        id: named(format!("usr_{number:016}"))?,
        name: named(format!("user-{number}"))?,
        email: None,
        scope: named("/emea")?,
        state: UserState::Active,
        groups: Vec::new(),
        roles: Vec::new(),
        totp: true,
        created_at: NOW,
        last_seen_at: None,
        profile: Profile::default(),
    };
    Some(Resident { user, groups })
}

fn holding(number: usize, numbers: &mut Numbers) -> Option<Holding> {
    let scope: ScopePath = named(numbers.pick(&SCOPES)?)?;
    let labels = [
        ("env".to_owned(), numbers.pick(&["prod", "test", "lab"])?.to_owned()),
        ("tier".to_owned(), format!("tier-{}", numbers.below(20))),
        ("team".to_owned(), format!("team-{}", numbers.below(50))),
    ];
    let asset = Asset {
        id: named(format!("ast_{number:016}"))?,
        name: named(format!("host-{number}"))?,
        scope: scope.clone(),
        platform: numbers.pick(&PLATFORMS)?,
        address: format!("host-{number}:22"),
        labels: labels.into(),
        server_ca: None,
        column_tags: Default::default(),
        created_at: NOW,
    };
    let account = Account {
        id: named(format!("acc_{number:016}"))?,
        name: named(numbers.pick(&ACCOUNT_NAMES)?)?,
        asset: asset.name.clone(),
        scope,
        credential: CredentialKind::SshCertificate,
        owner: None,
        state: AccountState::Managed,
        ready: true,
        created_at: NOW,
        last_used_at: None,
        rotation: Default::default(),
    };
    Some(Holding { account, asset })
}

fn policy(number: usize, numbers: &mut Numbers) -> Option<Policy> {
    let mut subjects = Subjects::default();
    for _ in 0..=numbers.below(3) {
        subjects.groups.insert(named(format!("group-{}", numbers.below(GROUPS)))?);
    }
    subjects.users.insert(named(format!("user-{}", numbers.below(PEOPLE)))?);
    let mut accounts = Accounts::default();
    match numbers.below(4) {
        0 => drop(accounts.labels.insert("tier".to_owned(), format!("tier-{}", numbers.below(20)))),
        1 => drop(accounts.labels.insert("env".to_owned(), "prod".to_owned())),
        2 => accounts.names = [named(numbers.pick(&ACCOUNT_NAMES)?)?].into(),
        _ => accounts.platforms = [numbers.pick(&PLATFORMS)?].into(),
    }
    let conditions = match numbers.below(3) {
        0 => Conditions { networks: vec![named("10.0.0.0/8")?], ..Conditions::default() },
        _ => Conditions::default(),
    };
    Some(Policy {
        id: named(format!("pol_{number:016}"))?,
        name: named(format!("policy-{number}"))?,
        scope: named(numbers.pick(&SCOPES)?)?,
        description: String::new(),
        effect: if numbers.below(25) == 0 { Effect::Deny } else { Effect::Allow },
        subjects,
        accounts,
        conditions,
        access: if numbers.below(10) == 0 { Access::Standing } else { Access::Request },
        obligations: Obligations::default(),
        revision: 1,
    })
}

fn main() -> ExitCode {
    let mut numbers = Numbers(1);
    let people: Vec<_> = (0..PEOPLE).filter_map(|number| person(number, &mut numbers)).collect();
    let holdings: Vec<_> = (0..ACCOUNTS).filter_map(|number| holding(number, &mut numbers)).collect();
    let policies: Vec<_> = (0..POLICIES).filter_map(|number| policy(number, &mut numbers)).collect();
    let estate = Estate::new(&policies);
    let mut decisions = Vec::with_capacity(DECISIONS);
    let mut given = 0;
    for _ in 0..DECISIONS {
        let (who, what) = (numbers.below(PEOPLE), numbers.below(ACCOUNTS));
        let (Some(person), Some(holding)) = (people.get(who), holdings.get(what)) else { continue };
        let user = person.seen_in(&holding.asset.scope);
        let begun = Instant::now();
        let answered = estate.answer(&user, holding, Action::Connect, SOURCE, NOW);
        decisions.push(begun.elapsed());
        given += usize::from(answered.answer != Answer::Refused);
    }
    let mut questions = Vec::with_capacity(QUESTIONS);
    for _ in 0..QUESTIONS {
        let Some(holding) = holdings.get(numbers.below(ACCOUNTS)) else { continue };
        let begun = Instant::now();
        let found = estate.who_can(&people, holding, Action::Connect, SOURCE, NOW);
        questions.push(begun.elapsed());
        given += found.len();
    }
    decisions.sort_unstable();
    questions.sort_unstable();
    let at = |sorted: &[Duration], per_mille: usize| {
        sorted.get((sorted.len() * per_mille / 1_000).min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
    };
    let (typical, slow) = (at(&decisions, 500), at(&decisions, 990));
    let slowest = at(&questions, 1_000);
    println!(
        "people={} accounts={} policies={} given={given} decision_p50_us={:.1} decision_p99_us={:.1} who_can_max_ms={:.1}",
        people.len(),
        holdings.len(),
        policies.len(),
        typical.as_secs_f64() * 1e6,
        slow.as_secs_f64() * 1e6,
        slowest.as_secs_f64() * 1e3,
    );
    let complete = (people.len(), holdings.len(), policies.len()) == (PEOPLE, ACCOUNTS, POLICIES) && given > 0;
    if complete && slow < DECISION_MAX && slowest < QUESTION_MAX { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
