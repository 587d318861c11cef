//! Texts come in the encodings that editors and shells write.

use flexway_core::text::{NoText, decode};

const TEXT: &str = "{\"name\": \"sch\u{f6}n \u{1f600}\"}";

fn written(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

#[test]
fn a_text_is_the_same_in_each_encoding() {
    let marked = format!("\u{feff}{TEXT}");
    for text in [TEXT, &marked] {
        let big = written(text, u16::to_be_bytes);
        for bytes in [text.as_bytes(), &written(text, u16::to_le_bytes), &big] {
            assert_eq!(decode(bytes).as_deref(), Ok(TEXT), "{bytes:?}");
        }
    }
    for short in ["", "{", "\u{feff}"] {
        assert_eq!(decode(short.as_bytes()).as_deref(), Ok(short.trim_matches('\u{feff}')));
    }
}

#[test]
fn broken_text_is_named_with_its_place() {
    let mut bytes = written("\u{feff}{}", u16::to_le_bytes);
    bytes.extend([0x3d, 0xd8, 0x20, 0x00]);
    assert_eq!(decode(&bytes), Err(NoText::LoneSurrogate(6)));
    bytes.truncate(8);
    assert_eq!(decode(&bytes), Err(NoText::LoneSurrogate(6)));
    assert_eq!(decode(&bytes[..7]), Err(NoText::OddLength));
    assert_eq!(decode(b"[\"caf\xe9\"]"), Err(NoText::NotUtf8(5)));
    assert_eq!(decode(&[0xff, 0xfe, 0x7b]), Err(NoText::OddLength));
}
