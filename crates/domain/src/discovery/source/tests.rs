use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn source(networks: &[&str], addresses: &[&str]) -> SourceDocument {
    SourceDocument {
        name: "dc1".parse().unwrap(),
        scope: ScopePath::root(),
        networks: networks.iter().map(|text| text.parse().unwrap()).collect(),
        addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
        ports: usual_ports(),
        rate: 50,
        concurrency: 32,
        every: None,
    }
}

/// Everything that a plan looks at, taken in batches of `max`.
fn walked(plan: &Plan, max: u32) -> Vec<(u16, Host)> {
    let (mut done, mut seen) = (0, Vec::new());
    while let Some(batch) = plan.batch(done, max) {
        let hosts: BTreeSet<_> = batch.hosts.iter().map(|host| format!("{host:?}")).collect();
        assert_eq!(hosts.len(), batch.hosts.len(), "a host stands twice in a batch");
        assert!(batch.next > done, "a batch that does not go on");
        seen.extend(batch.hosts.into_iter().map(|host| (batch.port.port, host)));
        done = batch.next;
    }
    assert_eq!(done, plan.targets());
    seen
}

#[test]
fn a_network_is_its_hosts_and_overlaps_count_once() {
    let source = source(&["10.0.0.0/8"], &["10.1.2.0/30", "10.1.2.2-10.1.2.5", "10.1.2.5", "db.example.com"]);
    assert!(source.faults().is_empty(), "{:?}", source.faults());
    let plan = Plan::of(&source);
    let first: Vec<_> = plan.batch(0, 100).unwrap().hosts;
    let address = |text: &str| Host::Address(text.parse().unwrap());
    let mut wanted: Vec<_> = (1..=5).map(|last| address(&format!("10.1.2.{last}"))).collect();
    wanted.push(Host::Name("db.example.com".to_owned()));
    assert_eq!(first, wanted);
    assert_eq!(plan.targets(), 36);
    assert_eq!(plan.shortest(), Duration::from_secs(1));
}

#[test]
fn what_is_not_within_the_networks_or_too_much_is_told() {
    let fields = |source: &SourceDocument| source.faults().into_iter().map(|(field, _)| field).collect::<Vec<_>>();
    assert_eq!(fields(&source(&["10.0.0.0/8"], &["192.0.2.1"])), ["addresses"]);
    assert_eq!(fields(&source(&["10.0.0.0/8"], &["10.255.255.250-11.0.0.3"])), ["addresses"]);
    assert_eq!(fields(&source(&["10.0.0.0/8"], &["10.0.0.0/8"])), ["addresses"]);
    assert_eq!(fields(&source(&["::/0"], &["::/0"])), ["addresses"]);
    assert_eq!(fields(&source(&["10.0.0.1/8"], &["10.0.0.1"])), ["networks"]);
    assert_eq!(fields(&source(&[], &[])), ["networks", "addresses"]);
    let odd = SourceDocument { rate: 0, concurrency: 0, ports: Vec::new(), ..source(&["10.0.0.0/8"], &["10.0.0.1"]) };
    assert_eq!(fields(&odd), ["ports", "rate", "concurrency"]);
}

#[test]
fn an_address_in_another_spelling_is_the_same_address() {
    let source = source(&["10.0.0.0/8"], &["10.0.0.1"]);
    assert!(source.allows("::ffff:10.2.3.4".parse().unwrap()));
    assert!(!source.allows("::ffff:127.0.0.1".parse().unwrap()));
    assert!(!source.allows("11.0.0.1".parse().unwrap()));
}

#[test]
fn mistyped_addresses_are_no_names() {
    for text in ["10.0.0.300", "10.0.0.5-10.0.0.1", "10.0.0.1/24", "10.0.0.1-::1", "", "a b", "-x", "10.0.0.1:22"] {
        assert!(text.parse::<Addresses>().is_err(), "{text}");
    }
    for text in ["10.1.2.0/24", "10.1.3.5-10.1.3.99", "10.1.2.3", "web-7.example.com", "2001:db8::/112"] {
        assert_eq!(text.parse::<Addresses>().unwrap().to_string(), text);
    }
}

proptest! {
    #[test]
    fn everything_is_looked_at_once_and_nothing_else(
        ranges in prop::collection::vec((0_u32..2000, 0_u32..60), 1..6),
        max in 1_u32..300,
        cut in 0_u32..1000,
    ) {
        let base = u32::from(std::net::Ipv4Addr::new(10, 1, 0, 0));
        let text = |number| std::net::Ipv4Addr::from(base + number).to_string();
        let declared: Vec<_> = ranges.iter().map(|(at, more)| format!("{}-{}", text(*at), text(at + more))).collect();
        let source = source(&["10.0.0.0/8"], &declared.iter().map(String::as_str).collect::<Vec<_>>());
        let wanted: BTreeSet<_> = ranges.iter().flat_map(|(at, more)| *at..=at + more).map(text).collect();
        let plan = Plan::of(&source);
        let seen = walked(&plan, max);
        prop_assert_eq!(seen.len(), wanted.len() * source.ports.len());
        for hint in &source.ports {
            let at_port: BTreeSet<_> = seen
                .iter()
                .filter(|(port, _)| *port == hint.port)
                .map(|(_, host)| match host {
                    Host::Address(address) => address.to_string(),
                    Host::Name(name) => name.clone(),
                })
                .collect();
            prop_assert_eq!(&at_port, &wanted);
        }
        // A run that begins again in the middle sees what was left, in the same order.
        let cut = cut.min(plan.targets());
        let mut rest = Vec::new();
        let mut done = cut;
        while let Some(batch) = plan.batch(done, max) {
            rest.extend(batch.hosts.into_iter().map(|host| (batch.port.port, host)));
            done = batch.next;
        }
        prop_assert_eq!(rest.as_slice(), &seen[usize::try_from(cut).unwrap()..]);
    }

    #[test]
    fn no_text_panics(text in "(?s).{0,40}|[0-9./:-]{0,40}") {
        if let Ok(addresses) = text.parse::<Addresses>() {
            prop_assert_eq!(addresses.to_string().parse::<Addresses>().unwrap(), addresses);
        }
    }

    #[test]
    fn what_is_planned_is_allowed(prefix in 8_u8..=32, at in any::<u32>()) {
        let network = ipnet::Ipv4Net::new(at.into(), prefix).unwrap().trunc();
        let source = source(&["10.0.0.0/8"], &[&network.to_string()]);
        if source.faults().is_empty() {
            for host in Plan::of(&source).batch(0, 300).unwrap().hosts {
                let Host::Address(address) = host else { panic!("a name") };
                prop_assert!(source.allows(address));
            }
        }
    }
}
