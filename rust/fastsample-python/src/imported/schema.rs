//! A schema of the C data interface, walked before it is converted.

use std::ffi::{CStr, CString, c_char};

use arrow_array::ffi::FFI_ArrowSchema;

/// Levels that a schema may have.
pub(super) const MAX_DEPTH: usize = 60;

/// Fails for a schema that does not keep the rules of the interface.
pub(super) fn check_schema(
    schema: &FFI_ArrowSchema,
    name: &str,
    depth: usize,
) -> Result<(), String> {
    const BROKEN: &str = "the producer breaks the Arrow C data interface; hand over pyarrow data";
    if depth > MAX_DEPTH {
        return Err(format!(
            "columns are nested more than {MAX_DEPTH} levels deep, which is not supported; \
             leave {name} out"
        ));
    }
    let format = text(schema.format).ok_or_else(|| format!("{name} has no type: {BROKEN}"))?;
    let format = format.map_err(|()| format!("the type of {name} is not UTF-8: {BROKEN}"))?;
    let own = match text(schema.name) {
        Some(Ok(own)) if !own.is_empty() => format!("column {own:?}"),
        Some(Err(())) => {
            return Err(format!(
                "a column name in {name} is not valid UTF-8; rename the column first"
            ));
        }
        _ => name.to_owned(),
    };
    let children = usize::try_from(schema.n_children).ok();
    let children = children.filter(|&count| count == 0 || !schema.children.is_null());
    let children = children.ok_or_else(|| format!("{own} has no children: {BROKEN}"))?;
    let wanted = match format.as_str() {
        "+l" | "+L" | "+vl" | "+vL" | "+m" => Some(1),
        "+r" => Some(2),
        other if other.starts_with("+w:") => Some(1),
        other => other
            .strip_prefix("+ud:")
            .or_else(|| other.strip_prefix("+us:"))
            .map(|ids| ids.split(',').filter(|id| !id.is_empty()).count()),
    };
    if wanted.is_some_and(|wanted| wanted != children) {
        return Err(format!("{own} has {children} children for its type {format:?}: {BROKEN}"));
    }
    for index in 0..children {
        // SAFETY: a producer hands out as many pointers as it says.
        let child = unsafe { schema.children.add(index).read().as_ref() };
        let child =
            child.ok_or_else(|| format!("child {index} of {own} is not there: {BROKEN}"))?;
        check_schema(child, &own, depth + 1)?;
    }
    // SAFETY: a producer hands out a schema, or none.
    if let Some(dictionary) = unsafe { schema.dictionary.as_ref() } {
        check_schema(dictionary, &own, depth + 1)?;
    }
    check_metadata(schema.metadata)
        .ok_or_else(|| format!("the metadata of {own} is not valid UTF-8; drop it first"))
}

/// A text of the producer; none if it is not there.
fn text(pointer: *const c_char) -> Option<Result<String, ()>> {
    // SAFETY: texts end with a NUL.
    (!pointer.is_null()).then(|| {
        let text: CString = unsafe { CStr::from_ptr(pointer) }.to_owned();
        text.into_string().map_err(|_| ())
    })
}

/// Walks the metadata of a schema: a count, then lengths and texts.
fn check_metadata(pointer: *const c_char) -> Option<()> {
    if pointer.is_null() {
        return Some(());
    }
    let mut at = pointer.cast::<u8>();
    let number = |at: *const u8| {
        // SAFETY: a producer writes as many numbers and bytes as the numbers before them say.
        let bytes = unsafe { at.cast::<[u8; 4]>().read_unaligned() };
        usize::try_from(i32::from_ne_bytes(bytes)).ok()
    };
    let texts = number(at)?.checked_mul(2)?;
    at = at.wrapping_add(4);
    for _ in 0..texts {
        let length = number(at)?;
        // SAFETY: as above.
        let text = unsafe { std::slice::from_raw_parts(at.wrapping_add(4), length) };
        std::str::from_utf8(text).ok()?;
        at = at.wrapping_add(4 + length);
    }
    Some(())
}
