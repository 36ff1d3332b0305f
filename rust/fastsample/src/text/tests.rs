//! Texts of rows against the plain way, for random nested data in every layout.

use std::sync::Arc;

use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, FixedSizeListArray, GenericListArray, GenericListViewArray,
    LargeStringArray, OffsetSizeTrait, RecordBatch, StringArray, StringViewArray, StructArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Fields, Schema};
use proptest::prelude::*;

use super::*;

/// What a column holds.
#[derive(Debug, Clone)]
enum Form {
    Text,
    List(Box<Form>),
    Struct(Vec<Form>),
}

/// A value. One that is not valid has what lies beneath a null.
#[derive(Debug, Clone)]
struct Node {
    valid: bool,
    value: Value,
}

#[derive(Debug, Clone)]
enum Value {
    Text(String),
    List(Vec<Node>),
    Struct(Vec<Node>),
}

fn list(form: Form) -> Form {
    Form::List(Box::new(form))
}

fn forms() -> Vec<Form> {
    let parts = || list(Form::Struct(vec![Form::Text, Form::Text]));
    vec![
        Form::Text,
        list(Form::Text),
        list(list(Form::Text)),
        Form::Struct(vec![Form::Text, Form::Struct(vec![Form::Text])]),
        parts(),
        list(Form::Struct(vec![Form::Text, parts(), list(list(Form::Text))])),
        Form::Struct(vec![parts(), Form::Text]),
    ]
}

fn node(form: &Form) -> BoxedStrategy<Node> {
    let value = match form {
        Form::Text => prop_oneof![Just(""), Just("a"), Just("ab"), Just("b"), Just("你好😀")]
            .prop_map(|text| Value::Text(text.to_owned()))
            .boxed(),
        Form::List(item) => prop::collection::vec(node(item), 0..4).prop_map(Value::List).boxed(),
        Form::Struct(fields) => {
            fields.iter().map(node).collect::<Vec<_>>().prop_map(Value::Struct).boxed()
        }
    };
    (prop::bool::weighted(0.85), value).prop_map(|(valid, value)| Node { valid, value }).boxed()
}

/// The array of some values; `layout` decides how they are laid out, level by level.
fn array(form: &Form, nodes: &[Node], layout: u64) -> ArrayRef {
    let nulls: NullBuffer = nodes.iter().map(|node| node.valid).collect();
    let next = layout / 5;
    match form {
        Form::Text => {
            let texts = nodes.iter().map(|node| match &node.value {
                Value::Text(text) if node.valid => Some(text.as_str()),
                _ => None,
            });
            match layout % 5 {
                0 => Arc::new(texts.collect::<StringArray>()),
                1 => Arc::new(texts.collect::<LargeStringArray>()),
                2 => Arc::new(texts.collect::<StringViewArray>()),
                3 => Arc::new(texts.collect::<DictionaryArray<Int8Type>>()),
                _ => Arc::new(texts.collect::<DictionaryArray<Int32Type>>()),
            }
        }
        Form::List(item) => {
            let lists: Vec<&Vec<Node>> = nodes
                .iter()
                .map(|node| match &node.value {
                    Value::List(items) => items,
                    _ => unreachable!("a list"),
                })
                .collect();
            let items: Vec<Node> = lists.iter().flat_map(|items| items.iter().cloned()).collect();
            let items = array(item, &items, next);
            let field = Arc::new(Field::new("item", items.data_type().clone(), true));
            let lengths: Vec<usize> = lists.iter().map(|items| items.len()).collect();
            let length = lengths.first().copied().unwrap_or(1);
            match layout % 5 {
                0 => list_of::<i32>(field, &lengths, items, nulls),
                1 => list_of::<i64>(field, &lengths, items, nulls),
                2 => view_of::<i32>(field, &lengths, items, nulls),
                3 if length > 0 && lengths.iter().all(|&other| other == length) => {
                    Arc::new(FixedSizeListArray::new(field, length as i32, items, Some(nulls)))
                }
                _ => view_of::<i64>(field, &lengths, items, nulls),
            }
        }
        Form::Struct(forms) => {
            let columns: Vec<ArrayRef> = forms
                .iter()
                .enumerate()
                .map(|(index, form)| {
                    let nodes: Vec<Node> = nodes
                        .iter()
                        .map(|node| match &node.value {
                            Value::Struct(fields) => fields[index].clone(),
                            _ => unreachable!("a struct"),
                        })
                        .collect();
                    array(form, &nodes, next)
                })
                .collect();
            let field = |(index, column): (usize, &ArrayRef)| {
                Field::new(format!("f{index}"), column.data_type().clone(), true)
            };
            let fields: Fields = columns.iter().enumerate().map(field).collect();
            Arc::new(StructArray::new(fields, columns, Some(nulls)))
        }
    }
}

