//! A list is read element by element, in steps of any size.

use std::io::{self, Read};

use flexway_core::estate::{Scanned, scan_list, settle};
use flexway_core::id::ResourceId;
use serde_json::{Value, json};

/// An input that pauses after so many bytes, as a terminal does.
struct Paused<'t> {
    rest: &'t [u8],
    step: usize,
    left: usize,
}

impl Read for Paused<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.left).min(self.rest.len());
        let (now, rest) = self.rest.split_at(count);
        buffer[..count].copy_from_slice(now);
        (self.rest, self.left) = (rest, if count == 0 { self.step } else { self.left - count });
        Ok(count)
    }
}

fn scanned(text: &[u8], step: usize) -> Option<Scanned> {
    let input = Paused { rest: text, step, left: step };
    scan_list("list.json", input, &mut Vec::new()).expect("read")
}

#[test]
fn a_list_is_the_same_in_steps_of_any_size() {
    let id = |name: &str| {
        let group = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";
        ResourceId::parse(&format!("{group}/virtualNetworks/{name}")).expect("an id")
    };
    let first = json!({ "id": id("a"), "properties": { "of": "gr\u{fc}n \u{1f600}" } });
    let last = json!({ "id": id("b"), "properties": { "]": [1, [2]] } });
    let items = [&first.to_string(), "12345", "[1, [2]]", "\"a,]\"", "null", &last.to_string()];
    let whole = |value: Value, pointer: &str| Some((value, pointer.to_owned()));
    for space in ["", " \n"] {
        let text = format!(
            "\u{feff}{space}[{space}{}{space}]{space}",
            items.join(&format!("{space},{space}"))
        );
        for step in 1..=text.len() + 1 {
            let scanned = scanned(text.as_bytes(), step).unwrap_or_else(|| panic!("{step}"));
            let estate = settle(vec![(0, scanned)]).estate;
            let found = |name: &str| {
                let one = estate.resource(&id(name))?;
                Some((one.body.value().into_owned(), one.origin.pointer.clone()))
            };
            assert_eq!(found("a"), whole(first.clone(), "/0"), "{step}");
            assert_eq!(found("b"), whole(last.clone(), "/5"), "{step}");
            assert_eq!(estate.len(), 2, "{step}");
        }
    }
    assert!(scanned(b"[]", 1).is_some());
}

#[test]
fn anything_else_is_no_list() {
    let texts: [&[u8]; 11] = [
        b"",
        b"{}",
        b"[",
        b"[1",
        b"[1,",
        b"[1,]",
        b"[,1]",
        b"[1 2]",
        b"[1] 2",
        b"[\"\xff\"]",
        b"[1] \xe2\x82",
    ];
    for text in texts {
        for step in 1..=text.len() + 1 {
            assert!(scanned(text, step).is_none(), "{text:?} {step}");
        }
    }
}
