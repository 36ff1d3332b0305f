use proptest::prelude::*;

use super::description::BLOCK_ROWS;
use super::*;
use crate::smart::extractor::Extractor;
use crate::source::FileVersion;
use crate::text::hash_of as text_hash;

fn about(rows: u64, tables: TableHashes) -> Description {
    let file = FileVersion { name: "a.parquet".into(), bytes: 9, version: "7".into() };
    let text = vec![("prompt".into(), "Utf8".into())];
    Description { subject: Subject { rows, files: vec![file], text }, tables }
}

/// Rows of which some have copies, with numbers in all columns that tables fill.
fn compared(ctx: &Context, rows: usize, tables: TableHashes) -> (Features, Copies) {
    let (mut extractor, mut all) = (Extractor::default(), Features::default());
    for row in 0..rows {
        let text = format!("row {} of the rows", row % 1000);
        extractor.add([text.as_str()].into_iter(), text_hash(&[&text]), false, &mut all);
    }
    let numbers = |is_there: bool| (0..if is_there { rows } else { 0 }).map(|row| row as i16);
    all.commonness = numbers(tables.commonness.is_some()).map(i16::cast_unsigned).collect();
    all.importance = numbers(tables.target.is_some()).collect();
    all.avoided = numbers(tables.avoid.is_some()).map(|row| !row).collect();
    let is_like = tables.target.is_some() || tables.avoid.is_some();
    all.likeness = numbers(is_like).map(|row| row as u8).collect();
    let copies = all.compare(ctx).expect("not cancelled");
    all.exact = Vec::new();
    (all, copies)
}

fn tables(bits: u8) -> TableHashes {
    let hash = |bit: u8| (bits >> bit & 1 == 1).then_some(u64::from(bit) + 5);
    TableHashes { commonness: hash(0), target: hash(1), avoid: hash(2) }
}

fn write_to(ctx: &Context, path: &Path, about: &Description, rows: &Features, copies: &Copies) {
    let set = OutputSet::create(ctx, &[path.to_path_buf()], true, &[]).expect("a folder");
    let mut rows = rows.clone();
    rows.first_equal = copies.firsts(rows.len());
    write(ctx, &set.outputs()[0], about, &rows).expect("written");
    set.commit().expect("written");
}

fn groups(copies: &Copies) -> Vec<Vec<u32>> {
    let mut groups: Vec<Vec<u32>> = copies.groups().map(<[_]>::to_vec).collect();
    groups.sort();
    groups
}

#[test]
fn features_come_back_for_all_tables_that_are_there() {
    let (ctx, folder) = (Context::new(Some(2)), tempfile::tempdir().expect("a folder"));
    let path = folder.path().join("kept");
    // More than a block, and a part of one.
    let rows = BLOCK_ROWS + 1234;
    for there in 0..8 {
        let (features, copies) = compared(&ctx, rows, tables(there));
        write_to(&ctx, &path, &about(rows as u64, tables(there)), &features, &copies);
        let file = FeaturesFile::open(&path).expect("sound");
        for wanted in (0..8).filter(|wanted| wanted & there == *wanted) {
            assert_eq!(lacking(tables(there), tables(wanted)), None);
            let (found, again) = file.read(&ctx, tables(wanted)).expect("sound");
            let mut expected = features.clone();
            expected.keep(FeatureColumns::compared(tables(wanted)));
            let kinds = (tables(wanted).target.is_some(), tables(wanted).avoid.is_some());
            let of_kinds = |like: &mut u8| *like = Likeness(*like).of_kinds(kinds.0, kinds.1).0;
            expected.likeness.iter_mut().for_each(of_kinds);
            assert!(found == expected, "{wanted} of {there}");
            assert_eq!(groups(&again), groups(&copies));
        }
    }
}

#[test]
fn what_is_lacking_is_named() {
    let other = TableHashes { target: Some(99), ..tables(7) };
    assert_eq!(lacking(tables(0), tables(0)), None);
    assert_eq!(lacking(tables(0), tables(1)).as_deref(), Some("commonness"));
    assert_eq!(lacking(tables(7), other).as_deref(), Some("this target"));
    let both = "this target and these rows to avoid";
    assert_eq!(lacking(tables(1), tables(7)).as_deref(), Some(both));
}

#[test]
fn no_damaged_byte_and_no_cut_goes_unseen() {
    let (ctx, folder) = (Context::new(Some(1)), tempfile::tempdir().expect("a folder"));
    let path = folder.path().join("kept");
    let (features, copies) = compared(&ctx, 3, tables(5));
    write_to(&ctx, &path, &about(3, tables(5)), &features, &copies);
    let whole = std::fs::read(&path).expect("written");
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("written");
        FeaturesFile::open(&path).and_then(|file| file.read(&ctx, tables(5)))
    };
    assert!(read(&whole).is_ok());
    for end in 0..whole.len() {
        assert!(read(&whole[..end]).is_err(), "cut at {end}");
    }
    assert!(read(&[&whole[..], &[0]].concat()).is_err(), "one byte more");
    for place in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[place] ^= 1;
        assert!(read(&damaged).is_err(), "byte {place}");
    }
}

#[test]
fn blocks_of_another_place_or_file_are_refused() {
    let (ctx, folder) = (Context::new(Some(1)), tempfile::tempdir().expect("a folder"));
    let path = folder.path().join("kept");
    let rows = 2 * BLOCK_ROWS;
    let (features, copies) = compared(&ctx, rows, tables(0));
    let about = about(rows as u64, tables(0));
    write_to(&ctx, &path, &about, &features, &copies);
    let mut bytes = std::fs::read(&path).expect("written");
    let start = FeaturesFile::open(&path).expect("sound").start as usize;
    let (first, second) = bytes[start..].split_at_mut(about.place_of(0).1);
    first.swap_with_slice(second);
    std::fs::write(&path, &bytes).expect("written");
    let refused = FeaturesFile::open(&path).expect("as long").read(&ctx, tables(0));
    assert!(matches!(refused, Err(Error::Corrupt { .. })));
}

proptest! {
    /// Whoever writes a file by hand gets an error, or features of as many rows.
    #[test]
    fn descriptions_survive_a_journey_and_no_cut(
        rows: u64, names in prop::collection::vec(("[a-z]{0,9}", any::<u64>(), ".{0,9}"), 0..4),
        text in prop::collection::vec((".{0,9}", ".{0,9}"), 0..4), bits in 0_u8..8
    ) {
        let version = |(name, bytes, version)| FileVersion { name, bytes, version };
        let files = names.into_iter().map(version).collect();
        let made = Description { subject: Subject { rows, files, text }, tables: tables(bits) };
        let bytes = made.to_bytes();
        let fields = &bytes[Head::BYTES + 8..bytes.len() - 8];
        prop_assert_eq!(Description::read(fields), Some(made));
        prop_assert!((0..fields.len()).all(|end| Description::read(&fields[..end]).is_none()));
    }
}
