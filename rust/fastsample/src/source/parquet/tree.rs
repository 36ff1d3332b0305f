//! Schema tree of a Parquet footer, built without recursion.

use crate::source::refusal::Refusal;

/// Levels that a schema may have, its root included. Arrow data of more can't be handed on.
const MAX_DEPTH: usize = 60;

/// Bytes that the paths of all leaves may take in memory: each leaf holds the names of all above.
const PATH_BYTES: usize = 128 << 20;

/// What a name in a path takes beside its characters.
const NAME_BYTES: usize = 56;

/// Leaves that a schema may have: each takes about a kilobyte, however short its element is.
const MAX_LEAVES: usize = 200_000;

/// A value of fixed length that is longer than this is refused: nulls take as much as values.
const MAX_FIXED_BYTES: i32 = 16 << 20;

const FIXED_LEN_BYTE_ARRAY: i32 = 7;
const LAST_PHYSICAL: i32 = 7;
const CONVERTED_DECIMAL: i32 = 5;
const MAX_PRECISION: i32 = 76;

/// A `SchemaElement`.
#[derive(Debug, Default)]
pub(super) struct Element<'a> {
    pub(super) name: Option<&'a [u8]>,
    pub(super) physical: Option<i32>,
    pub(super) length: Option<i32>,
    pub(super) children: i32,
    pub(super) converted: Option<i32>,
    pub(super) scale: i32,
    pub(super) precision: Option<i32>,
    /// Scale and precision by the logical type.
    pub(super) logical_decimal: Option<(i32, i32)>,
}

impl Element<'_> {
    fn name(&self) -> String {
        String::from_utf8_lossy(self.name.unwrap_or_default()).into_owned()
    }

    /// Scale and precision, if these are decimals.
    fn decimal(&self) -> Option<(i32, i32)> {
        let converted = self.converted == Some(CONVERTED_DECIMAL);
        self.logical_decimal.or(converted.then_some((self.scale, self.precision.unwrap_or(0))))
    }
}

/// A group whose children are still to come.
struct Open {
    left: usize,
    path_bytes: usize,
}

/// A schema, element by element, in the order of a walk that visits parents first.
pub(super) struct Tree {
    elements: usize,
    open: Vec<Open>,
    seen: usize,
    leaves: Vec<i32>,
    path_bytes: usize,
}

impl Tree {
    /// A tree of so many elements.
    pub(super) fn new(elements: usize) -> Self {
        Self { elements, open: Vec::new(), seen: 0, leaves: Vec::new(), path_bytes: 0 }
    }

    /// Adds the next element.
    pub(super) fn push(&mut self, element: &Element<'_>) -> Result<(), Refusal> {
        let is_root = self.seen == 0;
        self.seen += 1;
        let above = match self.open.last_mut() {
            Some(parent) => {
                parent.left -= 1;
                parent.path_bytes
            }
            None if is_root => 0,
            None => return Err(damaged("the schema has more than one root")),
        };
        let children = usize::try_from(element.children)
            .map_err(|_| damaged(format!("{:?} has fewer than no children", element.name())))?;
        if children > self.elements - self.seen {
            return Err(damaged(format!(
                "{:?} claims {children} children, but the schema has {} elements",
                element.name(),
                self.elements
            )));
        }
        let named = element.name.map_or(0, <[u8]>::len) + NAME_BYTES;
        let path_bytes = if is_root { 0 } else { above + named };
        if children > 0 {
            if self.open.len() >= MAX_DEPTH {
                return Err(Refusal::Unsupported(format!(
                    "columns are nested more than {MAX_DEPTH} levels deep, which is not \
                     supported; write the file with flatter columns"
                )));
            }
            self.open.push(Open { left: children, path_bytes });
        } else if !is_root {
            self.leaf(element, path_bytes)?;
        }
        while self.open.last().is_some_and(|group| group.left == 0) {
            self.open.pop();
        }
        Ok(())
    }

