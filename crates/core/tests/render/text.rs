//! Words in pictures are measured, broken and shortened so that none runs out of its place.

// What no picture shows by itself: how its words are laid out.
#[allow(dead_code, reason = "pictures need all of it")]
#[path = "../../src/render/svg/text.rs"]
mod own;

use own::{Run, escaped, fit, shortened, width, wrap};

const SENTENCE: &str = "rule `AllowVnetOutBound` (priority 65000) of \
    `nsg-with-a-long-name.of_parts` lets `日本語の名前` pass";

fn plain(lines: &[Vec<Run>]) -> Vec<String> {
    lines.iter().map(|line| line.iter().map(|run| run.text.as_str()).collect()).collect()
}

#[test]
fn no_line_is_wider_than_its_place_and_no_letter_is_lost() {
    for place in [20.0, 60.0, 90.0, 150.0, 400.0, 2000.0] {
        let lines = wrap(SENTENCE, 12.0, place, usize::MAX);
        for line in &lines {
            let own: f64 = line.iter().map(|run| width(&run.text, 12.0, run.is_strong)).sum();
            assert!(own <= place, "{own} in {place}: {line:?}");
        }
        let kept: String = plain(&lines).concat().replace(' ', "");
        assert_eq!(kept, SENTENCE.replace([' ', '`'], ""));
    }
}

#[test]
fn what_does_not_fit_ends_with_an_ellipsis() {
    let lines = plain(&wrap(SENTENCE, 12.0, 90.0, 2));
    assert_eq!(lines.len(), 2);
    assert!(lines[1].ends_with('…'), "{lines:?}");
    assert_eq!(plain(&wrap("short", 12.0, 90.0, 2)), ["short"]);
    assert_eq!(shortened("of `a-name-with-many-parts` here", 12), "of `a-name…rts` here");
}

#[test]
fn names_are_whole_where_there_is_room_and_keep_both_ends_elsewhere() {
    let text = "network `vnet-contoso-orders-prod-weu-001` 10.41.0.0/20";
    assert_eq!(
        plain(&fit(text, 12.0, 240.0, 3)).concat().replace(' ', ""),
        text.replace([' ', '`'], "")
    );
    let tight = plain(&fit(text, 12.0, 200.0, 2));
    assert_eq!(tight.len(), 2, "{tight:?}");
    assert!(tight.concat().contains("…") && tight[1].ends_with("10.41.0.0/20"), "{tight:?}");
}

#[test]
fn words_break_at_their_joints() {
    let lines = plain(&wrap("old-db.postgres.database.azure.com", 12.0, 110.0, 9));
    assert_eq!(lines, ["old-db.postgres.", "database.azure.", "com"]);
    let lines = plain(&wrap("AllowVnetOutBound", 12.0, 80.0, 9));
    assert_eq!(lines, ["AllowVnet", "OutBound"]);
}

#[test]
fn nothing_of_a_text_is_taken_for_xml() {
    assert_eq!(escaped("a<b>&\"c\"\u{7}`d`\n"), "a&lt;b&gt;&amp;&quot;c&quot; d ");
}
