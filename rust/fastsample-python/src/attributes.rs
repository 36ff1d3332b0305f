//! Python objects as structs: a field an attribute, found by its name.

/// Declares a struct that is extracted from the attributes of a Python object.
///
/// `derive(FromPyObject)` would keep the names for the next time. It makes them at the first call,
/// and lets the GIL go in between; a child that another thread forks at that moment finds a name
/// half made, and waits for ever for whoever makes it.
macro_rules! attributes {
    ($(#[$of_struct:meta])* $visibility:vis struct $name:ident { $($field:ident: $type:ty,)* }) => {
        $(#[$of_struct])*
        $visibility struct $name {
            $($field: $type,)*
        }

        impl<'py> pyo3::FromPyObject<'_, 'py> for $name {
            type Error = pyo3::PyErr;

            fn extract(object: pyo3::Borrowed<'_, 'py, pyo3::PyAny>) -> Result<Self, Self::Error> {
                Ok(Self { $($field: object.getattr(stringify!($field))?.extract()?,)* })
            }
        }
    };
}

pub(crate) use attributes;
