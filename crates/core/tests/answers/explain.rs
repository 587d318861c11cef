//! Pages are found by the names that people type.

use flexway_core::explain::explain;

#[test]
fn the_area_of_a_fault_may_be_left_out() {
    assert_eq!(explain("zone-not-linked"), explain("dns/zone-not-linked"));
    assert!(explain("zone-not-linked").is_ok());
    // No part of `default` is the word `fault`.
    assert_eq!(explain("nosuch/fault"), Err(Vec::new()));
    assert!(explain("dns/zone-linked").is_err_and(|near| near[0] == "dns/zone-not-linked"));
}
