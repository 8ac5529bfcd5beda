//! Every platform, one file each.

use std::collections::BTreeMap;
use std::sync::Arc;

use postern_domain::asset::Platform;

use crate::connector::Connector;
use crate::device::NetworkDevice;
use crate::ldap::Directory;
use crate::mysql::Mysql;
use crate::postgres::Postgres;
use crate::redis::Redis;
use crate::unix::Linux;

/// The connectors, by platform.
#[derive(Clone, Default)]
pub struct Connectors(BTreeMap<Platform, Arc<dyn Connector>>);

impl Connectors {
    /// All that there are.
    #[must_use]
    pub fn all() -> Self {
        let all: [Arc<dyn Connector>; 6] = [
            Arc::new(Linux),
            Arc::new(NetworkDevice),
            Arc::new(Postgres),
            Arc::new(Mysql),
            Arc::new(Redis),
            Arc::new(Directory),
        ];
        all.into_iter().fold(Self::default(), Self::with)
    }

    /// These and another, which takes the place of one for the same platform.
    #[must_use]
    pub fn with(mut self, connector: Arc<dyn Connector>) -> Self {
        self.0.insert(connector.platform(), connector);
        self
    }

    /// The connector for a platform.
    #[must_use]
    pub fn of(&self, platform: Platform) -> Option<&Arc<dyn Connector>> {
        self.0.get(&platform)
    }
}
