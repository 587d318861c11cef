//! A comparison of a share of the rows.

use flexway_core::migrate::Sample;

#[test]
fn a_sample_is_more_than_nothing_and_less_than_all() {
    let per_million = |text: &str| text.parse::<Sample>().map(Sample::per_million).ok();
    assert_eq!(per_million("1"), Some(10_000));
    assert_eq!(per_million("0.5"), Some(5_000));
    assert_eq!(per_million("0.0001"), Some(1));
    for wrong in ["0", "100", "-1", "nan", "inf", "1%", "", "0.00001", "1e9"] {
        assert_eq!(per_million(wrong), None, "{wrong}");
    }
}
