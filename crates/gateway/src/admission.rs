//! How many may knock at once.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many connections there may be.
#[derive(Clone, Debug)]
pub struct AdmissionLimits {
    /// At once, in all.
    pub connections_max: usize,
    /// At once that have not signed in yet, in all.
    pub unauthenticated_max: usize,
    /// At once that have not signed in yet, from one address.
    pub unauthenticated_per_source_max: usize,
}

/// Counts connections. Shared by all of them.
#[derive(Debug)]
pub struct Admission {
    limits: AdmissionLimits,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    connections: usize,
    unauthenticated: usize,
    sources: HashMap<IpAddr, usize>,
}

/// A connection's place. Given back when dropped.
#[derive(Debug)]
pub struct Place {
    admission: Arc<Admission>,
}

/// A place among those who have not signed in yet. Given back when dropped.
#[derive(Debug)]
pub struct Waiting {
    admission: Arc<Admission>,
    source: IpAddr,
}

impl Admission {
    /// Counts under `limits`.
    #[must_use]
    pub fn new(limits: AdmissionLimits) -> Arc<Self> {
        Arc::new(Self { limits, counts: Mutex::default() })
    }

    /// A place for a connection from `source`, or none when a limit is reached.
    #[must_use]
    pub fn admit(self: &Arc<Self>, source: IpAddr) -> Option<(Place, Waiting)> {
        let mut counts = self.lock();
        let from_source = counts.sources.get(&source).copied().unwrap_or(0);
        if counts.connections >= self.limits.connections_max
            || counts.unauthenticated >= self.limits.unauthenticated_max
            || from_source >= self.limits.unauthenticated_per_source_max
        {
            return None;
        }
        counts.connections += 1;
        counts.unauthenticated += 1;
        counts.sources.insert(source, from_source + 1);
        Some((Place { admission: self.clone() }, Waiting { admission: self.clone(), source }))
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        // The counts are changed by single additions; a panic cannot leave them half done.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.admission.lock().connections -= 1;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut counts = self.admission.lock();
        counts.unauthenticated -= 1;
        if let Some(count) = counts.sources.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                counts.sources.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_and_given_back() {
        let limits = AdmissionLimits { connections_max: 4, unauthenticated_max: 3, unauthenticated_per_source_max: 2 };
        let admission = Admission::new(limits);
        let here = IpAddr::from([192, 0, 2, 1]);
        let there = IpAddr::from([192, 0, 2, 2]);
        let first = admission.admit(here).unwrap();
        let second = admission.admit(here).unwrap();
        assert!(admission.admit(here).is_none(), "two from one source");
        let third = admission.admit(there).unwrap();
        assert!(admission.admit(there).is_none(), "three in all");
        drop(first.1);
        let _fourth = admission.admit(here).unwrap();
        drop(second.1);
        assert!(admission.admit(there).is_none(), "four connections");
        drop((first.0, third));
        assert!(admission.admit(there).is_some());
        drop(second.0);
        assert!(admission.lock().sources.len() <= 2);
    }
}
