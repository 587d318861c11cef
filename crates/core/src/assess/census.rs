//! Questions about a database whose answers are lists of things.

/// One thing that a question about a database found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object {
    /// Quoted where that is needed, with its schema.
    pub name: String,
    /// What more is to be said: a type, a role, a kind.
    pub detail: String,
    /// A statement about it, where only the server can spell it; else empty.
    pub sql: String,
}

macro_rules! census {
    ($($(#[$doc:meta])* $name:ident = $words:literal;)*) => {
        /// Questions about a database whose answer is a list of things.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Census { $($(#[$doc])* $name,)* }

        impl Census {
            /// All questions.
            pub const ALL: &[Census] = &[$(Census::$name),*];

            /// What is listed, for a message.
            pub fn words(self) -> &'static str {
                match self { $(Census::$name => $words,)* }
            }
        }
    };
}

census! {
    /// Tables whose rows have an oid beside their columns.
    Oids = "tables with oids";
    /// Columns of `reg*` types; detail: the type.
    RegTypes = "columns that hold object ids";
    /// Columns and domains of built-in types; detail: the type.
    BuiltInTypes = "built-in types in use";
    /// Settings that name a tablespace; name: whose, detail: the setting, sql: the tablespace.
    TablespaceSettings = "settings that name a tablespace";
    /// Settings of the database that the target does not know; name: whose, detail: the setting.
    LostSettings = "settings that the target does not know";
    /// Settings of functions that the target's login may not give; detail: the setting.
    ForbiddenToFunctions = "settings of functions that the login may not give";
    /// Settings of the database that the target's login may not give; name: whose, detail: the setting.
    ForbiddenToDatabase = "settings of the database that the login may not give";
    /// What the target's version does not take any more; detail: the kind, sql: the removal.
    Unknown = "things that newer versions do not take";
    /// Things made with what the target lacks of PostgreSQL's own; detail: what that is, sql: the removal.
    Removed = "things made with what newer versions lack";
    /// Functions whose text names what newer versions lack; detail: what.
    Bodies = "bodies of functions";
    /// Functions in C and internal ones whose code the target lacks; detail: what it says, sql: the removal.
    Code = "functions whose code the target lacks";
    /// What calls functions that find what they call by `search_path`; detail: the function, sql: what gives it one.
    PathDependent = "functions that depend on search_path";
    /// Roles of the source's service with rights on things of users, that the target lacks; detail: how many things.
    ServiceGrants = "rights of the service's roles";
    /// Things of users in schemas of the system; detail: what needs it, sql: what takes it out of there.
    SystemSchemas = "things in schemas of the system";
    /// What holds xml that the target cannot read; sql: what mends.
    Xml = "xml that the target does not read";
    /// Columns that ask for a compression which the target's server lacks; detail: its name, sql: what takes that away.
    Compressions = "compression of columns";
    /// Casts of users.
    Casts = "casts";
    /// Languages that no extension brought; detail: the handler, where that is carried too; sql: what takes one away.
    Languages = "languages";
    /// Collations of users; detail: `libc` or `icu`.
    Collations = "collations of users";
    /// Built-in collations that columns name; detail: a column.
    UsedCollations = "collations of columns";
    /// Collations whose version is not the system's any more; detail: both versions.
    CollationVersions = "versions of collations";
    /// Things that only a superuser may create; detail: the kind.
    SuperuserOnly = "things that only superusers create";
    /// Things that the login may not read; detail: the kind, sql: the grant.
    Unreadable = "things that the login may read";
    /// Tables whose policies hide rows from the login; sql: what frees an owner whom they bind too.
    RowSecurity = "tables with row security";
    /// Tables whose policies bind their owner too; sql: what frees the owner.
    ForcedSecurity = "tables whose row security binds the owner";
    /// Unlogged tables, sequences and materialized views.
    Unlogged = "unlogged tables";
    /// Tables without a replica identity; sql: what gives them one.
    NoIdentity = "tables without a replica identity";
    /// Event triggers; detail: the event that they fire on, unless they are disabled.
    EventTriggers = "event triggers";
    /// Tablespaces in which something of the database lies.
    Tablespaces = "tablespaces in use";
    /// Foreign servers; detail: their wrapper and host.
    ForeignServers = "foreign servers";
    /// Subscriptions.
    Subscriptions = "subscriptions";
    /// Logical replication slots; detail: their plug-in.
    Slots = "replication slots";
    /// Publications of all tables, or of all in a schema.
    WidePublications = "publications of all tables";
    /// Grants on system catalogs to users, and what PUBLIC gained or lost there; detail: the role, sql: what takes it back.
    CatalogGrants = "grants on system catalogs";
    /// Owners of objects; name: the role.
    Owners = "owners";
    /// Security labels; detail: the provider.
    SecurityLabels = "security labels";
    /// Tables of extensions that hold rows and are no configuration of theirs; detail: the extension, sql: takes it out of that.
    MemberTables = "tables of extensions";
    /// Indexes that are not valid.
    InvalidIndexes = "indexes that are not valid";
}