fn list_of<O: OffsetSizeTrait>(
    field: Arc<Field>,
    lengths: &[usize],
    items: ArrayRef,
    nulls: NullBuffer,
) -> ArrayRef {
    let offsets = OffsetBuffer::<O>::from_lengths(lengths.iter().copied());
    Arc::new(GenericListArray::new(field, offsets, items, Some(nulls)))
}

fn view_of<O: OffsetSizeTrait>(
    field: Arc<Field>,
    lengths: &[usize],
    items: ArrayRef,
    nulls: NullBuffer,
) -> ArrayRef {
    let number = |number: usize| O::from_usize(number).expect("small");
    let mut end = 0;
    let mut starts = Vec::new();
    for length in lengths {
        starts.push(number(end));
        end += length;
    }
    let sizes: Vec<O> = lengths.iter().map(|&length| number(length)).collect();
    let (starts, sizes) = (ScalarBuffer::from(starts), ScalarBuffer::from(sizes));
    Arc::new(GenericListViewArray::new(field, starts, sizes, items, Some(nulls)))
}

/// The texts at a path, and how many items there are at each list, level by level.
fn naive(node: &Node, path: &str) -> (Vec<String>, Vec<Vec<usize>>) {
    let mut nodes = vec![Some(node).filter(|node| node.valid)];
    let mut levels = Vec::new();
    let path = path.replace("[]", ".[]");
    for step in path.split('.').skip(1) {
        if step == "[]" {
            let mut counts = Vec::new();
            let mut items = Vec::new();
            for node in nodes {
                let list = match node.map(|node| &node.value) {
                    Some(Value::List(list)) => list.as_slice(),
                    _ => &[],
                };
                counts.push(list.len());
                items.extend(list.iter().map(|item| Some(item).filter(|item| item.valid)));
            }
            nodes = items;
            levels.push(counts);
        } else {
            let index: usize = step[1..].parse().expect("a field");
            let field = |node: Option<&'_ Node>| match &node?.value {
                Value::Struct(fields) => Some(index).filter(|&index| fields[index].valid),
                _ => None,
            };
            nodes = nodes
                .into_iter()
                .map(|node| match (&node?.value, field(node)) {
                    (Value::Struct(fields), Some(index)) => Some(&fields[index]),
                    _ => None,
                })
                .collect();
        }
    }
    let text = |node: Option<&Node>| match node.map(|node| &node.value) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let texts = nodes.into_iter().map(text).collect();
    let plain = levels.iter().all(|counts| counts == &[1]);
    (texts, if plain { Vec::new() } else { levels })
}

fn batch_of(form: &Form, nodes: &[Node], layout: u64, before: usize, after: usize) -> RecordBatch {
    // Rows around those that are meant: slices must not matter.
    let mut all = nodes[..before.min(nodes.len())].to_vec();
    let start = all.len();
    all.extend_from_slice(nodes);
    all.extend_from_slice(&nodes[..after.min(nodes.len())]);
    let column = array(form, &all, layout).slice(start, nodes.len());
    let schema = Schema::new(vec![Field::new("x", column.data_type().clone(), true)]);
    RecordBatch::try_new(Arc::new(schema), vec![column]).expect("one column")
}

fn all_leaves(batch: &RecordBatch) -> (Vec<Leaf>, RowTexts<'_>) {
    let found = leaves(&batch.schema());
    let texts = RowTexts::new(batch, found.iter().map(|leaf| (leaf.steps(), 0))).expect("text");
    (found, texts)
}

fn form_and_rows() -> impl Strategy<Value = (Form, Vec<Node>)> {
    prop::sample::select(forms()).prop_flat_map(|form| {
        let rows = prop::collection::vec(node(&form), 1..12);
        (Just(form), rows)
    })
}