    fn leaf(&mut self, element: &Element<'_>, path_bytes: usize) -> Result<(), Refusal> {
        let name = element.name();
        let Some(physical) = element.physical else {
            return Err(Refusal::Unsupported(format!(
                "column {name:?} is a group without columns, which is not supported; \
                 leave it out and write the file again"
            )));
        };
        if !(0..=LAST_PHYSICAL).contains(&physical) {
            return Err(damaged(format!("column {name:?} has the unknown type {physical}")));
        }
        if physical == FIXED_LEN_BYTE_ARRAY {
            match element.length {
                Some(1..=MAX_FIXED_BYTES) => {}
                Some(length) if length > MAX_FIXED_BYTES => {
                    return Err(Refusal::Unsupported(format!(
                        "values of column {name:?} have {length} bytes each, which is not \
                         supported; write it as a column of variable length"
                    )));
                }
                _ => {
                    return Err(damaged(format!("column {name:?} has values of no length")));
                }
            }
        }
        if let Some((scale, precision)) = element.decimal()
            && !((1..=MAX_PRECISION).contains(&precision) && (0..=precision).contains(&scale))
        {
            return Err(damaged(format!(
                "column {name:?} has decimals of {precision} digits, {scale} of them behind the \
                 point"
            )));
        }
        self.path_bytes += path_bytes;
        if self.path_bytes > PATH_BYTES || self.leaves.len() >= MAX_LEAVES {
            return Err(Refusal::Unsupported(format!(
                "the schema is too large (more than {} columns, with long or nested names), which \
                 is not supported; write fewer columns to a file",
                self.leaves.len()
            )));
        }
        self.leaves.push(physical);
        Ok(())
    }

    /// The physical types of all leaves, once all elements are there.
    pub(super) fn finish(self) -> Result<Vec<i32>, Refusal> {
        if self.seen == 0 || !self.open.is_empty() {
            return Err(damaged("the schema breaks off"));
        }
        Ok(self.leaves)
    }
}

fn damaged(what: impl Into<String>) -> Refusal {
    Refusal::Damaged(what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(children: i32) -> Element<'static> {
        Element { name: Some(b"group"), children, ..Element::default() }
    }

    fn leaf() -> Element<'static> {
        Element { name: Some(b"leaf"), physical: Some(1), ..Element::default() }
    }

    fn build(elements: &[Element<'_>]) -> Result<Vec<i32>, Refusal> {
        let mut tree = Tree::new(elements.len());
        elements.iter().try_for_each(|element| tree.push(element))?;
        tree.finish()
    }

    #[test]
    fn sound_trees_are_built() {
        assert_eq!(build(&[group(2), group(1), leaf(), leaf()]), Ok(vec![1, 1]));
        assert_eq!(build(&[group(0)]), Ok(vec![]));
    }

    #[test]
    fn counts_that_do_not_add_up_are_damage() {
        for elements in [
            vec![],
            vec![group(2), leaf()],
            vec![group(1), group(i32::MAX), leaf()],
            vec![group(-1)],
            vec![group(1), leaf(), leaf()],
        ] {
            assert!(matches!(build(&elements), Err(Refusal::Damaged(_))), "{elements:?}");
        }
    }

    #[test]
    fn depth_width_and_names_are_bounded() {
        let mut deep: Vec<_> = (0..10_000).map(|_| group(1)).collect();
        deep.push(leaf());
        assert!(matches!(build(&deep), Err(Refusal::Unsupported(_))));
        let name = vec![b'x'; 1 << 20];
        let mut named = vec![group(1), Element { name: Some(&name), ..group(1000) }];
        named.extend((0..1000).map(|_| leaf()));
        assert!(matches!(build(&named), Err(Refusal::Unsupported(_))));
    }

    #[test]
    fn decimals_have_digits() {
        let decimal = |precision, scale| Element {
            converted: Some(CONVERTED_DECIMAL),
            precision: Some(precision),
            scale,
            ..leaf()
        };
        assert!(build(&[group(1), decimal(18, 18)]).is_ok());
        for (precision, scale) in [(0, 0), (77, 0), (5, 6), (5, -1)] {
            assert!(build(&[group(1), decimal(precision, scale)]).is_err());
        }
        let logical = Element { logical_decimal: Some((0, 77)), ..leaf() };
        assert!(build(&[group(1), logical]).is_err());
    }
}
