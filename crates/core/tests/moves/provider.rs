//! Providers: whose server it is, what its administrators may, and how its settings are set.

use flexway_core::assess::provider::{Power, Provider};

#[test]
fn a_list_of_names_is_set_name_by_name() {
    let set = |name: &str, value: &str| Provider::Own.set_parameter(name, value);
    let libraries = "ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', '$libdir/b,c'";
    assert_eq!(set("shared_preload_libraries", "auto_explain, \"$libdir/b,c\""), libraries);
    assert_eq!(set("search_path", ""), "ALTER SYSTEM SET search_path = ''");
    assert_eq!(set("DateStyle", "ISO, DMY"), "ALTER SYSTEM SET DateStyle = 'ISO, DMY'");
}

/// Today's az has no `az postgres server`.
#[test]
fn a_parameter_of_a_single_server_is_set_by_its_request() {
    let told = Provider::AzureSingle.set_parameter("wal_level", "logical");
    let url = "<server-id>/configurations/wal_level?api-version=2017-12-01";
    let body = r#"'{"properties":{"value":"logical","source":"user-override"}}'"#;
    assert_eq!(told, format!("az rest --method put --url \"{url}\" --body {body}"));
}

#[test]
fn services_are_told_by_their_roles() {
    let of = |roles: &[&str]| Provider::of(roles, false);
    assert_eq!(of(&["azure_pg_admin"]), Provider::Azure);
    assert_eq!(of(&["azure_pg_admin", "azure_superuser"]), Provider::AzureSingle);
    assert_eq!(Provider::of(&["azure_pg_admin", "azure_superuser"], true), Provider::Azure);
    assert_eq!(of(&["rds_superuser", "rdsadmin"]), Provider::Rds);
    assert_eq!(of(&["cloudsqlsuperuser", "alloydbsuperuser"]), Provider::AlloyDb);
    assert_eq!(of(&["postgres"]), Provider::Own);
}

#[test]
fn no_service_makes_superusers_and_the_unknown_stays_unknown() {
    for one in [Provider::Azure, Provider::Rds, Provider::CloudSql, Provider::Own] {
        assert_eq!(one.lets_administrators(Power::Superuser), Some(false));
    }
    assert_eq!(Provider::Azure.lets_administrators(Power::BypassRowSecurity), None);
}