proptest! {
    #[test]
    fn texts_of_nested_rows_are_the_naive_ones(
        (form, rows) in form_and_rows(),
        layouts in prop::array::uniform2(0_u64..3125), around in prop::array::uniform2(0_usize..4)
    ) {
        let batch = batch_of(&form, &rows, layouts[0], around[0], around[1]);
        let other = batch_of(&form, &rows, layouts[1], around[1], 0);
        check_kept(&batch, layouts[0])?;
        check_kept(&other, layouts[1])?;
        let ((leaves, texts), (_, others)) = (all_leaves(&batch), all_leaves(&other));
        let mut plain = Vec::new();
        for (row, node) in rows.iter().enumerate() {
            let found: Vec<_> = leaves.iter().map(|leaf| naive(node, leaf.path())).collect();
            for (leaf, (expected, _)) in found.iter().enumerate() {
                prop_assert_eq!(&texts.of_leaf(leaf, row).collect::<Vec<_>>(), expected);
                prop_assert_eq!(&others.of_leaf(leaf, row).collect::<Vec<_>>(), expected);
                let chars = expected.concat().chars().count();
                prop_assert_eq!(texts.chars_in_row(leaf, row), chars);
            }
            let chars = |(texts, _): &(Vec<String>, _)| texts.concat().chars().count();
            prop_assert_eq!(texts.chars(row), found.iter().map(chars).sum::<usize>());
            prop_assert_eq!(texts.hash(row), others.hash(row));
            plain.push(found);
        }
        for leaf in 0..leaves.len() {
            let chars: usize = (0..rows.len()).map(|row| texts.chars_in_row(leaf, row)).sum();
            prop_assert_eq!(texts.chars_of_leaf(leaf), chars);
        }
        for (a, one) in plain.iter().enumerate() {
            for (b, other) in plain.iter().enumerate() {
                prop_assert_eq!(texts.hash(a) == texts.hash(b), one == other);
            }
        }
    }
}

/// A batch of a column with only some of its leaves has the same texts and hashes.
fn check_kept(batch: &RecordBatch, chosen: u64) -> Result<(), TestCaseError> {
    let mut kept = leaves(&batch.schema());
    let mut index = 0;
    kept.retain(|_| {
        index += 1;
        index == 1 || chosen >> index & 1 == 1
    });
    let text = TextColumns::new(kept, Vec::new());
    let narrow = text.narrow(batch).expect("sound");
    let (few, all) = (text.of(&narrow).expect("text"), text.of_whole(batch).expect("text"));
    for row in 0..batch.num_rows() {
        prop_assert_eq!(few.of_row(row).collect::<Vec<_>>(), all.of_row(row).collect::<Vec<_>>());
        prop_assert_eq!(few.hash(row), all.hash(row));
    }
    prop_assert_eq!(leaves(&narrow.schema()).len(), text.len());
    Ok(())
}

/// The hash of rows of top-level strings is frozen: a split and every golden id depends on it.
#[test]
fn the_hash_of_flat_rows_stands() {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![Some("你好"), None])),
        Arc::new(StringArray::from(vec![Some("hello"), Some("x")])),
    ];
    let fields = ["a", "b"].map(|name| Field::new(name, DataType::Utf8, true));
    let batch =
        RecordBatch::try_new(Arc::new(Schema::new(fields.to_vec())), columns).expect("two columns");
    let found = leaves(&batch.schema());
    let texts = RowTexts::new(&batch, found.iter().map(Leaf::steps).zip(0..)).expect("text");
    let hash = |texts: [&str; 2]| {
        let seed = xxhash_rust::xxh3::xxh3_64_with_seed(texts[0].as_bytes(), 0);
        xxhash_rust::xxh3::xxh3_64_with_seed(texts[1].as_bytes(), seed)
    };
    assert_eq!([texts.hash(0), texts.hash(1)], [hash(["你好", "hello"]), hash(["", "x"])]);
}

#[test]
fn one_item_is_like_none() {
    let form = list(Form::Struct(vec![Form::Text]));
    let text = |text: &str| Node { valid: true, value: Value::Text(text.to_owned()) };
    let turn = |words: &str| Node { valid: true, value: Value::Struct(vec![text(words)]) };
    let row = |turns: Vec<Node>| Node { valid: true, value: Value::List(turns) };
    let rows = [row(vec![turn("ab")]), row(vec![turn("a"), turn("b")]), row(vec![])];
    let batch = batch_of(&form, &rows, 0, 0, 0);
    let (_, texts) = all_leaves(&batch);
    let flat = xxhash_rust::xxh3::xxh3_64_with_seed(b"ab", 0);
    assert_eq!(texts.hash(0), flat);
    assert_ne!(texts.hash(1), flat);
    assert_eq!(texts.of_row(1).collect::<Vec<_>>(), ["a", "b"]);
    assert_ne!(texts.hash(2), 0);
}

#[test]
fn columns_of_nulls_are_empty_text() {
    let column = arrow_array::new_null_array(&DataType::Null, 2);
    let schema = Schema::new(vec![Field::new("x", DataType::Null, true)]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![column]).expect("one column");
    let kind = DataType::new_list(DataType::Utf8, true);
    for (kind, texts) in [(DataType::Utf8, vec![""]), (kind, vec![])] {
        let found = leaves(&Schema::new(vec![Field::new("x", kind, true)]));
        let rows = RowTexts::new(&batch, found.iter().map(Leaf::steps).zip(0..)).expect("text");
        assert_eq!(rows.of_row(1).collect::<Vec<_>>(), texts);
    }
}
