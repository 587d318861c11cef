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

#[test]
fn a_pasted_message_is_explained_by_the_word_in_it() {
    let pasted = [
        (
            "Error 603000: Connection failed. Connection to the server old-db was unsuccessful.",
            "603000",
        ),
        ("Migration failed with st008, see the logs", "ST008"),
        ("  (CL003) something", "CL003"),
        ("error[dns/zone-not-linked]: private DNS zone `x` is not linked", "dns/zone-not-linked"),
        ("unreachable (ST008 in Azure's tool): x  [peering/missing]", "peering/missing"),
        ("risk[server/pooler]: it is one", "server/pooler"),
    ];
    for (message, word) in pasted {
        assert!(explain(word).is_ok(), "{word}");
        assert_eq!(explain(message), explain(word), "{message}");
    }
    assert!(explain("error 16030001").is_err());
    assert!(explain("route/none-at-all").is_err());
}
