//! Every platform, one file each.

use std::collections::BTreeMap;
use std::sync::Arc;

use postern_domain::asset::Platform;

use crate::connector::Connector;
use crate::unix::Linux;

/// The connectors, by platform.
#[derive(Clone, Default)]
pub struct Connectors(BTreeMap<Platform, Arc<dyn Connector>>);

impl Connectors {
    /// All that there are.
    #[must_use]
    pub fn all() -> Self {
        Self::default().with(Arc::new(Linux))
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
